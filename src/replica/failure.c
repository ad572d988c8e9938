/* SPDX-License-Identifier: MIT */
#include "failure.h"

#include "presenced/array.h"

#include <errno.h>
#include <stdio.h>

/* Selected by a word that the error begins with or, if it comes from a script, contains: Redis 6 puts it
 * after "ERR Error running script …", Redis 7 in front. */
static const struct {
    const char *word;
    enum failure_remedy remedy;
    const char *problem;
} known_errors[] = {
    {"NOSCRIPT", FAILURE_LOAD, "replication: the engine has lost the scripts"},
    {"IDENTITY", FAILURE_MEET, "replication: the engine holds other data than before"},
    {"LOADING", FAILURE_RECONNECT, "replication: the engine is loading its data"},
    {"READONLY", FAILURE_RECONNECT, "replication: the engine is a read-only replica"},
    {"MASTERDOWN", FAILURE_RECONNECT, "replication: the engine is a replica without its primary"},
    {"UNBLOCKED", FAILURE_RECONNECT, "replication: the engine has become a replica"},
    {"OOM", FAILURE_PAUSE, "replication: the engine is out of memory"},
    {"MISCONF", FAILURE_PAUSE, "replication: the engine cannot save its data and takes no writes"},
    {"NOREPLICAS", FAILURE_PAUSE, "replication: the engine has too few replicas and takes no writes"},
    {"BUSY", FAILURE_PAUSE, "replication: the engine is busy with somebody's script"},
    {"WRONGPASS", FAILURE_RECONNECT, "replication: the engine refuses user or password"},
    {"invalid password", FAILURE_RECONNECT, "replication: the engine refuses user or password"},
    {"NOAUTH", FAILURE_RECONNECT, "replication: the engine wants a password"},
    {"without any password", FAILURE_RECONNECT,
     "replication: the engine has no password, but one is set here"},
    {"no password is set", FAILURE_RECONNECT, "replication: the engine has no password, but one is set here"},
    {"NOPERM", FAILURE_RECONNECT, "replication: the engine does not let this user do what is needed"},
    {"MOVED", FAILURE_RECONNECT, "replication: the engine is a cluster, which is not supported"},
    {"CLUSTERDOWN", FAILURE_RECONNECT, "replication: the engine is a cluster, which is not supported"},
    {"WRONGTYPE", FAILURE_RECONNECT, "replication: somebody else uses our keys in the engine"},
    {"max number of clients", FAILURE_RECONNECT, "replication: the engine has no room for connections"},
};

int failure_set(struct failure *ret_failure, enum failure_remedy remedy, const char *problem,
                const char *detail)
{
    ret_failure->remedy = remedy;
    ret_failure->problem = problem;
    if (detail != ret_failure->detail) {
        (void)snprintf(ret_failure->detail, sizeof(ret_failure->detail), "%s", detail);
    }
    return -EREMOTEIO;
}

int failure_of_reply(const struct link_reply *reply, struct failure *ret_failure)
{
    struct str text = link_reply_text(reply);
    char detail[LINK_PROBLEM_SIZE];
    (void)snprintf(detail, sizeof(detail), "%.*s", STR_FMT(text));
    for (size_t i = 0; i < N_ELEMENTS(known_errors); i++) {
        size_t len = strlen(known_errors[i].word);
        if (text.len >= len && memmem(text.ptr, text.len, known_errors[i].word, len) != NULL) {
            return failure_set(ret_failure, known_errors[i].remedy, known_errors[i].problem, detail);
        }
    }
    return failure_set(ret_failure, FAILURE_RECONNECT, "replication: the engine answers with an error",
                       detail);
}

int failure_of_call(int r, struct failure *ret_failure)
{
    const char *problem = r == -ETIMEDOUT ? "replication: the engine does not answer"
                          : r == -ENOMEM  ? "replication: out of memory"
                          : r == -EPROTO  ? "replication: the engine does not speak its protocol"
                                          : "replication: the engine cannot be reached";
    (void)failure_set(ret_failure, FAILURE_RECONNECT, problem, strerror(-r));
    return r;
}
