/* SPDX-License-Identifier: MIT */
/* Uses two connections: one waits for entries of other nodes, the other is for everything else. Each round
 * of serve() does one step of everything there is to do. */
#include "session.h"

#include "presenced/clock.h"
#include "presenced/log.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CHECK_INTERVAL_MS 1000
#define CHECKS_PER_SENTINEL 10
#define STOP_PATIENCE_MS 2000
#define BEHIND_WAIT_US 5000

/* Sends a kept user again, because another node, and the engine with it, have forgotten it. */
static void send_kept(void *cls, uint16_t app, struct str user_id)
{
    struct session *session = cls;
    struct user user;
    if (table_get(session->config.replica->table, app, user_id, &user) == 0 &&
        outbox_add_user(session->sender.outbox, &user, 0) < 0) {
        session->meeting.must_meet = true;
    }
}

static void report_change(void *cls, const struct user *user)
{
    const struct replica_config *config = ((struct session *)cls)->config.replica;
    if (config->on_told != NULL) {
        config->on_told(config->cls, user);
    }
}

static void publish(struct session *session)
{
    const struct gather *gather = &session->gather;
    health_publish(session->config.health,
                   &(struct replica_stats){
                       .state = !session->is_connected               ? REPLICA_CONNECTING
                                : meeting_is_over(&session->meeting) ? REPLICA_FOLLOWING
                                                                     : REPLICA_MEETING,
                       .connected = session->is_connected,
                       .evicts = session->evicts,
                       .sent_revision = session->sender.revision,
                       .unread = session->unread,
                       .n_rows_sent = session->sender.n_rows_sent,
                       .n_entries_read = session->reader.n_entries,
                       .n_users_changed = gather->n_users_changed,
                       .n_connections = session->n_connections,
                       .n_meetings = session->meeting.n_meetings,
                       .n_missed = session->n_missed + session->meeting.n_missed,
                       .n_resent = session->n_resent,
                       .n_malformed = gather->n_malformed,
                       .n_full = gather->n_full,
                   });
}

int session_init(struct session *session, const struct session_config *config)
{
    struct table *table = config->replica->table;
    *session = (struct session){
        .config = *config,
        .wake_fd = -1,
        .reader = {.run = config->run},
        .gather = {.table = table, .on_kept = send_kept, .on_changed = report_change, .cls = session},
        .sender = {.changes_fd = -1},
        .meeting = {.table = table, .must_meet = true},
    };
    session->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (session->wake_fd < 0) {
        return -errno;
    }
    int r = sender_init(&session->sender, table);
    if (r < 0) {
        return r;
    }
    publish(session);
    return 0;
}

void session_fini(struct session *session)
{
    sender_fini(&session->sender);
    meeting_fini(&session->meeting);
    cleanup_closep(&session->wake_fd);
}

/* Handles a failure that does not need a new connection: pauses if writes are refused, or loads lost
 * scripts; then the same is sent again. Returns 0, LOG_MISSED or -errno. */
static int handle_failure(struct session *session, int r, struct failure *failure)
{
    if (r != -EREMOTEIO) {
        return r;
    }
    switch (failure->remedy) {
    case FAILURE_LOAD:
        return primary_load_scripts(&session->primary, failure);
    case FAILURE_PAUSE:
        health_fail(session->config.health, failure);
        sender_pause(&session->sender);
        return 0;
    case FAILURE_MEET:
        return LOG_MISSED;
    default:
        return r;
    }
}

static bool is_behind(const struct session *session)
{
    const struct replica_config *config = session->config.replica;
    return config->is_behind != NULL && config->is_behind(config->cls);
}

static int meet(struct session *session, bool *ret_more, struct failure *ret_failure)
{
    int r = meeting_step(&session->meeting, &session->primary, session->sender.outbox, &session->gather,
                         is_behind(session), sender_is_paused(&session->sender), ret_more, ret_failure);
    if (meeting_has_read(&session->meeting)) {
        health_learn(session->config.health, session->gather.n_users_changed);
    }
    return handle_failure(session, r, ret_failure);
}

/* Starts to send the whole table, which has the changes that the log has lost. */
static int send_all(struct session *session, struct failure *ret_failure)
{
    uint64_t revision = changes_last_revision(session->sender.changes);
    int r = comparison_send_all(&session->meeting.comparison);
    if (r < 0) {
        return failure_of_call(r, ret_failure);
    }
    log_notice("replication: sending the whole table", log_u64("revision", revision));
    sender_skip(&session->sender, revision);
    session->n_resent++;
    return 0;
}

static int send_changes(struct session *session, bool *ret_more, struct failure *ret_failure)
{
    uint64_t n_before = session->sender.n_rows_sent;
    if (sender_is_paused(&session->sender)) {
        *ret_more = false;
        return 0;
    }
    int r = sender_send(&session->sender, &session->gather, ret_more, ret_failure);
    if (r == SENDER_LOST) {
        return send_all(session, ret_failure);
    }
    if (session->sender.n_rows_sent != n_before) {
        health_recover(session->config.health);
    }
    return handle_failure(session, r, ret_failure);
}

/* Checks once a second whether the engine is still a primary with the same data, whether it may evict rows,
 * and, less often, whether Sentinel names another primary. Returns 0, LOG_MISSED or -errno. */
static int check_engine(struct session *session, struct failure *ret_failure)
{
    uint64_t now_ms = clock_monotonic_ms();
    if (now_ms < session->next_check_ms) {
        return 0;
    }
    session->next_check_ms = now_ms + CHECK_INTERVAL_MS;
    int r = log_reader_look(&session->reader, &session->primary, ret_failure);
    session->unread = log_reader_lag(&session->reader);
    if (r != 0) {
        return r;
    }
    if (table_n_apps(session->config.replica->table) != session->meeting.n_apps_met) {
        session->meeting.must_meet = true; /* the engine may have rows of the new app */
    }
    r = primary_look_at_memory(&session->primary, ret_failure);
    if (r < 0) {
        return r;
    }
    session->evicts = session->primary.evicts;
    session->n_checks++;
    return session->n_checks % CHECKS_PER_SENTINEL != 0
               ? 0
               : primary_check_sentinel(session->config.primary, &session->primary,
                                        session->n_checks / CHECKS_PER_SENTINEL, ret_failure);
}

/* Announces this node, if it is due. */
static int announce(struct session *session, struct failure *ret_failure)
{
    if (sender_is_paused(&session->sender) || !peers_is_due(session->config.peers)) {
        return 0;
    }
    int r = peers_announce(session->config.peers, &session->primary, ret_failure);
    if (r == 0) {
        health_recover(session->config.health);
    }
    return handle_failure(session, r, ret_failure);
}

/* Applied only after all rows have been read: before that, a late event of a user who is still to be read
 * would be treated as one of a forgotten user. */
static void apply_stamps(struct session *session)
{
    const struct replica_config *config = session->config.replica;
    if (meeting_has_read(&session->meeting) && gather_tell_stamps(&session->gather) &&
        config->on_forgotten != NULL) {
        config->on_forgotten(config->cls);
    }
}

/* Does one step of everything except reading. Returns 0, LOG_MISSED or -errno. */
static int do_step(struct session *session, bool *ret_more, struct failure *ret_failure)
{
    bool more_to_meet = false;
    bool more_changes = false;
    int r = meet(session, &more_to_meet, ret_failure);
    if (r != 0) {
        return r;
    }
    r = send_changes(session, &more_changes, ret_failure);
    if (r != 0) {
        return r;
    }
    r = check_engine(session, ret_failure);
    if (r != 0) {
        return r;
    }
    *ret_more = more_to_meet || (more_changes && !sender_is_paused(&session->sender));
    return announce(session, ret_failure);
}

static int read_logs(struct session *session, bool is_there, struct failure *ret_failure)
{
    int r = log_reader_read(&session->reader, &session->primary, is_there, &session->gather, ret_failure);
    if (r != 0) {
        return r;
    }
    r = sender_flush(&session->sender, &session->gather, ret_failure);
    if (r < 0) {
        /* Kept users are not in the change log, so sending again after a pause would miss them. */
        session->meeting.must_meet = true;
    }
    return r;
}

static uint64_t shorter_us(uint64_t a_us, uint64_t b_us)
{
    return a_us < b_us ? a_us : b_us;
}

/* Returns how many µs to wait for events. */
static uint64_t wait_us(const struct session *session, bool has_more)
{
    uint64_t now_ms = clock_monotonic_ms();
    if (has_more || session->next_check_ms <= now_ms) {
        return 0;
    }
    uint64_t us = session->meeting.is_waiting ? BEHIND_WAIT_US : (session->next_check_ms - now_ms) * 1000;
    us = shorter_us(us, sender_wait_us(&session->sender));
    return shorter_us(us, log_reader_wait_us(&session->reader));
}

/* Waits for events. Returns whether a reply of the logs has arrived. */
static bool wait_for_work(const struct session *session, bool has_more)
{
    struct pollfd fds[] = {
        {.fd = link_fd(session->primary.reader), .events = POLLIN},
        {.fd = session->wake_fd, .events = POLLIN},
        {.fd = session->sender.changes_fd, .events = POLLIN},
    };
    uint64_t unused;
    bool takes_changes = !sender_is_batching(&session->sender) && !sender_is_paused(&session->sender);
    uint64_t us = wait_us(session, has_more);
    const struct timespec timeout = {.tv_sec = (time_t)(us / 1000000),
                                     .tv_nsec = (long)(us % 1000000 * 1000)};
    (void)ppoll(fds, takes_changes ? 3 : 2, &timeout, NULL);
    if (fds[1].revents != 0) {
        (void)!read(session->wake_fd, &unused, sizeof(unused));
    }
    return fds[0].revents != 0;
}

static bool is_done(const struct session *session, uint64_t stop_ms)
{
    bool is_sent = sender_is_done(&session->sender) && meeting_is_over(&session->meeting);
    return is_sent || sender_is_paused(&session->sender) || clock_monotonic_ms() - stop_ms > STOP_PATIENCE_MS;
}

/* Serves until something fails or, after session_end(), everything was sent. Returns 0, LOG_MISSED or
 * -errno. */
static int serve(struct session *session, struct failure *ret_failure)
{
    uint64_t stop_ms = 0;
    for (;;) {
        bool has_more = false;
        int r = do_step(session, &has_more, ret_failure);
        apply_stamps(session);
        publish(session);
        if (r != 0) {
            return r;
        }
        if (session_is_ending(session)) {
            stop_ms = stop_ms == 0 ? clock_monotonic_ms() : stop_ms;
            if (is_done(session, stop_ms)) {
                peers_leave(session->config.peers, &session->primary);
                return 0;
            }
            has_more = true;
        }
        r = read_logs(session, wait_for_work(session, has_more), ret_failure);
        if (r != 0) {
            return r;
        }
        if (session->meeting.must_meet) {
            return LOG_MISSED;
        }
    }
}

static int connect_and_serve(struct session *session, struct failure *ret_failure)
{
    int r = primary_open(session->config.primary, &session->primary, ret_failure);
    if (r < 0) {
        return r;
    }
    session->n_connections++;
    session->evicts = session->primary.evicts;
    sender_begin(&session->sender, &session->primary, session->config.run,
                 (const char(*)[OUTBOX_IDENTITY_SIZE])session->reader.identities);
    session->next_check_ms = clock_monotonic_ms() + CHECK_INTERVAL_MS;
    r = meeting_resume(&session->meeting, &session->primary, &session->reader, ret_failure);
    if (r < 0) {
        return r;
    }
    log_reader_begin(&session->reader);
    session->is_connected = true;
    health_recover(session->config.health);
    return serve(session, ret_failure);
}

int session_run(struct session *session, struct failure *ret_failure)
{
    int r = connect_and_serve(session, ret_failure);
    primary_close(&session->primary);
    session->is_connected = false;
    if (r == LOG_MISSED || (r < 0 && ret_failure->remedy == FAILURE_MEET)) {
        log_notice("replication: entries were missed, or the engine holds other data: comparing all");
        session->n_missed++;
        session->meeting.must_meet = true;
        r = 0;
    }
    publish(session);
    return r;
}

void session_wake(struct session *session)
{
    const uint64_t one = 1;
    (void)!write(session->wake_fd, &one, sizeof(one));
}

void session_end(struct session *session)
{
    atomic_store(&session->is_ending, true);
    session_wake(session);
}

bool session_is_ending(const struct session *session)
{
    return atomic_load(&session->is_ending);
}

void session_pause(struct session *session, int pause_ms)
{
    uint64_t unused;
    struct pollfd wake = {.fd = session->wake_fd, .events = POLLIN};
    uint64_t until_ms = clock_monotonic_ms() + (uint64_t)pause_ms;
    for (uint64_t now_ms = clock_monotonic_ms(); now_ms < until_ms && !session_is_ending(session);
         now_ms = clock_monotonic_ms()) {
        if (poll(&wake, 1, (int)(until_ms - now_ms)) > 0) {
            (void)!read(session->wake_fd, &unused, sizeof(unused));
        }
    }
}
