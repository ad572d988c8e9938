/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_VENDOR_H
#define PRESENCED_TESTS_VENDOR_H

/* The simulated vendor by the real clock, tests/vendor/serve.py: it knows EVENT_APP, whose administrator is
 * "administrator". Fails the running test when it cannot do what it is asked. One thread. */

#include "client.h"

struct vendor;

/* Starts one, whose log is the sandbox's file NAME.log; `key` is the app's. */
struct vendor *vendor_start(struct sandbox *sandbox, const char *name, const char *key);
void vendor_stop(struct vendor *vendor);

uint16_t vendor_port(const struct vendor *vendor);

/* Gives an order, as serve.py has it. */
void vendor_order(struct vendor *vendor, const char *text);

/* Its answer to one that changes nothing; the caller calls buf_fini(). */
struct buf vendor_report(struct vendor *vendor);

#endif
