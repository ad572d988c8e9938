/* SPDX-License-Identifier: MIT */
#include "presenced/setup.h"

#include "presenced/certificate.h"
#include "store_folder.h"

#include <errno.h>

static int check_pair(const struct config *config, const char *section, const struct config_lines *lines,
                      const char *certificate_path, const char *private_key_path, struct buf *errors)
{
    struct certificate certificate;
    struct certificate_error error;
    int r = certificate_read(certificate_path, private_key_path, &certificate, &error);
    if (r == 0) {
        certificate_fini(&certificate);
    } else if (r == -EINVAL) {
        buf_appendf(errors, "%s:%u: [%s] certificate: %s\n", config->path,
                    config_line(lines, section, "certificate"), section, error.text);
    }
    return r == -ENOMEM ? r : 0;
}

static int check_client_ca(const struct config *config, struct buf *errors)
{
    cleanup(buf_fini) struct buf pem = {0};
    struct certificate_error error;
    int r = certificate_read_ca(config->callback.client_ca, &pem, &error);
    if (r == -EINVAL) {
        buf_appendf(errors, "%s:%u: [callback] client_ca: %s\n", config->path,
                    config_line(&config->callback.lines, "callback", "client_ca"), error.text);
    }
    return r == -ENOMEM ? r : 0;
}

/* So that a certificate of no use is found here and not at the first handshake. */
static int check_certificates(const struct config *config, struct buf *errors)
{
    const struct config_callback *callback = &config->callback;
    const struct config_status *status = &config->status;
    int r = 0;
    if (callback->tls) {
        r = check_pair(config, "callback", &callback->lines, callback->certificate, callback->private_key,
                       errors);
    }
    if (r == 0 && callback->client_ca[0] != '\0') {
        r = check_client_ca(config, errors);
    }
    if (r == 0 && status->certificate[0] != '\0') {
        r = check_pair(config, "status", &status->lines, status->certificate, status->private_key, errors);
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
        r = check_certificates(&config, errors);
    }
    if (purpose == SETUP_START) {
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
