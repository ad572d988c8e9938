/* SPDX-License-Identifier: MIT */
#include "presenced/setup.h"

#include "parts.h"
#include "presenced/clock.h"
#include "presenced/log.h"
#include "store_folder.h"

#include <errno.h>

/* Appends a line about a key in the form of config_load(). */
static void add_line(struct buf *out, const struct config *config, const struct config_lines *lines,
                     const char *section, const char *key, const char *text)
{
    config_append_place(out, &config->files, config_line(lines, section, key));
    buf_appendf(out, ": [%s] %s: %s\n", section, key, text);
}

static void warn(const struct config *config, const char *section, const struct config_lines *lines,
                 const struct tls_certificate *certificate, struct buf *warnings)
{
    struct certificate_warning warning;
    if (check_certificate_dates(certificate, section, clock_unix_ms() / 1000, &warning)) {
        add_line(warnings, config, lines, section, "certificate", warning.text);
    }
    if (check_certificate_versions(certificate, section, &warning)) {
        add_line(warnings, config, lines, section, "certificate", warning.text);
    }
}

/* Checks a certificate with its key. `client_ca` is empty if there is none or if it is invalid, which was
 * reported. `section` is also the name of the listener. Returns 0, even with errors; or -errno. */
static int check_certificate(const struct config *config, const char *section,
                             const struct config_lines *lines, const char *certificate_path,
                             const char *private_key_path, struct str client_ca, struct buf *errors,
                             struct buf *warnings_or_null)
{
    struct certificate_error error = {{0}};
    cleanup(tls_generation_freep) struct tls_generation *generation = NULL;
    int r = tls_generation_read(certificate_path, private_key_path, client_ca, &generation, &error);
    if (r == -EINVAL) {
        add_line(errors, config, lines, section, "certificate", error.text);
        return 0;
    }
    if (r < 0) {
        return r;
    }
    if (warnings_or_null != NULL) {
        struct tls_certificate served = tls_generation_certificate(generation);
        warn(config, section, lines, &served, warnings_or_null);
    }
    return 0;
}

static int read_client_ca(const char *path, struct buf *ret_pem, struct certificate_error *ret_error)
{
    int r = certificate_read_ca(path, ret_pem, ret_error);
    return r < 0 ? r : tls_check_client_ca(path, buf_str(ret_pem), ret_error);
}

/* Reads the file into `ret_pem`, which must be empty and stays so if the file is invalid. Returns 0, even
 * with errors; or -errno. */
static int check_client_ca(const struct config *config, struct buf *ret_pem, struct buf *errors)
{
    const char *path = config->callback.client_ca;
    struct certificate_error error = {{0}};
    int r = read_client_ca(path, ret_pem, &error);
    if (r != -EINVAL) {
        return r;
    }
    buf_fini(ret_pem);
    add_line(errors, config, &config->callback.lines, "callback", "client_ca", error.text);
    return 0;
}

/* Finds an unusable certificate now rather than at the first handshake. Returns 0, even with errors; or
 * -errno. */
static int check_certificates(const struct config *config, struct buf *errors, struct buf *warnings_or_null)
{
    const struct config_callback *callback = &config->callback;
    const struct config_status *status = &config->status;
    cleanup(buf_fini) struct buf client_ca = {0};
    if (callback->client_ca[0] != '\0') {
        int r = check_client_ca(config, &client_ca, errors);
        if (r < 0) {
            return r;
        }
    }
    if (callback->tls) {
        int r = check_certificate(config, "callback", &callback->lines, callback->certificate,
                                  callback->private_key, buf_str(&client_ca), errors, warnings_or_null);
        if (r < 0) {
            return r;
        }
    }
    if (status->certificate[0] == '\0') {
        return 0;
    }
    return check_certificate(config, "status", &status->lines, status->certificate, status->private_key,
                             STR(""), errors, warnings_or_null);
}

int setup_load(const char *path, enum setup_purpose purpose, struct config *ret_config, struct buf *errors,
               struct buf *warnings)
{
    cleanup(config_fini) struct config config = {0};
    int r = config_load(path, &config, errors, warnings);
    if (r < 0) {
        return r;
    }
    /* All errors are reported together, so -EINVAL is returned only at the end. */
    r = config_read_tokens(&config, errors);
    if (r == -ENOMEM) {
        return r;
    }
    /* A running daemon raises these warnings itself, for as long as they apply. */
    r = check_certificates(&config, errors, purpose == SETUP_CHECK ? warnings : NULL);
    if (r < 0) {
        return r;
    }
    r = replication_check(&config, errors);
    if (r < 0) {
        return r;
    }
    if (purpose != SETUP_RELOAD) {
        store_folder_check(&config, errors);
    }
    if (errors->failed) {
        return -ENOMEM;
    }
    if (errors->len > 0) {
        return -EINVAL;
    }
    *ret_config = config;
    config = (struct config){0};
    return 0;
}

void setup_log_lines(enum log_level level, const struct buf *lines)
{
    struct str left = buf_str(lines);
    struct str line;
    while (left.len > 0 && str_split(&left, '\n', &line)) {
        log_at(level, "configuration", log_str("text", line));
    }
}
