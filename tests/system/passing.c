/* SPDX-License-Identifier: MIT */
#include "passing.h"

#include <arpa/inet.h>
#include <sys/socket.h>

void pass_command_init(struct pass_command *command, const struct passing *passing)
{
    struct buf script = {0};
    buf_append(&script, STR("exec"));
    for (size_t i = 0; i < passing->n; i++) {
        buf_appendf(&script, " %zu<&%d", 13 + i, passing->fds[i]);
    }
    for (size_t i = 0; i < passing->n; i++) {
        buf_appendf(&script, "; exec %zu<&%zu %zu<&-", 3 + i, 13 + i, 13 + i);
    }
    buf_appendf(&script, "; LISTEN_PID=$$ LISTEN_FDS=%zu LISTEN_FDNAMES=%s exec \"$@\"", passing->n,
                passing->names);
    (void)snprintf(command->script, sizeof(command->script), "%s", buf_text(&script));
    buf_fini(&script);
    memcpy(command->words, (const char *const[]){"bash", "-c", command->script, "bash", NULL},
           sizeof(command->words));
}

struct victim *passing_spawn(struct sandbox *sandbox, const char *config, const struct passing *passing)
{
    struct pass_command command;
    pass_command_init(&command, passing);
    return victim_spawn(sandbox, &(struct victim_config){config, command.words});
}

struct victim *passing_start(struct sandbox *sandbox, const char *config, const struct passing *passing)
{
    struct victim *victim = passing_spawn(sandbox, config, passing);
    victim_await_ready(victim);
    return victim;
}

int passing_socket(void)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&sin, sizeof(sin)), 0);
    ck_assert_int_eq(listen(fd, 128), 0);
    return fd;
}

uint16_t passing_port(int fd)
{
    struct sockaddr_in sin;
    socklen_t len = sizeof(sin);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
    return ntohs(sin.sin_port);
}
