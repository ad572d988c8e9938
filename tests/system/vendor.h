/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_VENDOR_H
#define PRESENCED_TESTS_VENDOR_H

/* The simulated vendor, tests/vendor/serve.py, which uses the real clock. It knows EVENT_APP, whose
 * administrator is "administrator". Every function fails the running test if it cannot do its work. Used by
 * one thread. */

#include "client.h"

struct vendor;

/* Starts a vendor that logs to NAME.log in the sandbox. `key` is the secret key of the app. */
struct vendor *vendor_start(struct sandbox *sandbox, const char *name, const char *key);
void vendor_stop(struct vendor *vendor);

uint16_t vendor_port(const struct vendor *vendor);

/* Sends an order in the form described in serve.py. */
void vendor_order(struct vendor *vendor, const char *text);

/* Returns the vendor's answer to an order that changes nothing; the caller calls buf_fini(). */
struct buf vendor_report(struct vendor *vendor);

#endif
