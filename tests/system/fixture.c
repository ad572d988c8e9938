/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include "presenced/clock.h"

#include <poll.h>

struct fixture fixture;

void fixture_start(const char *config)
{
    if (fixture.sandbox == NULL) {
        fixture.sandbox = sandbox_new();
    }
    fixture.instance = instance_start(fixture.sandbox, config);
    fixture.status = client_new("http", instance_status_port(fixture.instance));
}

void fixture_stop(void)
{
    client_free(fixture.status);
    instance_stop(fixture.instance);
    sandbox_free(fixture.sandbox);
    fixture = (struct fixture){0};
}

struct wire *fixture_connect(bool is_tls)
{
    struct wire *wire = wire_open(instance_callback_port(fixture.instance));
    if (is_tls) {
        ck_assert(wire_start_tls(wire, fixture.sandbox, &(struct wire_tls){0}));
    }
    return wire;
}

void fixture_request(struct wire *wire, int status)
{
    char line[32];
    cleanup(buf_fini) struct buf answer = {0};
    (void)snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
    ck_assert(wire_send_text(wire, FIXTURE_REQUEST));
    wire_await(wire, "\"ErrorInfo\":", &answer);
    ck_assert_msg(strncmp(buf_text(&answer), line, strlen(line)) == 0, "%s", buf_text(&answer));
}

void fixture_expect_service(const char *scheme)
{
    cleanup(client_freep) struct client *callback = client_new(scheme,
                                                               instance_callback_port(fixture.instance));
    client_trust(callback, fixture.sandbox);
    event_login(callback, "honest", 0);
    expect_state(fixture.status, "honest", "online");
}

static bool has_connections(size_t n)
{
    char text[64];
    cleanup(answer_fini) struct answer answer;
    (void)snprintf(text, sizeof(text), "\"callback\":{\"connections\":%zu,", n);
    client_get(fixture.status, "/v1/stats", &answer);
    return strstr(buf_text(&answer.body), text) != NULL;
}

void fixture_await_connections(size_t n)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    while (!has_connections(n)) {
        ck_assert_uint_lt(clock_monotonic_ms(), deadline_ms);
        (void)poll(NULL, 0, 20);
    }
}
