# SPDX-License-Identifier: MIT
"""The vendor's query by the real clock, for a test that says what it answers: serve.py APP KEY ADMIN. Prints its port, and
takes orders by POST /order: {"mode": "hang"}, {"refuse": 70009}, {"date_ahead_ms": 60000}, {"expire": 2} (so many
calls, after the first, are refused for their UserSig), {"change": ["alice", "Web", 0, "Online"]}, {"remove": "alice"},
{"forget_asked": 1}. Each is answered with what has been asked so far, and of whom since the last of these."""

import json
import sys
import time

from directory import Directory
from query import Query
from server import Server


class Serving:
    def __init__(self, app, key, admin):
        self.directory = Directory()
        self.query = Query(self.directory, app, key, admin, self._now_ms)
        self.server = Server(self._answer, self._date_ms)
        self.server.mode_of = self._mode_of
        self.date_ahead_ms = 0
        self.mode = "answer"

    def _mode_of(self, target):
        """An order is answered whatever becomes of queries."""
        return "answer" if target == "/order" else self.mode

    @staticmethod
    def _now_ms():
        return time.time_ns() // 1_000_000

    def _date_ms(self):
        return self._now_ms() + self.date_ahead_ms

    def _answer(self, method, target, body):
        if target != "/order":
            return self.query.answer(method, target, body)
        order = json.loads(body)
        self.mode = order.get("mode", self.mode)
        self.query.refuse_with = order.get("refuse", self.query.refuse_with)
        self.date_ahead_ms = order.get("date_ahead_ms", self.date_ahead_ms)
        if "expire" in order:
            self.query.expires = order["expire"]
        if "change" in order:
            user, platform, instance, state = order["change"]
            self.directory.change(user, platform, instance, state, self._now_ms())
        if "remove" in order:
            self.directory.remove(order["remove"])
        if "forget_asked" in order:
            self.query.asked.clear()
        return 200, {"calls": self.query.n_calls, "ids": self.query.n_ids, "asked": sorted(self.query.asked)}

    def run(self):
        print(f"port={self.server.port}", flush=True)
        while True:
            self.server.step(60)


if __name__ == "__main__":
    Serving(int(sys.argv[1]), sys.argv[2], sys.argv[3]).run()
