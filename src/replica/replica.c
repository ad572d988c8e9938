/* SPDX-License-Identifier: MIT */
/* One thread, with two connections: on one it waits for what others write, on the other it does all else. It
 * connects, looks whether it knows the engine's data, meets it anew where it does not, and then sends changes
 * of the change log as they come and reads those of the others, until something fails; then it pauses and
 * begins again. While the engine is away, changes wait in the change log, and when that has lost them, the
 * table has them still: it is sent whole. */
#include "presenced/replica.h"

#include "log_reader.h"
#include "meeting.h"
#include "peers.h"
#include "presenced/clock.h"
#include "presenced/log.h"
#include "presenced/record.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/random.h>

#define LEARNING_PATIENCE_MS 10000 /* without an engine */
#define PAUSE_MIN_MS 100
#define PAUSE_MAX_MS 5000
#define STEADY_MS 10000 /* after so long the next pause is short again */
#define WRITE_PAUSE_MS 1000
#define LOOK_INTERVAL_MS 1000
#define LOOKS_A_SENTINEL 10
#define GATHER_US 2000 /* between two sendings, and two readings: at high rates many changes go together */
#define STOP_PATIENCE_MS 2000
#define HELD_UP_MS 5
#define CHANGES_MAX 512
#define CHANGES_MAX_BYTES ((size_t)256 << 10)
#define ROUNDS_A_STEP 64 /* so that this follower keeps up with what the engine's rows change */

struct counters {
    _Atomic uint64_t sent_revision;
    _Atomic uint64_t unread;
    _Atomic uint64_t n_rows_sent;
    _Atomic uint64_t n_entries_read;
    _Atomic uint64_t n_users_changed;
    _Atomic uint64_t n_connections;
    _Atomic uint64_t n_meetings;
    _Atomic uint64_t n_missed;
    _Atomic uint64_t n_resent;
    _Atomic uint64_t n_failures;
    _Atomic uint64_t n_malformed;
    _Atomic uint64_t n_full;
};

struct replica {
    struct replica_config config;
    struct primary_config primary_config;
    struct changes *changes;
    pthread_t thread;
    bool has_thread;
    int changes_fd; /* of the change log */
    int control_fd; /* the thread is to stop */
    _Atomic bool stopping;

    /* Read by others. */
    _Atomic(const char *) problem;
    _Atomic enum replica_state state;
    _Atomic bool has_met; /* or has given up to wait for it */
    _Atomic bool is_connected;
    _Atomic bool evicts;
    struct peers *peers;
    uint64_t started_ms;
    struct counters counters;

    /* The thread's. */
    char run[OUTBOX_RUN_SIZE];
    struct primary primary;
    char run_id[PRIMARY_ID_SIZE]; /* of the engine that was met */
    char replication_id[PRIMARY_ID_SIZE];
    bool must_meet;
    bool is_held_up; /* by others who follow the change log */
    unsigned n_apps_met;
    struct log_reader reader;
    struct outbox *outbox;
    struct gather gather;
    struct meeting meeting;
    uint64_t revision; /* changes up to it were sent */
    struct buf storage;
    struct change read[CHANGES_MAX];
    uint64_t sent_us;
    uint64_t read_us;
    bool has_asked;           /* what the logs hold; it is to be answered yet */
    uint64_t paused_until_ms; /* writes are */
    uint64_t next_look_ms;
    unsigned n_looks;
    unsigned n_attempts;
};

static void add(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static uint64_t load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void store(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, value, memory_order_relaxed);
}

static int draw(void *bytes, size_t n)
{
    return getrandom(bytes, n, 0) == (ssize_t)n ? 0 : -errno;
}

/* Problems. */

static void note_failure(struct replica *replica, const struct failure *failure)
{
    add(&replica->counters.n_failures, 1);
    if (replica_problem(replica) != failure->problem) {
        log_error("replication fails: trying again", log_text("problem", failure->problem),
                  log_text("detail", failure->detail));
        atomic_store(&replica->problem, failure->problem);
    }
}

static void note_success(struct replica *replica)
{
    if (replica_problem(replica) != NULL) {
        log_notice("replication works again", log_u64("sent_revision", replica->revision));
        atomic_store(&replica->problem, NULL);
    }
}

/* Sending. */

/* What was sent is in the engine, or is to be sent again. */
static int flush(struct replica *replica, struct failure *ret_failure)
{
    size_t n_rows = outbox_n_rows(replica->outbox);
    if (n_rows == 0) {
        return 0;
    }
    int r = outbox_flush(replica->outbox, &replica->gather, ret_failure);
    replica->sent_us = clock_monotonic_us();
    if (r == 0) {
        add(&replica->counters.n_rows_sent, n_rows);
        note_success(replica);
    }
    return r;
}

static int add_forgotten(struct replica *replica, const struct user *user)
{
    int r = outbox_add_gone(replica->outbox, user);
    return r < 0 ? r : outbox_add_stamp(replica->outbox, user->app);
}

/* The rows that an event has changed were received when it was applied. */
static int add_change(struct replica *replica, const struct change *change)
{
    struct user user;
    if (change->origin == CHANGE_BY_REPLICA ||
        (change->origin == CHANGE_BY_CLOCK && change->kind == CHANGE_UPDATED)) {
        return 0;
    }
    record_decode((const uint8_t *)change->record.ptr, &user);
    if (change->kind == CHANGE_FORGOTTEN) {
        return add_forgotten(replica, &user);
    }
    return outbox_add_user(replica->outbox, &user,
                           change->origin == CHANGE_BY_CALLBACK ? change->unix_ms : 0);
}

static int send_all(struct replica *replica)
{
    uint64_t revision = changes_last_revision(replica->changes);
    int r = meeting_send_all(&replica->meeting);
    if (r < 0) {
        return r;
    }
    log_notice("replication: sending the whole table", log_u64("revision", revision));
    add(&replica->counters.n_resent, 1);
    replica->revision = revision;
    store(&replica->counters.sent_revision, revision);
    return 0;
}

#define NO_CHANGES 1

/* Sends the next few changes. 0, NO_CHANGES or below. */
static int send_some(struct replica *replica, struct failure *ret_failure)
{
    size_t n = 0;
    int r = changes_read(replica->changes, replica->revision, CHANGES_MAX, CHANGES_MAX_BYTES,
                         &replica->storage, replica->read, &n);
    if (r == CHANGES_LOST) {
        r = send_all(replica);
        return r < 0 ? failure_of_call(r, ret_failure) : 0;
    }
    for (size_t i = 0; i < n && r == 0; i++) {
        r = add_change(replica, &replica->read[i]);
    }
    if (r < 0) {
        return failure_of_call(r, ret_failure);
    }
    r = flush(replica, ret_failure);
    if (r < 0) {
        return r;
    }
    replica->revision = n == 0 ? replica->revision : replica->read[n - 1].revision;
    store(&replica->counters.sent_revision, replica->revision);
    return n == 0 ? NO_CHANGES : 0;
}

static void clear(int fd)
{
    uint64_t n;
    (void)!read(fd, &n, sizeof(n));
}

/* 0, with *ret_more where there is more to send, or below. */
static int send_changes(struct replica *replica, bool *ret_more, struct failure *ret_failure)
{
    int r = 0;
    clear(replica->changes_fd);
    for (unsigned i = 0; i < ROUNDS_A_STEP && r == 0; i++) {
        r = send_some(replica, ret_failure);
    }
    *ret_more = r != NO_CHANGES;
    return r < 0 ? r : 0;
}

/* A user whom another node has forgotten and the engine with it, but not this one: all of it is sent anew. */
static void send_kept(void *cls, uint16_t app, struct str user_id)
{
    struct replica *replica = cls;
    struct user user;
    if (table_get(replica->config.table, app, user_id, &user) == 0 &&
        outbox_add_user(replica->outbox, &user, 0) < 0) {
        replica->must_meet = true;
    }
}

static void pass_on(void *cls, const struct user *user)
{
    const struct replica_config *config = &((struct replica *)cls)->config;
    if (config->on_told != NULL) {
        config->on_told(config->cls, user);
    }
}

/* Meeting. */

static void set_state(struct replica *replica, enum replica_state state)
{
    atomic_store_explicit(&replica->state, state, memory_order_relaxed);
}

static int begin_meeting(struct replica *replica, struct failure *ret_failure)
{
    uint64_t identity[2];
    char text[OUTBOX_IDENTITY_SIZE];
    int r = draw(identity, sizeof(identity));
    if (r == 0) {
        r = meeting_begin(&replica->meeting);
    }
    if (r < 0) {
        return failure_of_call(r, ret_failure);
    }
    (void)snprintf(text, sizeof(text), "%016" PRIx64 "%016" PRIx64, identity[0], identity[1]);
    r = log_reader_note(&replica->reader, &replica->primary, text, ret_failure);
    if (r < 0) {
        return r;
    }
    memcpy(replica->run_id, replica->primary.run_id, sizeof(replica->run_id));
    memcpy(replica->replication_id, replica->primary.replication_id, sizeof(replica->replication_id));
    replica->n_apps_met = table_n_apps(replica->config.table);
    replica->must_meet = false;
    add(&replica->counters.n_meetings, 1);
    set_state(replica, REPLICA_MEETING);
    return 0;
}

/* Whether what was met is still there; if so, what is left to read is read on. */
static int resume(struct replica *replica, struct failure *ret_failure)
{
    const struct primary *primary = &replica->primary;
    if (!replica->must_meet && strcmp(primary->run_id, replica->run_id) == 0 &&
        strcmp(primary->replication_id, replica->replication_id) == 0) {
        int r = log_reader_look(&replica->reader, &replica->primary, ret_failure);
        if (r <= 0) {
            return r;
        }
        add(&replica->counters.n_missed, 1);
    }
    return begin_meeting(replica, ret_failure);
}

static void end_learning(struct replica *replica)
{
    if (!atomic_exchange(&replica->has_met, true)) {
        log_notice("replication: met", log_u64("users_changed", replica->gather.n_users_changed));
    }
}

static bool can_write(const struct replica *replica)
{
    return clock_monotonic_ms() >= replica->paused_until_ms;
}

static bool is_behind(const struct replica *replica)
{
    const struct replica_config *config = &replica->config;
    return config->is_behind != NULL && config->is_behind(config->cls);
}

/* A step of what there is to compare or to send whole. 0, with *ret_more where it goes on, or below. */
static int go_on_meeting(struct replica *replica, bool *ret_more, struct failure *ret_failure)
{
    struct meeting *meeting = &replica->meeting;
    int r = 0;
    *ret_more = true;
    replica->is_held_up = meeting->phase == MEETING_READS && is_behind(replica);
    if (meeting->phase == MEETING_READS && !replica->is_held_up) {
        r = meeting_read(meeting, &replica->primary, &replica->gather, ret_failure);
        if (r == 0 && meeting->phase == MEETING_COMPARES) {
            end_learning(replica);
        }
    } else if (meeting->phase == MEETING_COMPARES) {
        meeting_compare(meeting, replica->config.table);
    } else if (meeting->phase == MEETING_SENDS && can_write(replica)) {
        r = meeting_send(meeting, replica->config.table, replica->outbox, &replica->gather, ret_failure);
        if (r == 0 && meeting->phase == MEETING_OVER) {
            note_success(replica);
        }
    } else {
        *ret_more = false;
    }
    if (meeting->phase == MEETING_OVER) {
        set_state(replica, REPLICA_FOLLOWING);
    }
    return r;
}

/* Stamps wait until all rows were read: before, a late event of a user who is still to be read would be taken
 * for one of a user who was forgotten. */
static void tell_stamps(struct replica *replica)
{
    if (replica->meeting.phase != MEETING_READS && gather_tell_stamps(&replica->gather) &&
        replica->config.on_forgotten != NULL) {
        replica->config.on_forgotten(replica->config.cls);
    }
}

/* Serving. */

static int look(struct replica *replica, struct failure *ret_failure)
{
    uint64_t now_ms = clock_monotonic_ms();
    if (now_ms < replica->next_look_ms) {
        return 0;
    }
    replica->next_look_ms = now_ms + LOOK_INTERVAL_MS;
    int r = log_reader_look(&replica->reader, &replica->primary, ret_failure);
    store(&replica->counters.unread, log_reader_lag(&replica->reader));
    if (r != 0) {
        return r;
    }
    if (table_n_apps(replica->config.table) != replica->n_apps_met) {
        replica->must_meet = true; /* the engine may know of the new one */
    }
    r = primary_look_at_memory(&replica->primary, ret_failure);
    if (r < 0) {
        return r;
    }
    atomic_store(&replica->evicts, replica->primary.evicts);
    replica->n_looks++;
    return replica->n_looks % LOOKS_A_SENTINEL != 0
               ? 0
               : primary_check_sentinel(&replica->primary_config, &replica->primary,
                                        replica->n_looks / LOOKS_A_SENTINEL, ret_failure);
}

static int take_log(struct replica *replica, struct failure *ret_failure)
{
    int r = log_reader_take(&replica->reader, &replica->primary, &replica->gather, ret_failure);
    replica->has_asked = false;
    replica->read_us = clock_monotonic_us();
    if (r != 0) {
        return r;
    }
    r = flush(replica, ret_failure);
    if (r < 0) {
        /* Who was kept has to be compared: a pause is not enough. */
        replica->must_meet = true;
    }
    return r;
}

/* Takes the answer of the logs when it is there, and asks again. */
static int read_log(struct replica *replica, bool is_there, struct failure *ret_failure)
{
    if (replica->has_asked && is_there) {
        return take_log(replica, ret_failure);
    }
    if (replica->has_asked) {
        return log_reader_is_late(&replica->reader) ? failure_of_call(-ETIMEDOUT, ret_failure) : 0;
    }
    if (clock_monotonic_us() - replica->read_us < GATHER_US) {
        return 0;
    }
    replica->has_asked = true;
    return log_reader_ask(&replica->reader, &replica->primary, ret_failure);
}

/* How long to wait for something to happen. */
static int wait_ms(const struct replica *replica, bool has_more)
{
    uint64_t now_ms = clock_monotonic_ms();
    if (has_more || replica->next_look_ms <= now_ms) {
        return 0;
    }
    return replica->is_held_up ? HELD_UP_MS : (int)(replica->next_look_ms - now_ms);
}

/* Waits, and tells whether an answer to what was asked of the logs is there. */
static bool wait_for_work(const struct replica *replica, bool has_more)
{
    struct pollfd fds[] = {
        {.fd = link_fd(replica->primary.reader), .events = POLLIN},
        {.fd = replica->control_fd, .events = POLLIN},
        {.fd = replica->changes_fd, .events = POLLIN},
    };
    bool gathers = clock_monotonic_us() - replica->sent_us < GATHER_US;
    int timeout_ms = wait_ms(replica, has_more);
    if ((gathers || !replica->has_asked) && timeout_ms > 1) {
        timeout_ms = 1;
    }
    (void)poll(fds, gathers || !can_write(replica) ? 2 : 3, timeout_ms);
    return fds[0].revents != 0;
}

static void publish(struct replica *replica)
{
    const struct gather *gather = &replica->gather;
    store(&replica->counters.n_entries_read, replica->reader.n_entries);
    store(&replica->counters.n_users_changed, gather->n_users_changed);
    store(&replica->counters.n_malformed, gather->n_malformed);
    store(&replica->counters.n_full, gather->n_full);
}

/* Writes that are refused for now wait; scripts that were lost are loaded, and the same is sent again. */
static int mend(struct replica *replica, int r, struct failure *failure)
{
    if (r != -EREMOTEIO) {
        return r;
    }
    if (failure->remedy == FAILURE_LOAD) {
        return primary_load_scripts(&replica->primary, failure);
    }
    if (failure->remedy == FAILURE_PAUSE) {
        note_failure(replica, failure);
        replica->paused_until_ms = clock_monotonic_ms() + WRITE_PAUSE_MS;
        return 0;
    }
    if (failure->remedy == FAILURE_MEET) {
        return LOG_MISSED;
    }
    return r;
}

/* Says that this node lives, when it is time. 0, LOG_MISSED or below. */
static int announce(struct replica *replica, struct failure *ret_failure)
{
    if (!can_write(replica) || !peers_is_due(replica->peers)) {
        return 0;
    }
    int r = peers_announce(replica->peers, &replica->primary, ret_failure);
    if (r == 0) {
        note_success(replica);
    }
    return mend(replica, r, ret_failure);
}

/* One round. 0, LOG_MISSED or below. */
static int work(struct replica *replica, bool *ret_more, struct failure *ret_failure)
{
    bool more_meeting = false;
    bool more_changes = false;
    int r = mend(replica, go_on_meeting(replica, &more_meeting, ret_failure), ret_failure);
    if (r == 0 && can_write(replica)) {
        r = mend(replica, send_changes(replica, &more_changes, ret_failure), ret_failure);
    }
    if (r == 0) {
        r = look(replica, ret_failure);
    }
    if (r == 0) {
        r = announce(replica, ret_failure);
    }
    tell_stamps(replica);
    publish(replica);
    *ret_more = more_meeting || (more_changes && can_write(replica));
    return r;
}

static bool is_done(const struct replica *replica, uint64_t stop_ms)
{
    bool is_sent = replica->revision == changes_last_revision(replica->changes) &&
                   replica->meeting.phase == MEETING_OVER;
    return is_sent || !can_write(replica) || clock_monotonic_ms() - stop_ms > STOP_PATIENCE_MS;
}

/* Until something fails, or all is sent at the end. 0, LOG_MISSED or below. */
static int serve(struct replica *replica, struct failure *ret_failure)
{
    uint64_t stop_ms = 0;
    int r = 0;
    replica->has_asked = false;
    replica->read_us = 0;
    while (r == 0) {
        bool has_more;
        r = work(replica, &has_more, ret_failure);
        if (r == 0 && atomic_load(&replica->stopping)) {
            stop_ms = stop_ms == 0 ? clock_monotonic_ms() : stop_ms;
            if (is_done(replica, stop_ms)) {
                peers_leave(replica->peers, &replica->primary);
                return 0;
            }
            has_more = true;
        }
        if (r == 0) {
            bool is_there = wait_for_work(replica, has_more);
            r = read_log(replica, is_there, ret_failure);
        }
        if (r == 0 && replica->must_meet) {
            r = LOG_MISSED;
        }
    }
    return r;
}

static int connect_and_serve(struct replica *replica, struct failure *ret_failure)
{
    int r = primary_open(&replica->primary_config, &replica->primary, ret_failure);
    if (r < 0) {
        return r;
    }
    add(&replica->counters.n_connections, 1);
    atomic_store(&replica->evicts, replica->primary.evicts);
    outbox_begin(replica->outbox, &replica->primary, replica->run,
                 (const char(*)[OUTBOX_IDENTITY_SIZE])replica->reader.identities);
    replica->paused_until_ms = 0;
    replica->next_look_ms = clock_monotonic_ms() + LOOK_INTERVAL_MS;
    r = resume(replica, ret_failure);
    if (r < 0) {
        return r;
    }
    atomic_store(&replica->is_connected, true);
    set_state(replica, replica->meeting.phase == MEETING_OVER ? REPLICA_FOLLOWING : REPLICA_MEETING);
    note_success(replica);
    return serve(replica, ret_failure);
}

/* Twice as long as the last, and by chance up to half of that less: nodes that lost the engine together shall
 * not all come back together. */
static int pause_ms(struct replica *replica)
{
    uint32_t chance = 0;
    unsigned doublings = replica->n_attempts < 6 ? replica->n_attempts : 6;
    unsigned most = PAUSE_MIN_MS << doublings;
    most = most < PAUSE_MAX_MS ? most : PAUSE_MAX_MS;
    replica->n_attempts++;
    (void)draw(&chance, sizeof(chance));
    return (int)(most - chance % (most / 2));
}

static void give_up_learning(struct replica *replica)
{
    if (!atomic_load(&replica->has_met) &&
        clock_monotonic_ms() - replica->started_ms > LEARNING_PATIENCE_MS &&
        !atomic_exchange(&replica->has_met, true)) {
        log_warning("replication: going on without what other nodes know, until the engine can be reached");
    }
}

static void attempt(struct replica *replica)
{
    struct failure failure;
    uint64_t began_ms = clock_monotonic_ms();
    int r = connect_and_serve(replica, &failure);
    atomic_store(&replica->is_connected, false);
    set_state(replica, REPLICA_CONNECTING);
    primary_close(&replica->primary);
    if (clock_monotonic_ms() - began_ms > STEADY_MS) {
        replica->n_attempts = 0;
    }
    if (r == LOG_MISSED || (r < 0 && failure.remedy == FAILURE_MEET)) {
        log_notice("replication: entries were missed, or the engine holds other data: comparing all");
        add(&replica->counters.n_missed, 1);
        replica->must_meet = true;
    } else if (r < 0) {
        note_failure(replica, &failure);
    }
}

static void *run(void *cls)
{
    struct replica *replica = cls;
    struct pollfd control = {.fd = replica->control_fd, .events = POLLIN};
    while (!atomic_load(&replica->stopping)) {
        attempt(replica);
        give_up_learning(replica);
        if (!atomic_load(&replica->stopping)) {
            (void)poll(&control, 1, pause_ms(replica));
        }
    }
    return NULL;
}

/* From outside. */

static int start_thread(struct replica *replica)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    int r = -pthread_create(&replica->thread, NULL, run, replica);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    replica->has_thread = r == 0;
    if (r == 0) {
        (void)pthread_setname_np(replica->thread, "replica");
    }
    return r;
}

static int open_parts(struct replica *replica)
{
    uint64_t name;
    int r = draw(&name, sizeof(name));
    if (r < 0) {
        return r;
    }
    (void)snprintf(replica->run, sizeof(replica->run), "%016" PRIx64, name);
    replica->changes_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    replica->control_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (replica->changes_fd < 0 || replica->control_fd < 0) {
        return -errno;
    }
    r = outbox_new(replica->config.table, &replica->outbox);
    if (r < 0) {
        return r;
    }
    r = peers_new(replica->config.table, replica->run, &replica->peers);
    if (r < 0) {
        return r;
    }
    r = changes_follow(replica->changes, replica->changes_fd);
    return r < 0 ? r : start_thread(replica);
}

int replica_start(const struct replica_config *config, struct replica **ret_replica)
{
    struct replica *replica = calloc(1, sizeof(*replica));
    if (replica == NULL) {
        return -ENOMEM;
    }
    replica->config = *config;
    replica->primary_config = (struct primary_config){
        .url = config->url,
        .user = config->user,
        .password = config->password,
        .ca_file = config->ca_file,
        .node = config->node,
    };
    replica->changes = table_changes(config->table);
    replica->changes_fd = -1;
    replica->control_fd = -1;
    replica->started_ms = clock_monotonic_ms();
    replica->must_meet = true;
    replica->reader.run = replica->run;
    replica->gather.table = config->table;
    replica->gather.on_kept = send_kept;
    replica->gather.on_changed = pass_on;
    replica->gather.cls = replica;
    /* What was there before is sent by the meeting. */
    replica->revision = changes_last_revision(replica->changes);
    store(&replica->counters.sent_revision, replica->revision);
    int r = open_parts(replica);
    if (r < 0) {
        replica_stop(replica);
        return r;
    }
    *ret_replica = replica;
    return 0;
}

void replica_stop(struct replica *replica)
{
    const uint64_t one = 1;
    if (replica == NULL) {
        return;
    }
    if (replica->has_thread) {
        atomic_store(&replica->stopping, true);
        (void)!write(replica->control_fd, &one, sizeof(one));
        (void)pthread_join(replica->thread, NULL);
    }
    changes_unfollow(replica->changes, replica->changes_fd);
    outbox_free(replica->outbox);
    peers_free(replica->peers);
    meeting_fini(&replica->meeting);
    buf_fini(&replica->storage);
    cleanup_closep(&replica->changes_fd);
    cleanup_closep(&replica->control_fd);
    free(replica);
}

const char *replica_problem(const struct replica *replica)
{
    return atomic_load_explicit(&replica->problem, memory_order_acquire);
}

bool replica_is_learning(const struct replica *replica)
{
    return !atomic_load_explicit(&replica->has_met, memory_order_acquire);
}

const char *replica_state_name(enum replica_state state)
{
    static const char *const names[] = {
        [REPLICA_CONNECTING] = "connecting",
        [REPLICA_MEETING] = "meeting",
        [REPLICA_FOLLOWING] = "following",
    };
    return names[state];
}

void replica_stats(const struct replica *replica, struct replica_stats *ret_stats)
{
    const struct counters *counters = &replica->counters;
    uint64_t sent_revision = load(&counters->sent_revision);
    uint64_t last_revision = changes_last_revision(replica->changes);
    *ret_stats = (struct replica_stats){
        .state = atomic_load_explicit(&replica->state, memory_order_relaxed),
        .connected = atomic_load_explicit(&replica->is_connected, memory_order_relaxed),
        .evicts = atomic_load_explicit(&replica->evicts, memory_order_relaxed),
        .sent_revision = sent_revision,
        .lag = last_revision > sent_revision ? last_revision - sent_revision : 0,
        .unread = load(&counters->unread),
        .n_rows_sent = load(&counters->n_rows_sent),
        .n_entries_read = load(&counters->n_entries_read),
        .n_users_changed = load(&counters->n_users_changed),
        .n_connections = load(&counters->n_connections),
        .n_meetings = load(&counters->n_meetings),
        .n_missed = load(&counters->n_missed),
        .n_resent = load(&counters->n_resent),
        .n_failures = load(&counters->n_failures),
        .n_malformed = load(&counters->n_malformed),
        .n_full = load(&counters->n_full),
        .n_nodes = peers_n_living(replica->peers),
    };
}

void replica_set_asked(struct replica *replica, const uint16_t *apps, size_t n_apps)
{
    const uint64_t one = 1;
    peers_set_asked(replica->peers, apps, n_apps);
    (void)!write(replica->changes_fd, &one, sizeof(one)); /* so that it is announced at once */
}

unsigned replica_n_asking(struct replica *replica, uint16_t app, uint64_t *ret_n_lost)
{
    return peers_n_asking(replica->peers, app, ret_n_lost);
}

bool replica_asks_here(struct replica *replica, uint16_t app, struct str user_id)
{
    return peers_is_ours(replica->peers, app, user_id);
}

const char *replica_library_version(void)
{
    return link_library_version();
}
