/* SPDX-License-Identifier: MIT */
#include "primary.h"

#include "layout.h"

#include <errno.h>
#include <stdio.h>

#define SENTINEL_TIMEOUT_MS 500
#define N_ARGUMENTS(arguments) (sizeof(arguments) / sizeof((arguments)[0]))

static int receive(struct link *link, struct link_reply **ret_reply, struct failure *ret_failure)
{
    cleanup(link_reply_freep) struct link_reply *reply = NULL;
    int r = link_receive(link, &reply);
    if (r < 0) {
        return failure_of_call(r, ret_failure);
    }
    if (link_reply_is_error(reply)) {
        return failure_of_reply(reply, ret_failure);
    }
    *ret_reply = take_pointer(reply);
    return 0;
}

static int call(struct link *link, const struct str *arguments, size_t n, struct link_reply **ret_reply,
                struct failure *ret_failure)
{
    int r = link_append(link, arguments, n);
    return r < 0 ? failure_of_call(r, ret_failure) : receive(link, ret_reply, ret_failure);
}

int primary_call(struct primary *primary, const struct str *arguments, size_t n,
                 struct link_reply **ret_reply, struct failure *ret_failure)
{
    return call(primary->writer, arguments, n, ret_reply, ret_failure);
}

int primary_receive(struct primary *primary, struct link_reply **ret_reply, struct failure *ret_failure)
{
    return receive(primary->writer, ret_reply, ret_failure);
}

static int open_link(const struct link_address *address, uint64_t timeout_ms, struct link **ret_link,
                     struct failure *ret_failure)
{
    char detail[LINK_PROBLEM_SIZE];
    int r = link_open(address, timeout_ms, ret_link, detail);
    if (r < 0) {
        (void)failure_of_call(r, ret_failure);
        (void)snprintf(ret_failure->detail, sizeof(ret_failure->detail), "%s", detail);
    }
    return r;
}

static int authenticate(const struct primary_config *config, struct link *link, struct failure *ret_failure)
{
    cleanup(link_reply_freep) struct link_reply *reply = NULL;
    const struct str with_user[] = {STR("AUTH"), config->user, config->password};
    const struct str without[] = {STR("AUTH"), config->password};
    return config->user.len > 0 ? call(link, with_user, N_ARGUMENTS(with_user), &reply, ret_failure)
                                : call(link, without, N_ARGUMENTS(without), &reply, ret_failure);
}

static int select_database(unsigned database, struct link *link, struct failure *ret_failure)
{
    cleanup(link_reply_freep) struct link_reply *reply = NULL;
    char number[16];
    (void)snprintf(number, sizeof(number), "%u", database);
    const struct str arguments[] = {STR("SELECT"), str_from(number)};
    return call(link, arguments, N_ARGUMENTS(arguments), &reply, ret_failure);
}

/* Sets the name shown by CLIENT LIST. A refusal is ignored. */
static int set_name(const char *node, struct link *link, struct failure *ret_failure)
{
    cleanup(link_reply_freep) struct link_reply *reply = NULL;
    char name[96];
    (void)snprintf(name, sizeof(name), "presenced:%s", node);
    const struct str arguments[] = {STR("CLIENT"), STR("SETNAME"), str_from(name)};
    int r = link_append(link, arguments, N_ARGUMENTS(arguments));
    if (r == 0) {
        r = link_receive(link, &reply);
    }
    return r < 0 ? failure_of_call(r, ret_failure) : 0;
}

static int connect_one(const struct primary_config *config, const struct link_address *address,
                       struct link **ret_link, struct failure *ret_failure)
{
    cleanup(link_closep) struct link *link = NULL;
    int r = open_link(address, PRIMARY_TIMEOUT_MS, &link, ret_failure);
    if (r < 0) {
        return r;
    }
    if (config->password.len > 0) {
        r = authenticate(config, link, ret_failure);
        if (r < 0) {
            return r;
        }
    }
    if (config->url->database != 0) {
        r = select_database(config->url->database, link, ret_failure);
        if (r < 0) {
            return r;
        }
    }
    r = set_name(config->node, link, ret_failure);
    if (r < 0) {
        return r;
    }
    *ret_link = take_pointer(link);
    return 0;
}

/* Returns the value of a line "name:value" of INFO, or "". */
static struct str info_value(struct str info, struct str name)
{
    struct str line;
    while (str_split(&info, '\n', &line)) {
        if (str_starts_with(line, name) && line.len > name.len && line.ptr[name.len] == ':') {
            struct str value = {line.ptr + name.len + 1, line.len - name.len - 1};
            value.len -= value.len > 0 && value.ptr[value.len - 1] == '\r';
            return value;
        }
    }
    return STR("");
}

static void copy_id(struct str id, char ret_id[static PRIMARY_ID_SIZE])
{
    (void)snprintf(ret_id, PRIMARY_ID_SIZE, "%.*s", STR_FMT(id));
}

/* Policies called volatile-… evict only keys that expire, which ours do not. */
static bool evicts(struct str info)
{
    return str_starts_with(info_value(info, STR("maxmemory_policy")), STR("allkeys-"));
}

static int read_info(struct link *link, char ret_run_id[static PRIMARY_ID_SIZE], struct primary *primary,
                     struct failure *ret_failure)
{
    cleanup(link_reply_freep) struct link_reply *reply = NULL;
    const struct str arguments[] = {STR("INFO")};
    int r = call(link, arguments, N_ARGUMENTS(arguments), &reply, ret_failure);
    if (r < 0) {
        return r;
    }
    struct str info = link_reply_text(reply);
    copy_id(info_value(info, STR("run_id")), ret_run_id);
    copy_id(info_value(info, STR("master_replid")), primary->replication_id);
    primary->evicts = evicts(info);
    return 0;
}

int primary_look_at_memory(struct primary *primary, struct failure *ret_failure)
{
    cleanup(link_reply_freep) struct link_reply *reply = NULL;
    const struct str arguments[] = {STR("INFO"), STR("memory")};
    int r = primary_call(primary, arguments, N_ARGUMENTS(arguments), &reply, ret_failure);
    if (r == 0) {
        primary->evicts = evicts(link_reply_text(reply));
    }
    return r;
}

int primary_check_role(const struct link_reply *reply, struct failure *ret_failure)
{
    struct str role = link_reply_text(link_reply_at(reply, 0));
    if (str_equal(role, STR("master"))) {
        return 0;
    }
    return failure_set(ret_failure, FAILURE_RECONNECT, "replication: the engine is a read-only replica",
                       "ROLE says that it is no primary");
}

/* Checks that the engine is a primary, and that both connections lead to the same process: an address may
 * lead to several. */
static int check(struct primary *primary, struct failure *ret_failure)
{
    cleanup(link_reply_freep) struct link_reply *role = NULL;
    char run_id[PRIMARY_ID_SIZE];
    const struct str arguments[] = {STR("ROLE")};
    int r = primary_call(primary, arguments, N_ARGUMENTS(arguments), &role, ret_failure);
    if (r < 0) {
        return r;
    }
    r = primary_check_role(role, ret_failure);
    if (r < 0) {
        return r;
    }
    r = read_info(primary->reader, run_id, primary, ret_failure);
    if (r < 0) {
        return r;
    }
    r = read_info(primary->writer, primary->run_id, primary, ret_failure);
    if (r < 0) {
        return r;
    }
    if (strcmp(run_id, primary->run_id) != 0) {
        return failure_set(ret_failure, FAILURE_RECONNECT,
                           "replication: the engine's address leads to several",
                           "two connections are to two processes");
    }
    return 0;
}

/* Loads a script and returns its SHA-1, by which the engine calls it. */
static int load_script(struct primary *primary, const char *script, char ret_sha[static PRIMARY_SHA_SIZE],
                       struct failure *ret_failure)
{
    cleanup(link_reply_freep) struct link_reply *reply = NULL;
    const struct str arguments[] = {STR("SCRIPT"), STR("LOAD"), str_from(script)};
    int r = primary_call(primary, arguments, N_ARGUMENTS(arguments), &reply, ret_failure);
    if (r == 0) {
        (void)snprintf(ret_sha, PRIMARY_SHA_SIZE, "%.*s", STR_FMT(link_reply_text(reply)));
    }
    return r;
}

int primary_load_scripts(struct primary *primary, struct failure *ret_failure)
{
    int r = load_script(primary, layout_merge_script, primary->merge_sha, ret_failure);
    if (r < 0) {
        return r;
    }
    r = load_script(primary, layout_forget_script, primary->forget_sha, ret_failure);
    return r < 0 ? r : load_script(primary, layout_announce_script, primary->announce_sha, ret_failure);
}

static int query_sentinel(const struct primary_config *config, const struct replica_host *sentinel,
                          struct link_reply **ret_reply, struct failure *ret_failure)
{
    cleanup(link_closep) struct link *link = NULL;
    const struct link_address address = {.host = sentinel->name, .port = sentinel->port};
    const struct str arguments[] = {STR("SENTINEL"), STR("get-master-addr-by-name"),
                                    str_from(config->url->primary_name)};
    int r = open_link(&address, SENTINEL_TIMEOUT_MS, &link, ret_failure);
    if (r < 0) {
        return r;
    }
    r = call(link, arguments, N_ARGUMENTS(arguments), ret_reply, ret_failure);
    if (r == -EREMOTEIO && config->password.len > 0) {
        /* A Sentinel may require the password, too. */
        r = authenticate(config, link, ret_failure);
        if (r < 0) {
            return r;
        }
        r = call(link, arguments, N_ARGUMENTS(arguments), ret_reply, ret_failure);
    }
    return r;
}

static int ask_sentinel(const struct primary_config *config, const struct replica_host *sentinel,
                        struct replica_host *ret_host, struct failure *ret_failure)
{
    cleanup(link_reply_freep) struct link_reply *reply = NULL;
    int r = query_sentinel(config, sentinel, &reply, ret_failure);
    if (r < 0) {
        return r;
    }
    struct str name = link_reply_text(link_reply_at(reply, 0));
    uint64_t port = link_reply_number(link_reply_at(reply, 1));
    if (name.len == 0 || name.len >= sizeof(ret_host->name) || port == 0 || port > UINT16_MAX) {
        return failure_set(ret_failure, FAILURE_RECONNECT, "replication: Sentinel knows no such primary",
                           config->url->primary_name);
    }
    (void)snprintf(ret_host->name, sizeof(ret_host->name), "%.*s", STR_FMT(name));
    ret_host->port = (uint16_t)port;
    return 0;
}

/* Asks the Sentinels in order until one knows the primary. */
static int ask_sentinels(const struct primary_config *config, struct replica_host *ret_host,
                         struct failure *ret_failure)
{
    int r = -EREMOTEIO;
    for (unsigned i = 0; r < 0 && i < config->url->n_hosts; i++) {
        r = ask_sentinel(config, &config->url->hosts[i], ret_host, ret_failure);
    }
    if (r < 0 && r != -EREMOTEIO) {
        ret_failure->problem = "replication: no Sentinel can be reached";
    }
    return r;
}

int primary_check_sentinel(const struct primary_config *config, const struct primary *primary, unsigned turn,
                           struct failure *ret_failure)
{
    struct replica_host host = {.port = 0};
    struct failure unused;
    if (config->url->kind != REPLICA_URL_SENTINEL ||
        ask_sentinel(config, &config->url->hosts[turn % config->url->n_hosts], &host, &unused) < 0 ||
        (host.port == primary->host.port && strcmp(host.name, primary->host.name) == 0)) {
        return 0;
    }
    return failure_set(ret_failure, FAILURE_RECONNECT, "replication: the primary has changed", host.name);
}

static int find_address(const struct primary_config *config, struct replica_host *ret_host,
                        struct link_address *ret_address, struct failure *ret_failure)
{
    const struct replica_url *url = config->url;
    int r = 0;
    *ret_host = url->hosts[0];
    *ret_address = (struct link_address){.tls = url->tls};
    if (url->kind == REPLICA_URL_UNIX) {
        ret_address->path = url->path;
        return 0;
    }
    if (url->kind == REPLICA_URL_SENTINEL) {
        r = ask_sentinels(config, ret_host, ret_failure);
    }
    ret_address->host = ret_host->name;
    ret_address->port = ret_host->port;
    ret_address->ca_file = config->ca_file[0] == '\0' ? NULL : config->ca_file;
    return r;
}

int primary_open(const struct primary_config *config, struct primary *ret_primary,
                 struct failure *ret_failure)
{
    cleanup(primary_close) struct primary primary = {.writer = NULL};
    struct link_address address;
    int r = find_address(config, &primary.host, &address, ret_failure);
    if (r < 0) {
        return r;
    }
    r = connect_one(config, &address, &primary.writer, ret_failure);
    if (r < 0) {
        return r;
    }
    r = connect_one(config, &address, &primary.reader, ret_failure);
    if (r < 0) {
        return r;
    }
    r = check(&primary, ret_failure);
    if (r < 0) {
        return r;
    }
    r = primary_load_scripts(&primary, ret_failure);
    if (r < 0) {
        return r;
    }
    *ret_primary = primary;
    primary = (struct primary){.writer = NULL};
    return 0;
}

void primary_close(struct primary *primary)
{
    link_close(primary->writer);
    link_close(primary->reader);
    *primary = (struct primary){.writer = NULL};
}
