/* SPDX-License-Identifier: MIT */
/* The other nodes, where the configuration names an engine between them. */
#include "parts.h"

#include "presenced/clock.h"
#include "presenced/read_file.h"

#include <errno.h>
#include <unistd.h>

#define CA_FILE_MAX_BYTES ((size_t)1 << 20)
#define STORE_LAG_MAX 16384 /* changes; the log holds four times as many */

static void add_error(const struct config *config, const char *key, const char *wrong, struct buf *errors)
{
    buf_appendf(errors, "%s:%u: [replication] %s: %s\n", config->path,
                config_line(&config->replication.lines, "replication", key), key, wrong);
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

/* It is to be stored, though no change says so. */
static void note_forgotten(void *cls)
{
    const struct daemon *daemon = cls;
    if (daemon->store != NULL) {
        store_note_apps(daemon->store);
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

int start_replication(struct daemon *daemon)
{
    const struct config_replication *from = &daemon->config->replication;
    if (from->url[0] == '\0') {
        return 0;
    }
    name_node(daemon);
    (void)replica_url_parse(str_from(from->url), &daemon->replica_url); /* it was checked */
    const struct replica_config config = {
        .url = &daemon->replica_url,
        .user = str_from(from->user),
        .password = buf_str(&from->password),
        .ca_file = from->ca_file,
        .node = daemon->node,
        .table = daemon->table,
        .on_forgotten = note_forgotten,
        .is_behind = store_is_behind,
        .cls = daemon,
    };
    return replica_start(&config, &daemon->replica);
}

void stop_replication(struct daemon *daemon)
{
    replica_stop(daemon->replica);
}

/* With a store it knows what it knew when it ended, and what came since comes while it serves. */
bool replication_is_learning(const struct daemon *daemon)
{
    return daemon->replica != NULL && daemon->store == NULL && replica_is_learning(daemon->replica);
}

static void warn(struct daemon *daemon, enum warning_code code, const char *text)
{
    if (text == NULL) {
        warnings_clear(daemon->warnings, code, 0);
    } else {
        warnings_raise(daemon->warnings, code, 0, text, clock_monotonic_ms());
    }
}

void watch_replication(struct daemon *daemon)
{
    struct replica_stats stats;
    if (daemon->replica == NULL) {
        return;
    }
    replica_stats(daemon->replica, &stats);
    warn(daemon, WARNING_REPLICATION_FAILING, replica_problem(daemon->replica));
    warn(daemon, WARNING_REPLICATION_EVICTING,
         stats.evicts ? "the replication's engine throws rows away when its memory is full: set its "
                        "maxmemory-policy to noeviction"
                      : NULL);
}

static void each_counter(void *cls, const struct status_visitor *visitor)
{
    const struct daemon *daemon = cls;
    struct replica_stats stats;
    replica_stats(daemon->replica, &stats);
    status_tell(visitor, "connected", stats.state != REPLICA_CONNECTING);
    status_tell(visitor, "stored_revision", stats.sent_revision);
    status_tell(visitor, "lag", stats.lag);
    status_tell(visitor, "unread", stats.unread);
    status_tell(visitor, "rows_sent", stats.n_rows_sent);
    status_tell(visitor, "entries_read", stats.n_entries_read);
    status_tell(visitor, "users_changed", stats.n_users_changed);
    status_tell(visitor, "connections", stats.n_connections);
    status_tell(visitor, "meetings", stats.n_meetings);
    status_tell(visitor, "missed", stats.n_missed);
    status_tell(visitor, "resent", stats.n_resent);
    status_tell(visitor, "failures", stats.n_failures);
    status_tell(visitor, "malformed", stats.n_malformed);
    status_tell(visitor, "full", stats.n_full);
}

static const char *state_of(void *cls)
{
    const struct daemon *daemon = cls;
    struct replica_stats stats;
    replica_stats(daemon->replica, &stats);
    return replica_state_name(stats.state);
}

struct status_counters replication_counters(struct daemon *daemon)
{
    bool is_on = daemon->replica != NULL;
    return (struct status_counters){
        .name = "replication", .each = is_on ? each_counter : NULL, .cls = daemon, .state = state_of};
}
