# SPDX-License-Identifier: MIT
"""Who reads GET /v1/events over a day: leaves at random moments, comes back with the last id, reads slowly if it is of
that kind; and remembers what it was told, for it to be held against what others were told."""

import json
import random
import socket
import threading
from dataclasses import dataclass, field

WAIT_S = 60


@dataclass
class Stretch:
    """A snapshot, and the changes behind it without a gap."""

    run: str  # of the daemon
    begin: int  # the revision that the snapshot is of
    users: dict  # as they were then
    changes: list = field(default_factory=list)  # (revision, data)
    end: int = 0  # all up to here was told


class Progress:
    """How far the day has come, for threads to wait for."""

    def __init__(self):
        self.condition = threading.Condition()
        self.n_events = 0
        self.port = None  # of the status listener; None while there is no daemon
        self.goal = None  # the last id; None while the day goes on

    def change(self, **values):
        with self.condition:
            for name, value in values.items():
                setattr(self, name, value)
            self.condition.notify_all()

    def wait_for(self, predicate):
        with self.condition:
            if not self.condition.wait_for(predicate, WAIT_S):
                raise RuntimeError("the day does not go on")


class Left(Exception):
    """It has had enough of this connection."""


class Listener(threading.Thread):
    def __init__(self, name, progress, seed, stay_bytes=None, is_slow=False, away_events=0, filters=""):
        super().__init__(name=name, daemon=True)
        self.progress = progress
        self.random = random.Random(f"{seed} {name}")
        self.stay_bytes = stay_bytes  # for how long it stays, on average; None: to the end
        self.is_slow = is_slow
        self.away_events = away_events  # for how long it stays away when the daemon has gone for the first time
        self.filters = filters
        self.stretches = []
        self.last_id = None
        self.users = {}
        self.in_snapshot = False
        self.n_connections = 0
        self.n_resets = 0
        self.n_ended_in_order = 0
        self.error = None

    def run(self):
        try:
            while not self._is_done():
                self._follow()
        except Exception as error:  # told by the one who waits for it
            self.error = error

    def is_behind(self, an_id):
        """Whether it was told of all up to that id, and is of the same run."""
        run, revision = an_id.split(".")
        stretch = self.stretches[-1] if self.stretches else None
        return stretch is not None and stretch.run == run and stretch.end >= int(revision)

    def _is_done(self):
        goal = self.progress.goal
        return goal is not None and (self.is_behind(goal) or (self.filters != "" and not self.in_snapshot))

    # One connection.

    def _follow(self):
        if self.progress.port is None and self.away_events > 0:
            self._happen(self.away_events)
            self.away_events = 0
        self.progress.wait_for(lambda: self.progress.port is not None)
        try:
            with socket.socket() as connection:
                if self.is_slow:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                connection.connect(("127.0.0.1", self.progress.port))
                self._ask(connection)
                self._read(connection)
                self.n_ended_in_order += 1
        except (ConnectionError, TypeError, Left):
            return  # cut off; TypeError: the port is gone again

    def _ask(self, connection):
        resume = "" if self.last_id is None else f"Last-Event-ID: {self.last_id}\r\n"
        head = f"GET /v1/events?snapshot=1{self.filters} HTTP/1.1\r\nHost: localhost\r\n{resume}\r\n"
        connection.settimeout(0.05)
        connection.sendall(head.encode())
        self.n_connections += 1
        self.received = b""
        self.stays = None if self.stay_bytes is None else int(self.random.expovariate(1 / self.stay_bytes))
        self.leaves_snapshot = self.random.random() < 0.3
        if self.last_id is None:
            self._begin_snapshot()

    def _some(self, connection):
        """More bytes; where none come it looks whether it is done."""
        size = 1 << 16
        if self.is_slow:
            # Every now and then it does something else while a hundred events happen.
            size = 512
            if self.progress.goal is None and self.random.random() < 0.01:
                self._happen(100)
        if self._may_leave():
            if self.stays <= 0:
                raise Left
            size = min(size, self.stays)
        while True:
            try:
                some = connection.recv(size)
                break
            except TimeoutError:
                if self._is_done():
                    raise Left from None
        if not some:
            raise ConnectionResetError
        if self._may_leave():
            self.stays -= len(some)
        return some

    def _may_leave(self):
        """Mostly it stays for the whole snapshot: or one who leaves often would never see the end of one."""
        return self.stays is not None and self.progress.goal is None and (self.leaves_snapshot or not self.in_snapshot)

    def _happen(self, n_events):
        until = self.progress.n_events + n_events
        self.progress.wait_for(lambda: self.progress.n_events >= until or self.progress.goal is not None)

    def _until(self, connection, end):
        while (at := self.received.find(end)) < 0:
            self.received += self._some(connection)
        taken, self.received = self.received[:at], self.received[at + len(end) :]
        return taken

    def _read(self, connection):
        head = self._until(connection, b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            if head.startswith(b"HTTP/1.1 503 "):
                raise Left
            raise RuntimeError(f"{self.name}: {head!r}")
        text = b""
        while (size := int(self._until(connection, b"\r\n"), 16)) > 0:
            while len(self.received) < size + 2:
                self.received += self._some(connection)
            text += self.received[:size]
            self.received = self.received[size + 2 :]
            *messages, text = text.split(b"\n\n")
            for message in messages:
                self._take(message.decode())
            if self._is_done():
                raise Left

    # What it is told.

    def _begin_snapshot(self):
        self.in_snapshot = True
        self.users = {}

    def _take(self, message):
        fields = dict(line.split(": ", 1) for line in message.split("\n") if ": " in line)
        event, data, an_id = fields.get("event"), fields.get("data"), fields.get("id")
        if event == "reset":
            self.n_resets += 1
            self._begin_snapshot()
        elif event == "presence":
            self.users[json.loads(data)["user"]] = data
            if an_id is not None:
                self._change(an_id, data)
        elif event == "live":
            run, revision = an_id.split(".")
            self.stretches.append(Stretch(run, int(revision), dict(self.users), end=int(revision)))
            self.in_snapshot = False
        elif event not in ("heartbeat", None):
            raise RuntimeError(f"{self.name}: an event that nobody sends: {message}")
        if an_id is not None:
            run, revision = an_id.split(".")
            stretch = self.stretches[-1]
            if run != stretch.run or int(revision) < stretch.end:
                raise RuntimeError(f"{self.name}: {an_id} comes behind {stretch.run}.{stretch.end}")
            stretch.end = int(revision)
            self.last_id = an_id

    def _change(self, an_id, data):
        stretch = self.stretches[-1]
        revision = int(an_id.split(".")[1])
        if revision <= stretch.end:
            raise RuntimeError(f"{self.name}: the change {an_id} comes again")
        if self.filters == "" and revision != stretch.end + 1:
            raise RuntimeError(f"{self.name}: what is between {stretch.end} and {an_id} is missing")
        stretch.changes.append((revision, data))
