/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CONFIG_H
#define PRESENCED_CONFIG_H

/* The configuration as its files give it, checked, in memory of its own. Loaded at start and again at reload;
 * constant from then on, so any thread may read it. The fields stand in options.h.
 *
 * The files are the one that is named and then conf.d/NAME.conf beside it, in the order of their names (as
 * bytes; hidden ones are left out). A section may go on in a later file. There a key of one value takes the
 * place of what was set before; a list grows. */

#include "presenced/address.h"
#include "presenced/endpoint.h"
#include "presenced/options.h"
#include "presenced/secret.h"

#include <sys/types.h>

#define CONFIG_N_FILES_MAX 256
#define CONFIG_N_APPS_MAX 1024
#define CONFIG_N_TOKENS_MAX 4 /* of one app: two of token and two of token_file */
#define CONFIG_TOKEN_MAX 256  /* bytes */
#define CONFIG_APP_ID_MAX ((UINT64_C(1) << 53) - 1)
#define CONFIG_N_KEYS_MAX 16   /* of one section */
#define CONFIG_N_LISTEN_MAX 16 /* as options.h has it, of one section */

/* CHOICE values, in the order of their words in options.h; log.level is an enum log_level. */
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

/* Lines are counted through all files, so that one number says which file it is too: the first line of the
 * first file is 1. */
struct config_file {
    char *path;
    mode_t mode;
    unsigned first_line;
};

struct config_files {
    struct config_file *items;
    size_t n; /* 0 for config_defaults() */
};

/* Where a section and its keys (by their place in its table) were read last; 0: they do not stand anywhere.
 */
struct config_lines {
    unsigned section;
    unsigned keys[CONFIG_N_KEYS_MAX];
};

/* A value as it was written, for people who ask where it comes from. */
struct config_setting {
    unsigned line;
    const struct option_row *option;
    uint64_t app_id; /* of its section; 0: it is of no app */
    char *text;      /* of a secret only whether there is one */
};

struct config_settings {
    struct config_setting *items;
    size_t n;
    size_t capacity;
};

#define CONFIG_FIELD(section, kind, field, ...) OPTION_TYPE_##kind field;

/* `lines` is the first member of each. */
struct config_callback {
    struct config_lines lines;
    CALLBACK_OPTIONS(CONFIG_FIELD, config_callback)
};

struct config_app {
    struct config_lines lines;
    char id_text[17]; /* as written, which is the only way to write it */
    uint64_t id;
    APP_OPTIONS(CONFIG_FIELD, config_app)
    struct buf tokens[CONFIG_N_TOKENS_MAX]; /* of `token`, then of `token_file`: config_read_tokens() */
    size_t n_tokens;
    struct buf query_token;    /* of `query_token_file`: config_read_tokens(); empty: none */
    struct secret *secret_key; /* of `secret_key_file`: config_read_tokens(); NULL: nobody is asked */
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
    struct buf token; /* of `token_file`: config_read_tokens(); empty: none */
};

struct config_store {
    struct config_lines lines;
    STORE_OPTIONS(CONFIG_FIELD, config_store)
};

struct config_replication {
    struct config_lines lines;
    REPLICATION_OPTIONS(CONFIG_FIELD, config_replication)
    struct buf password; /* of `password_file`: config_read_tokens(); empty: none */
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

/* What holds without a file; no apps. 0 or -ENOMEM. */
int config_defaults(struct config *ret_config);

/* Frees all and wipes the tokens. */
void config_fini(struct config *config);

/* The line to name in an error about a key: its own, or where no file has it its section's, or the first. */
unsigned config_line(const struct config_lines *lines, const char *section, const char *key);

/* Appends "FILE:LINE" for a line that is not 0. */
void config_append_place(struct buf *out, const struct config_files *files, unsigned line);

/* Appends every option with its value and where that comes from, a line each; of a secret, whether it is set.
 */
void config_append_settings(struct buf *out, const struct config *config);

/* Adds an app with the defaults of its section. 0; -EINVAL when `id_text` is no app id; -EEXIST; -ENOSPC;
 * -ENOMEM. */
int config_add_app(struct config *config, struct str id_text);

/* Reads and checks a file and those of conf.d beside it; looks into no other. Appends to `errors` (up to 20
 * lines) and `warnings` a line each, "FILE:LINE: …", that names the key and what is allowed and holds no
 * token. 0; -EINVAL with errors; -ENOMEM. */
int config_load(const char *path, struct config *ret_config, struct buf *errors, struct buf *warnings);

/* The same of the section [store] alone: whatever else the files hold, right or wrong, is passed over, and
 * all else of `ret_config` is the default. */
int config_load_store(const char *path, struct config *ret_config, struct buf *errors, struct buf *warnings);

/* Reads the files of secrets and completes the tokens of the apps and of the status listener and the password
 * of the replication: once, before a loaded configuration is used. 0; -EINVAL with errors as above; -ENOMEM.
 */
int config_read_tokens(struct config *config, struct buf *errors);

/* Checks once more, with the endpoints that the sockets of `listen = systemd` turned out to have in its
 * place. 0; -EINVAL with errors; -ENOMEM. */
int config_check_endpoints(const struct config *config, const struct endpoint_list *callback,
                           const struct endpoint_list *status, struct buf *errors);

/* Whether `next` may take the place of `running` without a restart: appends an error a key for what cannot
 * change while the daemon runs. 0; -EINVAL with errors; -ENOMEM. */
int config_check_reload(const struct config *running, const struct config *next, struct buf *errors);

#endif
