/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"
#include "victim.h"

#include "presenced/clock.h"
#include "presenced/record.h"
#include "../../src/status/user_json.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

/* A daemon with a store is killed at random moments while events come in over several connections, and
 * started again. All events carry their own stamps, so the table depends only on which of them it holds: it
 * must hold all that were answered OK, and those that were on their way wholly or not at all. With
 * PRESENCED_FAILING_DISK it is the power that is cut (failing_disk.c). */

#define N_CONNECTIONS 8
#define N_CONNECTIONS_SLOW 1 /* where what is uncertain piles up for a second */
#define N_USERS 3000
/* Where all of a second is uncertain: so many that little of it is of one user. */
#define N_USERS_DARK 12000
#define N_STAMPS 2000      /* few, so that many events share one, and many are late */
#define N_UNCERTAIN_MAX 24 /* events a user that may be there or not */
#define N_KILLS 6
#define KILL_AFTER_MAX_MS 400
#define RELAXED_MS 50
#define SUPERBLOCK_MS 1000 /* with commit, after a power cut */
#define SLACK_MS 150       /* for a client that is kept from its CPU */

static const char config_format[] = "[callback]\n"
                                    "listen = 127.0.0.1:0\n"
                                    "certificate = @DIR@/server.pem\n"
                                    "private_key = @DIR@/server.key\n"
                                    "[status]\n"
                                    "listen = 127.0.0.1:0\n"
                                    "[store]\n"
                                    "path = @DIR@/store\n"
                                    "durability = %s\n"
                                    "[app 1400000000]\n";

static uint64_t seed;
static uint64_t first_stamp_ms;
static unsigned n_users = N_USERS;

static uint64_t number_from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    uint64_t value = otherwise;
    if (text != NULL && *text != '\0') {
        ck_assert_msg(str_parse_u64(str_from(text), UINT64_MAX, &value), "%s is no number", name);
    }
    return value;
}

/* Events: the same number gives the same event. */

static const struct {
    const char *name; /* as State.StateChange sends it */
    uint8_t number;
} platforms[] = {
    {"IOS", PLATFORM_IOS},         {"Android", PLATFORM_ANDROID}, {"Web", PLATFORM_WEB},
    {"Windows", PLATFORM_WINDOWS}, {"iPad", PLATFORM_IPAD},       {"macOS", PLATFORM_MAC},
};

#define N_PLATFORMS (sizeof(platforms) / sizeof(platforms[0]))

static const struct {
    enum table_event_kind kind;
    enum row_reason reason;
    const char *action;
    const char *reason_name;
} actions[] = {
    {TABLE_LOGIN, ROW_REASON_REGISTER, "Login", "Register"},
    {TABLE_DISCONNECT, ROW_REASON_LINK_CLOSE, "Disconnect", "LinkClose"},
    {TABLE_DISCONNECT, ROW_REASON_TIMEOUT, "Disconnect", "TimeOut"},
    {TABLE_LOGOUT, ROW_REASON_UNREGISTER, "Logout", "Unregister"},
    {TABLE_CUSTOM_STATUS, ROW_REASON_OTHER, "CustomStatusChange", "SetCustomStatus"},
};

struct crash_event {
    size_t action;
    size_t platform;
    unsigned user;
    unsigned client; /* last byte of 192.0.2.0/24 */
    unsigned kicked; /* bits of platforms */
    bool is_restapi;
    uint64_t event_time_ms;
};

/* SplitMix64's mixing. */
static uint64_t mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

/* Stamps go up with the number, so that there is always something to change. */
static struct crash_event event_of(uint64_t number)
{
    uint64_t a = mix(seed + 2 * number);
    uint64_t b = mix(seed + 2 * number + 1);
    struct crash_event event = {
        .action = a % 8 < 4 ? 0 : a % 8 - 3,
        .platform = (a >> 8) % N_PLATFORMS,
        .user = (unsigned)(a >> 16) % n_users,
        .client = (unsigned)(a >> 48) % 4,
        .kicked = (unsigned)(b % 4 == 0 ? b >> 8 : 0) % (1U << N_PLATFORMS),
        .event_time_ms = first_stamp_ms + number + (b >> 24) % N_STAMPS,
    };
    event.is_restapi = actions[event.action].kind == TABLE_LOGOUT && b % 8 == 1;
    return event;
}

static void append_body(struct buf *out, const struct crash_event *event)
{
    buf_appendf(out,
                "{\"CallbackCommand\":\"State.StateChange\",\"EventTime\":%" PRIu64
                ",\"Info\":{\"To_Account\":\"user%u\",\"Action\":\"%s\",\"Reason\":\"%s\"",
                event->event_time_ms, event->user, actions[event->action].action,
                actions[event->action].reason_name);
    if (actions[event->action].kind == TABLE_CUSTOM_STATUS) {
        buf_appendf(out, ",\"CustomStatus\":\"status%u\"", event->client);
    }
    buf_append_char(out, '}');
    if (actions[event->action].kind == TABLE_LOGIN) {
        const char *comma = "";
        buf_append(out, STR(",\"KickedDevice\":["));
        for (size_t i = 0; i < N_PLATFORMS; i++) {
            if ((event->kicked >> i & 1) != 0) {
                buf_appendf(out, "%s{\"Platform\":\"%s\"}", comma, platforms[i].name);
                comma = ",";
            }
        }
        buf_append_char(out, ']');
    }
    buf_append_char(out, '}');
}

static void append_target(struct buf *out, const struct crash_event *event)
{
    buf_appendf(out,
                "/?SdkAppid=%d&CallbackCommand=State.StateChange&contenttype=json"
                "&ClientIP=192.0.2.%u&OptPlatform=%s",
                EVENT_APP, event->client, event->is_restapi ? "RESTAPI" : platforms[event->platform].name);
}

/* The model: a table of our own, that holds what the daemon's must. */

static struct table *table_make(void)
{
    static const struct table_config config = {
        .push_online_window_ms = UINT64_C(7) * 24 * 3600 * 1000,
        .changes_max_entries = 1024,
        .changes_max_bytes = 1 << 20,
    };
    struct table *table;
    uint16_t app;
    ck_assert_int_eq(table_new(&config, &table), 0);
    ck_assert_int_eq(table_add_app(table, EVENT_APP, &app), 0);
    return table;
}

static void apply_here(struct table *table, uint64_t number)
{
    struct crash_event event = event_of(number);
    char user[32];
    char custom_status[32];
    (void)snprintf(user, sizeof(user), "user%u", event.user);
    (void)snprintf(custom_status, sizeof(custom_status), "status%u", event.client);
    struct table_event table_event = {
        .kind = actions[event.action].kind,
        .reason = (uint8_t)actions[event.action].reason,
        .platform = event.is_restapi ? PLATFORM_RESTAPI : platforms[event.platform].number,
        .user_id = str_from(user),
        .client = {.len = 4, .bytes = {192, 0, 2, (uint8_t)event.client}},
        .has_event_time = true,
        .event_time_ms = event.event_time_ms,
        .custom_status = str_from(custom_status),
    };
    for (size_t i = 0; i < N_PLATFORMS; i++) {
        if ((event.kicked >> i & 1) != 0) {
            platform_set_add(&table_event.kicked, platforms[i].number);
        }
    }
    struct table_applied applied;
    int r = table_apply(table, &table_event, clock_unix_ms(), &applied);
    ck_assert(r == TABLE_CHANGED || r == TABLE_UNCHANGED);
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A user as text that depends on neither the order of devices, which is that of their first event, nor on
 * when events were received. Takes `user`. */
static char *canonical(cJSON *user)
{
    ck_assert_ptr_nonnull(user);
    struct buf out = {0};
    cJSON *devices = cJSON_DetachItemFromObjectCaseSensitive(user, "devices");
    char *texts[PLATFORM_N_MAX + 1];
    size_t n = 0;
    texts[n++] = cJSON_PrintUnformatted(user);
    cJSON *device;
    cJSON_ArrayForEach(device, devices)
    {
        cJSON_DeleteItemFromObjectCaseSensitive(device, "received_time");
        texts[n++] = cJSON_PrintUnformatted(device);
    }
    qsort(texts, n, sizeof(texts[0]), compare_text);
    for (size_t i = 0; i < n; i++) {
        buf_appendf(&out, "%s\n", texts[i]);
        cJSON_free(texts[i]);
    }
    cJSON_Delete(devices);
    cJSON_Delete(user);
    (void)buf_text(&out);
    return out.ptr;
}

static char *user_here(struct table *table, unsigned number)
{
    struct user user;
    char user_id[32];
    (void)snprintf(user_id, sizeof(user_id), "user%u", number);
    cleanup(buf_fini) struct buf json = {0};
    struct json_writer writer = {.out = &json};
    if (table_get(table, 0, str_from(user_id), &user) == TABLE_ABSENT) {
        user_json_write_unknown(&writer, EVENT_APP, str_from(user_id));
    } else {
        user_json_write(&writer, table, &user, clock_unix_ms());
    }
    return canonical(cJSON_Parse(buf_text(&json)));
}

/* A table that holds one user of another. */
static struct table *table_with_user(struct table *from, unsigned number)
{
    struct user user;
    char user_id[32];
    uint8_t record[RECORD_SIZE_MAX];
    struct table *table = table_make();
    (void)snprintf(user_id, sizeof(user_id), "user%u", number);
    if (table_get(from, 0, str_from(user_id), &user) == 0) {
        (void)record_encode(&user, record);
        ck_assert_int_eq(table_restore_user(table, record, clock_unix_ms()), 0);
    }
    return table;
}

/* What was sent in a round. */

struct sent {
    uint64_t number;
    bool is_answered; /* OK */
    uint64_t answered_ms;
    uint64_t age_ms; /* when the daemon was killed; 0: not answered */
};

struct round {
    struct sandbox *sandbox;
    struct table *model;
    _Atomic uint64_t n_begun; /* over all rounds */
    size_t n_connections;
    const char *disk;         /* failing_disk.c; NULL: none */
    uint64_t certain_from_ms; /* how old an OK is at the kill that must be there */
    uint64_t killed_ms;
    struct sent *uncertain;
    size_t n_uncertain;
    /* Figures. */
    uint64_t n_kills;
    uint64_t n_ok;
    uint64_t n_unanswered;
    uint64_t n_unanswered_there;
    uint64_t n_lost;      /* answered OK: relaxed only */
    uint64_t n_lost_late; /* of them, older than relaxed allows */
    uint64_t oldest_lost_ms;
    uint64_t slowest_start_ms;
};

struct sender {
    pthread_t thread;
    struct round *round;
    struct client *client;
    uint64_t random;
    struct sent *sent;
    size_t n_sent;
    struct buf wrong_answer;
};

/* A new event, or one that somebody sent a moment ago and may still be waiting for. */
static uint64_t choose_event(struct sender *sender)
{
    sender->random = mix(sender->random + UINT64_C(0x9e3779b97f4a7c15));
    uint64_t back = 1 + (sender->random >> 8) % N_CONNECTIONS;
    uint64_t next = atomic_load(&sender->round->n_begun);
    if (sender->random % 16 == 0 && next > back) {
        return next - back;
    }
    return atomic_fetch_add(&sender->round->n_begun, 1);
}

/* False when the connection is lost, as it is when the daemon is killed. */
static bool send_one(struct sender *sender, uint64_t number)
{
    struct crash_event event = event_of(number);
    cleanup(buf_fini) struct buf target = {0};
    cleanup(buf_fini) struct buf body = {0};
    append_target(&target, &event);
    append_body(&body, &event);
    const struct client_request request = {
        .method = "POST", .target = buf_text(&target), .body = buf_text(&body)};
    cleanup(answer_fini) struct answer answer;
    CURLcode code = client_try(sender->client, &request, &answer);
    bool is_answered = code == CURLE_OK;
    if (is_answered && !event_is_ok(&answer)) {
        buf_appendf(&sender->wrong_answer, "%ld %s", answer.status, buf_text(&answer.body));
    }
    sender->sent = reallocarray(sender->sent, sender->n_sent + 1, sizeof(*sender->sent));
    ck_assert_ptr_nonnull(sender->sent);
    sender->sent[sender->n_sent++] = (struct sent){
        .number = number, .is_answered = is_answered, .answered_ms = clock_monotonic_ms()};
    return is_answered && sender->wrong_answer.len == 0;
}

static void *run_sender(void *cls)
{
    struct sender *sender = cls;
    while (send_one(sender, choose_event(sender))) {}
    return NULL;
}

static void start_senders(struct round *round, const struct victim *victim,
                          struct sender senders[static N_CONNECTIONS])
{
    for (size_t i = 0; i < round->n_connections; i++) {
        senders[i] = (struct sender){
            .round = round,
            .client = client_new("https", victim_callback_port(victim)),
            .random = mix(seed + round->n_kills * N_CONNECTIONS + i),
        };
        client_trust(senders[i].client, round->sandbox);
    }
    for (size_t i = 0; i < round->n_connections; i++) {
        ck_assert_int_eq(pthread_create(&senders[i].thread, NULL, run_sender, &senders[i]), 0);
    }
}

static void add_uncertain(struct round *round, const struct sent *sent)
{
    round->uncertain = reallocarray(round->uncertain, round->n_uncertain + 1, sizeof(*round->uncertain));
    ck_assert_ptr_nonnull(round->uncertain);
    round->uncertain[round->n_uncertain++] = *sent;
}

static void judge_sent(struct round *round, struct sent *sent)
{
    if (sent->is_answered && round->killed_ms > sent->answered_ms) {
        sent->age_ms = round->killed_ms - sent->answered_ms;
    }
    round->n_ok += sent->is_answered;
    round->n_unanswered += !sent->is_answered;
    if (sent->is_answered && sent->age_ms >= round->certain_from_ms) {
        apply_here(round->model, sent->number);
    } else {
        add_uncertain(round, sent);
    }
}

static void stop_senders(struct round *round, struct sender senders[static N_CONNECTIONS])
{
    for (size_t i = 0; i < round->n_connections; i++) {
        ck_assert_int_eq(pthread_join(senders[i].thread, NULL), 0);
        ck_assert_msg(senders[i].wrong_answer.len == 0, "not OK: %s", buf_text(&senders[i].wrong_answer));
        for (size_t j = 0; j < senders[i].n_sent; j++) {
            judge_sent(round, &senders[i].sent[j]);
        }
        client_free(senders[i].client);
        free(senders[i].sent);
        buf_fini(&senders[i].wrong_answer);
    }
}

/* What is there after a round. */

/* By user; the oldest last, so that the highest bits of a choice stand for those that should be there. */
static int compare_sent(const void *a, const void *b)
{
    const struct sent *x = a;
    const struct sent *y = b;
    unsigned user_x = event_of(x->number).user;
    unsigned user_y = event_of(y->number).user;
    if (user_x != user_y) {
        return user_x < user_y ? -1 : 1;
    }
    return x->age_ms == y->age_ms ? 0 : x->age_ms < y->age_ms ? -1 : 1;
}

static bool fits(struct round *round, unsigned user, const struct sent *uncertain, size_t n, unsigned chosen,
                 const char *there)
{
    cleanup(table_freep) struct table *table = table_with_user(round->model, user);
    for (size_t i = 0; i < n; i++) {
        if ((chosen >> i & 1) != 0) {
            apply_here(table, uncertain[i].number);
        }
    }
    cleanup(cleanup_freep) char *here = user_here(table, user);
    return strcmp(here, there) == 0;
}

static void note_uncertain(struct round *round, const struct sent *sent, bool is_there)
{
    if (is_there) {
        apply_here(round->model, sent->number);
        round->n_unanswered_there += !sent->is_answered;
    } else if (sent->is_answered) {
        round->n_lost++;
        round->n_lost_late += sent->age_ms > RELAXED_MS;
        round->oldest_lost_ms = sent->age_ms > round->oldest_lost_ms ? sent->age_ms : round->oldest_lost_ms;
    }
}

/* A custom status shows only while the user is online. */
static bool is_hidden(const struct sent *sent, const char *there)
{
    return actions[event_of(sent->number).action].kind == TABLE_CUSTOM_STATUS &&
           strstr(there, "\"state\":\"online\",\"since\":") == NULL;
}

/* Which of the uncertain events are there, as bits: as many as can be, where several choices look the same.
 * UINT_MAX: no choice fits. */
static unsigned choose(struct round *round, unsigned user, const struct sent *uncertain, size_t n,
                       const char *there)
{
    unsigned all = (1U << n) - 1;
    /* It is the newest that are lost, but for those that were on their way. */
    for (size_t n_lost = 0; n_lost <= n; n_lost++) {
        unsigned chosen = all & ~((1U << n_lost) - 1);
        if (fits(round, user, uncertain, n, chosen, there)) {
            return chosen;
        }
    }
    unsigned chosen = all;
    while (chosen != UINT_MAX && !fits(round, user, uncertain, n, chosen, there)) {
        chosen--;
    }
    return chosen;
}

/* Settles what is there of a user's uncertain events. Keeps those of which nothing can be said yet at the
 * front, and returns how many they are. */
static size_t settle_user(struct round *round, unsigned user, struct sent *uncertain, size_t n,
                          const char *there)
{
    ck_assert_uint_le(n, N_UNCERTAIN_MAX);
    unsigned chosen = choose(round, user, uncertain, n, there);
    cleanup(cleanup_freep) char *here = user_here(round->model, user);
    ck_assert_msg(chosen != UINT_MAX,
                  "PRESENCED_SEED=%" PRIu64 ", kill %" PRIu64
                  ": user%u should be, with or without %zu uncertain events,\n%sbut is\n%s",
                  seed, round->n_kills, user, n, here, there);
    size_t n_hidden = 0;
    for (size_t i = 0; i < n; i++) {
        if (is_hidden(&uncertain[i], there)) {
            uncertain[n_hidden++] = uncertain[i];
        } else {
            note_uncertain(round, &uncertain[i], (chosen >> i & 1) != 0);
        }
    }
    return n_hidden;
}

/* Some users' JSON, from `first` on. */
static cJSON *ask_users(struct client *status, unsigned first, unsigned n)
{
    cleanup(buf_fini) struct buf body = {0};
    buf_appendf(&body, "{\"app\":%d,\"users\":[", EVENT_APP);
    for (unsigned i = 0; i < n; i++) {
        buf_appendf(&body, "%s\"user%u\"", i == 0 ? "" : ",", first + i);
    }
    buf_append(&body, STR("]}"));
    cleanup(answer_fini) struct answer answer;
    client_post(status, "/v1/users/query", buf_text(&body), &answer);
    ck_assert_int_eq(answer.status, 200);
    cJSON *root = cJSON_Parse(buf_text(&answer.body));
    cJSON *users = cJSON_DetachItemFromObjectCaseSensitive(root, "users");
    cJSON_Delete(root);
    ck_assert_int_eq(cJSON_GetArraySize(users), (int)n);
    return users;
}

/* The uncertain events of a user begin at `at`; returns where they end. */
static size_t find_end(const struct round *round, size_t at, unsigned user)
{
    while (at < round->n_uncertain && event_of(round->uncertain[at].number).user == user) {
        at++;
    }
    return at;
}

static void check_users(struct round *round, const struct victim *victim)
{
    const unsigned n_page = 1000;
    size_t at = 0;
    size_t n_kept = 0;
    cleanup(client_freep) struct client *status = client_new("http", victim_status_port(victim));
    if (round->n_uncertain > 0) {
        qsort(round->uncertain, round->n_uncertain, sizeof(*round->uncertain), compare_sent);
    }
    for (unsigned first = 0; first < n_users; first += n_page) {
        cJSON *users = ask_users(status, first, n_page);
        for (unsigned user = first; user < first + n_page; user++) {
            cleanup(cleanup_freep) char *there = canonical(cJSON_DetachItemFromArray(users, 0));
            struct sent *uncertain = round->uncertain + at;
            size_t end = find_end(round, at, user);
            size_t n_hidden = settle_user(round, user, uncertain, end - at, there);
            for (size_t i = 0; i < n_hidden; i++) {
                round->uncertain[n_kept++] = uncertain[i];
            }
            at = end;
        }
        cJSON_Delete(users);
    }
    ck_assert_uint_eq(at, round->n_uncertain);
    round->n_uncertain = n_kept;
}

static void pause_ms(uint64_t ms)
{
    const struct timespec time = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)nanosleep(&time, NULL);
}

/* Rounds. */

/* What runs the daemon, or any program, over the disk that fails. */
#define DISK_WORDS(disk) "env", "FAILING_DISK_STORE=@DIR@/store", "FAILING_DISK_NOTES=@DIR@/notes", (disk)

static struct victim *spawn(const struct round *round, const char *config)
{
    char preload[512];
    (void)snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", round->disk == NULL ? "" : round->disk);
    const char *const through[] = {DISK_WORDS(preload), NULL};
    return victim_spawn(round->sandbox,
                        &(struct victim_config){config, round->disk == NULL ? NULL : through});
}

static void cut_power(const struct round *round)
{
    char preload[512];
    (void)snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", round->disk);
    const char *const words[] = {DISK_WORDS(preload), "FAILING_DISK_CUT=1", "true", NULL};
    cleanup(buf_fini) struct buf output = {0};
    int status = sandbox_run(round->sandbox, words[0], words + 1, &output);
    ck_assert_msg(status == 0, "%s", buf_text(&output));
}

static void kill_daemon(struct round *round, struct victim *victim)
{
    round->killed_ms = clock_monotonic_ms();
    victim_kill(victim);
    if (round->disk != NULL) {
        cut_power(round);
    }
}

static struct victim *restart(struct round *round, const char *config, uint64_t random)
{
    /* Now and then it dies while it starts, too. */
    if (random % 8 == 0) {
        struct victim *victim = spawn(round, config);
        pause_ms((random >> 8) % 100);
        kill_daemon(round, victim);
    }
    uint64_t begin_ms = clock_monotonic_ms();
    struct victim *victim = spawn(round, config);
    victim_await_ready(victim);
    uint64_t took_ms = clock_monotonic_ms() - begin_ms;
    round->slowest_start_ms = took_ms > round->slowest_start_ms ? took_ms : round->slowest_start_ms;
    return victim;
}

static struct victim *kill_once(struct round *round, const char *config, struct victim *victim)
{
    struct sender senders[N_CONNECTIONS];
    uint64_t random = mix(seed ^ mix(round->n_kills));
    start_senders(round, victim, senders);
    uint64_t kill_after_max_ms = KILL_AFTER_MAX_MS * harness_slowness() + round->certain_from_ms;
    pause_ms((random >> 32) % kill_after_max_ms);
    kill_daemon(round, victim);
    round->n_kills++;
    stop_senders(round, senders);
    victim = restart(round, config, random);
    check_users(round, victim);
    return victim;
}

static void print_figures(const struct round *round, const char *durability)
{
    printf("%s: %" PRIu64 " kills, %" PRIu64 " events answered OK, %" PRIu64 " of them lost (%" PRIu64
           " answered more than 50 ms before the kill, the oldest %" PRIu64 " ms); %" PRIu64
           " not answered, %" PRIu64 " of them there; slowest start %" PRIu64 " ms; PRESENCED_SEED=%" PRIu64
           "\n",
           durability, round->n_kills, round->n_ok, round->n_lost, round->n_lost_late, round->oldest_lost_ms,
           round->n_unanswered, round->n_unanswered_there, round->slowest_start_ms, seed);
}

static uint64_t certain_from_ms(const char *durability, bool is_power_cut)
{
    if (strcmp(durability, "commit") == 0 && is_power_cut) {
        return SUPERBLOCK_MS + SLACK_MS * harness_slowness();
    }
    return strcmp(durability, "relaxed") == 0 ? RELAXED_MS + SLACK_MS * harness_slowness() : 0;
}

static void kill_often(const char *durability)
{
    char config[1024];
    uint64_t n_kills = number_from_environment("PRESENCED_TEST_KILLS", N_KILLS);
    seed = number_from_environment("PRESENCED_SEED", clock_unix_ms());
    first_stamp_ms = clock_unix_ms() - UINT64_C(24) * 3600 * 1000;
    (void)snprintf(config, sizeof(config), config_format, durability);
    printf("%s: PRESENCED_SEED=%" PRIu64 "\n", durability, seed);
    cleanup(sandbox_freep) struct sandbox *sandbox = sandbox_new();
    struct round round = {
        .sandbox = sandbox,
        .model = table_make(),
        .disk = getenv("PRESENCED_FAILING_DISK"),
    };
    round.certain_from_ms = certain_from_ms(durability, round.disk != NULL);
    n_users = round.disk != NULL ? N_USERS_DARK : N_USERS;
    round.n_connections = round.certain_from_ms >= SUPERBLOCK_MS ? N_CONNECTIONS_SLOW : N_CONNECTIONS;
    struct victim *victim = restart(&round, config, 1);
    while (round.n_kills < n_kills) {
        victim = kill_once(&round, config, victim);
    }
    victim_stop(victim);
    print_figures(&round, durability);
    ck_assert_uint_gt(round.n_ok, n_kills);
    ck_assert(round.certain_from_ms > 0 || round.n_lost == 0);
    free(round.uncertain);
    table_free(round.model);
}

START_TEST(commit_loses_nothing_answered)
{
    kill_often("commit");
}
END_TEST

START_TEST(sync_loses_nothing_answered)
{
    kill_often("sync");
}
END_TEST

/* It promises nothing of power cuts. */
START_TEST(relaxed_loses_little)
{
    if (getenv("PRESENCED_FAILING_DISK") != NULL) {
        return;
    }
    kill_often("relaxed");
}
END_TEST

/* A case each, so that CK_RUN_CASE runs one alone. */
static void add_case(Suite *suite, const char *name, const TTest *test)
{
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 3600);
    tcase_add_test(tcase, test);
    suite_add_tcase(suite, tcase);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("crash");
    add_case(suite, "commit", commit_loses_nothing_answered);
    add_case(suite, "sync", sync_loses_nothing_answered);
    add_case(suite, "relaxed", relaxed_loses_little);
    return suite;
}
