/* SPDX-License-Identifier: MIT */
#include "config_check.h"

#include "files.h"

static bool is_set(const char *text)
{
    return text[0] != '\0';
}

/* Sockets passed by systemd are skipped: their addresses are known only later, in config_check_endpoints().
 */
static bool all_local(const struct endpoint_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->items[i].kind != ENDPOINT_SYSTEMD && !endpoint_is_local(&list->items[i])) {
            return false;
        }
    }
    return true;
}

static void check_callback_tls(const struct config_callback *callback, struct problems *problems)
{
    if (!callback->tls) {
        if (is_set(callback->client_ca)) {
            problems_add(problems, config_line(&callback->lines, "callback", "client_ca"),
                         "[callback] client_ca: needs tls = on");
        }
        return;
    }
    if (!is_set(callback->certificate)) {
        problems_add(problems, config_line(&callback->lines, "callback", "certificate"),
                     "[callback] certificate: needed with tls = on, the file of a certificate chain");
    }
    if (!is_set(callback->private_key)) {
        problems_add(problems, config_line(&callback->lines, "callback", "private_key"),
                     "[callback] private_key: needed with tls = on, the file of the certificate's key");
    }
}

/* Anybody who can reach an app without a token can fake the status of its users, so access must be
 * restricted. */
static void check_app(const struct config *config, const struct config_app *app, struct problems *problems)
{
    const struct config_callback *callback = &config->callback;
    size_t n_tokens = app->token.n + app->token_file.n;
    bool guarded = all_local(&callback->listen) || callback->allow.n > 0 || is_set(callback->client_ca);
    if (n_tokens == 0 && !app->unsigned_ok && !guarded) {
        problems_add(
            problems, config_line(&app->lines, "app", "token"),
            "[app %s] token: needed, here or by token_file; without one anybody may send events, which "
            "takes unsigned = yes, or in [callback] local addresses only, allow or client_ca",
            app->id_text);
    }
}

/* Accepts https://host with or without a port. http:// is accepted only for this machine, because it would
 * expose the UserSig. */
static bool is_api_url(struct str url)
{
    bool is_plain = str_starts_with(url, STR("http://"));
    size_t scheme = is_plain ? strlen("http://") : strlen("https://");
    struct str host = {url.ptr + scheme, url.len > scheme ? url.len - scheme : 0};
    for (size_t i = 0; i < host.len; i++) {
        if (strchr("/?#@ \\", host.ptr[i]) != NULL) {
            return false;
        }
    }
    if (!is_plain) {
        return str_starts_with(url, STR("https://")) && host.len > 0;
    }
    return str_starts_with(host, STR("127.0.0.1:")) || str_starts_with(host, STR("[::1]:")) ||
           str_starts_with(host, STR("localhost:"));
}

static bool has_line(const struct config_app *app, const char *key)
{
    const struct option_row *option = option_find(option_app_section, str_from(key));
    return app->lines.keys[option - option_app_section->options] != 0;
}

/* Checks the options needed for queries to Tencent. */
static void check_queries(const struct config_app *app, struct problems *problems)
{
    if (is_set(app->admin) && !is_set(app->secret_key_file)) {
        problems_add(problems, config_line(&app->lines, "app", "admin"),
                     "[app %s] admin: needs secret_key_file", app->id_text);
    }
    if (!is_set(app->admin) && is_set(app->secret_key_file)) {
        problems_add(problems, config_line(&app->lines, "app", "secret_key_file"),
                     "[app %s] secret_key_file: needs admin", app->id_text);
    }
    if (!is_set(app->api_url)) {
        return;
    }
    if (!is_api_url(str_from(app->api_url))) {
        problems_add(
            problems, config_line(&app->lines, "app", "api_url"),
            "[app %s] api_url: https://host or https://host:port is allowed, and http:// with a port "
            "of 127.0.0.1, [::1] or localhost",
            app->id_text);
    } else if (has_line(app, "region")) {
        problems_add(problems, config_line(&app->lines, "app", "api_url"),
                     "[app %s] api_url: not together with region", app->id_text);
    }
}

static void check_status_pair(const struct config_status *status, struct problems *problems)
{
    if (is_set(status->certificate) && !is_set(status->private_key)) {
        problems_add(problems, config_line(&status->lines, "status", "certificate"),
                     "[status] certificate: needs private_key");
    }
    if (!is_set(status->certificate) && is_set(status->private_key)) {
        problems_add(problems, config_line(&status->lines, "status", "private_key"),
                     "[status] private_key: needs certificate");
    }
}

static void check_status_exposed(const struct config_status *status, struct problems *problems)
{
    if (all_local(&status->listen)) {
        return;
    }
    if (!is_set(status->certificate) || !is_set(status->private_key) || !is_set(status->token_file)) {
        problems_add(problems, config_line(&status->lines, "status", "listen"),
                     "[status] listen: an address that is not loopback needs certificate, private_key and "
                     "token_file");
    }
}

static bool has_unix(const struct endpoint_list *list)
{
    bool found = false;
    for (size_t i = 0; i < list->n; i++) {
        found |= list->items[i].kind == ENDPOINT_UNIX;
    }
    return found;
}

/* The peer of a Unix socket has no address unless a trusted proxy names one. */
static void check_allow(const struct config_callback *callback, struct problems *problems)
{
    if (callback->allow.n > 0 && callback->trusted_proxies.n == 0 && has_unix(&callback->listen)) {
        problems_add(problems, config_line(&callback->lines, "callback", "allow"),
                     "[callback] allow: with a Unix socket it needs trusted_proxies, or every caller of the "
                     "socket is refused");
    }
}

/* Without trusted proxies the option would have no effect, and nobody would notice. */
static void check_proxy_protocol(const struct config_callback *callback, struct problems *problems)
{
    if (callback->proxy_protocol != CONFIG_PROXY_PROTOCOL_OFF && callback->trusted_proxies.n == 0) {
        problems_add(
            problems, config_line(&callback->lines, "callback", "proxy_protocol"),
            "[callback] proxy_protocol: needs trusted_proxies, whose connections begin with its header");
    }
}

/* Anybody who can connect can control the daemon, so only a Unix socket is allowed, whose access is
 * controlled by file permissions. */
static void check_control(const struct config_control *control, struct problems *problems)
{
    if (control->listen.n > 0 && control->listen.items[0].kind != ENDPOINT_UNIX) {
        problems_add(problems, config_line(&control->lines, "control", "listen"),
                     "[control] listen: a Unix socket alone is allowed: unix:/path");
    }
}

/* An endpoint and its section. */
struct listen {
    const char *section;
    const struct config_lines *lines;
    const struct endpoint *endpoint;
};

static size_t collect(const char *section, const struct config_lines *lines, const struct endpoint_list *list,
                      struct listen ret_listens[static CONFIG_N_LISTEN_MAX])
{
    size_t n = 0;
    for (; n < list->n && n < CONFIG_N_LISTEN_MAX; n++) {
        ret_listens[n] = (struct listen){section, lines, &list->items[n]};
    }
    return n;
}

/* Appends where an endpoint comes from, for an error in the line `from`. */
static void append_origin(struct buf *out, const struct endpoint *endpoint, unsigned from,
                          const struct config_files *files)
{
    if (endpoint->line == 0) {
        buf_append(out, endpoint->is_passed ? STR("from systemd") : STR("by default"));
        return;
    }
    struct config_place place = files_find(files, endpoint->line);
    if (place.file == files_find(files, from).file) {
        buf_appendf(out, "in line %u", place.line);
    } else {
        buf_append(out, STR("in "));
        config_append_place(out, files, endpoint->line);
    }
}

static void add_conflict(const struct listen *earlier, const struct listen *later, struct problems *problems)
{
    char texts[2][ENDPOINT_TEXT_SIZE];
    cleanup(buf_fini) struct buf origin = {0};
    unsigned line = later->endpoint->line;
    line = line != 0 ? line : config_line(later->lines, later->section, "listen");
    endpoint_format(earlier->endpoint, texts[0]);
    endpoint_format(later->endpoint, texts[1]);
    append_origin(&origin, earlier->endpoint, line, problems->files);
    problems->out->failed |= origin.failed;
    problems_add(problems, line, "[%s] listen: %s cannot be bound beside %s, which [%s] listen has %.*s",
                 later->section, texts[1], texts[0], earlier->section, STR_FMT(buf_str(&origin)));
}

/* Adds an error for each endpoint that conflicts with an earlier one. */
static void check_conflicts(const struct config *config, struct problems *problems)
{
    struct listen listens[3 * CONFIG_N_LISTEN_MAX];
    size_t n = collect("callback", &config->callback.lines, &config->callback.listen, listens);
    n += collect("status", &config->status.lines, &config->status.listen, listens + n);
    n += collect("control", &config->control.lines, &config->control.listen, listens + n);
    for (size_t later = 1; later < n; later++) {
        size_t earlier = 0;
        while (earlier < later && !endpoint_conflicts(listens[earlier].endpoint, listens[later].endpoint)) {
            earlier++;
        }
        if (earlier < later) {
            add_conflict(&listens[earlier], &listens[later], problems);
        }
    }
}

void check_config(const struct config *config, struct problems *problems)
{
    check_callback_tls(&config->callback, problems);
    check_allow(&config->callback, problems);
    check_proxy_protocol(&config->callback, problems);
    check_status_pair(&config->status, problems);
    check_status_exposed(&config->status, problems);
    check_control(&config->control, problems);
    check_conflicts(config, problems);
    for (size_t i = 0; i < config->n_apps; i++) {
        check_app(config, &config->apps[i], problems);
        check_queries(&config->apps[i], problems);
    }
}

int config_check_endpoints(const struct config *config, const struct endpoint_list *callback,
                           const struct endpoint_list *status, struct buf *errors)
{
    struct problems problems = {.files = &config->files, .out = errors};
    struct config real = *config;
    real.callback.listen = *callback;
    real.status.listen = *status;
    check_config(&real, &problems);
    return problems_result(&problems);
}
