/* SPDX-License-Identifier: MIT */
#include "manager.h"

#include "presenced/clock.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#define BEAT "WATCHDOG=1"
#define BEATS_ON_THEIR_WAY 2

struct manager {
    int fd;
    char message[4096];
};

struct manager *manager_new(struct sandbox *sandbox)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct manager *manager = calloc(1, sizeof(*manager));
    ck_assert_ptr_nonnull(manager);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", sandbox_path(sandbox));
    manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(manager->fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return manager;
}

void manager_free(struct manager *manager)
{
    (void)close(manager->fd);
    free(manager);
}

/* Whether there was one. */
static bool take(struct manager *manager, uint64_t timeout_ms)
{
    struct pollfd fd = {.fd = manager->fd, .events = POLLIN};
    if (poll(&fd, 1, (int)timeout_ms) <= 0) {
        return false;
    }
    ssize_t n = recv(manager->fd, manager->message, sizeof(manager->message) - 1, 0);
    ck_assert_int_ge(n, 0);
    manager->message[n] = '\0';
    return true;
}

static bool is_beat(const struct manager *manager)
{
    return strcmp(manager->message, BEAT) == 0;
}

const char *manager_next(struct manager *manager)
{
    do {
        ck_assert_msg(take(manager, HARNESS_DEADLINE_MS), "no message");
    } while (is_beat(manager));
    return manager->message;
}

void manager_await(struct manager *manager, const char *message)
{
    while (strcmp(manager_next(manager), message) != 0) {}
}

void manager_await_beats(struct manager *manager, unsigned n)
{
    while (take(manager, 0)) {}
    while (n > 0) {
        ck_assert_msg(take(manager, HARNESS_DEADLINE_MS), "no beat");
        n -= is_beat(manager);
    }
}

void manager_expect_silence(struct manager *manager, uint64_t silence_ms)
{
    unsigned n = 0;
    while (take(manager, 0)) {}
    while (take(manager, silence_ms)) {
        n += is_beat(manager);
        ck_assert_uint_le(n, BEATS_ON_THEIR_WAY);
    }
}
