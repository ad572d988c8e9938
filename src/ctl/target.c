/* SPDX-License-Identifier: MIT */
#include "target.h"

#include "ctl.h"
#include "screen.h"

#include "presenced/read_file.h"
#include "presenced/wipe.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#define DEFAULT_STATUS "127.0.0.1:8080"
#define DEFAULT_CALLBACK "0.0.0.0:8443"
#define DEFAULT_CERTIFICATE "/etc/presenced/tls/fullchain.pem"
#define PASSED_STATUS "unix:/run/presenced-status.sock" /* of presenced-status.socket */
#define DEFAULT_RUNTIME_DIRECTORY "/run/presenced"

void target_fini(struct target *target)
{
    free(target->url);
    free(target->socket);
    free(target->ca_file);
    free(target->origin);
    wipe_buf(&target->token);
    *target = (struct target){0};
}

const char *target_name(const struct target *target)
{
    return target->socket != NULL ? target->socket : target->url;
}

int target_read_conf(const struct arguments *arguments, struct conf *ret_conf)
{
    const char *path = arguments->config == NULL ? PRESENCED_CONFIG_PATH : arguments->config;
    int r = conf_read(path, ret_conf);
    if (r == -ENOMEM || ret_conf->failed) {
        return complain("no memory");
    }
    if (r < 0 && arguments->config != NULL) {
        return complain("%s: %s", path, strerror(-r));
    }
    return 0;
}

static int set(char **field, const char *a, const char *b, const char *c)
{
    free(*field);
    if (asprintf(field, "%s%s%s", a, b, c) < 0) {
        *field = NULL;
        return complain("no memory");
    }
    return 0;
}

/* "unix:/path", with or without "unix:". */
static int set_socket(struct target *target, const char *text)
{
    const char *path = strncmp(text, "unix:", 5) == 0 ? text + 5 : text;
    if (path[0] != '/') {
        return complain("%s: a Unix socket is unix:/path", text);
    }
    int r = set(&target->url, "http://localhost", "", "");
    return r != 0 ? r : set(&target->socket, path, "", "");
}

/* A URL as a person gives it: "http://…", "host:port" or "unix:/path". */
static int set_url(struct target *target, const char *text)
{
    if (strncmp(text, "unix:", 5) == 0) {
        return set_socket(target, text);
    }
    int r = set(&target->url, strstr(text, "://") == NULL ? "http://" : "", text, "");
    size_t len = r != 0 || target->url == NULL ? 0 : strlen(target->url);
    while (len > 0 && target->url[len - 1] == '/') {
        target->url[--len] = '\0';
    }
    return r;
}

/* Where a listener of this machine is reached that listens at `listen`: all addresses is the loopback one.
 * `certificate`: what it shows; NULL: it has no TLS. */
static int set_listener(struct target *target, const char *listen, const char *certificate)
{
    static const struct {
        const char *any;
        const char *own;
    } hosts[] = {{"0.0.0.0:", "127.0.0.1:"}, {"[::]:", "[::1]:"}};
    const char *own = "";
    const char *rest = listen;
    if (strncmp(listen, "unix:", 5) == 0) {
        return set_socket(target, listen);
    }
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        if (strncmp(listen, hosts[i].any, strlen(hosts[i].any)) == 0) {
            own = hosts[i].own;
            rest = listen + strlen(hosts[i].any);
        }
    }
    int r = set(&target->url, certificate == NULL ? "http://" : "https://", own, rest);
    if (r != 0 || certificate == NULL) {
        return r;
    }
    target->any_name = true;
    return set(&target->ca_file, certificate, "", "");
}

static int read_bearer(const char *path, struct target *target)
{
    int r = conf_read_token(path, &target->token);
    if (r < 0) {
        return complain("token file %s: %s", path, r == -ENODATA ? "it is empty" : read_file_error(r));
    }
    return 0;
}

/* What the command line says of trust counts for every target. */
static int set_trust(const struct arguments *arguments, struct target *target)
{
    target->insecure = arguments->insecure;
    if (arguments->ca_file == NULL) {
        return 0;
    }
    target->any_name = false;
    return set(&target->ca_file, arguments->ca_file, "", "");
}

static int find_configured_status(const struct arguments *arguments, struct target *target)
{
    cleanup(conf_fini) struct conf conf = {0};
    int r = target_read_conf(arguments, &conf);
    if (r != 0) {
        return r;
    }
    const char *listen = conf.status_listen == NULL ? DEFAULT_STATUS : conf.status_listen;
    const char *certificate = conf.status_certificate;
    if (strcmp(listen, "systemd") == 0) {
        listen = PASSED_STATUS;
    }
    r = set(&target->origin, conf.status_listen == NULL ? "the default" : "from [status] listen", "", "");
    if (r == 0) {
        r = set_listener(target, listen, certificate == NULL || certificate[0] == '\0' ? NULL : certificate);
    }
    if (r == 0 && arguments->token_file == NULL && conf.status_token_file != NULL &&
        conf.status_token_file[0] == '/') {
        r = read_bearer(conf.status_token_file, target);
    }
    return r;
}

int target_find_status(const struct arguments *arguments, struct target *ret_target)
{
    const char *given = arguments->status;
    const char *origin = "from --status";
    int r;
    *ret_target = (struct target){0};
    if (given == NULL && arguments->config == NULL) {
        given = getenv("PRESENCED_STATUS_URL");
        origin = "from PRESENCED_STATUS_URL";
    }
    if (given == NULL || given[0] == '\0') {
        r = find_configured_status(arguments, ret_target);
    } else {
        r = set(&ret_target->origin, origin, "", "");
        if (r == 0) {
            r = set_url(ret_target, given);
        }
    }
    if (r == 0 && arguments->token_file != NULL) {
        r = read_bearer(arguments->token_file, ret_target);
    }
    return r != 0 ? r : set_trust(arguments, ret_target);
}

int target_find_control(const struct arguments *arguments, struct target *ret_target)
{
    cleanup(conf_fini) struct conf conf = {0};
    const char *folder = getenv("RUNTIME_DIRECTORY");
    *ret_target = (struct target){0};
    if (arguments->control != NULL) {
        int r = set(&ret_target->origin, "from --control", "", "");
        return r != 0 ? r : set_socket(ret_target, arguments->control);
    }
    int r = target_read_conf(arguments, &conf);
    if (r != 0) {
        return r;
    }
    if (conf.control_listen != NULL && conf.control_listen[0] != '\0') {
        r = set(&ret_target->origin, "from [control] listen", "", "");
        return r != 0 ? r : set_socket(ret_target, conf.control_listen);
    }
    bool is_given = folder != NULL && folder[0] == '/';
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%.*s/control.sock",
                   is_given ? (int)strcspn(folder, ":") : (int)strlen(DEFAULT_RUNTIME_DIRECTORY),
                   is_given ? folder : DEFAULT_RUNTIME_DIRECTORY);
    r = set(&ret_target->origin, is_given ? "from RUNTIME_DIRECTORY" : "the default", "", "");
    return r != 0 ? r : set_socket(ret_target, path);
}

static bool is_off(const char *text)
{
    return text != NULL &&
           (strcmp(text, "off") == 0 || strcmp(text, "no") == 0 || strcmp(text, "false") == 0);
}

int target_find_callback(const struct arguments *arguments, const struct conf *conf,
                         struct target *ret_target)
{
    *ret_target = (struct target){0};
    int r;
    if (arguments->url != NULL) {
        r = set(&ret_target->origin, "from --url", "", "");
        if (r == 0) {
            r = set(&ret_target->url, strstr(arguments->url, "://") == NULL ? "https://" : "", arguments->url,
                    "");
        }
        return r != 0 ? r : set_trust(arguments, ret_target);
    }
    const char *listen = conf->callback_listen == NULL ? DEFAULT_CALLBACK : conf->callback_listen;
    if (strcmp(listen, "systemd") == 0) {
        listen = DEFAULT_CALLBACK;
    }
    const char *certificate = conf->callback_certificate == NULL ? DEFAULT_CERTIFICATE
                                                                 : conf->callback_certificate;
    r = set(&ret_target->origin, conf->callback_listen == NULL ? "the default" : "from [callback] listen", "",
            "");
    if (r == 0) {
        r = set_listener(ret_target, listen, is_off(conf->callback_tls) ? NULL : certificate);
    }
    if (r == 0) {
        cleanup(cleanup_freep) char *base = take_pointer(ret_target->url);
        r = set(&ret_target->url, base, conf->callback_path == NULL ? "/" : conf->callback_path, "");
    }
    return r != 0 ? r : set_trust(arguments, ret_target);
}
