/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_BROWSER_H
#define PRESENCED_TESTS_BROWSER_H

/* A real Chromium, which the environment names in PRESENCED_CHROMIUM, without a window, by the DevTools
 * protocol over two pipes. It takes seconds to start, so one serves a whole suite: made by an unchecked
 * fixture, and each test has a tab of its own, with storage of its own. Everything here fails the running
 * test when it cannot do what it is asked. One thread a browser. */

#include "harness.h"

struct browser;

/* Starts one with a profile of its own in the sandbox. */
struct browser *browser_new(const struct sandbox *sandbox);
void browser_free(struct browser *browser);

void browser_open_tab(struct browser *browser);

/* The test fails where a page has thrown, or has tried what its Content-Security-Policy forbids. */
void browser_close_tab(struct browser *browser);

/* What follows is of the tab. */

struct browser_look {
    int width;
    int height;
    bool is_dark;          /* what prefers-color-scheme says */
    const char *languages; /* as in Accept-Language; NULL: "en-US" */
};

/* For the pages that are opened from now on. */
void browser_look(struct browser *browser, const struct browser_look *look);

/* Goes to http://127.0.0.1:PORT/ and returns when it is loaded; and to the same page once more. */
void browser_open(struct browser *browser, uint16_t port);
void browser_reload(struct browser *browser);

/* The value of an expression in the page, awaited where it is a promise, as JSON; the caller calls
 * buf_fini(). */
struct buf browser_eval(struct browser *browser, const char *expression);

/* The same, whatever its value is. */
void browser_do(struct browser *browser, const char *expression);

/* Whether it is true; and waits until it is. */
bool browser_is(struct browser *browser, const char *expression);
void browser_await(struct browser *browser, const char *expression);

/* For how long the page's thread was busy so far, in its own time. */
double browser_busy_s(struct browser *browser);

/* By the keyboard: a key by its name ("Tab", "Enter", "ArrowLeft", " "), or text, into what has the focus. */
void browser_press(struct browser *browser, const char *key);
void browser_type(struct browser *browser, const char *text);

/* Clicks at the middle of the element that `selector` finds. */
void browser_click(struct browser *browser, const char *selector);

/* The whole page as PNG into the folder that PRESENCED_SHOTS names; nothing where it names none. */
void browser_shot(struct browser *browser, const char *name);

#endif
