/* SPDX-License-Identifier: MIT */
#include "presenced/setup.h"

#include "parts.h"
#include "presenced/clock.h"
#include "presenced/log.h"
#include "store_folder.h"

#include <errno.h>

static void warn(const struct config *config, const char *section, const struct config_lines *lines,
                 const struct tls_certificate *certificate, struct buf *warnings)
{
    struct certificate_warning warning;
    unsigned line = config_line(lines, section, "certificate");
    if (describe_certificate_dates(certificate, section, clock_unix_ms() / 1000, &warning)) {
        buf_appendf(warnings, "%s:%u: [%s] certificate: %s\n", config->path, line, section, warning.text);
    }
    if (describe_certificate_versions(certificate, section, &warning)) {
        buf_appendf(warnings, "%s:%u: [%s] certificate: %s\n", config->path, line, section, warning.text);
    }
}

/* `client_ca` empty: none, or one that is wrong, which has been said. A listener is called as its section. */
static int check_pair(const struct config *config, const char *section, const struct config_lines *lines,
                      const char *certificate_path, const char *private_key_path, struct str client_ca,
                      struct buf *errors, struct buf *warnings_or_null)
{
    struct certificate certificate;
    struct certificate_error error;
    cleanup(tls_generation_freep) struct tls_generation *generation = NULL;
    int r = certificate_read(certificate_path, private_key_path, &certificate, &error);
    if (r == 0) {
        r = tls_generation_new(&certificate, client_ca, &generation, &error);
        certificate_fini(&certificate);
    }
    if (r == 0 && warnings_or_null != NULL) {
        struct tls_certificate served = tls_generation_certificate(generation);
        warn(config, section, lines, &served, warnings_or_null);
    } else if (r == -EINVAL) {
        buf_appendf(errors, "%s:%u: [%s] certificate: %s\n", config->path,
                    config_line(lines, section, "certificate"), section, error.text);
    }
    return r == -ENOMEM ? r : 0;
}

/* Into `ret_pem`, which is empty, and stays so where the file is wrong. */
static int check_client_ca(const struct config *config, struct buf *ret_pem, struct buf *errors)
{
    const char *path = config->callback.client_ca;
    struct certificate_error error;
    int r = certificate_read_ca(path, ret_pem, &error);
    if (r == 0) {
        r = tls_check_client_ca(path, buf_str(ret_pem), &error);
    }
    if (r == -EINVAL) {
        buf_fini(ret_pem);
        buf_appendf(errors, "%s:%u: [callback] client_ca: %s\n", config->path,
                    config_line(&config->callback.lines, "callback", "client_ca"), error.text);
    }
    return r == -ENOMEM ? r : 0;
}

/* So that a certificate of no use is found here and not at the first handshake. */
static int check_certificates(const struct config *config, struct buf *errors, struct buf *warnings_or_null)
{
    const struct config_callback *callback = &config->callback;
    const struct config_status *status = &config->status;
    cleanup(buf_fini) struct buf client_ca = {0};
    int r = 0;
    if (callback->client_ca[0] != '\0') {
        r = check_client_ca(config, &client_ca, errors);
    }
    if (r == 0 && callback->tls) {
        r = check_pair(config, "callback", &callback->lines, callback->certificate, callback->private_key,
                       buf_str(&client_ca), errors, warnings_or_null);
    }
    if (r == 0 && status->certificate[0] != '\0') {
        r = check_pair(config, "status", &status->lines, status->certificate, status->private_key, STR(""),
                       errors, warnings_or_null);
    }
    return r;
}

int setup_load(const char *path, enum setup_purpose purpose, struct config *ret_config, struct buf *errors,
               struct buf *warnings)
{
    cleanup(config_fini) struct config config = {0};
    int r = config_load(path, &config, errors, warnings);
    if (r < 0) {
        return r;
    }
    r = config_read_tokens(&config, errors);
    if (r != -ENOMEM) {
        /* A daemon warns of what it serves, and again for as long as that is so. */
        r = check_certificates(&config, errors, purpose == SETUP_CHECK ? warnings : NULL);
    }
    if (r != -ENOMEM) {
        r = replication_check(&config, errors);
    }
    if (purpose != SETUP_RELOAD) {
        store_folder_check(&config, errors);
    }
    if (r == -ENOMEM || errors->failed) {
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
