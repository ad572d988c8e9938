/* SPDX-License-Identifier: MIT */
/* Reports the state of the daemon to the service manager, which shows it in `systemctl status`. */
#include "parts.h"

#include "presenced/clock.h"
#include "sd_notify.h"

#include <inttypes.h>
#include <stdio.h>

#define REFRESH_INTERVAL_MS 2000

/* Added to the time that is known to be needed, for a store that is slow to open or close. */
#define MARGIN_MS 20000

/* Copies a text, truncated to fit, but not within a UTF-8 character. */
static void set_line(char *ret_line, size_t size, struct str text)
{
    size_t n = text.len < size ? text.len : size - 1;
    while (n < text.len && n > 0 && ((unsigned char)text.ptr[n] & 0xc0) == 0x80) {
        n--;
    }
    memcpy(ret_line, text.ptr, n);
    ret_line[n] = '\0';
}

/* Number of warnings that fit into a line; the most severe come first. */
#define N_TOLD_MAX 2

struct told {
    struct buf *text;
    size_t n;
};

/* Returns whether a warning is left out of the list: an app without a token is a choice of the
 * configuration, and the other two are shown separately. */
static bool is_left_out(enum warning_code code)
{
    return code == WARNING_APP_UNSIGNED || code == WARNING_RELOAD_FAILED || code == WARNING_DRAINING;
}

/* The error of the last reload comes first: whoever has requested the reload looks here. */
static void tell_refused_reload(void *cls, const struct warning *warning)
{
    if (warning->code == WARNING_RELOAD_FAILED) {
        buf_appendf(cls, "; %.*s", STR_FMT(warning->text));
    }
}

static void tell_warning(void *cls, const struct warning *warning)
{
    struct told *told = cls;
    if (is_left_out(warning->code)) {
        return;
    }
    if (told->n++ < N_TOLD_MAX) {
        buf_appendf(told->text, "; %.*s", STR_FMT(warning->text));
    }
}

static void append_warnings(struct buf *text, struct warnings *warnings)
{
    struct told told = {.text = text};
    warnings_each(warnings, tell_refused_reload, text);
    warnings_each(warnings, tell_warning, &told);
    if (told.n > N_TOLD_MAX) {
        buf_appendf(text, " (and %zu more)", told.n - N_TOLD_MAX);
    }
}

static const char *state_of(const struct daemon *daemon)
{
    if (atomic_load(&daemon->readiness) == STATUS_DRAINING) {
        return "draining, ";
    }
    return replication_is_learning(daemon) ? "learning from other nodes, " : "";
}

static void compose_line(const struct daemon *daemon, char ret_line[static SERVICE_STATUS_SIZE])
{
    cleanup(buf_fini) struct buf text = {0};
    buf_appendf(&text, "%susers online: %" PRIu64, state_of(daemon), table_n_online(daemon->table));
    append_warnings(&text, daemon->warnings);
    set_line(ret_line, SERVICE_STATUS_SIZE, text.failed ? STR("") : buf_str(&text));
}

/* Extends the timeout of the start only if loading has made progress. */
void report_loading(struct daemon *daemon, uint64_t n_users)
{
    char line[64];
    (void)snprintf(line, sizeof(line), "loading, users so far: %" PRIu64, n_users);
    service_tell_status(line);
    if (n_users > daemon->report.n_users_loaded) {
        service_extend(MARGIN_MS);
    }
    daemon->report.n_users_loaded = n_users;
}

void report_ready(struct daemon *daemon)
{
    compose_line(daemon, daemon->report.line);
    service_tell_ready(daemon->report.line);
}

void report_refresh(struct daemon *daemon)
{
    struct report *report = &daemon->report;
    uint64_t now_ms = clock_monotonic_ms();
    if (now_ms < report->next_ms) {
        return;
    }
    char line[SERVICE_STATUS_SIZE];
    report->next_ms = now_ms + REFRESH_INTERVAL_MS;
    compose_line(daemon, line);
    if (strcmp(line, report->line) != 0) {
        memcpy(report->line, line, sizeof(line));
        service_tell_status(line);
    }
}

/* A daemon that is draining or stopping is not reported as reloading. */
void report_reloading(struct daemon *daemon)
{
    if (atomic_load(&daemon->readiness) == STATUS_READY) {
        service_tell_reloading();
    }
}

void report_reloaded(struct daemon *daemon)
{
    if (atomic_load(&daemon->readiness) == STATUS_READY) {
        report_ready(daemon);
    }
}

void report_stopping(struct daemon *daemon)
{
    const struct config_callback *config = &daemon->config->callback;
    compose_line(daemon, daemon->report.line);
    service_tell_stopping(daemon->report.line);
    service_extend(config->drain_delay_ms + config->request_timeout_ms + MARGIN_MS);
}
