/* SPDX-License-Identifier: MIT */
/* TLS of the listeners: reads the files that a configuration names, at start and on reload. */
#include "parts.h"

#include "presenced/log.h"

#include <errno.h>

/* Reads a listener's certificate, key and client CA. Returns 0; -EINVAL with the reason; or -ENOMEM. */
static int read_generation(const char *certificate_path, const char *key_path, const char *ca_path,
                           struct tls_generation **ret_generation, struct certificate_error *ret_error)
{
    cleanup(buf_fini) struct buf ca = {0};
    int r = ca_path[0] == '\0' ? 0 : certificate_read_ca(ca_path, &ca, ret_error);
    if (r < 0) {
        return r;
    }
    return tls_generation_read(certificate_path, key_path, buf_str(&ca), ret_generation, ret_error);
}

/* As read_generation(), but logs the reason. */
static int read_tls(const char *certificate_path, const char *key_path, const char *ca_path,
                    struct tls_generation **ret_generation)
{
    struct certificate_error error = {{0}};
    int r = read_generation(certificate_path, key_path, ca_path, ret_generation, &error);
    if (r == -EINVAL) {
        log_error("a certificate cannot be used", log_text("reason", error.text));
    }
    return r;
}

void tls_generations_fini(struct tls_generations *generations)
{
    for (unsigned i = 0; i < N_LISTENERS; i++) {
        tls_generation_free(generations->of[i]);
    }
}

int read_tls_generations(const struct daemon *daemon, const struct config *config,
                         struct tls_generations *ret_generations)
{
    const struct config_callback *callback = &config->callback;
    const struct config_status *status = &config->status;
    if (daemon->tls[CALLBACK_LISTENER] != NULL) {
        int r = read_tls(callback->certificate, callback->private_key, callback->client_ca,
                         &ret_generations->of[CALLBACK_LISTENER]);
        if (r < 0) {
            return r;
        }
    }
    if (daemon->tls[STATUS_LISTENER] == NULL) {
        return 0;
    }
    return read_tls(status->certificate, status->private_key, "", &ret_generations->of[STATUS_LISTENER]);
}

void adopt_tls_generations(struct daemon *daemon, struct tls_generations *generations)
{
    for (unsigned i = 0; i < N_LISTENERS; i++) {
        if (generations->of[i] != NULL) {
            tls_adopt(daemon->tls[i], take_pointer(generations->of[i]));
        }
    }
}

int start_tls(struct daemon *daemon)
{
    cleanup(tls_generations_fini) struct tls_generations generations = {{NULL}};
    bool wanted[N_LISTENERS] = {
        [CALLBACK_LISTENER] = daemon->config->callback.tls,
        [STATUS_LISTENER] = daemon->config->status.certificate[0] != '\0',
    };
    for (unsigned i = 0; i < N_LISTENERS; i++) {
        int r = wanted[i] ? tls_new(&daemon->tls[i]) : 0;
        if (r < 0) {
            return r;
        }
    }
    int r = read_tls_generations(daemon, daemon->config, &generations);
    if (r < 0) {
        return r == -EINVAL ? START_MISCONFIGURED : r; /* the files have changed since they were checked */
    }
    adopt_tls_generations(daemon, &generations);
    watch_certificates(daemon);
    return 0;
}

void stop_tls(struct daemon *daemon)
{
    for (unsigned i = 0; i < N_LISTENERS; i++) {
        tls_free(daemon->tls[i]);
    }
}
