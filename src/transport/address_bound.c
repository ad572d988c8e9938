/* SPDX-License-Identifier: MIT */
#include "address_bound.h"

#include <errno.h>
#include <pthread.h>

/* A hash table with chaining. Entries come from one array, one per address with open connections, so max_all
 * entries suffice. */
struct entry {
    struct address key;
    unsigned n_connections;
    struct entry *next;
};

struct address_bound {
    pthread_mutex_t lock;
    unsigned max_each;
    size_t mask;
    struct entry **buckets;
    struct entry *entries;
    struct entry *unused;
};

static size_t power_of_two_above(size_t n)
{
    size_t size = 16;
    while (size < n) {
        size *= 2;
    }
    return size;
}

int address_bound_new(unsigned max_each, unsigned max_all, struct address_bound **ret_bound)
{
    cleanup(address_bound_freep) struct address_bound *bound = calloc(1, sizeof(*bound));
    if (bound == NULL) {
        return -ENOMEM;
    }
    size_t n_buckets = power_of_two_above(max_all);
    (void)pthread_mutex_init(&bound->lock, NULL);
    bound->max_each = max_each;
    bound->mask = n_buckets - 1;
    bound->buckets = calloc(n_buckets, sizeof(struct entry *));
    bound->entries = calloc(max_all, sizeof(*bound->entries));
    if (bound->buckets == NULL || bound->entries == NULL) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < max_all; i++) {
        bound->entries[i].next = bound->unused;
        bound->unused = &bound->entries[i];
    }
    *ret_bound = take_pointer(bound);
    return 0;
}

void address_bound_free(struct address_bound *bound)
{
    if (bound == NULL) {
        return;
    }
    (void)pthread_mutex_destroy(&bound->lock);
    free(bound->buckets);
    free(bound->entries);
    free(bound);
}

static struct address share_of(const struct address *address)
{
    struct address key = *address;
    if (key.len == 16) {
        memset(key.bytes + 8, 0, 8);
    }
    return key;
}

/* FNV-1a. A hash without a key is sufficient: an attacker needs an open connection from each address that
 * collides. */
static size_t bucket_of(const struct address_bound *bound, const struct address *key)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (unsigned i = 0; i < key->len; i++) {
        hash = (hash ^ key->bytes[i]) * UINT64_C(0x100000001b3);
    }
    return (size_t)(hash ^ hash >> 32) & bound->mask;
}

/* Returns the link that points to the key's entry, or the NULL link at the end of its bucket. */
static struct entry **find(struct address_bound *bound, const struct address *key)
{
    struct entry **link = &bound->buckets[bucket_of(bound, key)];
    while (*link != NULL && !address_equal(&(*link)->key, key)) {
        link = &(*link)->next;
    }
    return link;
}

bool address_bound_add(struct address_bound *bound, const struct address *address)
{
    struct address key = share_of(address);
    bool added = false;
    (void)pthread_mutex_lock(&bound->lock);
    struct entry **link = find(bound, &key);
    if (*link == NULL && bound->unused != NULL) {
        *link = bound->unused;
        bound->unused = (*link)->next;
        **link = (struct entry){.key = key};
    }
    if (*link != NULL && (*link)->n_connections < bound->max_each) {
        (*link)->n_connections++;
        added = true;
    }
    (void)pthread_mutex_unlock(&bound->lock);
    return added;
}

void address_bound_remove(struct address_bound *bound, const struct address *address)
{
    struct address key = share_of(address);
    (void)pthread_mutex_lock(&bound->lock);
    struct entry **link = find(bound, &key);
    struct entry *entry = *link;
    if (entry != NULL && --entry->n_connections == 0) {
        *link = entry->next;
        entry->next = bound->unused;
        bound->unused = entry;
    }
    (void)pthread_mutex_unlock(&bound->lock);
}
