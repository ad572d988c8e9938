/* SPDX-License-Identifier: MIT */
#include "presenced/config.h"
#include "presenced/log.h"
#include "suite.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

#define APP "[app 1400000000]\ntoken = abc\n"

/* Every test works in a folder of its own, so that its files have the same names in every error. */

static char folder[] = "/tmp/presenced-config-XXXXXX";
static int home_fd = -1;

static void enter_folder(void)
{
    memset(strrchr(folder, '-') + 1, 'X', 6);
    home_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(home_fd, 0);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
}

static void remove_folder(const char *name)
{
    DIR *directory = opendir(name);
    const struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        (void)unlinkat(dirfd(directory), entry->d_name, 0);
        (void)unlinkat(dirfd(directory), entry->d_name, AT_REMOVEDIR);
    }
    if (directory != NULL) {
        (void)closedir(directory);
    }
    (void)rmdir(name);
}

static void leave_folder(void)
{
    static const char *const files[] = {"FILE", "NEXT", "token", "token2"};
    for (size_t i = 0; i < N_ELEMENTS(files); i++) {
        (void)unlink(files[i]);
    }
    remove_folder("conf.d");
    (void)unsetenv("CREDENTIALS_DIRECTORY");
    (void)!fchdir(home_fd);
    (void)close(home_fd);
    (void)rmdir(folder);
}

static void write_file(const char *name, struct str text, mode_t mode)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text.ptr, text.len), (ssize_t)text.len);
    ck_assert_int_eq(fchmod(fd, mode), 0);
    ck_assert_int_eq(close(fd), 0);
}

struct loaded {
    int r;
    struct config config;
    struct buf errors;
    struct buf warnings;
};

static struct loaded load_bytes(struct str text)
{
    struct loaded loaded = {0};
    write_file("FILE", text, 0640);
    loaded.r = config_load("FILE", &loaded.config, &loaded.errors, &loaded.warnings);
    buf_append_char(&loaded.errors, '\0');
    buf_append_char(&loaded.warnings, '\0');
    return loaded;
}

static struct loaded load(const char *text)
{
    return load_bytes(str_from(text));
}

static void unload(struct loaded *loaded)
{
    config_fini(&loaded->config);
    buf_fini(&loaded->errors);
    buf_fini(&loaded->warnings);
}

static void expect_good(const struct loaded *loaded)
{
    ck_assert_str_eq(loaded->errors.ptr, "");
    ck_assert_int_eq(loaded->r, 0);
}

/* What is read. */

static void expect_endpoint(const struct endpoint_list *list, size_t i, const char *expected)
{
    char text[ENDPOINT_TEXT_SIZE];
    ck_assert_uint_lt(i, list->n);
    endpoint_format(&list->items[i], text);
    ck_assert_str_eq(text, expected);
}

static void expect_network(const struct network_list *list, size_t i, const char *address, unsigned bits)
{
    char text[ADDRESS_TEXT_SIZE];
    ck_assert_uint_lt(i, list->n);
    (void)address_format(&list->items[i].base, text);
    ck_assert_str_eq(text, address);
    ck_assert_uint_eq(list->items[i].prefix_bits, bits);
}

static void expect_callback_defaults(const struct config_callback *callback)
{
    ck_assert_uint_eq(callback->listen.n, 1);
    expect_endpoint(&callback->listen, 0, "0.0.0.0:8443");
    ck_assert_str_eq(callback->path, "/");
    ck_assert(callback->tls);
    ck_assert_str_eq(callback->certificate, "/etc/presenced/tls/fullchain.pem");
    ck_assert_str_eq(callback->private_key, "/etc/presenced/tls/privkey.pem");
    ck_assert_str_eq(callback->client_ca, "");
    ck_assert_uint_eq(callback->other_commands, CONFIG_OTHER_COMMANDS_FAIL);
    ck_assert_uint_eq(callback->allow.n, 0);
    ck_assert_uint_eq(callback->trusted_proxies.n, 0);
    ck_assert_uint_eq(callback->max_body_bytes, 65536);
    ck_assert_uint_eq(callback->max_connections, 10000);
    ck_assert_uint_eq(callback->idle_timeout_ms, 75000);
    ck_assert_uint_eq(callback->request_timeout_ms, 10000);
    ck_assert_uint_eq(callback->max_connections_per_address, 0);
    ck_assert_uint_eq(callback->proxy_protocol, CONFIG_PROXY_PROTOCOL_OFF);
    ck_assert_uint_eq(callback->drain_delay_ms, 0);
}

static void expect_defaults(const struct config *config)
{
    expect_callback_defaults(&config->callback);
    ck_assert_uint_eq(config->presence.push_online_window_ms, UINT64_C(604800000));
    ck_assert_uint_eq(config->presence.max_users, 20000000);
    ck_assert_uint_eq(config->presence.forget_after_ms, 0);
    ck_assert_uint_eq(config->status.listen.n, 1);
    expect_endpoint(&config->status.listen, 0, "127.0.0.1:8080");
    ck_assert_str_eq(config->status.certificate, "");
    ck_assert_str_eq(config->status.private_key, "");
    ck_assert_str_eq(config->status.token_file, "");
    ck_assert_uint_eq(config->status.allowed_hosts.n, 0);
    ck_assert_str_eq(config->store.path, "");
    ck_assert_uint_eq(config->store.durability, CONFIG_DURABILITY_COMMIT);
    ck_assert_uint_eq(config->store.memory_bytes, UINT64_C(67108864));
    ck_assert_str_eq(config->replication.url, "");
    ck_assert_str_eq(config->replication.user, "");
    ck_assert_str_eq(config->replication.password_file, "");
    ck_assert_str_eq(config->replication.ca_file, "");
    ck_assert_str_eq(config->replication.node, "");
    ck_assert_uint_eq(config->control.listen.n, 0);
    ck_assert_uint_eq(config->log.level, LOG_LEVEL_INFO);
    ck_assert_uint_eq(config->log.format, CONFIG_LOG_TEXT);
    ck_assert(!config->log.hash_users);
}

START_TEST(has_defaults)
{
    struct config config;
    ck_assert_int_eq(config_defaults(&config), 0);
    expect_defaults(&config);
    ck_assert_uint_eq(config.n_apps, 0);
    ck_assert_uint_eq(config.files.n, 0);
    ck_assert_int_eq(config_add_app(&config, STR("1400000000")), 0);
    ck_assert_uint_eq(config.n_apps, 1);
    ck_assert_str_eq(config.apps[0].id_text, "1400000000");
    ck_assert_uint_eq(config.apps[0].id, 1400000000);
    ck_assert_uint_eq(config.apps[0].token.n, 0);
    ck_assert_uint_eq(config.apps[0].token_file.n, 0);
    ck_assert(!config.apps[0].unsigned_ok);
    ck_assert_uint_eq(config.apps[0].sign_tolerance_ms, 60000);
    ck_assert_str_eq(config.apps[0].query_token_file, "");
    ck_assert_int_eq(config_add_app(&config, STR("1400000000")), -EEXIST);
    ck_assert_int_eq(config_add_app(&config, STR("x")), -EINVAL);
    ck_assert_uint_eq(config.n_apps, 1);
    config_fini(&config);
    config_fini(&config);
}
END_TEST

START_TEST(leaves_defaults_where_the_file_is_silent)
{
    struct loaded loaded = load(
        APP "[callback]\n[presence]\n[status]\n[store]\n[replication]\n[control]\n[log]\n");
    expect_good(&loaded);
    expect_defaults(&loaded.config);
    ck_assert_uint_eq(loaded.config.files.n, 1);
    ck_assert_str_eq(loaded.config.files.items[0].path, "FILE");
    ck_assert_str_eq(loaded.warnings.ptr, "");
    unload(&loaded);
}
END_TEST

START_TEST(reads_the_callback_section)
{
    struct loaded loaded = load(APP "[callback]\n"
                                    "listen = 192.0.2.1:443 , [2001:db8::1]:443\n"
                                    "listen = unix:/run/a\n"
                                    "path = /tencent/callback\n"
                                    "tls = yes\n"
                                    "certificate = chain.pem\n"
                                    "private_key = key with blanks.pem\n"
                                    "client_ca = /ca.pem\n"
                                    "other_commands = ok\n"
                                    "allow = 192.0.2.0/24,2001:db8::/32\t198.51.100.7\n"
                                    "allow = 203.0.113.0/28\n"
                                    "trusted_proxies = 192.0.2.9\n"
                                    "max_body = 1M\n"
                                    "max_connections = 1M\n"
                                    "idle_timeout = 1h\n"
                                    "request_timeout = 100ms\n"
                                    "max_connections_per_address = 1K\n"
                                    "proxy_protocol = v2\n"
                                    "drain_delay = 5m\n");
    const struct config_callback *callback = &loaded.config.callback;
    expect_good(&loaded);
    ck_assert_uint_eq(callback->listen.n, 3);
    expect_endpoint(&callback->listen, 0, "192.0.2.1:443");
    expect_endpoint(&callback->listen, 1, "[2001:db8::1]:443");
    expect_endpoint(&callback->listen, 2, "unix:/run/a");
    ck_assert_str_eq(callback->path, "/tencent/callback");
    ck_assert(callback->tls);
    ck_assert_str_eq(callback->certificate, "chain.pem");
    ck_assert_str_eq(callback->private_key, "key with blanks.pem");
    ck_assert_str_eq(callback->client_ca, "/ca.pem");
    ck_assert_uint_eq(callback->other_commands, CONFIG_OTHER_COMMANDS_OK);
    ck_assert_uint_eq(callback->allow.n, 4);
    expect_network(&callback->allow, 0, "192.0.2.0", 24);
    expect_network(&callback->allow, 1, "2001:db8::", 32);
    expect_network(&callback->allow, 2, "198.51.100.7", 32);
    expect_network(&callback->allow, 3, "203.0.113.0", 28);
    ck_assert_uint_eq(callback->trusted_proxies.n, 1);
    expect_network(&callback->trusted_proxies, 0, "192.0.2.9", 32);
    ck_assert_uint_eq(callback->max_body_bytes, UINT64_C(1048576));
    ck_assert_uint_eq(callback->max_connections, 1000000);
    ck_assert_uint_eq(callback->idle_timeout_ms, 3600000);
    ck_assert_uint_eq(callback->request_timeout_ms, 100);
    ck_assert_uint_eq(callback->max_connections_per_address, 1000);
    ck_assert_uint_eq(callback->proxy_protocol, CONFIG_PROXY_PROTOCOL_V2);
    ck_assert_uint_eq(callback->drain_delay_ms, 300000);
    unload(&loaded);
}
END_TEST

START_TEST(reads_the_other_sections)
{
    struct loaded loaded = load("[presence]\n"
                                "push_online_window = 0\n"
                                "max_users = 4G\n"
                                "forget_after = 30d\n"
                                "[status]\n"
                                "listen = 0.0.0.0:8080\n"
                                "certificate = /c.pem\n"
                                "private_key = /k.pem\n"
                                "token_file = /t\n"
                                "allowed_hosts = presence.example.com, node-1\n"
                                "allowed_hosts = node_2\n"
                                "[control]\n"
                                "listen = unix:/run/presenced/orders\n"
                                "[log]\n"
                                "level = debug\n"
                                "format = json\n"
                                "[store]\n"
                                "memory = 65536K\n" /* the default, said otherwise */
                                "durability = commit\n"
                                "[app 1400000000]\n"
                                "token = abc\n"
                                "sign_tolerance = 2m\n"
                                "quiet_after = 12h\n"
                                "[app 9007199254740991]\n"
                                "token_file = /secret/token, of the app\n"
                                "unsigned = yes\n");
    const struct config *config = &loaded.config;
    expect_good(&loaded);
    ck_assert_uint_eq(config->presence.push_online_window_ms, 0);
    ck_assert_uint_eq(config->presence.max_users, UINT64_C(4000000000));
    ck_assert_uint_eq(config->presence.forget_after_ms, UINT64_C(2592000000));
    expect_endpoint(&config->status.listen, 0, "0.0.0.0:8080");
    ck_assert_str_eq(config->status.certificate, "/c.pem");
    ck_assert_str_eq(config->status.private_key, "/k.pem");
    ck_assert_str_eq(config->status.token_file, "/t");
    ck_assert_uint_eq(config->status.allowed_hosts.n, 3);
    ck_assert_str_eq(config->status.allowed_hosts.items[0], "presence.example.com");
    ck_assert_str_eq(config->status.allowed_hosts.items[1], "node-1");
    ck_assert_str_eq(config->status.allowed_hosts.items[2], "node_2");
    expect_endpoint(&config->control.listen, 0, "unix:/run/presenced/orders");
    ck_assert_uint_eq(config->log.level, LOG_LEVEL_DEBUG);
    ck_assert_uint_eq(config->log.format, CONFIG_LOG_JSON);
    ck_assert_uint_eq(config->n_apps, 2);
    ck_assert_str_eq(config->apps[0].id_text, "1400000000");
    ck_assert_str_eq(config->apps[0].token.items[0], "abc");
    ck_assert_uint_eq(config->apps[0].sign_tolerance_ms, 120000);
    ck_assert_uint_eq(config->apps[0].quiet_after_ms, 12 * 3600000);
    ck_assert_uint_eq(config->apps[1].quiet_after_ms, 0);
    ck_assert_str_eq(config->apps[1].id_text, "9007199254740991");
    ck_assert_uint_eq(config->apps[1].id, UINT64_C(9007199254740991));
    ck_assert_str_eq(config->apps[1].token_file.items[0], "/secret/token, of the app");
    ck_assert(config->apps[1].unsigned_ok);
    unload(&loaded);
}
END_TEST

static const struct {
    const char *word;
    bool on;
} switches[] = {
    {"yes", true}, {"on", true}, {"true", true}, {"no", false}, {"off", false}, {"false", false},
};

START_TEST(reads_switches)
{
    char text[128];
    (void)snprintf(text, sizeof(text), APP "unsigned = %s\n", switches[_i].word);
    struct loaded loaded = load(text);
    expect_good(&loaded);
    ck_assert_int_eq(loaded.config.apps[0].unsigned_ok, switches[_i].on);
    unload(&loaded);
}
END_TEST

/* In their order, for they are the numbers of enum log_level. */
static const char *const level_words[] = {"error", "warning", "notice", "info", "debug"};

START_TEST(reads_levels)
{
    char text[128];
    (void)snprintf(text, sizeof(text), APP "[log]\nlevel = %s\n", level_words[_i]);
    struct loaded loaded = load(text);
    expect_good(&loaded);
    ck_assert_uint_eq(loaded.config.log.level, (unsigned)_i);
    unload(&loaded);
}
END_TEST

static const struct {
    const char *line;
    uint64_t max_body_bytes; /* 0: refused */
} sizes[] = {
    {"1K", 1024},
    {"1024", 1024},
    {"1M", 1048576},
    {"1048576", 1048576},
    {"1023", 0},
    {"2M", 0},
    {"1048577", 0},
    {"1G", 0},
    {"0", 0},
    {"64k", 0},
    {"64 K", 0},
    {"64KB", 0},
    {"-1", 0},
    {"+64K", 0},
    {"1.5M", 0},
    {"K", 0},
    {"0x400", 0},
    {"", 0},
    {"18446744073709551615G", 0},
    {"18014398509482048K", 0}, /* 64K beyond 64 bits */
    {"99999999999999999999", 0},
    {"64s", 0},
};

START_TEST(bounds_sizes)
{
    char text[160];
    (void)snprintf(text, sizeof(text), APP "[callback]\nmax_body = %s\n", sizes[_i].line);
    struct loaded loaded = load(text);
    if (sizes[_i].max_body_bytes != 0) {
        expect_good(&loaded);
        ck_assert_uint_eq(loaded.config.callback.max_body_bytes, sizes[_i].max_body_bytes);
    } else {
        (void)snprintf(
            text, sizeof(text),
            "FILE:4: [callback] max_body: '%s' is not allowed: a size from 1K to 1M, in bytes or with "
            "K, M or G\n",
            sizes[_i].line);
        ck_assert_int_eq(loaded.r, -EINVAL);
        ck_assert_str_eq(loaded.errors.ptr, text);
    }
    unload(&loaded);
}
END_TEST

static const struct {
    const char *line;
    uint64_t idle_timeout_ms; /* 0: refused */
} durations[] = {
    {"1s", 1000},
    {"1000ms", 1000},
    {"60m", 3600000},
    {"1h", 3600000},
    {"999ms", 0},
    {"61m", 0},
    {"3601s", 0},
    {"1d", 0},
    {"0", 0},
    {"0s", 0},
    {"75", 0},
    {"75sec", 0},
    {"1h30m", 0},
    {"1.5h", 0},
    {"-1s", 0},
    {"s", 0},
    {"", 0},
    {"75S", 0},
    {"18446744073709551615d", 0},
    {"18446744073709554s", 0}, /* 2384 ms beyond 64 bits */
};

START_TEST(bounds_durations)
{
    char text[160];
    (void)snprintf(text, sizeof(text), APP "[callback]\nidle_timeout = %s\n", durations[_i].line);
    struct loaded loaded = load(text);
    if (durations[_i].idle_timeout_ms != 0) {
        expect_good(&loaded);
        ck_assert_uint_eq(loaded.config.callback.idle_timeout_ms, durations[_i].idle_timeout_ms);
    } else {
        (void)snprintf(
            text, sizeof(text),
            "FILE:4: [callback] idle_timeout: '%s' is not allowed: a time from 1s to 1h, with ms, s, m, "
            "h or d\n",
            durations[_i].line);
        ck_assert_int_eq(loaded.r, -EINVAL);
        ck_assert_str_eq(loaded.errors.ptr, text);
    }
    unload(&loaded);
}
END_TEST

/* What is just within a bound and what is just beyond it. */
static const struct {
    const char *section;
    const char *good[2];
    const char *bad[2];
} bounds[] = {
    {"callback",
     {"max_connections = 1", "max_connections = 1M"},
     {"max_connections = 0", "max_connections = 1000001"}},
    {"callback",
     {"max_connections_per_address = 0", "max_connections_per_address = 1M"},
     {"max_connections_per_address = 1000001", "max_connections_per_address = 2M"}},
    {"callback",
     {"request_timeout = 100ms", "request_timeout = 1h"},
     {"request_timeout = 99ms", "request_timeout = 3601s"}},
    {"callback", {"drain_delay = 0", "drain_delay = 1h"}, {"drain_delay = 3601s", "drain_delay = -1s"}},
    {"presence",
     {"push_online_window = 0", "push_online_window = 3650d"},
     {"push_online_window = 3651d", "push_online_window = 7"}},
    {"presence", {"max_users = 0", "max_users = 4G"}, {"max_users = 4000000001", "max_users = 5G"}},
    {"presence", {"forget_after = 0", "forget_after = 3650d"}, {"forget_after = 3651d", "forget_after = x"}},
    {"presence",
     {"assume_offline_after = 0", "assume_offline_after = 3650d"},
     {"assume_offline_after = 3651d", "assume_offline_after = x"}},
    {"reconcile",
     {"calls_per_second = 1", "calls_per_second = 10K"},
     {"calls_per_second = 0", "calls_per_second = 10001"}},
    {"reconcile", {"stale_after = 1m", "stale_after = 30d"}, {"stale_after = 59s", "stale_after = 31d"}},
    {"reconcile", {"sweep = 0", "sweep = 30d"}, {"sweep = 31d", "sweep = off"}},
    {"app 1400000001",
     {"token = x\nsign_tolerance = 1s", "token = x\nsign_tolerance = 1h"},
     {"token = x\nsign_tolerance = 999ms", "token = x\nsign_tolerance = 61m"}},
    {"app 1400000001",
     {"token = x\nquiet_after = 0", "token = x\nquiet_after = 30d"},
     {"token = x\nquiet_after = 31d", "token = x\nquiet_after = 5"}},
};

START_TEST(has_bounds)
{
    for (size_t i = 0; i < 2; i++) {
        char text[160];
        (void)snprintf(text, sizeof(text), APP "[%s]\n%s\n", bounds[_i].section, bounds[_i].good[i]);
        struct loaded good = load(text);
        expect_good(&good);
        unload(&good);
        (void)snprintf(text, sizeof(text), APP "[%s]\n%s\n", bounds[_i].section, bounds[_i].bad[i]);
        struct loaded bad = load(text);
        ck_assert_int_eq(bad.r, -EINVAL);
        ck_assert_ptr_nonnull(strstr(bad.errors.ptr, "is not allowed: a "));
        unload(&bad);
    }
}
END_TEST

/* Lines. */

static const struct {
    struct str text;
    const char *path; /* as read */
} layouts[] = {
    {STR(APP "[callback]\npath = /a\n"), "/a"},
    {STR(APP "[callback]\npath=/a"), "/a"},
    {STR(APP "[callback]\npath : /a\n"), "/a"},
    {STR(APP "[callback]\n\t path\t=\t/a \t\n"), "/a"},
    {STR(APP "  [ callback ]  ; here\npath = /a ; and here\n"), "/a"},
    {STR(APP "[callback]# here\npath = /a;b\n"), "/a;b"},
    {STR(APP "[callback]\npath = /a=b:c\n"), "/a=b:c"},
    {STR("\xef\xbb\xbf" APP "[callback]\npath = /a\n"), "/a"},
    {STR("[app 1400000000]\r\ntoken = abc\r\n\r\n[callback]\r\npath = /a\r\n"), "/a"},
    {STR("\n\n; c\n  ; c\n# c\n  # c\n;[callback]\n;path = /b\n" APP "[callback]\npath = /a\n#path = /b\n"),
     "/a"},
    /* No more of the value above, though indented. */
    {STR(APP "[callback]\nlisten = 127.0.0.1:1\n    path = /a\n"), "/a"},
    {STR(APP "[callback]\nlisten = 127.0.0.1:1\n\fpath = /a\n"), "/a"},
    {STR(APP "[callback]\nlisten = 127.0.0.1:1\n\r\v path = /a\v\r\r\n"), "/a"},
    {STR("[app\t1400000000]\ntoken = x\n[callback]\npath = /a\n"), NULL},
    {STR("[app   1400000000]\ntoken = x\n[callback]\npath = /a\n"), "/a"},
    {STR(APP "[callback]\nPath = /a\n"), NULL},
    {STR(APP "[Callback]\npath = /a\n"), NULL},
};

START_TEST(reads_layouts)
{
    struct loaded loaded = load_bytes(layouts[_i].text);
    ck_assert_int_eq(loaded.r, layouts[_i].path == NULL ? -EINVAL : 0);
    if (layouts[_i].path != NULL) {
        expect_good(&loaded);
        ck_assert_str_eq(loaded.config.callback.path, layouts[_i].path);
    }
    unload(&loaded);
}
END_TEST

/* "path = /aaa…" of `len` bytes between blanks. */
static struct loaded load_long_line(size_t len)
{
    cleanup(buf_fini) struct buf text = {0};
    buf_append(&text, STR(APP "[callback]\n    path = /"));
    for (size_t i = sizeof("path = /") - 1; i < len; i++) {
        buf_append_char(&text, 'a');
    }
    buf_append(&text, STR("  \r\nmax_connections = 7\n"));
    return load_bytes(buf_str(&text));
}

START_TEST(takes_lines_of_198_bytes)
{
    struct loaded loaded = load_long_line(198);
    expect_good(&loaded);
    ck_assert_uint_eq(strlen(loaded.config.callback.path), 198 - strlen("path = "));
    ck_assert_uint_eq(loaded.config.callback.max_connections, 7);
    unload(&loaded);
}
END_TEST

START_TEST(refuses_longer_lines)
{
    struct loaded loaded = load_long_line((size_t)_i);
    ck_assert_int_eq(loaded.r, -EINVAL);
    ck_assert_str_eq(loaded.errors.ptr, "FILE:4: line too long: at most 198 bytes\n");
    unload(&loaded);
}
END_TEST

START_TEST(takes_comments_of_any_length)
{
    cleanup(buf_fini) struct buf text = {0};
    buf_append(&text, STR("  # "));
    for (unsigned i = 0; i < 20000; i++) {
        buf_append(&text, STR("path = "));
    }
    buf_append(&text, STR("\n" APP "wrong\n"));
    struct loaded loaded = load_bytes(buf_str(&text));
    ck_assert_str_eq(loaded.errors.ptr, "FILE:4: neither a [section] nor key = value\n");
    unload(&loaded);
}
END_TEST

/* Errors. */

#define API_URL \
    "https://host or https://host:port is allowed, and http:// with a port of 127.0.0.1, [::1] or localhost"
#define SECTIONS "callback, app ID, presence, reconcile, status, store, replication, control or log"
#define ENDPOINTS "IPv4:port, [IPv6]:port, localhost:port, unix:/path or systemd, at most 16"
#define NETWORKS "networks like 192.0.2.0/24 and 2001:db8::/32, at most 1024"
#define URL_PATH "a path that begins with '/' and has no blank, '?' or '#'"
#define TOKEN "1 to 256 printable characters without blanks, at most 2"
#define APP_ID "the app's ID is a number from 1 to 9007199254740991 without leading zeros"
#define NO_TOKEN                                                                                              \
    "token: needed, here or by token_file; without one anybody may send events, which takes unsigned = yes, " \
    "or in [callback] local addresses only, allow or client_ca"

static const struct {
    struct str text;
    const char *errors;
} mistakes[] = {
    /* the shape of the file */
    {STR(""), "FILE:1: [app ID]: missing: a section for each app, at least one\n"},
    {STR("\n; nothing\n"), "FILE:2: [app ID]: missing: a section for each app, at least one\n"},
    {STR("[callback]\n"), "FILE:1: [app ID]: missing: a section for each app, at least one\n"},
    {STR(APP "what\n"), "FILE:3: neither a [section] nor key = value\n"},
    {STR(APP "\v more\n"), "FILE:3: neither a [section] nor key = value\n"},
    {STR(APP "what\nelse\n"),
     "FILE:3: neither a [section] nor key = value\nFILE:4: neither a [section] nor key = value\n"},
    {STR(APP "= value\n"), "FILE:3: neither a [section] nor key = value\n"},
    {STR(APP "key ; = value\n"), "FILE:3: neither a [section] nor key = value\n"},
    {STR(APP "[callback\n"), "FILE:3: a section is written [name], alone on its line\n"},
    {STR(APP "[callback] path = /\n"), "FILE:3: a section is written [name], alone on its line\n"},
    {STR(APP "[callback]]\n"), "FILE:3: a section is written [name], alone on its line\n"},
    {STR(APP "token = a\0b\n"), "FILE:3: holds a NUL byte\n"},
    {STR(APP "; a\0b\n"), "FILE:3: holds a NUL byte\n"},
    {STR("token = abc\n" APP), "FILE:1: token: stands before the first [section]\n"},
    /* sections */
    {STR(APP "[nonsense]\nkey = 1\n"), "FILE:3: [nonsense]: no such section: " SECTIONS "\n"},
    {STR(APP "[]\n"), "FILE:3: []: no such section: " SECTIONS "\n"},
    {STR(APP "[callback 1]\n"), "FILE:3: [callback 1]: no such section: " SECTIONS "\n"},
    {STR(APP "[app1400000001]\n"), "FILE:3: [app1400000001]: no such section: " SECTIONS "\n"},
    {STR(APP "[a\x1b"
             "c]\n"),
     "FILE:3: holds a control character\n"},
    {STR(APP "[log]\n[callback]\n[log]\nlevel = none\n"),
     "FILE:5: [log]: stands in the file twice, first in line 3\n"},
    {STR(APP "[log]\n" APP), "FILE:4: [app 1400000000]: stands in the file twice\n"},
    /* apps */
    {STR("[app]\n"), "FILE:1: [app]: " APP_ID "\n"},
    {STR("[app 0]\n"), "FILE:1: [app 0]: " APP_ID "\n"},
    {STR("[app 01]\n"), "FILE:1: [app 01]: " APP_ID "\n"},
    {STR("[app -1]\n"), "FILE:1: [app -1]: " APP_ID "\n"},
    {STR("[app 1 2]\n"), "FILE:1: [app 1 2]: " APP_ID "\n"},
    {STR("[app 0x1]\n"), "FILE:1: [app 0x1]: " APP_ID "\n"},
    {STR("[app 9007199254740992]\n"), "FILE:1: [app 9007199254740992]: " APP_ID "\n"},
    {STR("[app 99999999999999999999999999]\n"), "FILE:1: [app 99999999999999999999999999]: " APP_ID "\n"},
    /* keys */
    {STR(APP "tokn = s3cret\n"), "FILE:3: [app 1400000000] tokn: no such key: token, token_file, unsigned, "
                                 "sign_tolerance, query_token_file, quiet_after, admin, secret_key_file, "
                                 "region, api_url\n"},
    {STR(APP "[presence]\nlisten = 1\n"),
     "FILE:4: [presence] listen: no such key: push_online_window, max_users, forget_after, "
     "assume_offline_after\n"},
    {STR(APP "[log]\nlevel = info\nformat = text\nlevel = info\n"),
     "FILE:6: [log] level: stands in the section twice, first in line 4\n"},
    /* values */
    {STR(APP "[callback]\nlisten = 8443\n"),
     "FILE:4: [callback] listen: '8443' is not allowed: " ENDPOINTS "\n"},
    {STR(APP "[callback]\nlisten =\n"), "FILE:4: [callback] listen: '' is not allowed: " ENDPOINTS "\n"},
    {STR(APP "[callback]\nlisten = 127.0.0.1:1 x 127.0.0.1:2\n"),
     "FILE:4: [callback] listen: 'x' is not allowed: " ENDPOINTS "\n"},
    {STR(APP "[status]\nlisten = systemd:8080\n"),
     "FILE:4: [status] listen: 'systemd:8080' is not allowed: " ENDPOINTS "\n"},
    {STR(APP "[callback]\npath = a\n"), "FILE:4: [callback] path: 'a' is not allowed: " URL_PATH "\n"},
    {STR(APP "[callback]\npath =\n"), "FILE:4: [callback] path: '' is not allowed: " URL_PATH "\n"},
    {STR(APP "[callback]\npath = /a?b\n"), "FILE:4: [callback] path: '/a?b' is not allowed: " URL_PATH "\n"},
    {STR(APP "[callback]\npath = /a#b\n"), "FILE:4: [callback] path: '/a#b' is not allowed: " URL_PATH "\n"},
    {STR(APP "[callback]\npath = /a b\n"), "FILE:4: [callback] path: '/a b' is not allowed: " URL_PATH "\n"},
    {STR(APP "[callback]\npath = /a\x1b[2J\n"), "FILE:4: holds a control character\n"},
    {STR(APP "[callback]\ntls = maybe\n"),
     "FILE:4: [callback] tls: 'maybe' is not allowed: yes, no, on, off, true or false\n"},
    {STR(APP "[callback]\ntls = # off\n"),
     "FILE:4: [callback] tls: '# off' is not allowed: yes, no, on, off, true or false\n"},
    {STR(APP "[callback]\nother_commands = OK\n"),
     "FILE:4: [callback] other_commands: 'OK' is not allowed: fail | ok\n"},
    {STR(APP "[callback]\nallow = 192.0.2.1/24\n"),
     "FILE:4: [callback] allow: '192.0.2.1/24' is not allowed: " NETWORKS "\n"},
    {STR(APP "[callback]\nallow = 192.0.2.0/24, example.com\n"),
     "FILE:4: [callback] allow: 'example.com' is not allowed: " NETWORKS "\n"},
    {STR(APP "[callback]\ntrusted_proxies = *\n"),
     "FILE:4: [callback] trusted_proxies: '*' is not allowed: " NETWORKS "\n"},
    {STR(APP "[callback]\nmax_connections = lots\n"),
     "FILE:4: [callback] max_connections: 'lots' is not allowed: a number from 1 to 1M, K, M and G being "
     "thousands, millions and billions\n"},
    {STR(APP "[status]\nallowed_hosts = a b:80\n"),
     "FILE:4: [status] allowed_hosts: 'b:80' is not allowed: host names without a port, at most 64\n"},
    {STR(APP "[log]\nlevel = loud\n"),
     "FILE:4: [log] level: 'loud' is not allowed: error | warning | notice | info | debug\n"},
    {STR(APP "[log]\nlevel = error | debug\n"),
     "FILE:4: [log] level: 'error | debug' is not allowed: error | warning | notice | info | debug\n"},
    /* tokens: never repeated */
    {STR("[app 1400000000]\ntoken = s3cret s3cret\n"),
     "FILE:2: [app 1400000000] token: the value is not allowed: " TOKEN "\n"},
    {STR("[app 1400000000]\ntoken = s3cret\xc3\xa4\n"),
     "FILE:2: [app 1400000000] token: the value is not allowed: " TOKEN "\n"},
    {STR("[app 1400000000]\ntoken = s3cret\ntoken = s3cret2\ntoken = s3cret3\n"),
     "FILE:4: [app 1400000000] token: the value is not allowed: " TOKEN "\n"},
    {STR("[app 1400000000]\ntoken_file = a\ntoken_file = b\ntoken_file = c\n"),
     "FILE:4: [app 1400000000] token_file: 'c' is not allowed: files, at most 2\n"},
    {STR("[app 1400000000]\ntoken = ;s3cret\n"),
     "FILE:2: a value cannot begin with ';'; a comment is ';' and a blank\n"},
    {STR(APP "[callback]\nlisten = unix:/run/s\nallow = 192.0.2.0/24\ntls = off\n"),
     "FILE:5: [callback] allow: with a Unix socket it needs trusted_proxies, or every caller of the socket is "
     "refused\n"},
    {STR(APP "[callback]\nproxy_protocol = v2\n"),
     "FILE:4: [callback] proxy_protocol: needs trusted_proxies, whose connections begin with its header\n"},
    {STR(APP "[callback]\nproxy_protocol = v1\ntrusted_proxies = 192.0.2.1\n"),
     "FILE:4: [callback] proxy_protocol: 'v1' is not allowed: off | v2\n"},
    /* one option and another */
    {STR(APP "[callback]\ncertificate =\n"),
     "FILE:4: [callback] certificate: needed with tls = on, the file of a certificate chain\n"},
    {STR(APP "[callback]\nprivate_key =\n"),
     "FILE:4: [callback] private_key: needed with tls = on, the file of the certificate's key\n"},
    {STR(APP "[callback]\ntls = off\nclient_ca = /ca.pem\n"),
     "FILE:5: [callback] client_ca: needs tls = on\n"},
    {STR(APP "region = mars\n"),
     "FILE:3: [app 1400000000] region: 'mars' is not allowed: china | singapore | seoul | "
     "tokyo | frankfurt | silicon-valley | jakarta\n"},
    {STR(APP "admin = root\n"), "FILE:3: [app 1400000000] admin: needs secret_key_file\n"},
    {STR(APP "secret_key_file = /k\n"), "FILE:3: [app 1400000000] secret_key_file: needs admin\n"},
    {STR(APP "region = seoul\napi_url = https://example.com\n"),
     "FILE:4: [app 1400000000] api_url: not together with region\n"},
    {STR(APP "api_url = http://192.0.2.1:80\n"), "FILE:3: [app 1400000000] api_url: " API_URL "\n"},
    {STR(APP "api_url = http://127.0.0.1\n"), "FILE:3: [app 1400000000] api_url: " API_URL "\n"},
    {STR(APP "api_url = https://\n"), "FILE:3: [app 1400000000] api_url: " API_URL "\n"},
    {STR(APP "api_url = https://example.com/v4\n"), "FILE:3: [app 1400000000] api_url: " API_URL "\n"},
    {STR(APP "api_url = https://me@example.com\n"), "FILE:3: [app 1400000000] api_url: " API_URL "\n"},
    {STR(APP "api_url = example.com\n"), "FILE:3: [app 1400000000] api_url: " API_URL "\n"},
    {STR(APP "[status]\ncertificate = /c.pem\n"), "FILE:4: [status] certificate: needs private_key\n"},
    {STR(APP "[status]\nprivate_key = /k.pem\n"), "FILE:4: [status] private_key: needs certificate\n"},
    {STR(APP "[status]\nlisten = 192.0.2.1:8080\n"),
     "FILE:4: [status] listen: an address that is not loopback needs certificate, private_key and token_file\n"},
    {STR(APP "[status]\ncertificate = /c\nprivate_key = /k\nlisten = 127.0.0.1:1, [::]:2\n"),
     "FILE:6: [status] listen: an address that is not loopback needs certificate, private_key and token_file\n"},
    {STR(APP "[status]\ntoken_file = /t\nlisten = 0.0.0.0:0\n"),
     "FILE:5: [status] listen: an address that is not loopback needs certificate, private_key and token_file\n"},
    {STR("[log]\n[app 1400000000]\n[app 1400000001]\ntoken =\n"),
     "FILE:2: [app 1400000000] " NO_TOKEN "\nFILE:4: [app 1400000001] " NO_TOKEN "\n"},
    {STR("[callback]\nlisten = 127.0.0.1:1\nlisten = 192.0.2.1:1\n[app 1400000000]\nunsigned = no\n"),
     "FILE:4: [app 1400000000] " NO_TOKEN "\n"},
    /* listeners that contradict each other */
    {STR(APP "[callback]\nlisten = 127.0.0.1:1\n[status]\nlisten = 127.0.0.1:1\n"),
     "FILE:6: [status] listen: 127.0.0.1:1 cannot be bound beside 127.0.0.1:1, which [callback] listen has in "
     "line 4\n"},
    {STR(APP "[status]\nlisten = 127.0.0.1:2 [::1]:3\nlisten = unix:/s\n\n[callback]\nlisten = 0.0.0.0:2\n"),
     "FILE:4: [status] listen: 127.0.0.1:2 cannot be bound beside 0.0.0.0:2, which [callback] listen has in "
     "line 8\n"},
    {STR(APP "[status]\nlisten = 127.0.0.1:8443\n"),
     "FILE:4: [status] listen: 127.0.0.1:8443 cannot be bound beside 0.0.0.0:8443, which [callback] listen has "
     "by default\n"},
    {STR(APP "[status]\n[callback]\nlisten = localhost:8080\n"),
     "FILE:3: [status] listen: 127.0.0.1:8080 cannot be bound beside 127.0.0.1:8080, which [callback] listen has "
     "in line 5\n"},
    {STR(APP "[callback]\nlisten = localhost:5\nlisten = unix:/run/a 127.0.0.1:5\nlisten = unix:/run//./a\n"),
     "FILE:5: [callback] listen: 127.0.0.1:5 cannot be bound beside 127.0.0.1:5, which [callback] listen has in "
     "line 4\n"
     "FILE:6: [callback] listen: unix:/run//./a cannot be bound beside unix:/run/a, which [callback] listen has "
     "in line 5\n"},
    /* all at once, in their order; what might only follow from them is left out */
    {STR("[app 1400000000]\n[callback]\npath = x\n[oops]\n[callback]\n"),
     "FILE:3: [callback] path: 'x' is not allowed: " URL_PATH "\nFILE:4: [oops]: no such section: " SECTIONS
     "\nFILE:5: [callback]: stands in the file twice, first in line 2\n"},
};

START_TEST(tells_what_is_wrong)
{
    struct loaded loaded = load_bytes(mistakes[_i].text);
    ck_assert_str_eq(loaded.errors.ptr, mistakes[_i].errors);
    ck_assert_int_eq(loaded.r, -EINVAL);
    ck_assert_ptr_null(strstr(loaded.errors.ptr, "s3cret"));
    unload(&loaded);
}
END_TEST

/* What allows an app to have no token, and other things that are right though they look odd. */
static const char *const oddities[] = {
    "[callback]\nlisten = 127.0.0.1:1 unix:/run/a [::1]:2\n[app 1400000000]\n",
    "[callback]\nallow = 192.0.2.0/24\n[app 1400000000]\n",
    "[callback]\nclient_ca = /ca.pem\n[app 1400000000]\n",
    "[app 1400000000]\nunsigned = yes\n",
    "[app 1400000000]\ntoken_file = /t\n",
    "[app 1400000000]\ntoken =\ntoken = abc\ntoken =\n",
    "[app 1]\ntoken = a\n[app 10]\ntoken = a\n",
    "[callback]\ntls = off\ncertificate =\n" APP,
    "[status]\nlisten = localhost:1\nlisten = unix:/run/a\n" APP,
    "[callback]\nallow =\n" APP,
    "[callback]\nlisten = 127.0.0.1:0 127.0.0.1:0 systemd systemd\n[status]\nlisten = 127.0.0.1:0 systemd\n" APP,
    "[callback]\nlisten = 0.0.0.0:5 [::]:5\n[status]\nlisten = unix:/run/a unix:/run/a/a unix:/run/A\n" APP,
};

START_TEST(allows_oddities)
{
    struct loaded loaded = load(oddities[_i]);
    expect_good(&loaded);
    unload(&loaded);
}
END_TEST

START_TEST(stops_telling_after_20_errors)
{
    cleanup(buf_fini) struct buf text = {0};
    buf_append(&text, STR(APP));
    for (unsigned i = 0; i < 30; i++) {
        buf_append(&text, STR("wrong\n"));
    }
    struct loaded loaded = load_bytes(buf_str(&text));
    unsigned n_lines = 0;
    for (const char *at = loaded.errors.ptr; (at = strchr(at, '\n')) != NULL; at++) {
        n_lines++;
    }
    ck_assert_uint_eq(n_lines, 21);
    ck_assert_ptr_nonnull(strstr(loaded.errors.ptr, "FILE:22: neither"));
    ck_assert_ptr_nonnull(strstr(loaded.errors.ptr, "FILE:23: there are more errors from here on\n"));
    unload(&loaded);
}
END_TEST

static struct loaded load_apps(unsigned n)
{
    cleanup(buf_fini) struct buf text = {0};
    for (unsigned i = 0; i < n; i++) {
        buf_appendf(&text, "[app %u]\nunsigned = yes\n", 1400000000 + i);
    }
    return load_bytes(buf_str(&text));
}

START_TEST(takes_1024_apps)
{
    struct loaded loaded = load_apps(1024);
    expect_good(&loaded);
    ck_assert_uint_eq(loaded.config.n_apps, 1024);
    ck_assert_str_eq(loaded.config.apps[1023].id_text, "1400001023");
    ck_assert(loaded.config.apps[1023].unsigned_ok);
    unload(&loaded);
    loaded = load_apps(1025);
    ck_assert_int_eq(loaded.r, -EINVAL);
    ck_assert_str_eq(loaded.errors.ptr, "FILE:2049: [app 1400001024]: at most 1024 apps\n");
    unload(&loaded);
}
END_TEST

/* `n` times ` item` in lines of ten. */
static struct loaded load_list(const char *section, const char *key, const char *item, unsigned n)
{
    cleanup(buf_fini) struct buf text = {0};
    buf_appendf(&text, APP "[%s]", section);
    for (unsigned i = 0; i < n; i++) {
        if (i % 10 == 0) {
            buf_appendf(&text, "\n%s =", key);
        }
        buf_appendf(&text, " %s", item);
    }
    buf_append_char(&text, '\n');
    return load_bytes(buf_str(&text));
}

static const struct {
    const char *section;
    const char *key;
    const char *item;
    unsigned max;
} list_bounds[] = {
    {"callback", "listen", "127.0.0.1:0", 16},  {"status", "listen", "127.0.0.1:0", 16},
    {"callback", "allow", "192.0.2.1", 1024},   {"callback", "trusted_proxies", "192.0.2.1", 1024},
    {"status", "allowed_hosts", "example", 64},
};

START_TEST(bounds_lists)
{
    struct loaded loaded = load_list(list_bounds[_i].section, list_bounds[_i].key, list_bounds[_i].item,
                                     list_bounds[_i].max);
    expect_good(&loaded);
    unload(&loaded);
    loaded = load_list(list_bounds[_i].section, list_bounds[_i].key, list_bounds[_i].item,
                       list_bounds[_i].max + 1);
    ck_assert_int_eq(loaded.r, -EINVAL);
    ck_assert_ptr_nonnull(strstr(loaded.errors.ptr, "at most"));
    unload(&loaded);
}
END_TEST

START_TEST(tells_of_a_file_it_cannot_read)
{
    struct loaded loaded = {0};
    ck_assert_int_eq(config_load("NEXT", &loaded.config, &loaded.errors, &loaded.warnings), -EINVAL);
    ck_assert(str_equal(buf_str(&loaded.errors), STR("NEXT: cannot be read: No such file or directory\n")));
    buf_clear(&loaded.errors);
    ck_assert_int_eq(config_load(".", &loaded.config, &loaded.errors, &loaded.warnings), -EINVAL);
    ck_assert(str_equal(buf_str(&loaded.errors), STR(".: cannot be read: Is a directory\n")));
    unload(&loaded);
}
END_TEST

START_TEST(refuses_a_file_without_end)
{
    struct loaded loaded = {0};
    ck_assert_int_eq(config_load("/dev/zero", &loaded.config, &loaded.errors, &loaded.warnings), -EINVAL);
    ck_assert(str_equal(buf_str(&loaded.errors), STR("/dev/zero: cannot be read: it is no regular file\n")));
    unload(&loaded);
}
END_TEST

START_TEST(leaves_the_output_alone_on_failure)
{
    struct config config;
    struct buf errors = {0};
    memset(&config, 0x55, sizeof(config));
    struct config before = config;
    write_file("FILE", STR("wrong\n"), 0600);
    ck_assert_int_eq(config_load("FILE", &config, &errors, &errors), -EINVAL);
    ck_assert_mem_eq(&config, &before, sizeof(config));
    buf_fini(&errors);
}
END_TEST

static const struct {
    mode_t mode;
    const char *text;
    const char *warnings;
} exposures[] = {
    {0640, APP, ""},
    {0644, APP, "FILE:2: [app 1400000000] token: can be read by all users (file mode 0644)\n"},
    {0644, "[app 1400000000]\ntoken_file = /t\n", ""},
    {0604, "[app 1]\ntoken_file = /t\n[app 2]\ntoken = a\n[app 3]\ntoken = b\n",
     "FILE:4: [app 2] token: can be read by all users (file mode 0604)\n"},
};

START_TEST(warns_of_tokens_that_all_can_read)
{
    struct loaded loaded = {0};
    write_file("FILE", str_from(exposures[_i].text), exposures[_i].mode);
    ck_assert_int_eq(config_load("FILE", &loaded.config, &loaded.errors, &loaded.warnings), 0);
    buf_append_char(&loaded.warnings, '\0');
    ck_assert_str_eq(loaded.warnings.ptr, exposures[_i].warnings);
    unload(&loaded);
}
END_TEST

/* Parts of files put together at random: whatever comes out, nothing breaks and every error has its line. */
START_TEST(survives_any_file)
{
    static const struct str parts[] = {
        STR("[callback]"), STR("[app "),     STR("1400000000]"), STR("token"),     STR("listen"), STR(" = "),
        STR("=\n"),        STR("\n"),        STR("\r\n"),        STR("\0"),        STR("[log]"),  STR(";"),
        STR("\xff\xfe"),   STR("0.0.0.0:1"), STR("max_body"),    STR("99999999K"), STR(","),      STR("\t"),
        STR("[status]\n"), STR("allow"),     STR("::/0"),        STR("level"),     STR("debug"),  STR("]"),
    };
    unsigned seed = (unsigned)time(NULL);
    printf("seed %u\n", seed);
    for (unsigned round = 0; round < 300; round++) {
        struct buf text = {0};
        unsigned n = (unsigned)rand_r(&seed) % 60;
        for (unsigned i = 0; i < n; i++) {
            buf_append(&text, parts[(size_t)rand_r(&seed) % N_ELEMENTS(parts)]);
        }
        struct loaded loaded = load_bytes(buf_str(&text));
        ck_assert(loaded.r == 0 || strncmp(loaded.errors.ptr, "FILE:", 5) == 0);
        unload(&loaded);
        buf_fini(&text);
    }
}
END_TEST

/* conf.d. */

#define N_MORE_MAX 4

struct more {
    const char *name; /* in conf.d */
    const char *text;
};

static struct loaded load_with(const char *text, const struct more *more)
{
    ck_assert_int_eq(mkdir("conf.d", 0700), 0);
    for (size_t i = 0; i < N_MORE_MAX && more[i].name != NULL; i++) {
        char path[64];
        (void)snprintf(path, sizeof(path), "conf.d/%s", more[i].name);
        write_file(path, str_from(more[i].text), 0640);
    }
    return load(text);
}

static const struct {
    const char *text;
    struct more more[N_MORE_MAX];
    const char *path;
    size_t n_listen;
    const char *tokens; /* of the first app, with blanks between them */
} folders[] = {
    /* one value: the last counts */
    {APP "[callback]\npath = /0\n", {{"a.conf", "[callback]\npath = /a\n"}}, "/a", 1, "abc"},
    {APP "[callback]\npath = /0\n",
     {{"b.conf", "[callback]\npath = /b\n"}, {"a.conf", "[callback]\npath = /a\n"}},
     "/b",
     1,
     "abc"},
    {APP "[callback]\npath = /0\n", {{"a.conf", "[callback]\nmax_body = 2K\n"}}, "/0", 1, "abc"},
    /* as bytes: digits, capitals, letters, and all else behind them */
    {APP,
     {{"a.conf", "[callback]\npath = /a\n"},
      {"B.conf", "[callback]\npath = /B\n"},
      {"10.conf", "[callback]\npath = /10\n"},
      {"9.conf", "[callback]\npath = /9\n"}},
     "/a",
     1,
     "abc"},
    {APP,
     {{"\xc3\xa4.conf", "[callback]\npath = /umlaut\n"}, {"z.conf", "[callback]\npath = /z\n"}},
     "/umlaut",
     1,
     "abc"},
    /* lists grow, and the first value takes the default's place */
    {APP "[callback]\nlisten = 127.0.0.1:1\n",
     {{"a.conf", "[callback]\nlisten = 127.0.0.1:2\nlisten = 127.0.0.1:3\n"}},
     "/",
     3,
     "abc"},
    {APP, {{"a.conf", "[callback]\nlisten = 127.0.0.1:2\n"}}, "/", 1, "abc"},
    {APP, {{"a.conf", "[app 1400000000]\ntoken = def\n"}}, "/", 1, "abc def"},
    /* whole sections, and the only app */
    {"", {{"a.conf", APP "[callback]\npath = /a\n"}}, "/a", 1, "abc"},
    {"", {{"a.conf", ""}, {"b.conf", APP}}, "/", 1, "abc"},
    /* what is no file of it */
    {APP,
     {{".a.conf", "wrong"}, {"a.conf~", "wrong"}, {"a.conf.dpkg-dist", "wrong"}, {"conf", "wrong"}},
     "/",
     1,
     "abc"},
    {APP, {{".conf", "wrong"}}, "/", 1, "abc"},
};

START_TEST(reads_on_in_conf_d)
{
    struct loaded loaded = load_with(folders[_i].text, folders[_i].more);
    cleanup(buf_fini) struct buf tokens = {0};
    expect_good(&loaded);
    ck_assert_str_eq(loaded.warnings.ptr, "");
    ck_assert_str_eq(loaded.config.callback.path, folders[_i].path);
    ck_assert_uint_eq(loaded.config.callback.listen.n, folders[_i].n_listen);
    ck_assert_uint_eq(loaded.config.n_apps, 1);
    for (size_t i = 0; i < loaded.config.apps[0].token.n; i++) {
        buf_appendf(&tokens, "%s%s", i == 0 ? "" : " ", loaded.config.apps[0].token.items[i]);
    }
    buf_append_char(&tokens, '\0');
    ck_assert_str_eq(tokens.ptr, folders[_i].tokens);
    unload(&loaded);
}
END_TEST

static const struct {
    const char *text;
    struct more more[N_MORE_MAX];
    const char *errors;
} folder_mistakes[] = {
    {APP, {{"a.conf", "\nwrong\n"}}, "conf.d/a.conf:2: neither a [section] nor key = value\n"},
    {APP "wrong\n",
     {{"a.conf", "wrong\n"}, {"b.conf", ""}, {"c.conf", "wrong\n"}},
     "FILE:3: neither a [section] nor key = value\nconf.d/a.conf:1: neither a [section] nor key = value\n"
     "conf.d/c.conf:1: neither a [section] nor key = value\n"},
    /* a file begins in no section */
    {APP "[callback]\n",
     {{"a.conf", "path = /a\n"}},
     "conf.d/a.conf:1: path: stands before the first [section]\n"},
    /* twice in one file */
    {APP,
     {{"a.conf", "[log]\nlevel = info\nlevel = info\n"}},
     "conf.d/a.conf:3: [log] level: stands in the section twice, first in line 2\n"},
    {APP "[log]\n",
     {{"a.conf", "[log]\n[callback]\n[log]\n"}},
     "conf.d/a.conf:3: [log]: stands in the file twice, first in line 1\n"},
    {APP,
     {{"a.conf", "[app 1400000000]\n[app 1400000000]\n"}},
     "conf.d/a.conf:2: [app 1400000000]: stands in the file twice\n"},
    /* a list that grows too long */
    {APP,
     {{"a.conf", "[app 1400000000]\ntoken = b\n"}, {"b.conf", "[app 1400000000]\ntoken = c\n"}},
     "conf.d/b.conf:2: [app 1400000000] token: the value is not allowed: " TOKEN "\n"},
    /* one option and another */
    {APP "[status]\ncertificate = /c\n",
     {{"a.conf", "[status]\ncertificate = /d\n"}},
     "conf.d/a.conf:2: [status] certificate: needs private_key\n"},
    {APP "\n[callback]\nlisten = 127.0.0.1:1\n",
     {{"a.conf", "[status]\nlisten = 127.0.0.1:2 127.0.0.1:1\n"}},
     "conf.d/a.conf:2: [status] listen: 127.0.0.1:1 cannot be bound beside 127.0.0.1:1, which [callback] "
     "listen has in FILE:5\n"},
    {"\n; nothing\n",
     {{"a.conf", "[log]\n"}},
     "FILE:2: [app ID]: missing: a section for each app, at least one\n"},
    {"", {{"a.conf", "[app 1400000000]\n"}}, "conf.d/a.conf:1: [app 1400000000] " NO_TOKEN "\n"},
};

START_TEST(names_the_file_that_is_wrong)
{
    struct loaded loaded = load_with(folder_mistakes[_i].text, folder_mistakes[_i].more);
    ck_assert_str_eq(loaded.errors.ptr, folder_mistakes[_i].errors);
    ck_assert_int_eq(loaded.r, -EINVAL);
    unload(&loaded);
}
END_TEST

START_TEST(tells_of_a_conf_d_it_cannot_read)
{
    write_file("conf.d", STR(""), 0600);
    struct loaded loaded = load(APP);
    ck_assert_str_eq(loaded.errors.ptr, "conf.d: cannot be read: Not a directory\n");
    unload(&loaded);
    ck_assert_int_eq(unlink("conf.d"), 0);
    ck_assert_int_eq(mkdir("conf.d", 0700), 0);
    ck_assert_int_eq(mkdir("conf.d/a.conf", 0700), 0);
    ck_assert_int_eq(symlink("nowhere", "conf.d/b.conf"), 0);
    loaded = load(APP "wrong\n");
    ck_assert_str_eq(loaded.errors.ptr, "FILE:3: neither a [section] nor key = value\n"
                                        "conf.d/a.conf: cannot be read: Is a directory\n"
                                        "conf.d/b.conf: cannot be read: No such file or directory\n");
    unload(&loaded);
}
END_TEST

START_TEST(bounds_the_number_of_files)
{
    ck_assert_int_eq(mkdir("conf.d", 0700), 0);
    for (unsigned i = 1; i <= CONFIG_N_FILES_MAX; i++) {
        char path[64];
        (void)snprintf(path, sizeof(path), "conf.d/%u.conf", i);
        write_file(path, STR(""), 0600);
        if (i == CONFIG_N_FILES_MAX - 1) {
            struct loaded loaded = load(APP);
            expect_good(&loaded);
            ck_assert_uint_eq(loaded.config.files.n, CONFIG_N_FILES_MAX);
            unload(&loaded);
        }
    }
    struct loaded loaded = load(APP);
    ck_assert_str_eq(loaded.errors.ptr, "conf.d: holds too many files: at most 255\n");
    unload(&loaded);
}
END_TEST

START_TEST(warns_once_of_each_file_with_a_token_that_all_can_read)
{
    static const struct more more[N_MORE_MAX] = {{"a.conf", "[app 1400000000]\ntoken = b\n"},
                                                 {"b.conf", "[app 1]\ntoken = a\ntoken = b\n"}};
    struct loaded loaded = load_with(APP, more);
    unload(&loaded);
    ck_assert_int_eq(chmod("conf.d/a.conf", 0644), 0);
    ck_assert_int_eq(chmod("conf.d/b.conf", 0604), 0);
    loaded = load(APP);
    ck_assert_str_eq(loaded.warnings.ptr,
                     "conf.d/a.conf:2: [app 1400000000] token: can be read by all users (file mode 0644)\n"
                     "conf.d/b.conf:2: [app 1] token: can be read by all users (file mode 0604)\n");
    unload(&loaded);
}
END_TEST

static const struct {
    const char *text;
    const char *warnings;
} unexpanded[] = {
    {APP "[store]\npath = ${STATE}/store\n",
     "FILE:4: [store] path: ${...} is not expanded, the value is taken as it stands\n"},
    {"[app 1400000000]\ntoken = s3cret${X}\n",
     "FILE:2: [app 1400000000] token: ${...} is not expanded, the value is taken as it stands\n"},
    {APP "[store]\npath = $STATE/}{\n", ""},
    {APP "[store]\npath = ${STATE\n", ""},
};

START_TEST(warns_of_what_is_not_expanded)
{
    struct loaded loaded = load(unexpanded[_i].text);
    expect_good(&loaded);
    ck_assert_str_eq(loaded.warnings.ptr, unexpanded[_i].warnings);
    unload(&loaded);
}
END_TEST

/* Whether a line of the text is `pair`, blanks, and `place` behind a ';'. */
static bool shows(const char *text, const char *pair, const char *place)
{
    struct str left = str_from(text);
    struct str line;
    while (str_split(&left, '\n', &line)) {
        struct str head;
        if (str_starts_with(line, str_from(pair)) && str_split(&line, ';', &head) &&
            str_equal(str_trim(head), str_from(pair)) && str_equal(str_trim(line), str_from(place))) {
            return true;
        }
    }
    return false;
}

START_TEST(tells_where_each_value_comes_from)
{
    static const struct more more[N_MORE_MAX] = {
        {"a.conf", "[callback]\npath = /a\nallow = 192.0.2.0/24\n"},
        {"b.conf", "[app 1400000000]\ntoken_file = /t ; here\n[callback]\nallow = 192.0.2.1, 192.0.2.2\n"},
    };
    static const struct {
        const char *pair;
        const char *place;
    } lines[] = {
        {"path = /a", "conf.d/a.conf:2"},
        {"allow = 192.0.2.0/24", "conf.d/a.conf:3"},
        {"allow = 192.0.2.1, 192.0.2.2", "conf.d/b.conf:4"},
        {"max_body = 2K", "FILE:5"},
        {"token = (set)", "FILE:2"},
        {"token_file = /t", "conf.d/b.conf:2"},
        {"unsigned = no", "default"},
        {"token = (not set)", "default"},
        {"unsigned = yes", "FILE:7"},
        {"idle_timeout = 75s", "default"},
        {"listen = 127.0.0.1:8080", "default"},
        {"url =", "default"},
    };
    struct loaded loaded = load_with("[app 1400000000]\ntoken = s3cret\n[callback]\npath = /0\n"
                                     "max_body = 2K\n[app 1400000001]\nunsigned = yes\ntoken =\n",
                                     more);
    cleanup(buf_fini) struct buf text = {0};
    expect_good(&loaded);
    config_append_settings(&text, &loaded.config);
    buf_append_char(&text, '\0');
    for (size_t i = 0; i < N_ELEMENTS(lines); i++) {
        ck_assert_msg(shows(text.ptr, lines[i].pair, lines[i].place), "no '%s' of %s in:\n%s", lines[i].pair,
                      lines[i].place, text.ptr);
    }
    ck_assert_ptr_null(strstr(text.ptr, "s3cret"));
    ck_assert_ptr_null(strstr(text.ptr, "/0"));
    unload(&loaded);
}
END_TEST

/* Credentials. */

static const struct {
    const char *text;
    bool has_folder;
    const char *errors;
} credentials[] = {
    {"[app 1400000000]\ntoken_file = credential:token\n", true, ""},
    {"[app 1400000000]\ntoken_file = credential:token\n", false,
     "FILE:2: [app 1400000000] token_file: 'credential:token': CREDENTIALS_DIRECTORY is not set: systemd sets "
     "it for the service that has LoadCredential=\n"},
    {"[app 1400000000]\ntoken_file = credential:a/b\n", true,
     "FILE:2: [app 1400000000] token_file: 'credential:a/b': a credential is named as a file is, without '/'\n"},
    {"[app 1400000000]\ntoken_file = credential:..\n", true,
     "FILE:2: [app 1400000000] token_file: 'credential:..': a credential is named as a file is, without '/'\n"},
    {"[app 1400000000]\ntoken_file = credential:\n", true,
     "FILE:2: [app 1400000000] token_file: 'credential:': a credential is named as a file is, without '/'\n"},
};

START_TEST(finds_credentials)
{
    if (credentials[_i].has_folder) {
        ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", "/given", 1), 0);
    }
    struct loaded loaded = load(credentials[_i].text);
    ck_assert_str_eq(loaded.errors.ptr, credentials[_i].errors);
    if (loaded.r == 0) {
        ck_assert_str_eq(loaded.config.apps[0].token_file.items[0], "/given/token");
    }
    unload(&loaded);
}
END_TEST

START_TEST(takes_credentials_wherever_a_secret_may_stand)
{
    ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", "/given", 1), 0);
    struct loaded loaded = load(APP "[callback]\ncertificate = credential:c\nprivate_key = credential:k\n"
                                    "[status]\ncertificate = credential:sc\nprivate_key = credential:sk\n"
                                    "token_file = credential:st\n[store]\npath = credential:no\n"
                                    "[app 1]\ntoken = a\nquery_token_file = credential:q\n");
    const struct config *config = &loaded.config;
    expect_good(&loaded);
    ck_assert_str_eq(config->callback.certificate, "/given/c");
    ck_assert_str_eq(config->callback.private_key, "/given/k");
    ck_assert_str_eq(config->status.certificate, "/given/sc");
    ck_assert_str_eq(config->status.private_key, "/given/sk");
    ck_assert_str_eq(config->status.token_file, "/given/st");
    ck_assert_str_eq(config->apps[1].query_token_file, "/given/q");
    ck_assert_str_eq(config->store.path, "credential:no");
    unload(&loaded);
}
END_TEST

/* One section alone. */

#define STORE_SECTION "[store]\npath = /s\nmemory = 8M\n"

static const struct {
    struct str text;
    const char *path;
    const char *errors;
} store_files[] = {
    {STR(""), "", ""},
    {STR(STORE_SECTION), "/s", ""},
    {STR(APP STORE_SECTION "[callback]\n"), "/s", ""},
    /* Whatever is wrong elsewhere. */
    {STR("key = value\nnonsense\n" STORE_SECTION "[callback]\nlisten = x\nnonsense\nmore = 1\n"), "/s", ""},
    {STR("[callback]\nlisten = 127.0.0.1:8080\n[app x]\n[app 1]\n[app 1]\n" STORE_SECTION "[oops]\n"), "/s",
     ""},
    {STR("[callback\npath = /other\n" STORE_SECTION "[status\npath = /other\n"), "/s", ""},
    {STR(STORE_SECTION "[sta\0tus]\npath = /other\n[\x01]\npath = /other\n"), "/s", ""},
    {STR("\0\n\x01\n" STORE_SECTION "[store x]\npath = /other\n"), "/s", ""},
    /* What is wrong there. */
    {STR("[oops]\n[store]\npath = /s\npath = /s\n"), NULL,
     "FILE:4: [store] path: stands in the section twice, first in line 3\n"},
    {STR(STORE_SECTION "nonsense\n[oops]\n"), NULL, "FILE:4: neither a [section] nor key = value\n"},
    {STR(STORE_SECTION STORE_SECTION), NULL, "FILE:4: [store]: stands in the file twice, first in line 1\n"},
    {STR("[store]\noops = 1\n"), NULL,
     "FILE:2: [store] oops: no such key: path, durability, memory, history, history_max_size\n"},
};

START_TEST(reads_the_store_alone)
{
    struct config config = {0};
    cleanup(buf_fini) struct buf errors = {0};
    write_file("FILE", store_files[_i].text, 0644);
    int r = config_load_store("FILE", &config, &errors, &errors);
    buf_append_char(&errors, '\0');
    ck_assert_str_eq(errors.ptr, store_files[_i].errors);
    ck_assert_int_eq(r, store_files[_i].path == NULL ? -EINVAL : 0);
    if (r == 0) {
        ck_assert_str_eq(config.store.path, store_files[_i].path);
        ck_assert_uint_eq(config.store.memory_bytes, store_files[_i].path[0] == '\0' ? 64 << 20 : 8 << 20);
        ck_assert_uint_eq(config.n_apps, 0);
        expect_callback_defaults(&config.callback);
    }
    config_fini(&config);
}
END_TEST

START_TEST(reads_the_store_of_all_files)
{
    static const struct more more[N_MORE_MAX] = {{"a.conf", "[oops]\nwrong\n[store]\npath = /a\n"}};
    struct config config = {0};
    struct loaded loaded = load_with(STORE_SECTION, more);
    cleanup(buf_fini) struct buf errors = {0};
    unload(&loaded);
    ck_assert_int_eq(config_load_store("FILE", &config, &errors, &errors), 0);
    ck_assert_str_eq(config.store.path, "/a");
    ck_assert_uint_eq(config.store.memory_bytes, 8 << 20);
    config_fini(&config);
}
END_TEST

/* Token files. */

static struct loaded load_tokens(const char *text)
{
    struct loaded loaded = {0};
    write_file("FILE", str_from(text), 0600);
    ck_assert_int_eq(config_load("FILE", &loaded.config, &loaded.errors, &loaded.warnings), 0);
    loaded.r = config_read_tokens(&loaded.config, &loaded.errors);
    buf_append_char(&loaded.errors, '\0');
    return loaded;
}

START_TEST(reads_tokens)
{
    write_file("token", STR("from-file\n"), 0640);
    write_file("token2", STR("without-newline"), 0400);
    struct loaded loaded = load_tokens("[app 1]\ntoken_file = token\ntoken = plain\n"
                                       "[app 2]\ntoken_file = token2\ntoken_file = token\n"
                                       "[app 3]\nunsigned = yes\n"
                                       "[status]\ntoken_file = token\n");
    const struct config *config = &loaded.config;
    expect_good(&loaded);
    ck_assert_uint_eq(config->apps[0].n_tokens, 2);
    ck_assert(str_equal(buf_str(&config->apps[0].tokens[0]), STR("plain")));
    ck_assert(str_equal(buf_str(&config->apps[0].tokens[1]), STR("from-file")));
    ck_assert_uint_eq(config->apps[1].n_tokens, 2);
    ck_assert(str_equal(buf_str(&config->apps[1].tokens[0]), STR("without-newline")));
    ck_assert(str_equal(buf_str(&config->apps[1].tokens[1]), STR("from-file")));
    ck_assert_uint_eq(config->apps[2].n_tokens, 0);
    ck_assert(str_equal(buf_str(&config->status.token), STR("from-file")));
    unload(&loaded);
}
END_TEST

START_TEST(reads_secret_keys)
{
    write_file("key", STR("from-file\n"), 0600);
    struct loaded loaded = load_tokens("[app 1]\ntoken = x\nadmin = root\nsecret_key_file = key\n"
                                       "[app 2]\ntoken = x\n");
    expect_good(&loaded);
    ck_assert(str_equal(secret_str(loaded.config.apps[0].secret_key), STR("from-file")));
    ck_assert_ptr_null(loaded.config.apps[1].secret_key);
    unload(&loaded);
}
END_TEST

START_TEST(reads_query_tokens)
{
    write_file("token", STR("of-app\n"), 0640);
    write_file("token2", STR("of-listener\n"), 0640);
    struct loaded loaded = load_tokens("[app 1]\ntoken = a\nquery_token_file = token\n"
                                       "[app 2]\ntoken = a\n"
                                       "[status]\ntoken_file = token2\n");
    expect_good(&loaded);
    ck_assert(str_equal(buf_str(&loaded.config.apps[0].query_token), STR("of-app")));
    ck_assert_uint_eq(loaded.config.apps[1].query_token.len, 0);
    unload(&loaded);
}
END_TEST

START_TEST(a_secret_key_is_as_private_as_a_token)
{
    write_file("key", STR("from-file\n"), 0644);
    struct loaded loaded = load_tokens("[app 1]\ntoken = x\nadmin = root\nsecret_key_file = key\n");
    ck_assert_int_eq(loaded.r, -EINVAL);
    ck_assert_str_eq(loaded.errors.ptr,
                     "FILE:4: [app 1] secret_key_file: key is open to other users (mode 0644): "
                     "0640 or less is allowed\n");
    unload(&loaded);
}
END_TEST

/* Nobody could say what such a token opens. */
START_TEST(refuses_a_query_token_that_is_anothers)
{
    write_file("token", STR("s3cret\n"), 0640);
    write_file("token2", STR("s3cret\n"), 0640);
    struct loaded loaded = load_tokens("[app 1]\ntoken = a\nquery_token_file = token\n"
                                       "[app 2]\ntoken = a\nquery_token_file = token2\n");
    ck_assert_int_eq(loaded.r, -EINVAL);
    ck_assert_str_eq(loaded.errors.ptr, "FILE:6: [app 2] query_token_file: holds the token of [app 1]\n");
    unload(&loaded);
    loaded = load_tokens("[app 1]\ntoken = a\nquery_token_file = token\n[status]\ntoken_file = token2\n");
    ck_assert_int_eq(loaded.r, -EINVAL);
    ck_assert_str_eq(loaded.errors.ptr,
                     "FILE:3: [app 1] query_token_file: holds the token of [status] token_file\n");
    unload(&loaded);
    loaded = load_tokens("[app 1]\ntoken = a\nquery_token_file = none\n");
    ck_assert_str_eq(loaded.errors.ptr,
                     "FILE:3: [app 1] query_token_file: none cannot be read: No such file or directory\n");
    unload(&loaded);
}
END_TEST

#define T_64 "tttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt"
#define NO_TOKEN_HERE "holds no token: 1 to 256 printable characters without blanks, on one line"

static const struct {
    struct str content;
    mode_t mode;
    const char *why; /* NULL: good */
    struct str token;
} token_files[] = {
    {STR("s3cret"), 0600, NULL, STR("s3cret")},
    {STR("s3cret\n"), 0600, NULL, STR("s3cret")},
    {STR("s3cret\r\n"), 0600, NULL, STR("s3cret")},
    {STR("s3cret"), 0660, NULL, STR("s3cret")},
    {STR(T_64 T_64 T_64 T_64), 0600, NULL, STR(T_64 T_64 T_64 T_64)},
    {STR(T_64 T_64 T_64 T_64 "\r\n"), 0600, NULL, STR(T_64 T_64 T_64 T_64)},
    {STR(T_64 T_64 T_64 T_64 "t"), 0600, NO_TOKEN_HERE, STR("")},
    {STR(T_64 T_64 T_64 T_64 T_64), 0600, NO_TOKEN_HERE, STR("")},
    {STR(""), 0600, NO_TOKEN_HERE, STR("")},
    {STR("\n"), 0600, NO_TOKEN_HERE, STR("")},
    {STR("s3cret\n\n"), 0600, NO_TOKEN_HERE, STR("")},
    {STR("s3cret\nother"), 0600, NO_TOKEN_HERE, STR("")},
    {STR("s3 cret"), 0600, NO_TOKEN_HERE, STR("")},
    {STR("s3cret\0"), 0600, NO_TOKEN_HERE, STR("")},
    {STR("s3cret\xc3\xa4"), 0600, NO_TOKEN_HERE, STR("")},
    {STR("s3cret"), 0644, "is open to other users (mode 0644): 0640 or less is allowed", STR("")},
    {STR("s3cret"), 0602, "is open to other users (mode 0602): 0640 or less is allowed", STR("")},
    {STR("s3cret"), 0601, "is open to other users (mode 0601): 0640 or less is allowed", STR("")},
};

START_TEST(checks_token_files)
{
    char expected[256] = "";
    write_file("token", token_files[_i].content, token_files[_i].mode);
    struct loaded loaded = load_tokens(
        "[app 1400000000]\nunsigned = no\ntoken_file = token\n[status]\ntoken_file = token\n");
    if (token_files[_i].why != NULL) {
        (void)snprintf(
            expected, sizeof(expected),
            "FILE:3: [app 1400000000] token_file: token %s\nFILE:5: [status] token_file: token %s\n",
            token_files[_i].why, token_files[_i].why);
    } else {
        ck_assert(str_equal(buf_str(&loaded.config.apps[0].tokens[0]), token_files[_i].token));
        ck_assert(str_equal(buf_str(&loaded.config.status.token), token_files[_i].token));
    }
    ck_assert_str_eq(loaded.errors.ptr, expected);
    ck_assert_int_eq(loaded.r, token_files[_i].why == NULL ? 0 : -EINVAL);
    unload(&loaded);
}
END_TEST

START_TEST(tells_of_a_token_file_it_cannot_read)
{
    struct loaded loaded = load_tokens("[app 1400000000]\ntoken_file = token\n");
    ck_assert_int_eq(loaded.r, -EINVAL);
    ck_assert_str_eq(loaded.errors.ptr,
                     "FILE:2: [app 1400000000] token_file: token cannot be read: No such file or "
                     "directory\n");
    ck_assert_uint_eq(loaded.config.apps[0].n_tokens, 0);
    unload(&loaded);
}
END_TEST

/* Reload. */

#define RUNNING "[status]\ncertificate = /c\nprivate_key = /k\n" APP "[callback]\n"

static const struct {
    const char *next;
    const char *errors;
} reloads[] = {
    {RUNNING, ""},
    {RUNNING "path = /a\nallow = 192.0.2.0/24\ncertificate = /d\n[log]\nlevel = debug\n", ""},
    {"[status]\ncertificate = /d\nprivate_key = /e\n[app 1]\nunsigned = yes\n", ""},
    {RUNNING "listen = 0.0.0.0:8443\nmax_body = 65536\n", ""}, /* the defaults, said */
    {RUNNING "listen = 0.0.0.0:8444\n",
     "NEXT:7: [callback] listen: cannot change while presenced runs: restart it\n"},
    {RUNNING "listen = 0.0.0.0:8443 127.0.0.1:1\n",
     "NEXT:7: [callback] listen: cannot change while presenced runs: restart it\n"},
    {RUNNING "tls = off\nmax_body = 1K\n",
     "NEXT:7: [callback] tls: cannot change while presenced runs: restart it\n"
     "NEXT:8: [callback] max_body: cannot change while presenced runs: restart it\n"},
    {RUNNING "[presence]\nmax_users = 7\n",
     "NEXT:8: [presence] max_users: cannot change while presenced runs: restart it\n"},
    {APP "[status]\n",
     "NEXT:3: [status] certificate: HTTPS cannot be turned on or off while presenced runs: restart it\n"},
};

START_TEST(checks_reloads)
{
    struct loaded running = load(RUNNING);
    struct config next = {0};
    struct buf errors = {0};
    expect_good(&running);
    write_file("NEXT", str_from(reloads[_i].next), 0600);
    ck_assert_int_eq(config_load("NEXT", &next, &errors, &errors), 0);
    ck_assert_int_eq(config_check_reload(&running.config, &next, &errors),
                     reloads[_i].errors[0] == '\0' ? 0 : -EINVAL);
    buf_append_char(&errors, '\0');
    ck_assert_str_eq(errors.ptr, reloads[_i].errors);
    config_fini(&next);
    buf_fini(&errors);
    unload(&running);
}
END_TEST

/* The table. */

START_TEST(knows_its_options)
{
    ck_assert_ptr_eq(option_find_section(STR("app")), option_app_section);
    ck_assert_ptr_null(option_find_section(STR("App")));
    ck_assert_ptr_null(option_find_section(STR("")));
    for (size_t i = 0; i < option_n_sections; i++) {
        const struct option_section *section = &option_sections[i];
        ck_assert_ptr_eq(option_find_section(str_from(section->name)), section);
        ck_assert_uint_le(section->n_options, CONFIG_N_KEYS_MAX);
        for (size_t k = 0; k < section->n_options; k++) {
            ck_assert_ptr_eq(option_find(section, str_from(section->options[k].key)), &section->options[k]);
        }
        ck_assert_ptr_null(option_find(section, STR("nonsense")));
    }
}
END_TEST

START_TEST(refers_to_every_option)
{
    struct buf text = {0};
    option_append_reference(&text);
    buf_append_char(&text, '\0');
    for (size_t i = 0; i < option_n_sections; i++) {
        const struct option_section *section = &option_sections[i];
        char line[160];
        (void)snprintf(line, sizeof(line), "\n[%s]\n",
                       section == option_app_section ? "app ID" : section->name);
        const char *at = strstr(text.ptr, line);
        for (size_t k = 0; k < section->n_options; k++) {
            const struct option_row *option = &section->options[k];
            ck_assert_msg(at != NULL, "%s", line);
            (void)snprintf(line, sizeof(line), "\n  %s = %s ", option->key, option->default_text);
            at = strstr(at + 1, line);
        }
        ck_assert_msg(at != NULL, "%s", line);
    }
    buf_fini(&text);
}
END_TEST

START_TEST(names_the_line_of_a_key)
{
    struct loaded loaded = load("\n[app 1400000000]\ntoken = a\ntoken = b\n\n[callback]\npath = /\n");
    expect_good(&loaded);
    ck_assert_uint_eq(config_line(&loaded.config.apps[0].lines, "app", "token"), 4);
    ck_assert_uint_eq(config_line(&loaded.config.apps[0].lines, "app", "unsigned"), 2);
    ck_assert_uint_eq(config_line(&loaded.config.callback.lines, "callback", "path"), 7);
    ck_assert_uint_eq(config_line(&loaded.config.callback.lines, "callback", "tls"), 6);
    ck_assert_uint_eq(config_line(&loaded.config.log.lines, "log", "level"), 1);
    unload(&loaded);
}
END_TEST

/* Conf/presenced.conf. */

/* What stands in the file, set or behind a ';' without a blank, in the order of the table. What an option may
 * be set to stands in parentheses in the comment before it, which ends at the next empty line. */
struct reference {
    const struct option_section *section; /* the one that has begun */
    size_t i_section;                     /* the next */
    size_t i_option;                      /* the next in it */
    unsigned line;
    struct buf comment; /* on one line */
};

static void expect_section_done(const struct reference *reference)
{
    if (reference->section != NULL && reference->i_option < reference->section->n_options) {
        ck_abort_msg("line %u: %s is missing before", reference->line,
                     reference->section->options[reference->i_option].key);
    }
}

static void compare_section(struct reference *reference, struct str name)
{
    struct str word;
    expect_section_done(reference);
    ck_assert_uint_lt(reference->i_section, option_n_sections);
    reference->section = &option_sections[reference->i_section++];
    reference->i_option = 0;
    (void)str_split(&name, ' ', &word);
    ck_assert_msg(str_equal(word, str_from(reference->section->name)), "line %u: [%.*s] is not [%s]",
                  reference->line, STR_FMT(word), reference->section->name);
}

/* "1K..1M" is "1K to 1M", of a list "at most 1M"; words stay. Then whether a change needs a restart. */
static void append_note(struct buf *out, const struct option_row *option)
{
    const char *dots = strstr(option->allowed, "..");
    if (dots == NULL) {
        buf_append(out, str_from(option->allowed));
    } else if (option_is_list(option)) {
        buf_appendf(out, "at most %s", dots + 2);
    } else {
        buf_appendf(out, "%.*s to %s", (int)(dots - option->allowed), option->allowed, dots + 2);
    }
    if ((option->flags & OPTION_RESTART) != 0) {
        buf_appendf(out, "%srestart", out->len > 0 ? "; " : "");
    }
}

/* The comment has the note in parentheses; where there is nothing to note it doesn't claim a restart. */
static void expect_note(const struct reference *reference, const struct option_row *option)
{
    cleanup(buf_fini) struct buf note = {0};
    cleanup(buf_fini) struct buf parentheses = {0};
    cleanup(buf_fini) struct buf comment = {0};
    append_note(&note, option);
    buf_appendf(&parentheses, "(%.*s)", STR_FMT(buf_str(&note)));
    buf_append_char(&parentheses, '\0');
    buf_append(&comment, buf_str(&reference->comment));
    buf_append_char(&comment, '\0');
    if (note.len == 0) {
        ck_assert_msg(strstr(comment.ptr, "restart)") == NULL, "line %u: %s needs no restart, but:%s",
                      reference->line, option->key, comment.ptr);
    } else {
        ck_assert_msg(strstr(comment.ptr, parentheses.ptr) != NULL,
                      "line %u: before %s there is no \"%s\" but:%s", reference->line, option->key,
                      parentheses.ptr, comment.ptr);
    }
}

static void compare_option(struct reference *reference, struct str key, struct str value)
{
    ck_assert_msg(reference->section != NULL && reference->i_option < reference->section->n_options,
                  "line %u: %.*s is too much", reference->line, STR_FMT(key));
    const struct option_row *option = &reference->section->options[reference->i_option++];
    ck_assert_msg(str_equal(key, str_from(option->key)), "line %u: %.*s is not %s", reference->line,
                  STR_FMT(key), option->key);
    ck_assert_msg(str_equal(value, str_from(option->default_text)), "line %u: the default is %s",
                  reference->line, option->default_text);
    expect_note(reference, option);
}

static void compare_line(struct reference *reference, struct str line)
{
    struct str key;
    reference->line++;
    if (str_starts_with(line, STR(";"))) {
        line.ptr++;
        line.len--;
    }
    if (line.len == 0) {
        buf_clear(&reference->comment);
        return;
    }
    if (line.ptr[0] == '#') {
        buf_append(&reference->comment, (struct str){line.ptr + 1, line.len - 1});
        return;
    }
    if (line.ptr[0] == '[') {
        compare_section(reference, (struct str){line.ptr + 1, line.len - 2});
        return;
    }
    (void)str_split(&line, '=', &key);
    ck_assert_msg(line.ptr != NULL, "line %u: no option", reference->line);
    compare_option(reference, str_trim(key), str_trim(line));
}

static struct buf read_reference(void)
{
    const char *source = getenv("PRESENCED_SOURCE");
    char path[512];
    struct buf text = {0};
    ck_assert_msg(source != NULL, "PRESENCED_SOURCE does not say where the source tree is");
    (void)snprintf(path, sizeof(path), "%s/conf/presenced.conf", source);
    FILE *file = fopen(path, "re");
    ck_assert_msg(file != NULL, "%s", path);
    for (int c = getc(file); c != EOF; c = getc(file)) {
        buf_append_char(&text, (char)c);
    }
    (void)fclose(file);
    ck_assert(!text.failed);
    return text;
}

START_TEST(documents_every_option)
{
    struct buf text = read_reference();
    struct reference reference = {0};
    struct str rest = buf_str(&text);
    struct str line;
    while (str_split(&rest, '\n', &line)) {
        compare_line(&reference, line);
    }
    expect_section_done(&reference);
    ck_assert_uint_eq(reference.i_section, option_n_sections);
    buf_fini(&reference.comment);
    buf_fini(&text);
}
END_TEST

/* As it comes, the file wants an app; with one it is good. */
START_TEST(documents_a_file_that_loads)
{
    struct buf text = read_reference();
    struct loaded loaded = load_bytes(buf_str(&text));
    ck_assert_int_eq(loaded.r, -EINVAL);
    ck_assert_ptr_nonnull(strstr(loaded.errors.ptr, ": [app ID]: missing: "));
    unload(&loaded);
    buf_append(&text, STR(APP));
    loaded = load_bytes(buf_str(&text));
    expect_good(&loaded);
    expect_defaults(&loaded.config);
    unload(&loaded);
    buf_fini(&text);
}
END_TEST

static void add_looped_tests(TCase *tcase)
{
    tcase_add_loop_test(tcase, reads_switches, 0, N_ELEMENTS(switches));
    tcase_add_loop_test(tcase, reads_levels, 0, N_ELEMENTS(level_words));
    tcase_add_loop_test(tcase, bounds_sizes, 0, N_ELEMENTS(sizes));
    tcase_add_loop_test(tcase, bounds_durations, 0, N_ELEMENTS(durations));
    tcase_add_loop_test(tcase, has_bounds, 0, N_ELEMENTS(bounds));
    tcase_add_loop_test(tcase, bounds_lists, 0, N_ELEMENTS(list_bounds));
    tcase_add_loop_test(tcase, reads_layouts, 0, N_ELEMENTS(layouts));
    tcase_add_loop_test(tcase, refuses_longer_lines, 199, 203);
    tcase_add_loop_test(tcase, tells_what_is_wrong, 0, N_ELEMENTS(mistakes));
    tcase_add_loop_test(tcase, allows_oddities, 0, N_ELEMENTS(oddities));
    tcase_add_loop_test(tcase, warns_of_tokens_that_all_can_read, 0, N_ELEMENTS(exposures));
    tcase_add_loop_test(tcase, checks_reloads, 0, N_ELEMENTS(reloads));
    tcase_add_loop_test(tcase, checks_token_files, 0, N_ELEMENTS(token_files));
    tcase_add_loop_test(tcase, reads_on_in_conf_d, 0, N_ELEMENTS(folders));
    tcase_add_loop_test(tcase, names_the_file_that_is_wrong, 0, N_ELEMENTS(folder_mistakes));
    tcase_add_loop_test(tcase, warns_of_what_is_not_expanded, 0, N_ELEMENTS(unexpanded));
    tcase_add_loop_test(tcase, finds_credentials, 0, N_ELEMENTS(credentials));
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("config");
    TCase *tcase = tcase_create("config");
    tcase_add_checked_fixture(tcase, enter_folder, leave_folder);
    add_looped_tests(tcase);
    tcase_add_test(tcase, has_defaults);
    tcase_add_test(tcase, leaves_defaults_where_the_file_is_silent);
    tcase_add_test(tcase, reads_the_callback_section);
    tcase_add_test(tcase, reads_the_other_sections);
    tcase_add_test(tcase, takes_lines_of_198_bytes);
    tcase_add_test(tcase, takes_comments_of_any_length);
    tcase_add_test(tcase, stops_telling_after_20_errors);
    tcase_add_test(tcase, takes_1024_apps);
    tcase_add_test(tcase, tells_of_a_file_it_cannot_read);
    tcase_add_test(tcase, refuses_a_file_without_end);
    tcase_add_test(tcase, leaves_the_output_alone_on_failure);
    tcase_add_test(tcase, survives_any_file);
    tcase_add_test(tcase, tells_of_a_conf_d_it_cannot_read);
    tcase_add_test(tcase, bounds_the_number_of_files);
    tcase_add_test(tcase, warns_once_of_each_file_with_a_token_that_all_can_read);
    tcase_add_test(tcase, tells_where_each_value_comes_from);
    tcase_add_test(tcase, takes_credentials_wherever_a_secret_may_stand);
    tcase_add_test(tcase, reads_the_store_of_all_files);
    tcase_add_loop_test(tcase, reads_the_store_alone, 0, N_ELEMENTS(store_files));
    tcase_add_test(tcase, reads_tokens);
    tcase_add_test(tcase, reads_secret_keys);
    tcase_add_test(tcase, a_secret_key_is_as_private_as_a_token);
    tcase_add_test(tcase, reads_query_tokens);
    tcase_add_test(tcase, refuses_a_query_token_that_is_anothers);
    tcase_add_test(tcase, tells_of_a_token_file_it_cannot_read);
    tcase_add_test(tcase, knows_its_options);
    tcase_add_test(tcase, refers_to_every_option);
    tcase_add_test(tcase, names_the_line_of_a_key);
    tcase_add_test(tcase, documents_every_option);
    tcase_add_test(tcase, documents_a_file_that_loads);
    suite_add_tcase(suite, tcase);
    return suite;
}
