/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_OPTIONS_H
#define PRESENCED_OPTIONS_H

/* All configuration options. The structs of config.h, the defaults, the parser, error texts and the reference
 * text are all derived from these tables. Constant; any thread may read them.
 *
 * A row is X(section's struct, kind, field of it, key, default, allowed, flags, meaning). A field has the
 * name of its key, with the unit appended. `allowed` is LOWEST..HIGHEST in the notation of the file; for
 * lists it is the range of the number of values; for CHOICE its words, which are numbered from 0 in order. */

#include "presenced/str.h"

enum option_flag {
    OPTION_RESTART = 1,    /* cannot change at reload; for single values and ENDPOINTS */
    OPTION_CREDENTIAL = 2, /* credential:NAME names a file in $CREDENTIALS_DIRECTORY; the value is its path */
};

#define CALLBACK_OPTIONS(X, S)                                                                            \
    X(S, ENDPOINTS, listen, "listen", "0.0.0.0:8443", "1..16", OPTION_RESTART,                            \
      "where Tencent's callbacks arrive")                                                                 \
    X(S, URL_PATH, path, "path", "/", "", 0, "path of the URL that is set in the console")                \
    X(S, BOOL, tls, "tls", "on", "", OPTION_RESTART,                                                      \
      "off: plain HTTP, behind a load balancer that ends TLS")                                            \
    X(S, FILE, certificate, "certificate", "/etc/presenced/tls/fullchain.pem", "", OPTION_CREDENTIAL,     \
      "certificate chain, PEM")                                                                           \
    X(S, FILE, private_key, "private_key", "/etc/presenced/tls/privkey.pem", "", OPTION_CREDENTIAL,       \
      "its private key, PEM")                                                                             \
    X(S, FILE, client_ca, "client_ca", "", "", 0, "when set, a client certificate it signed is required") \
    X(S, CHOICE, other_commands, "other_commands", "fail", "fail | ok", 0,                                \
      "answer to other authentic callbacks")                                                              \
    X(S, NETWORKS, allow, "allow", "", "0..1024", 0, "networks that may call, empty: any")                \
    X(S, NETWORKS, trusted_proxies, "trusted_proxies", "", "0..1024", 0,                                  \
      "networks whose X-Forwarded-For is believed")                                                       \
    X(S, SIZE, max_body_bytes, "max_body", "64K", "1K..1M", OPTION_RESTART, "longest body that is taken") \
    X(S, COUNT, max_connections, "max_connections", "10000", "1..1M", OPTION_RESTART,                     \
      "connections open at a time")                                                                       \
    X(S, DURATION, idle_timeout_ms, "idle_timeout", "75s", "1s..1h", OPTION_RESTART,                      \
      "a connection idle for longer is closed")                                                           \
    X(S, DURATION, request_timeout_ms, "request_timeout", "10s", "100ms..1h", OPTION_RESTART,             \
      "how long a whole request may take to arrive")                                                      \
    X(S, COUNT, max_connections_per_address, "max_connections_per_address", "0", "0..1M", OPTION_RESTART, \
      "0: no bound")                                                                                      \
    X(S, CHOICE, proxy_protocol, "proxy_protocol", "off", "off | v2", OPTION_RESTART,                     \
      "v2: connections from trusted_proxies begin with its header")                                       \
    X(S, DURATION, drain_delay_ms, "drain_delay", "0s", "0..1h", OPTION_RESTART,                          \
      "how long to serve on, not ready, before closing")

#define APP_OPTIONS(X, S)                                                                             \
    X(S, SECRETS, token, "token", "", "0..2", 0, "callback token of the console")                     \
    X(S, FILES, token_file, "token_file", "", "0..2", OPTION_CREDENTIAL, "file that holds the token") \
    X(S, BOOL, unsigned_ok, "unsigned", "no", "", 0, "yes: an app without a token is believed")       \
    X(S, DURATION, sign_tolerance_ms, "sign_tolerance", "60s", "1s..1h", 0,                           \
      "how far RequestTime may be from now")                                                          \
    X(S, FILE, query_token_file, "query_token_file", "", "", OPTION_CREDENTIAL,                       \
      "bearer token that opens this app's answers")                                                   \
    X(S, DURATION, quiet_after_ms, "quiet_after", "0", "0..30d", 0,                                   \
      "a warning when no callback of it came for so long, 0: never")                                  \
    X(S, TEXT, admin, "admin", "", "", 0, "an administrator: Tencent is asked in this name")          \
    X(S, FILE, secret_key_file, "secret_key_file", "", "", OPTION_CREDENTIAL,                         \
      "file that holds the app's secret key")                                                         \
    X(S, CHOICE, region, "region", "china",                                                           \
      "china | singapore | seoul | tokyo | frankfurt | silicon-valley | jakarta", 0,                  \
      "where the app lives, and so whom to ask")                                                      \
    X(S, TEXT, api_url, "api_url", "", "", 0, "whom to ask in place of the region's host")

#define PRESENCE_OPTIONS(X, S)                                                                         \
    X(S, DURATION, push_online_window_ms, "push_online_window", "7d", "0..3650d", OPTION_RESTART,      \
      "0: no push_online")                                                                             \
    X(S, COUNT, max_users, "max_users", "20M", "0..4G", OPTION_RESTART,                                \
      "beyond it those longest offline are dropped, 0: no bound")                                      \
    X(S, DURATION, forget_after_ms, "forget_after", "0", "0..3650d", OPTION_RESTART,                   \
      "users offline for longer are dropped, 0: never")                                                \
    X(S, DURATION, assume_offline_after_ms, "assume_offline_after", "30d", "0..3650d", OPTION_RESTART, \
      "a login not heard of for longer reads as offline, 0: never")

#define RECONCILE_OPTIONS(X, S)                                                                            \
    X(S, COUNT, calls_per_second, "calls_per_second", "100", "1..10K", 0, "at most so many calls, an app") \
    X(S, DURATION, stale_after_ms, "stale_after", "10m", "1m..30d", 0,                                     \
      "everyone online is asked about at least so often")                                                  \
    X(S, DURATION, sweep_ms, "sweep", "1h", "0..30d", 0, "and everyone known; 0: those online alone")

#define STATUS_OPTIONS(X, S)                                                                     \
    X(S, ENDPOINTS, listen, "listen", "127.0.0.1:8080", "1..16", OPTION_RESTART,                 \
      "where programs and people ask")                                                           \
    X(S, FILE, certificate, "certificate", "", "", OPTION_CREDENTIAL, "with private_key: HTTPS") \
    X(S, FILE, private_key, "private_key", "", "", OPTION_CREDENTIAL, "its private key, PEM")    \
    X(S, FILE, token_file, "token_file", "", "", OPTION_CREDENTIAL,                              \
      "bearer token that a client has to show")                                                  \
    X(S, NAMES, allowed_hosts, "allowed_hosts", "", "0..64", 0, "names that Host may carry, beside localhost")

#define STORE_OPTIONS(X, S)                                                                                 \
    X(S, FILE, path, "path", "", "", OPTION_RESTART, "folder of the store, empty: memory only")             \
    X(S, CHOICE, durability, "durability", "commit", "relaxed | commit | sync", OPTION_RESTART,             \
      "what OK promises")                                                                                   \
    X(S, SIZE, memory_bytes, "memory", "64M", "8M..64G", OPTION_RESTART, "the engine's buffers and caches") \
    X(S, DURATION, history_ms, "history", "24h", "0..30d", OPTION_RESTART,                                  \
      "how long each user's events are kept, 0: not")                                                       \
    X(S, SIZE, history_max_bytes, "history_max_size", "1G", "64M..16G", OPTION_RESTART,                     \
      "the oldest of them give way")

#define REPLICATION_OPTIONS(X, S)                                                                           \
    X(S, TEXT, url, "url", "", "", OPTION_RESTART, "Valkey or Redis between the nodes, empty: one node")    \
    X(S, TEXT, user, "user", "", "", OPTION_RESTART, "there; empty: the default one")                       \
    X(S, FILE, password_file, "password_file", "", "", OPTION_RESTART | OPTION_CREDENTIAL,                  \
      "file that holds the password")                                                                       \
    X(S, FILE, ca_file, "ca_file", "", "", OPTION_RESTART, "PEM, of rediss://; empty: those of the system") \
    X(S, TEXT, node, "node", "", "", OPTION_RESTART, "name of this node there; empty: the host's")

#define CONTROL_OPTIONS(X, S)                                     \
    X(S, ENDPOINTS, listen, "listen", "", "0..1", OPTION_RESTART, \
      "unix:/path for presencectl; empty: control.sock in $RUNTIME_DIRECTORY, if that is set")

#define LOG_OPTIONS(X, S)                                                              \
    X(S, CHOICE, level, "level", "info", "error | warning | notice | info | debug", 0, \
      "lines above it are left out")                                                   \
    X(S, CHOICE, format, "format", "text", "text | json", 0, "how lines are written")  \
    X(S, BOOL, hash_users, "hash_users", "off", "", 0, "on: user ids appear as a keyed hash")

/* The types of the values of each kind. Lists own their items. Texts are never NULL; "" if not set. */
struct endpoint;
struct network;

struct endpoint_list {
    struct endpoint *items;
    size_t n;
};

struct network_list {
    struct network *items;
    size_t n;
};

struct text_list {
    char **items;
    size_t n;
};

#define OPTION_TYPE_BOOL bool
#define OPTION_TYPE_CHOICE unsigned
#define OPTION_TYPE_SIZE uint64_t
#define OPTION_TYPE_DURATION uint64_t
#define OPTION_TYPE_COUNT uint64_t
#define OPTION_TYPE_TEXT char *
#define OPTION_TYPE_FILE char *
#define OPTION_TYPE_URL_PATH char *
#define OPTION_TYPE_ENDPOINTS struct endpoint_list
#define OPTION_TYPE_NETWORKS struct network_list
#define OPTION_TYPE_NAMES struct text_list
#define OPTION_TYPE_FILES struct text_list
#define OPTION_TYPE_SECRETS struct text_list

enum option_kind {
    OPTION_BOOL,
    OPTION_CHOICE,
    OPTION_SIZE,
    OPTION_DURATION,
    OPTION_COUNT,
    OPTION_TEXT,
    OPTION_FILE,
    OPTION_URL_PATH, /* begins with '/' */
    /* The kinds below may be set several times. */
    OPTION_ENDPOINTS,
    OPTION_NETWORKS,
    OPTION_NAMES,
    OPTION_FILES,
    OPTION_SECRETS, /* never repeated in an error */
};

/* A row of a table, for code that handles any option. */
struct option_row {
    const char *key;
    enum option_kind kind;
    unsigned flags;
    size_t offset; /* offset of the field in its section's struct */
    const char *default_text;
    const char *allowed;
    const char *meaning;
};

struct option_section {
    const char *name; /* such as "callback"; "app" for all sections [app ID] */
    size_t offset;    /* offset in struct config; 0 for "app" */
    const struct option_row *options;
    size_t n_options;
};

/* All sections in the order of the reference; all sections [app ID] are one entry. */
extern const struct option_section option_sections[];
extern const size_t option_n_sections;

extern const struct option_section *const option_app_section;

/* Return NULL if there is none with that name. */
const struct option_section *option_find_section(struct str name);
const struct option_row *option_find(const struct option_section *section, struct str key);

static inline bool option_is_list(const struct option_row *option)
{
    return option->kind >= OPTION_ENDPOINTS;
}

/* Appends what an option may be set to, as the end of the sentence "… is not allowed: ". */
void option_append_allowed(struct buf *out, const struct option_row *option);

/* Appends all sections and keys with their defaults and meanings, for --help. */
void option_append_reference(struct buf *out);

#endif
