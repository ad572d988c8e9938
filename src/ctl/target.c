/* SPDX-License-Identifier: MIT */
#include "target.h"

#include "ctl.h"
#include "screen.h"
#include "token.h"

#include "presenced/array.h"
#include "presenced/wipe.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#define DEFAULT_STATUS "127.0.0.1:8080"
#define DEFAULT_CALLBACK "0.0.0.0:8443"
#define DEFAULT_CERTIFICATE "/etc/presenced/tls/fullchain.pem"
#define PASSED_STATUS "unix:/run/presenced-status.sock" /* from the unit presenced-status.socket */
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

int target_complain_missing(const struct arguments *arguments, const struct conf *conf, const char *missing)
{
    const char *path = arguments->config == NULL ? PRESENCED_CONFIG_PATH : arguments->config;
    if (conf->error < 0) {
        return complain("%s, and %s: %s; --config FILE names another", missing, path, strerror(-conf->error));
    }
    return complain("%s, and %s has no [app ID]; --config FILE names another", missing, path);
}

static int set(char **field, const char *a, const char *b, const char *c)
{
    free(*field);
    if (asprintf(field, "%s%s%s", a, b, c) < 0) {
        *field = NULL;
        (void)complain("no memory");
        return CTL_WRONG;
    }
    return 0;
}

/* Takes "unix:/path" or "/path". */
static int set_socket(struct target *target, const char *text)
{
    const char *path = strncmp(text, "unix:", 5) == 0 ? text + 5 : text;
    if (path[0] != '/') {
        return complain("%s: a Unix socket is unix:/path", text);
    }
    int r = set(&target->url, "http://localhost", "", "");
    return r != 0 ? r : set(&target->socket, path, "", "");
}

/* Takes a URL as a person gives it: "http://…", "host:port" or "unix:/path". */
static int set_url(struct target *target, const char *text)
{
    if (strncmp(text, "unix:", 5) == 0) {
        return set_socket(target, text);
    }
    int r = set(&target->url, strstr(text, "://") == NULL ? "http://" : "", text, "");
    if (r != 0) {
        return r;
    }
    size_t len = strlen(target->url);
    while (len > 0 && target->url[len - 1] == '/') {
        target->url[--len] = '\0';
    }
    return 0;
}

/* Prints the error of a function of token.h. Returns CTL_WRONG. */
static int complain_about(int r, const struct buf *why)
{
    return r == -ENOMEM || why->failed ? complain("no memory") : complain("%.*s", STR_FMT(buf_str(why)));
}

/* Unless the command line says what to trust, trusts the listener's own certificate, which `option` of the
 * configuration names, for any host name. */
static int set_certificate(const struct arguments *arguments, const char *option, const char *certificate,
                           struct target *target)
{
    cleanup(buf_fini) struct buf why = {0};
    if (arguments->insecure || arguments->ca_file != NULL) {
        return 0;
    }
    target->any_name = true;
    int r = token_find_option(option, certificate, &target->ca_file, &why);
    if (r < 0) {
        buf_append(&why, STR("; --ca-file names whom to believe"));
        return complain_about(r, &why);
    }
    return 0;
}

/* Sets the URL at which this machine reaches its own listener at `listen`: the loopback address if it listens
 * on all addresses. */
static int set_listener(struct target *target, const char *listen, bool has_tls)
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
    for (size_t i = 0; i < N_ELEMENTS(hosts); i++) {
        if (strncmp(listen, hosts[i].any, strlen(hosts[i].any)) == 0) {
            own = hosts[i].own;
            rest = listen + strlen(hosts[i].any);
        }
    }
    return set(&target->url, has_tls ? "https://" : "http://", own, rest);
}

int target_read_token(const char *path, struct buf *ret_token)
{
    cleanup(buf_fini) struct buf why = {0};
    buf_append(&why, STR("token file "));
    int r = token_read(path, ret_token, &why);
    return r < 0 ? complain_about(r, &why) : 0;
}

static int read_configured_token(const char *value, struct target *target)
{
    cleanup(buf_fini) struct buf why = {0};
    int r = token_read_option("[status] token_file", value, &target->token, &why);
    if (r < 0) {
        buf_append(&why, STR("; --token-file names another"));
        return complain_about(r, &why);
    }
    return 0;
}

/* Applies --insecure and --ca-file. */
static int set_trust(const struct arguments *arguments, struct target *target)
{
    target->insecure = arguments->insecure;
    return arguments->ca_file == NULL ? 0 : set(&target->ca_file, arguments->ca_file, "", "");
}

static bool is_given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static int find_configured_status(const struct arguments *arguments, struct target *target)
{
    cleanup(conf_fini) struct conf conf = {0};
    int r = target_read_conf(arguments, &conf);
    if (r != 0) {
        return r;
    }
    const char *listen = conf.status_listen == NULL ? DEFAULT_STATUS : conf.status_listen;
    bool has_tls = is_given(conf.status_certificate);
    if (strcmp(listen, "systemd") == 0) {
        listen = PASSED_STATUS;
    }
    r = set(&target->origin, conf.status_listen == NULL ? "the default" : "from [status] listen", "", "");
    if (r != 0) {
        return r;
    }
    r = set_listener(target, listen, has_tls);
    if (r != 0) {
        return r;
    }
    if (has_tls && target->socket == NULL) {
        r = set_certificate(arguments, "[status] certificate", conf.status_certificate, target);
        if (r != 0) {
            return r;
        }
    }
    if (arguments->token_file != NULL || !is_given(conf.status_token_file)) {
        return 0;
    }
    return read_configured_token(conf.status_token_file, target);
}

static int find_status(const struct arguments *arguments, struct target *target)
{
    const char *given = arguments->status;
    const char *origin = "from --status";
    if (given == NULL && arguments->config == NULL) {
        given = getenv("PRESENCED_STATUS_URL");
        origin = "from PRESENCED_STATUS_URL";
    }
    if (!is_given(given)) {
        return find_configured_status(arguments, target);
    }
    int r = set(&target->origin, origin, "", "");
    return r != 0 ? r : set_url(target, given);
}

int target_find_status(const struct arguments *arguments, struct target *ret_target)
{
    *ret_target = (struct target){0};
    int r = find_status(arguments, ret_target);
    if (r != 0) {
        return r;
    }
    if (arguments->token_file != NULL) {
        r = target_read_token(arguments->token_file, &ret_target->token);
        if (r != 0) {
            return r;
        }
    }
    return set_trust(arguments, ret_target);
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
    if (is_given(conf.control_listen)) {
        r = set(&ret_target->origin, "from [control] listen", "", "");
        return r != 0 ? r : set_socket(ret_target, conf.control_listen);
    }
    bool has_folder = folder != NULL && folder[0] == '/';
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%.*s/control.sock",
                   has_folder ? (int)strcspn(folder, ":") : (int)strlen(DEFAULT_RUNTIME_DIRECTORY),
                   has_folder ? folder : DEFAULT_RUNTIME_DIRECTORY);
    r = set(&ret_target->origin, has_folder ? "from RUNTIME_DIRECTORY" : "the default", "", "");
    return r != 0 ? r : set_socket(ret_target, path);
}

static bool is_off(const char *text)
{
    return text != NULL &&
           (strcmp(text, "off") == 0 || strcmp(text, "no") == 0 || strcmp(text, "false") == 0);
}

static int find_configured_callback(const struct arguments *arguments, const struct conf *conf,
                                    struct target *target)
{
    const char *listen = conf->callback_listen == NULL ? DEFAULT_CALLBACK : conf->callback_listen;
    const char *path = conf->callback_path == NULL ? "/" : conf->callback_path;
    bool has_tls = !is_off(conf->callback_tls);
    if (strcmp(listen, "systemd") == 0) {
        listen = DEFAULT_CALLBACK;
    }
    int r = set(&target->origin, conf->callback_listen == NULL ? "the default" : "from [callback] listen", "",
                "");
    if (r != 0) {
        return r;
    }
    r = set_listener(target, listen, has_tls);
    if (r != 0) {
        return r;
    }
    cleanup(cleanup_freep) char *base = take_pointer(target->url);
    r = set(&target->url, base, path, "");
    if (r != 0 || !has_tls || target->socket != NULL) {
        return r;
    }
    return set_certificate(
        arguments, "[callback] certificate",
        conf->callback_certificate == NULL ? DEFAULT_CERTIFICATE : conf->callback_certificate, target);
}

int target_find_callback(const struct arguments *arguments, const struct conf *conf,
                         struct target *ret_target)
{
    *ret_target = (struct target){0};
    if (arguments->url == NULL) {
        int r = find_configured_callback(arguments, conf, ret_target);
        return r != 0 ? r : set_trust(arguments, ret_target);
    }
    int r = set(&ret_target->origin, "from --url", "", "");
    if (r != 0) {
        return r;
    }
    r = set(&ret_target->url, strstr(arguments->url, "://") == NULL ? "https://" : "", arguments->url, "");
    return r != 0 ? r : set_trust(arguments, ret_target);
}
