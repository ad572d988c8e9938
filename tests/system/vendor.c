/* SPDX-License-Identifier: MIT */
#include "vendor.h"

#include "event.h"

#include "presenced/clock.h"

#include <check.h>
#include <poll.h>

#define POLL_MS 20

struct vendor {
    pid_t pid;
    uint16_t port;
    struct client *client;
};

/* 0: it has not said it yet. */
static uint16_t read_port(const struct sandbox *sandbox, const char *log_name)
{
    cleanup(buf_fini) struct buf log = sandbox_read(sandbox, log_name);
    const char *port = strstr(buf_text(&log), "port=");
    return port == NULL || strchr(port, '\n') == NULL ? 0 : (uint16_t)strtoul(port + 5, NULL, 10);
}

struct vendor *vendor_start(struct sandbox *sandbox, const char *name, const char *key)
{
    const char *python = getenv("PRESENCED_PYTHON");
    const char *source = getenv("PRESENCED_SOURCE");
    cleanup(buf_fini) struct buf script = {0};
    char app[16];
    char log_name[64];
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    struct vendor *vendor = calloc(1, sizeof(*vendor));
    ck_assert(vendor != NULL && python != NULL && source != NULL);
    buf_appendf(&script, "%s/tests/vendor/serve.py", source);
    (void)snprintf(app, sizeof(app), "%d", EVENT_APP);
    (void)snprintf(log_name, sizeof(log_name), "%s.log", name);
    const char *const arguments[] = {"-B", buf_text(&script), app, key, "administrator", NULL};
    vendor->pid = sandbox_spawn(sandbox, python, arguments, log_name);
    while ((vendor->port = read_port(sandbox, log_name)) == 0) {
        ck_assert_msg(clock_monotonic_ms() < deadline_ms, "%s does not start", name);
        (void)poll(NULL, 0, POLL_MS);
    }
    vendor->client = client_new("http", vendor->port);
    return vendor;
}

void vendor_stop(struct vendor *vendor)
{
    client_free(vendor->client);
    process_stop(vendor->pid);
    free(vendor);
}

uint16_t vendor_port(const struct vendor *vendor)
{
    return vendor->port;
}

static struct buf give_order(struct vendor *vendor, const char *text)
{
    struct buf body = {0};
    cleanup(answer_fini) struct answer answer;
    client_post(vendor->client, "/order", text, &answer);
    ck_assert_int_eq(answer.status, 200);
    buf_append(&body, buf_str(&answer.body));
    (void)buf_text(&body);
    return body;
}

void vendor_order(struct vendor *vendor, const char *text)
{
    cleanup(buf_fini) struct buf unused = give_order(vendor, text);
}

struct buf vendor_report(struct vendor *vendor)
{
    return give_order(vendor, "{}");
}
