/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CONFIG_H
#define PRESENCED_CONFIG_H

/* The configuration from its files, validated, in memory of its own. It is loaded at the start and again at
 * each reload, and is immutable afterwards, so any thread may read it. options.h has the fields.
 *
 * The files are the named one, and then conf.d/NAME.conf beside it in the order of their names (compared as
 * bytes; hidden files are skipped). A section may continue in a later file. There a key with a single value
 * replaces an earlier value, and a list grows. */

#include "presenced/address.h"
#include "presenced/endpoint.h"
#include "presenced/options.h"
#include "presenced/secret.h"

#include <sys/types.h>

#define CONFIG_N_FILES_MAX 256
#define CONFIG_N_APPS_MAX 1024
#define CONFIG_N_TOKENS_MAX 4 /* per app: two of `token` and two of `token_file` */
#define CONFIG_TOKEN_MAX 256  /* bytes */
#define CONFIG_APP_ID_MAX ((UINT64_C(1) << 53) - 1)
#define CONFIG_N_KEYS_MAX 16   /* per section */
#define CONFIG_N_LISTEN_MAX 16 /* per section, as in options.h */

/* Values of CHOICE options, in the order of their words in options.h; log.level is an enum log_level. */
enum config_other_commands {
    CONFIG_OTHER_COMMANDS_FAIL,
    CONFIG_OTHER_COMMANDS_OK,
};

enum config_proxy_protocol {
    CONFIG_PROXY_PROTOCOL_OFF,
    CONFIG_PROXY_PROTOCOL_V2,
};

enum config_log_format {
    CONFIG_LOG_TEXT,
    CONFIG_LOG_JSON,
};

enum config_durability {
    CONFIG_DURABILITY_RELAXED,
    CONFIG_DURABILITY_COMMIT,
    CONFIG_DURABILITY_SYNC,
};

enum config_region {
    CONFIG_REGION_CHINA,
    CONFIG_REGION_SINGAPORE,
    CONFIG_REGION_SEOUL,
    CONFIG_REGION_TOKYO,
    CONFIG_REGION_FRANKFURT,
    CONFIG_REGION_SILICON_VALLEY,
    CONFIG_REGION_JAKARTA,
    CONFIG_N_REGIONS,
};

/* Lines are numbered across all files, so that one number also identifies the file: the first line of the
 * first file is 1. */
struct config_file {
    char *path;
    mode_t mode;
    unsigned first_line;
};

struct config_files {
    struct config_file *items;
    size_t n; /* number of files; 0 for config_defaults() */
};

/* The last lines at which a section and its keys (by index in the section's table) were set; 0: in no file.
 */
struct config_lines {
    unsigned section;
    unsigned keys[CONFIG_N_KEYS_MAX];
};

/* A value as written, to show where it comes from. */
struct config_setting {
    unsigned line;
    const struct option_row *option;
    uint64_t app_id; /* app of its section; 0: none */
    char *text;      /* for a secret only whether there is one */
};

struct config_settings {
    struct config_setting *items;
    size_t n;
    size_t capacity;
};

#define CONFIG_FIELD(section, kind, field, ...) OPTION_TYPE_##kind field;

/* `lines` is the first member of each of these structs. */
struct config_callback {
    struct config_lines lines;
    CALLBACK_OPTIONS(CONFIG_FIELD, config_callback)
};

struct config_app {
    struct config_lines lines;
    char id_text[17]; /* as written; there is only one way to write an id */
    uint64_t id;
    APP_OPTIONS(CONFIG_FIELD, config_app)
    /* These four are set by config_read_tokens(). Tokens of `token` come before those of `token_file`. */
    struct buf tokens[CONFIG_N_TOKENS_MAX];
    size_t n_tokens;
    struct buf query_token;    /* from `query_token_file`; empty: none */
    struct secret *secret_key; /* from `secret_key_file`; NULL: Tencent is not queried */
};

struct config_presence {
    struct config_lines lines;
    PRESENCE_OPTIONS(CONFIG_FIELD, config_presence)
};

struct config_reconcile {
    struct config_lines lines;
    RECONCILE_OPTIONS(CONFIG_FIELD, config_reconcile)
};

struct config_status {
    struct config_lines lines;
    STATUS_OPTIONS(CONFIG_FIELD, config_status)
    struct buf token; /* set by config_read_tokens() from `token_file`; empty: none */
};

struct config_store {
    struct config_lines lines;
    STORE_OPTIONS(CONFIG_FIELD, config_store)
};

struct config_replication {
    struct config_lines lines;
    REPLICATION_OPTIONS(CONFIG_FIELD, config_replication)
    struct buf password; /* set by config_read_tokens() from `password_file`; empty: none */
};

struct config_control {
    struct config_lines lines;
    CONTROL_OPTIONS(CONFIG_FIELD, config_control)
};

struct config_log {
    struct config_lines lines;
    LOG_OPTIONS(CONFIG_FIELD, config_log)
};

struct config {
    struct config_files files;
    struct config_settings settings;
    struct config_callback callback;
    struct config_app *apps;
    size_t n_apps;
    struct config_presence presence;
    struct config_reconcile reconcile;
    struct config_status status;
    struct config_store store;
    struct config_replication replication;
    struct config_control control;
    struct config_log log;
};

/* Returns the defaults, which have no apps. Returns 0 or -ENOMEM. */
int config_defaults(struct config *ret_config);

/* Frees everything and wipes the tokens. */
void config_fini(struct config *config);

/* Returns the line to name in an error about a key: its own line, or if no file has the key, the line of its
 * section, or 1. */
unsigned config_line(const struct config_lines *lines, const char *section, const char *key);

/* Appends "FILE:LINE" for a line, which must not be 0. */
void config_append_place(struct buf *out, const struct config_files *files, unsigned line);

/* Appends every option with its value and where that comes from, one per line. For a secret it only says
 * whether it is set. */
void config_append_settings(struct buf *out, const struct config *config);

/* Adds an app with the defaults of its section. Returns 0; -EINVAL if `id_text` is not an app id; -EEXIST;
 * -ENOSPC; or -ENOMEM. */
int config_add_app(struct config *config, struct str id_text);

/* Reads and validates a file and those of conf.d beside it, and no other files. Appends to `errors` (up to 20
 * lines) and `warnings` one line for each problem, "FILE:LINE: …", which names the key and what is allowed
 * and contains no token. Returns 0; -EINVAL with errors; or -ENOMEM. After 0, the caller releases
 * `ret_config` with config_fini(). */
int config_load(const char *path, struct config *ret_config, struct buf *errors, struct buf *warnings);

/* As config_load(), but reads only the section [store]. Everything else in the files is ignored, valid or
 * not, and has its default in `ret_config`. */
int config_load_store(const char *path, struct config *ret_config, struct buf *errors, struct buf *warnings);

/* Reads the files with secrets and sets the tokens and secrets of the apps, of the status listener and of
 * replication. Called once, before a loaded configuration is used. Returns 0; -EINVAL with errors as above;
 * or -ENOMEM. */
int config_read_tokens(struct config *config, struct buf *errors);

/* Repeats the checks of endpoints with the real endpoints of the sockets that systemd passed for `listen =
 * systemd`. Returns 0; -EINVAL with errors; or -ENOMEM. */
int config_check_endpoints(const struct config *config, const struct endpoint_list *callback,
                           const struct endpoint_list *status, struct buf *errors);

/* Checks whether `next` may replace `running` without a restart. Appends an error for each key that cannot
 * change while the daemon runs. Returns 0; -EINVAL with errors; or -ENOMEM. */
int config_check_reload(const struct config *running, const struct config *next, struct buf *errors);

#endif
