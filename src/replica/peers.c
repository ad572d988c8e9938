/* SPDX-License-Identifier: MIT */
#include "peers.h"

#include "layout.h"
#include "presenced/array.h"
#include "presenced/clock.h"
#include "presenced/siphash.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#define N_PEERS_MAX 256 /* nodes beyond it are not in the list, and therefore ask about all users */
#define INTERVAL_MS 1000
#define BITS_PER_WORD 64
#define N_WORDS (TABLE_N_APPS_MAX / BITS_PER_WORD)

/* The apps that a node asks about, one bit per app. */
struct app_set {
    uint64_t words[N_WORDS];
};

struct peer {
    char run[PEERS_RUN_LEN];
    struct app_set asked;
};

struct peer_list {
    size_t n;
    struct peer peers[N_PEERS_MAX];
};

struct peers {
    const struct table *table;
    char run[PEERS_RUN_LEN + 1];
    pthread_mutex_t lock; /* protects the fields below */
    struct app_set asked; /* the apps that this node asks about */
    uint64_t due_ms;      /* when to announce this node next */
    bool is_known;        /* cleared when the list is found to be too old */
    uint64_t heard_ms;    /* when it was received, by clock_monotonic_ms() */
    uint64_t n_lost;
    struct peer_list *list;     /* the last list received */
    struct peer_list *previous; /* the one before it, into which the next is read */
};

int peers_new(const struct table *table, const char *run, struct peers **ret_peers)
{
    cleanup(peers_freep) struct peers *peers = calloc(1, sizeof(*peers));
    if (peers == NULL) {
        return -ENOMEM;
    }
    (void)pthread_mutex_init(&peers->lock, NULL);
    peers->table = table;
    (void)snprintf(peers->run, sizeof(peers->run), "%s", run);
    peers->list = calloc(1, sizeof(*peers->list));
    peers->previous = calloc(1, sizeof(*peers->previous));
    if (peers->list == NULL || peers->previous == NULL) {
        return -ENOMEM;
    }
    *ret_peers = take_pointer(peers);
    return 0;
}

void peers_free(struct peers *peers)
{
    if (peers == NULL) {
        return;
    }
    (void)pthread_mutex_destroy(&peers->lock);
    free(peers->list);
    free(peers->previous);
    free(peers);
}

static void add_app(struct app_set *set, uint16_t app)
{
    set->words[app / BITS_PER_WORD] |= UINT64_C(1) << app % BITS_PER_WORD;
}

static bool has_app(const struct app_set *set, uint16_t app)
{
    return (set->words[app / BITS_PER_WORD] >> app % BITS_PER_WORD & 1) != 0;
}

void peers_set_asked(struct peers *peers, const uint16_t *apps, size_t n_apps)
{
    struct app_set asked = {{0}};
    for (size_t i = 0; i < n_apps; i++) {
        add_app(&asked, apps[i]);
    }
    (void)pthread_mutex_lock(&peers->lock);
    peers->asked = asked;
    peers->due_ms = 0;
    (void)pthread_mutex_unlock(&peers->lock);
}

bool peers_is_due(struct peers *peers)
{
    (void)pthread_mutex_lock(&peers->lock);
    bool is_due = clock_monotonic_ms() >= peers->due_ms;
    (void)pthread_mutex_unlock(&peers->lock);
    return is_due;
}

/* Appends the ids of the apps, each followed by a blank. Ids are used because nodes may number their apps
 * differently. */
static void take_asked(struct peers *peers, struct buf *text)
{
    (void)pthread_mutex_lock(&peers->lock);
    const struct app_set asked = peers->asked;
    peers->due_ms = clock_monotonic_ms() + INTERVAL_MS;
    (void)pthread_mutex_unlock(&peers->lock);
    for (unsigned app = 0; app < table_n_apps(peers->table); app++) {
        if (has_app(&asked, (uint16_t)app)) {
            buf_appendf(text, "%" PRIu64 " ", table_app_id(peers->table, (uint16_t)app));
        }
    }
}

static void read_asked(const struct table *table, struct str text, struct app_set *ret_asked)
{
    struct str word;
    *ret_asked = (struct app_set){{0}};
    while (str_split(&text, ' ', &word)) {
        uint64_t id;
        int app = str_parse_u64(word, UINT64_MAX, &id) ? table_find_app(table, id) : -1;
        if (app >= 0) {
            add_app(ret_asked, (uint16_t)app);
        }
    }
}

/* Reads the reply, in which name and apps of the nodes alternate. */
static void read_list(const struct table *table, const struct link_reply *reply, struct peer_list *list)
{
    list->n = 0;
    for (size_t i = 0; i + 1 < link_reply_n(reply) && list->n < N_PEERS_MAX; i += 2) {
        struct str run = link_reply_text(link_reply_at(reply, i));
        if (run.len == PEERS_RUN_LEN) {
            struct peer *peer = &list->peers[list->n++];
            memcpy(peer->run, run.ptr, PEERS_RUN_LEN);
            read_asked(table, link_reply_text(link_reply_at(reply, i + 1)), &peer->asked);
        }
    }
}

static const struct peer *find(const struct peer_list *list, const char *run)
{
    for (size_t i = 0; i < list->n; i++) {
        if (memcmp(list->peers[i].run, run, PEERS_RUN_LEN) == 0) {
            return &list->peers[i];
        }
    }
    return NULL;
}

static bool lacks_any(const struct peer_list *list, const struct peer_list *of)
{
    for (size_t i = 0; i < of->n; i++) {
        if (find(list, of->peers[i].run) == NULL) {
            return true;
        }
    }
    return false;
}

/* Makes `previous`, which has been read, the current list. */
static void swap_lists(struct peers *peers)
{
    struct peer_list *list = peers->previous;
    (void)pthread_mutex_lock(&peers->lock);
    peers->n_lost += peers->is_known && lacks_any(list, peers->list);
    peers->previous = peers->list;
    peers->list = list;
    peers->is_known = true;
    peers->heard_ms = clock_monotonic_ms();
    (void)pthread_mutex_unlock(&peers->lock);
}

int peers_announce(struct peers *peers, struct primary *primary, struct failure *ret_failure)
{
    cleanup(link_reply_freep) struct link_reply *reply = NULL;
    cleanup(buf_fini) struct buf asked = {0};
    take_asked(peers, &asked);
    if (asked.failed) {
        return failure_of_call(-ENOMEM, ret_failure);
    }
    const struct str arguments[] = {STR("EVALSHA"),
                                    str_from(primary->announce_sha),
                                    STR("1"),
                                    STR(LAYOUT_NODES_KEY),
                                    str_from(peers->run),
                                    buf_str(&asked)};
    int r = primary_call(primary, arguments, N_ELEMENTS(arguments), &reply, ret_failure);
    if (r < 0) {
        return r;
    }
    read_list(peers->table, reply, peers->previous);
    swap_lists(peers);
    return 0;
}

void peers_leave(struct peers *peers, struct primary *primary)
{
    const struct str arguments[] = {STR("HDEL"), STR(LAYOUT_NODES_KEY), str_from(peers->run)};
    if (link_append(primary->writer, arguments, N_ELEMENTS(arguments)) == 0) {
        (void)link_flush(primary->writer);
    }
}

/* The following functions expect the lock to be held. */

/* Returns whether the live nodes are known. A list that is too old is discarded, which counts as the loss of
 * all other nodes. */
static bool list_is_known(struct peers *peers)
{
    if (peers->is_known && clock_monotonic_ms() - peers->heard_ms > PEERS_FRESH_MS) {
        peers->is_known = false;
        peers->n_lost++;
    }
    return peers->is_known;
}

/* Returns whether this node shares the users of the app. It does not until the list shows that the others
 * know that it asks, too. */
static bool shares(struct peers *peers, uint16_t app)
{
    const struct peer *own = list_is_known(peers) ? find(peers->list, peers->run) : NULL;
    return own != NULL && has_app(&own->asked, app);
}

static uint64_t weight(const char *run, uint64_t app_id, struct str user_id)
{
    struct siphash_key key;
    memcpy(&key, run, sizeof(key));
    key = (struct siphash_key){le64toh(key.k0), le64toh(key.k1) ^ app_id};
    return siphash(&key, (const uint8_t *)user_id.ptr, user_id.len);
}

_Static_assert(sizeof(struct siphash_key) == PEERS_RUN_LEN, "the name of a run has the size of a key");

static bool is_highest(const struct peers *peers, uint16_t app, struct str user_id)
{
    uint64_t app_id = table_app_id(peers->table, app);
    uint64_t own = weight(peers->run, app_id, user_id);
    for (size_t i = 0; i < peers->list->n; i++) {
        const struct peer *peer = &peers->list->peers[i];
        if (has_app(&peer->asked, app) && weight(peer->run, app_id, user_id) > own) {
            return false;
        }
    }
    return true;
}

size_t peers_n_living(struct peers *peers)
{
    (void)pthread_mutex_lock(&peers->lock);
    size_t n = list_is_known(peers) ? peers->list->n : 0;
    (void)pthread_mutex_unlock(&peers->lock);
    return n;
}

unsigned peers_n_asking(struct peers *peers, uint16_t app, uint64_t *ret_n_lost)
{
    unsigned n = 0;
    (void)pthread_mutex_lock(&peers->lock);
    bool is_shared = shares(peers, app);
    for (size_t i = 0; is_shared && i < peers->list->n; i++) {
        n += has_app(&peers->list->peers[i].asked, app);
    }
    *ret_n_lost = peers->n_lost;
    (void)pthread_mutex_unlock(&peers->lock);
    return is_shared ? n : 1;
}

bool peers_is_ours(struct peers *peers, uint16_t app, struct str user_id)
{
    (void)pthread_mutex_lock(&peers->lock);
    bool is_ours = !shares(peers, app) || is_highest(peers, app, user_id);
    (void)pthread_mutex_unlock(&peers->lock);
    return is_ours;
}
