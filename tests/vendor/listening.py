# SPDX-License-Identifier: MIT
"""A day of changes in fast motion through GET /v1/events: listeners who come, go and read slowly see each change once and
in order, through reloads, a drain with a restart, and a kill; or they are told that they have missed something, and then
shown what is so."""

import argparse
import json
import math
import random
import signal
import sys
import time
from urllib.parse import quote

from daemon import Connection
from day import Day, Plan
from listener import Listener, Progress
from person import HOUR_MS
from scenario import SCENARIOS

N_EVENTS_BETWEEN_RELOADS = 800
CONFIG = "[presence]\npush_online_window = 10m\n"  # so that many changes are time's own


class WatchedDay(Day):
    def __init__(self, plan, length_events):
        super().__init__(plan)
        self.progress = Progress()
        seed = plan.seed
        user = self.users[0]
        self.reference = Listener("all of it", self.progress, seed)
        self.listeners = [
            self.reference,
            *(Listener(f"restless {n}", self.progress, seed, stay_bytes=40_000) for n in range(3)),
            Listener("hasty", self.progress, seed, stay_bytes=12_000),
            *(Listener(f"slow {n}", self.progress, seed, is_slow=True) for n in range(2)),
            Listener("slow and restless", self.progress, seed, stay_bytes=200_000, is_slow=True),
            # Its id is one that the next run of the daemon has had too when it comes back.
            Listener("absent", self.progress, seed, away_events=length_events // 3),
            Listener("of one user", self.progress, seed, stay_bytes=20_000, filters=f"&user={quote(user)}"),
        ]
        self.filtered_user = user
        self.drain_at = length_events // 5
        self.kill_at = length_events * 2 // 3

    # Nobody looks at how true it is: system.truth does.
    def _sample(self, _):
        if self.clock.now_ms() < self.end_ms:
            self._at(self.end_ms, self._sample)

    def _live(self):
        self.progress.change(port=self.daemon.status.port)
        for listener in self.listeners:
            listener.start()
        self._await_reference()
        super()._live()
        self._end()

    def _deliver(self, event):
        super()._deliver(event)
        self.progress.change(n_events=self.n_delivered)
        if self.n_delivered % N_EVENTS_BETWEEN_RELOADS == 0:
            self.daemon.process.send_signal(signal.SIGHUP)
        if self.n_delivered == self.drain_at:
            self._await_reference()
            self._restart(self.daemon.stop)
        elif self.n_delivered == self.kill_at:
            self._restart(self.daemon.kill)

    def _restart(self, end):
        self.progress.change(port=None)
        end()
        self.start_daemon()
        self.progress.change(port=self.daemon.status.port)
        self._await_reference()

    def _is_told(self, an_id):
        self._let_go()
        return self.reference.is_behind(an_id)

    def _has_told_all(self):
        """Windows end by a thread that looks once a second, by no clock of ours."""
        self._let_go()
        return self.reference.users == self.daemon.users()

    def _let_go(self):
        """Changes that follow each other closely are held together for a while, by our clock."""
        self.clock.advance(self.clock.now_ms() + 250)

    def _newest(self):
        """The id of the newest change: what a stream that begins now is told first."""
        connection = Connection(self.daemon.status.port)
        try:
            return connection.first_id()
        finally:
            connection.close()

    def _await_reference(self):
        """So that it is told of all that this run of the daemon hears."""
        newest = self._newest()
        self._await(lambda: self._is_told(newest))

    def _await(self, predicate):
        give_up = time.monotonic() + 60
        while not predicate():
            for listener in self.listeners:
                if listener.error is not None:
                    raise listener.error
            if time.monotonic() > give_up:
                raise RuntimeError("a listener does not get what there is")
            with self.progress.condition:
                self.progress.condition.wait(0.01)

    def _end(self):
        self.progress.change(n_events=math.inf)
        self._await(self._has_told_all)
        self.progress.change(goal=self._newest())
        for listener in self.listeners:
            listener.join(60)
            if listener.error is not None:
                raise listener.error
            if listener.is_alive():
                raise RuntimeError(f"{listener.name} does not come to the end")
        self.shown = self.daemon.users()
        self.log_text = self.daemon.log()


def _devices(users):
    """A snapshot shows that a window has ended before the change that tells of it."""
    return {user: json.loads(data)["devices"] for user, data in users.items()}


class Verdict:
    def __init__(self, day):
        self.day = day
        self.problems = []
        self.n_changes = 0
        self.told = {stretch.run: stretch for stretch in day.reference.stretches}

    def judge(self):
        day = self.day
        if len(self.told) != len(day.reference.stretches) or len(self.told) != 3:
            self._blame(day.reference, f"its stretches: {[(one.run, one.begin) for one in day.reference.stretches]}")
            return
        for run, stretch in self.told.items():
            self.n_changes += len(stretch.changes)
            revisions = [revision for revision, _ in stretch.changes]
            if revisions != list(range(stretch.begin + 1, stretch.end + 1)):
                self._blame(day.reference, f"a gap in run {run}")
        for listener in day.listeners:
            for stretch in listener.stretches:
                self._hold_against(listener, stretch)
            if listener.filters == "" and listener.users != day.shown:
                self._blame(listener, "at the end it does not know what GET /v1/users shows")
            if listener.n_resets < 2:
                self._blame(listener, "it was not told of both restarts")
        if day.reference.n_ended_in_order != 1:
            self._blame(day.reference, "the drain did not end it in order")
        if day.log_text.count('msg="configuration reloaded"') == 0:
            self.problems.append("there was no reload")

    def _hold_against(self, listener, stretch):
        def is_wanted(user):
            return listener.filters == "" or user == self.day.filtered_user

        told = self.told[stretch.run]
        end = min(told.end, stretch.end)  # a kill may have cut off either
        users = dict(told.users)
        changes = []
        for revision, data in told.changes:
            user = json.loads(data)["user"]
            if revision <= stretch.begin:
                users[user] = data
            elif revision <= end and is_wanted(user):
                changes.append((revision, data))
        wanted = {user: data for user, data in users.items() if is_wanted(user)}
        if _devices(stretch.users) != _devices(wanted):
            self._blame(listener, f"at {stretch.run}.{stretch.begin} it was shown what was not so")
        if [change for change in stretch.changes if change[0] <= end] != changes:
            self._blame(listener, f"behind {stretch.run}.{stretch.begin} it was not told of each change once, in order")

    def _blame(self, listener, what):
        self.problems.append(f"{listener.name}: {what}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("preload")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--users", type=int, default=200)
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    plan = Plan(SCENARIOS[0], arguments.binary, arguments.preload, arguments.seed, arguments.users, 24 * HOUR_MS,
                asks=False, config=CONFIG)
    day = WatchedDay(plan, length_events=arguments.users * 40)
    day.run()
    verdict = Verdict(day)
    verdict.judge()
    n_connections = sum(listener.n_connections for listener in day.listeners)
    print(f"{day.n_delivered} events, {verdict.n_changes} changes, {len(day.listeners)} listeners, "
          f"{n_connections} connections")
    print("\n".join(verdict.problems))
    return 1 if verdict.problems else 0


if __name__ == "__main__":
    sys.exit(main())
