/* SPDX-License-Identifier: MIT */
#include "location.h"
#include "user.h"

int ctl_get(const struct arguments *arguments)
{
    cleanup(ask_fini) struct ask ask;
    cleanup(ask_answer_fini) struct ask_answer answer = {.document = NULL};
    cleanup(buf_fini) struct buf path = {0};
    cleanup(buf_fini) struct buf text = {0};
    int r = ask_begin(arguments, &ask);
    if (r != 0) {
        return r;
    }
    buf_append(&path, STR("/v1/users/"));
    location_append_escaped(&path, str_from(arguments->words[1]));
    ask_append_app(&ask, &path);
    buf_append_char(&path, '\0');
    r = path.failed ? complain("no memory") : ask_get(&ask, path.ptr, &answer);
    if (r != 0) {
        return r;
    }
    if (arguments->json) {
        return ask_put_json(&answer, CTL_YES);
    }
    user_append(&ask, answer.document, &text);
    return screen_put(&text, CTL_YES);
}
