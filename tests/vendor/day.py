# SPDX-License-Identifier: MIT
"""A day in fast motion. The vendor's users live, its events travel, the daemon takes them and may ask; every now and then
what it shows is held against the truth. The clock jumps from one thing that happens to the next, and stands still until
the daemon has done what it does at that time."""

import heapq
import os
import random
import select
import tempfile
import time
from dataclasses import dataclass, replace

from clock import FastClock
from daemon import Daemon
from delivery import Delivery
from directory import Directory
from event import Event, request
from person import HOUR_MS, Person
from query import Query
from score import Score
from server import Server

APP = 1400000000
TOKEN = "truth"
ADMIN = "administrator"
KEY = "test-secret-key"
START_UNIX_MS = 1_700_006_400_000  # a midnight
SAMPLE_MEAN_MS = 20_000
OUTAGE_MS = 10 * 60_000
STUCK_S = 60

CONFIG = f"""[callback]
listen = 127.0.0.1:0
tls = off
idle_timeout = 1h
request_timeout = 1h
[status]
listen = 127.0.0.1:0
[app {APP}]
token = {TOKEN}
"""

# With the vendor's port and a folder.
ASKING = """admin = {admin}
secret_key_file = {folder}/key
api_url = http://127.0.0.1:{port}
"""


@dataclass
class Plan:
    scenario: object
    binary: str
    preload: str
    seed: int = 1
    n_users: int = 2000
    length_ms: int = 24 * HOUR_MS
    begin_hour: int = 0
    skew_ms: int = 0  # how far Date is ahead of EventTime; the daemon's clock is between them
    asks: bool = True  # the daemon has a key
    config: str = ""  # more of its configuration


class Day:
    def __init__(self, plan):
        self.plan = plan
        self.begin_ms = START_UNIX_MS + plan.begin_hour * HOUR_MS
        self.end_ms = self.begin_ms + plan.length_ms
        self.people = [Person(plan.seed, n, plan.scenario.policy(), plan.scenario.old_sdk_share)
                       for n in range(plan.n_users)]
        self.users = [person.id for person in self.people]
        self.random = random.Random(f"{plan.seed} day")
        self.directory = Directory()
        self.truth = set()
        self.score = Score(plan.n_users)
        self.delivery = Delivery(plan.seed, plan.scenario.lost_share, cut_off_ms=self._outage())
        self.due = []  # (time, number, what, its argument)
        self.n_due = 0
        self.n_sent = 0
        self.n_delivered = 0

    def _outage(self):
        if not self.plan.scenario.has_outage:
            return 0, 0
        begin_ms = self.begin_ms + self.plan.length_ms * 5 // 8
        return begin_ms, begin_ms + OUTAGE_MS

    def run(self):
        with tempfile.TemporaryDirectory() as folder:
            self.clock = FastClock(f"{folder}/clock", self.begin_ms)
            self.query = Query(self.directory, APP, KEY, ADMIN, self._vendor_ms)
            self.server = Server(self.query.answer, self._date_ms)
            with open(os.open(f"{folder}/key", os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
                file.write(KEY)
            text = CONFIG
            if self.plan.asks:
                text += ASKING.format(admin=ADMIN, folder=folder, port=self.server.port)
            self.folder, self.config = folder, text + self.plan.config
            self.start_daemon()
            try:
                self._live()
            except Exception:
                self.daemon.process.kill()
                raise
            self.stats = self.daemon.stats()
            self.daemon.stop()
            self.server.close()
        return self.score

    def start_daemon(self):
        self.clock.forget_sleepers()
        self.daemon = Daemon(self.plan.binary, self.plan.preload, self.clock, self.folder, self.config)

    def _vendor_ms(self):
        return self.clock.now_ms()

    def _date_ms(self):
        return self.clock.now_ms() + self.plan.skew_ms // 2

    def _at(self, time_ms, what, argument=None):
        self.n_due += 1
        heapq.heappush(self.due, (time_ms, self.n_due, what, argument))

    def _live(self):
        for person in self.people:
            # The daemon has heard of everybody before.
            self.directory.register(person.id)
            self._deliver(Event(self.begin_ms - 1000, person.id, "Logout", "Unregister", person.devices[0].platform))
            self._next_moment(person.day(self.begin_ms, self.plan.length_ms))
        self._at(self.begin_ms, self._sample)
        self._settle()
        while self.clock.now_ms() < self.end_ms:
            next_ms = min([self.due[0][0], self.end_ms, *self.clock.sleeps_ms()])
            self.clock.advance(next_ms)
            self._settle()
            while self.due and self.due[0][0] <= self.clock.now_ms():
                _, _, what, argument = heapq.heappop(self.due)
                what(argument)

    # What is due.

    def _next_moment(self, moments):
        moment = next(moments, None)
        if moment is not None:
            self._at(moment.time_ms, self._happen, (moment, moments))

    def _happen(self, argument):
        moment, moments = argument
        for platform, instance, state in moment.changes:
            self.directory.change(moment.user, platform, instance, state, moment.time_ms)
        (self.truth.add if self.directory.is_online(moment.user) else self.truth.discard)(moment.user)
        for event in moment.events:
            self.n_sent += 1
            for arrival_ms in self.delivery.arrivals(max(event.time_ms, moment.time_ms)):
                self.score.under_way[event.user] += 1
                self._at(arrival_ms, self._arrive, event)
        self._next_moment(moments)

    def _deliver(self, event):
        event = replace(event, time_ms=event.time_ms - self.plan.skew_ms // 2)
        self.daemon.send(request(event, APP, TOKEN, self.clock.now_ms() // 1000))
        self.n_delivered += 1

    def _arrive(self, event):
        self._deliver(event)
        self.score.under_way[event.user] -= 1

    def _sample(self, _):
        self.score.sample(self.truth, self.daemon.online(APP, self.users), self.clock.now_ms())
        self._at(self.clock.now_ms() + 1 + int(self.random.expovariate(1 / SAMPLE_MEAN_MS)), self._sample)

    # What the daemon does by itself.

    def _settle(self):
        """Until its threads sleep again, and what they have asked is answered."""
        give_up = time.monotonic() + STUCK_S
        n_awaited = 0  # answers that nobody has gone to sleep after
        while True:
            readable = select.select([self.server, self.clock.asleep_fd], [], [], 0)[0]
            n_awaited = max(0, n_awaited - self.clock.take_asleep())
            if self.clock.all_asleep() and n_awaited == 0:
                if self.server not in readable:
                    return
                n_awaited += self.server.step() > 0
            elif not select.select([self.clock.asleep_fd], [], [], 0.005)[0]:
                self.clock.wake_due()
                n_awaited = 0 if self.clock.all_asleep() else n_awaited
                if time.monotonic() > give_up:
                    raise RuntimeError("a thread of the daemon does not come to rest")
