/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_BROWSER_H
#define PRESENCED_TESTS_BROWSER_H

/* Controls a real headless Chromium, the program in the environment variable PRESENCED_CHROMIUM, with the
 * DevTools protocol over two pipes. It takes seconds to start, so an unchecked fixture starts one for the
 * whole suite, and each test has its own tab with its own storage. Every function fails the running test if
 * it cannot do its work. Each browser is used by one thread. */

#include "harness.h"

struct browser;

/* Starts a browser with a new profile in the sandbox. */
struct browser *browser_new(const struct sandbox *sandbox);
void browser_free(struct browser *browser);

void browser_open_tab(struct browser *browser);

/* Closes the tab. Fails the test if a page has thrown an exception or violated its
 * Content-Security-Policy. */
void browser_close_tab(struct browser *browser);

/* The functions below work on the open tab. */

struct browser_look {
    int width;
    int height;
    bool is_dark;          /* prefers-color-scheme is dark */
    const char *languages; /* as in Accept-Language; NULL: "en-US" */
};

/* Sets the look of pages that are opened afterwards. */
void browser_look(struct browser *browser, const struct browser_look *look);

/* Open http://127.0.0.1:PORT/, or reload the page. Return when it has been loaded. */
void browser_open(struct browser *browser, uint16_t port);
void browser_reload(struct browser *browser);

/* Evaluates an expression in the page and awaits it if it is a promise. Returns the value as JSON; the caller
 * calls buf_fini(). */
struct buf browser_eval(struct browser *browser, const char *expression);

/* The same, but ignores the value. */
void browser_do(struct browser *browser, const char *expression);

/* Return whether an expression is true, and wait until it is. */
bool browser_is(struct browser *browser, const char *expression);
void browser_await(struct browser *browser, const char *expression);

/* Returns the total time of all tasks of the page's main thread so far, in seconds. */
double browser_busy_s(struct browser *browser);

/* Send a key by its name ("Tab", "Enter", "ArrowLeft", " "), or a text, to the element that has the focus. */
void browser_press(struct browser *browser, const char *key);
void browser_type(struct browser *browser, const char *text);

/* Clicks on the centre of the element that matches `selector`. */
void browser_click(struct browser *browser, const char *selector);

/* Writes a screenshot of the whole page as PNG to the folder in PRESENCED_SHOTS. Does nothing if it is not
 * set. */
void browser_shot(struct browser *browser, const char *name);

#endif
