/* SPDX-License-Identifier: MIT */
/* Replication with other nodes, if the configuration names an engine. */
#include "parts.h"

#include "presenced/clock.h"
#include "presenced/read_file.h"

#include <errno.h>
#include <unistd.h>

#define CA_FILE_MAX_BYTES ((size_t)1 << 20)
#define STORE_LAG_MAX 16384 /* in changes; the change log holds four times as many */

static void add_error(const struct config *config, const char *key, const char *wrong, struct buf *errors)
{
    config_append_place(errors, &config->files, config_line(&config->replication.lines, "replication", key));
    buf_appendf(errors, ": [replication] %s: %s\n", key, wrong);
}

static bool is_node_name(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < len; i++) {
        if (name[i] < 0x21 || name[i] > 0x7e) {
            return false;
        }
    }
    return len < NODE_NAME_SIZE;
}

static void check_ca_file(const struct config *config, struct buf *errors)
{
    cleanup(buf_fini) struct buf bytes = {0};
    mode_t unused;
    int r = read_file(config->replication.ca_file, CA_FILE_MAX_BYTES, &bytes, &unused);
    if (r < 0) {
        cleanup(buf_fini) struct buf wrong = {0};
        buf_appendf(&wrong, "%s cannot be read: %s%c", config->replication.ca_file, read_file_error(r), '\0');
        add_error(config, "ca_file", wrong.failed ? "cannot be read" : wrong.ptr, errors);
    }
}

int replication_check(const struct config *config, struct buf *errors)
{
    const struct config_replication *from = &config->replication;
    size_t n_before = errors->len;
    struct replica_url url = {.tls = false};
    const char *wrong = from->url[0] == '\0' ? NULL : replica_url_parse(str_from(from->url), &url);
    if (wrong != NULL) {
        add_error(config, "url", wrong, errors);
    } else if (url.tls && !replica_has_tls()) {
        cleanup(buf_fini) struct buf words = {0};
        buf_appendf(&words,
                    "rediss:// needs hiredis with TLS, and this presenced was built with %s without%c",
                    replica_library_version(), '\0');
        add_error(config, "url", words.failed ? "rediss:// is not supported" : words.ptr, errors);
    } else if (from->ca_file[0] != '\0' && !url.tls) {
        add_error(config, "ca_file", "needs a url of rediss://", errors);
    } else if (from->ca_file[0] != '\0') {
        check_ca_file(config, errors);
    }
    if (from->user[0] != '\0' && from->password_file[0] == '\0') {
        add_error(config, "user", "needs password_file", errors);
    }
    if (!is_node_name(from->node)) {
        add_error(config, "node", "at most 64 printable characters without blanks", errors);
    }
    return errors->failed ? -ENOMEM : errors->len > n_before ? -EINVAL : 0;
}

static void name_node(struct daemon *daemon)
{
    const char *name = daemon->config->replication.node;
    (void)gethostname(daemon->node, sizeof(daemon->node) - 1);
    if (name[0] != '\0') {
        (void)strncpy(daemon->node, name, sizeof(daemon->node) - 1);
    }
}

/* forgotten_before must be stored although it causes no entry in the change log. */
static void store_forgotten(void *cls)
{
    const struct daemon *daemon = cls;
    if (daemon->store != NULL) {
        store_write_apps(daemon->store);
    }
}

static bool store_is_behind(void *cls)
{
    const struct daemon *daemon = cls;
    struct store_stats stats = {.lag = 0};
    if (daemon->store != NULL) {
        store_stats(daemon->store, &stats);
    }
    return stats.lag > STORE_LAG_MAX;
}

static void add_event(struct daemon *daemon, const struct user *user, struct user_event *event)
{
    event->received_unix_ms = clock_unix_ms();
    event->has_event_time = true;
    event->origin = CHANGE_BY_REPLICA;
    event->outcome = STR("applied");
    event->request_id = STR("");
    event->peer = (struct address){0};
    event_history_add(daemon->event_history, table_app_id(daemon->table, user->app), user_id(user), event);
}

/* A kicked row belongs to the login with the same stamp and address. */
static bool has_kicked(const struct row *by, const struct row *row)
{
    return by->action == ROW_LOGIN && row->action == ROW_KICKED && by->event_time_ms == row->event_time_ms &&
           address_equal(&by->client, &row->client);
}

static bool was_kicked_by_another(const struct user *user, const struct row *row)
{
    for (unsigned i = 0; i < user->n_rows; i++) {
        if (has_kicked(&user->rows[i], row)) {
            return true;
        }
    }
    return false;
}

static void add_row_event(struct daemon *daemon, const struct user *user, const struct row *row)
{
    const struct platform_names *names = table_platform_names(daemon->table);
    const struct row_words words = row_words(row);
    struct user_event event;
    event.event_time_ms = row->event_time_ms;
    event.action = words.action;
    event.reason = words.reason;
    event.platform = platform_name(names, row->platform);
    event.client = row->client;
    event.n_kicked = 0;
    for (unsigned i = 0; i < user->n_rows; i++) {
        if (has_kicked(row, &user->rows[i])) {
            event.kicked[event.n_kicked++] = platform_name(names, user->rows[i].platform);
        }
    }
    add_event(daemon, user, &event);
}

static void add_custom_status_event(struct daemon *daemon, const struct user *user)
{
    struct user_event event;
    event.event_time_ms = user->custom_status_time_ms;
    event.action = STR("CustomStatusChange");
    event.reason = event.platform = STR("");
    event.client = (struct address){0};
    event.n_kicked = 0;
    add_event(daemon, user, &event);
}

/* Adds what another node reported about a user to the history of this node. */
static void remember(void *cls, const struct user *user)
{
    struct daemon *daemon = cls;
    if (daemon->event_history == NULL) {
        return;
    }
    for (unsigned i = 0; i < user->n_rows; i++) {
        if (!was_kicked_by_another(user, &user->rows[i])) {
            add_row_event(daemon, user, &user->rows[i]);
        }
    }
    if (user->has_custom_status) {
        add_custom_status_event(daemon, user);
    }
}

int start_replication(struct daemon *daemon)
{
    const struct config_replication *from = &daemon->config->replication;
    if (from->url[0] == '\0') {
        return 0;
    }
    name_node(daemon);
    (void)replica_url_parse(str_from(from->url), &daemon->replica_url); /* valid, as checked before */
    const struct replica_config config = {
        .url = &daemon->replica_url,
        .user = str_from(from->user),
        .password = buf_str(&from->password),
        .ca_file = from->ca_file,
        .node = daemon->node,
        .table = daemon->table,
        .on_told = remember,
        .on_forgotten = store_forgotten,
        .is_behind = store_is_behind,
        .cls = daemon,
    };
    return replica_start(&config, &daemon->replica);
}

void stop_replication(struct daemon *daemon)
{
    replica_stop(daemon->replica);
}

static unsigned count_asking_nodes(void *cls, uint16_t app, uint64_t *ret_n_lost)
{
    const struct daemon *daemon = cls;
    return replica_n_asking(daemon->replica, app, ret_n_lost);
}

static bool asks_here(void *cls, uint16_t app, struct str user_id)
{
    const struct daemon *daemon = cls;
    return replica_asks_here(daemon->replica, app, user_id);
}

struct reconcile_sharing sharing_of_asking(struct daemon *daemon)
{
    return daemon->replica == NULL ? (struct reconcile_sharing){NULL, NULL, NULL}
                                   : (struct reconcile_sharing){count_asking_nodes, asks_here, daemon};
}

void announce_asking(struct daemon *daemon, const struct reconcile_settings *settings)
{
    uint16_t apps[TABLE_N_APPS_MAX];
    size_t n_apps = settings == NULL ? 0 : reconcile_settings_n(settings);
    if (daemon->replica == NULL) {
        return;
    }
    for (size_t i = 0; i < n_apps; i++) {
        apps[i] = reconcile_settings_app(settings, i);
    }
    replica_set_asked(daemon->replica, apps, n_apps);
}

/* With a store, the node knows what it knew when it stopped, and learns the rest while it serves. */
bool replication_is_learning(const struct daemon *daemon)
{
    return daemon->replica != NULL && daemon->store == NULL && replica_is_learning(daemon->replica);
}
