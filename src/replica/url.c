/* SPDX-License-Identifier: MIT */
#include "presenced/replica_url.h"

#include "link.h"

#define ENGINE_PORT 6379
#define SENTINEL_PORT 26379

static const char allowed[] = "allowed are redis://host:port/db, rediss://host:port/db, "
                              "redis+sentinel://host:port,host:port/NAME/db and unix:/path";

/* Returns whether all characters are printable and have no meaning in a URL. */
static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < 0x21 || text.ptr[i] > 0x7e || strchr("/?#@,[]", text.ptr[i]) != NULL) {
            return false;
        }
    }
    return text.len > 0;
}

static bool copy(struct str text, char *ret_copy, size_t size)
{
    if (text.len >= size) {
        return false;
    }
    memcpy(ret_copy, text.ptr, text.len);
    ret_copy[text.len] = '\0';
    return true;
}

/* Splits "[v6]" or "name" off `text`, which is then what follows it. */
static bool take_host_name(struct str *text, struct str *ret_name)
{
    if (text->len > 0 && text->ptr[0] == '[') {
        const char *end = memchr(text->ptr, ']', text->len);
        if (end == NULL) {
            return false;
        }
        *ret_name = (struct str){text->ptr + 1, (size_t)(end - text->ptr) - 1};
        *text = (struct str){end + 1, text->len - ret_name->len - 2};
        return true;
    }
    const char *colon = text->len == 0 ? NULL : memchr(text->ptr, ':', text->len);
    size_t len = colon == NULL ? text->len : (size_t)(colon - text->ptr);
    *ret_name = (struct str){text->ptr, len};
    *text = (struct str){text->ptr + len, text->len - len};
    return true;
}

static bool parse_host(struct str text, uint16_t default_port, struct replica_host *ret_host)
{
    struct str name;
    uint64_t port = default_port;
    if (!take_host_name(&text, &name) || !is_plain(name) ||
        !copy(name, ret_host->name, sizeof(ret_host->name))) {
        return false;
    }
    if (text.len > 0 &&
        (text.ptr[0] != ':' || !str_parse_u64((struct str){text.ptr + 1, text.len - 1}, UINT16_MAX, &port) ||
         port == 0)) {
        return false;
    }
    ret_host->port = (uint16_t)port;
    return true;
}

static bool parse_hosts(struct str text, uint16_t default_port, struct replica_url *url)
{
    struct str host;
    while (str_split(&text, ',', &host)) {
        if (url->n_hosts == REPLICA_N_HOSTS_MAX ||
            !parse_host(host, default_port, &url->hosts[url->n_hosts])) {
            return false;
        }
        url->n_hosts++;
    }
    return url->n_hosts > 0;
}

static bool parse_database(struct str text, unsigned *ret_database)
{
    uint64_t database = 0;
    if (text.len > 0 && !str_parse_u64(text, REPLICA_DATABASE_MAX, &database)) {
        return false;
    }
    *ret_database = (unsigned)database;
    return true;
}

/* Parses what follows "://". */
static const char *parse_tcp(struct str text, struct replica_url *url)
{
    struct str hosts;
    (void)str_split(&text, '/', &hosts);
    if (!parse_hosts(hosts, ENGINE_PORT, url) || url->n_hosts != 1) {
        return "names no host and port: redis://192.0.2.1:6379/0 is such a URL";
    }
    return parse_database(text, &url->database) ? NULL : "has a database that is no number from 0 to 65535";
}

static const char *parse_sentinel(struct str text, struct replica_url *url)
{
    struct str hosts;
    struct str name = {NULL, 0};
    (void)str_split(&text, '/', &hosts);
    (void)str_split(&text, '/', &name);
    if (!parse_hosts(hosts, SENTINEL_PORT, url)) {
        return "names no Sentinels, or more than 8: redis+sentinel://192.0.2.1:26379,192.0.2.2:26379/NAME/0 "
               "is such a URL";
    }
    if (!is_plain(name) || !copy(name, url->primary_name, sizeof(url->primary_name))) {
        return "lacks the name under which Sentinel knows the primary: it stands behind the hosts, "
               "/NAME";
    }
    return parse_database(text, &url->database) ? NULL : "has a database that is no number from 0 to 65535";
}

static const char *parse_unix(struct str path, struct replica_url *url)
{
    bool good = path.len > 0 && path.ptr[0] == '/' && memchr(path.ptr, '\0', path.len) == NULL &&
                copy(path, url->path, sizeof(url->path));
    return good ? NULL : "names no socket: unix:/run/redis/redis.sock is such a URL, of at most 107 bytes";
}

static bool take_prefix(struct str *text, struct str prefix)
{
    if (!str_starts_with(*text, prefix)) {
        return false;
    }
    *text = (struct str){text->ptr + prefix.len, text->len - prefix.len};
    return true;
}

const char *replica_url_parse(struct str text, struct replica_url *ret_url)
{
    struct replica_url url = {.kind = REPLICA_URL_TCP};
    const char *wrong = allowed;
    if (take_prefix(&text, STR("unix:"))) {
        url.kind = REPLICA_URL_UNIX;
        wrong = parse_unix(text, &url);
    } else if (text.len > 0 && memchr(text.ptr, '@', text.len) != NULL) {
        wrong = "must not hold a user or password: user and password_file are for them";
    } else if (take_prefix(&text, STR("redis://"))) {
        wrong = parse_tcp(text, &url);
    } else if (take_prefix(&text, STR("rediss://"))) {
        url.tls = true;
        wrong = parse_tcp(text, &url);
    } else if (take_prefix(&text, STR("redis+sentinel://"))) {
        url.kind = REPLICA_URL_SENTINEL;
        wrong = parse_sentinel(text, &url);
    }
    if (wrong == NULL) {
        *ret_url = url;
    }
    return wrong;
}

bool replica_has_tls(void)
{
    return link_has_tls();
}
