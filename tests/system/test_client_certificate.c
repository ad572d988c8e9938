/* SPDX-License-Identifier: MIT */
/* Client certificates, which client_ca asks for. */
#include "../unit/suite.h"
#include "fixture.h"
#include "pki.h"

static const int versions[] = {TLS1_3_VERSION, TLS1_2_VERSION};

static void start_with_client_ca(void)
{
    fixture_start(FIXTURE_CALLBACK FIXTURE_TLS "client_ca = @DIR@/ca.pem\n" FIXTURE_REST);
}

static const struct {
    const char *certificate;
    int status;
} clients[] = {{"client", 200}, {"stranger", 403}, {"server", 403}, {NULL, 403}};

START_TEST(believes_the_client_ca_alone)
{
    for (size_t i = 0; i < 2; i++) {
        cleanup(wire_freep) struct wire *wire = fixture_connect(false);
        const struct wire_tls options = {
            .certificate = clients[_i].certificate, .min_version = versions[i], .max_version = versions[i]};
        ck_assert(wire_start_tls(wire, fixture.sandbox, &options));
        fixture_request(wire, clients[_i].status);
    }
}
END_TEST

/* Each has its own words, in the answer and in the log. */
#define DAY_S (24L * 60 * 60)

static const struct {
    struct pki_plan plan; /* name NULL: no certificate is shown */
    const char *words;
} refused_clients[] = {
    {{"late", "clientAuth", -2 * DAY_S, -DAY_S, NULL}, "has expired"},
    {{"early", "clientAuth", DAY_S, 2 * DAY_S, NULL}, "is not valid yet"},
    {{"purpose", "serverAuth", -60, DAY_S, NULL}, "is not for TLS clients"},
    {{NULL, NULL, 0, 0, NULL}, "no client certificate was shown"},
};

START_TEST(says_what_is_wrong_with_a_client_certificate)
{
    const struct pki_plan *plan = &refused_clients[_i].plan;
    if (plan->name != NULL) {
        pki_issue(sandbox_path(fixture.sandbox), plan, NULL);
    }
    for (size_t i = 0; i < 2; i++) {
        cleanup(wire_freep) struct wire *wire = fixture_connect(false);
        cleanup(buf_fini) struct buf answer = {0};
        const struct wire_tls options = {
            .certificate = plan->name, .min_version = versions[i], .max_version = versions[i]};
        ck_assert(wire_start_tls(wire, fixture.sandbox, &options));
        ck_assert(wire_send_text(wire, FIXTURE_REQUEST));
        wire_await(wire, "\"}", &answer);
        ck_assert_msg(strstr(buf_text(&answer), "HTTP/1.1 403 ") != NULL, "%s", buf_text(&answer));
        ck_assert_msg(strstr(buf_text(&answer), refused_clients[_i].words) != NULL, "%s", buf_text(&answer));
    }
    instance_await_log(fixture.instance, refused_clients[_i].words);
}
END_TEST

START_TEST(says_who_signed_no_client_certificate)
{
    cleanup(wire_freep) struct wire *wire = fixture_connect(false);
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert(wire_start_tls(wire, fixture.sandbox, &(struct wire_tls){.certificate = "stranger"}));
    ck_assert(wire_send_text(wire, FIXTURE_REQUEST));
    wire_await(wire, "client_ca did not sign the client certificate", &answer);
}
END_TEST

START_TEST(a_kept_connection_keeps_its_certificate)
{
    cleanup(wire_freep) struct wire *wire = fixture_connect(false);
    ck_assert(wire_start_tls(wire, fixture.sandbox, &(struct wire_tls){.certificate = "client"}));
    for (int i = 0; i < 3; i++) {
        fixture_request(wire, 200);
    }
}
END_TEST

/* A load balancer has no certificate for its health check. */
START_TEST(health_needs_no_certificate)
{
    cleanup(client_freep) struct client *client = client_new("https",
                                                             instance_callback_port(fixture.instance));
    client_trust(client, fixture.sandbox);
    cleanup(answer_fini) struct answer answer;
    client_get(client, "/readyz", &answer);
    ck_assert_int_eq(answer.status, 200);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

Suite *test_suite(void)
{
    Suite *suite = suite_create("client_certificate");
    TCase *client_ca = tcase_create("client_ca");
    tcase_set_timeout(client_ca, HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(client_ca, start_with_client_ca, fixture_stop);
    tcase_add_loop_test(client_ca, believes_the_client_ca_alone, 0, COUNT(clients));
    tcase_add_loop_test(client_ca, says_what_is_wrong_with_a_client_certificate, 0, COUNT(refused_clients));
    tcase_add_test(client_ca, says_who_signed_no_client_certificate);
    tcase_add_test(client_ca, a_kept_connection_keeps_its_certificate);
    tcase_add_test(client_ca, health_needs_no_certificate);
    suite_add_tcase(suite, client_ca);
    return suite;
}
