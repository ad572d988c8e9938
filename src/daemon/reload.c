/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include "presenced/setup.h"

static struct str first_line(const struct buf *lines)
{
    struct str left = buf_str(lines);
    struct str line = {0};
    (void)str_split(&left, '\n', &line);
    return line;
}

/* Reads and checks the whole configuration before anything is replaced. Returns 0 or -errno. Lines may be
 * appended to both `errors` and `warnings`. */
static int apply_file(struct daemon *daemon, struct buf *errors, struct buf *warnings)
{
    cleanup(config_fini) struct config config = {0};
    int r = setup_load(daemon->config_path, SETUP_RELOAD, &config, errors, warnings);
    if (r < 0) {
        return r;
    }
    r = config_check_reload(daemon->config, &config, errors);
    if (r < 0) {
        return r;
    }
    r = activation_check(daemon, &config, errors);
    return r < 0 ? r : reload_policy(daemon, &config);
}

bool reload(struct daemon *daemon, struct buf *lines)
{
    cleanup(buf_fini) struct buf errors = {0};
    cleanup(buf_fini) struct buf warnings = {0};
    report_reloading(daemon);
    int r = apply_file(daemon, &errors, &warnings);
    if (r < 0 && errors.len == 0) {
        buf_appendf(&errors, "%s: %s\n", daemon->config_path, strerror(-r));
    }
    setup_log_lines(LOG_LEVEL_WARNING, &warnings);
    setup_log_lines(LOG_LEVEL_ERROR, &errors);
    if (r < 0) {
        log_error("configuration not reloaded: the old one stays", log_errno("error", r));
        note_reload_failed(daemon, first_line(&errors));
    } else {
        log_notice("configuration reloaded", log_text("file", daemon->config_path));
        note_reload_succeeded(daemon);
    }
    report_reloaded(daemon);
    buf_append(lines, buf_str(r < 0 ? &errors : &warnings));
    return r == 0;
}
