/* SPDX-License-Identifier: MIT */
#include "meeting.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

void meeting_fini(struct meeting *meeting)
{
    comparison_fini(&meeting->comparison);
}

/* The ends of the logs are recorded before the rows are read, so that no change is missed in between. */
static int begin_comparison(struct meeting *meeting, struct primary *primary, struct log_reader *reader,
                            struct failure *ret_failure)
{
    uint64_t identity[2];
    char text[OUTBOX_IDENTITY_SIZE];
    if (getrandom(identity, sizeof(identity), 0) != (ssize_t)sizeof(identity)) {
        return failure_of_call(-errno, ret_failure);
    }
    int r = comparison_begin(&meeting->comparison);
    if (r < 0) {
        return failure_of_call(r, ret_failure);
    }
    (void)snprintf(text, sizeof(text), "%016" PRIx64 "%016" PRIx64, identity[0], identity[1]);
    r = log_reader_note(reader, primary, text, ret_failure);
    if (r < 0) {
        return r;
    }
    memcpy(meeting->run_id, primary->run_id, sizeof(meeting->run_id));
    memcpy(meeting->replication_id, primary->replication_id, sizeof(meeting->replication_id));
    meeting->n_apps_met = table_n_apps(meeting->table);
    meeting->must_meet = false;
    meeting->n_meetings++;
    return 0;
}

int meeting_resume(struct meeting *meeting, struct primary *primary, struct log_reader *reader,
                   struct failure *ret_failure)
{
    if (!meeting->must_meet && strcmp(primary->run_id, meeting->run_id) == 0 &&
        strcmp(primary->replication_id, meeting->replication_id) == 0) {
        int r = log_reader_look(reader, primary, ret_failure);
        if (r <= 0) {
            return r;
        }
        meeting->n_missed++;
    }
    return begin_comparison(meeting, primary, reader, ret_failure);
}

int meeting_step(struct meeting *meeting, struct primary *primary, struct outbox *outbox,
                 struct gather *gather, bool is_behind, bool is_paused, bool *ret_more,
                 struct failure *ret_failure)
{
    struct comparison *comparison = &meeting->comparison;
    meeting->is_waiting = comparison->phase == COMPARISON_READS && is_behind;
    *ret_more = true;
    if (comparison->phase == COMPARISON_READS && !is_behind) {
        return comparison_read(comparison, primary, gather, ret_failure);
    }
    if (comparison->phase == COMPARISON_SUMS) {
        comparison_sum(comparison, meeting->table);
        return 0;
    }
    if (comparison->phase == COMPARISON_SENDS && !is_paused) {
        return comparison_send(comparison, meeting->table, outbox, gather, ret_failure);
    }
    *ret_more = false;
    return 0;
}

bool meeting_has_read(const struct meeting *meeting)
{
    return meeting->n_meetings > 0 && meeting->comparison.phase != COMPARISON_READS;
}

bool meeting_is_over(const struct meeting *meeting)
{
    return meeting->comparison.phase == COMPARISON_OVER;
}
