# SPDX-License-Identifier: MIT
"""One user over a day: devices that log in, break, come back and are kicked. Everything is drawn from the seed and the
user's number, so a seed gives the same day again, and a policy changes nothing but what it is about."""

import heapq
import random
from dataclasses import dataclass, field

from event import Event
from policy import kicks

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
MOBILE = ("iOS", "Android", "iPad")

# How soon the vendor notices that a device is silent.
SILENT_MS = {"Web": 60_000}
SILENT_OTHERS_MS = 400_000

# Mean time online and offline of a device while its owner is awake.
ONLINE_MS = {"iOS": 25 * MINUTE_MS, "Android": 25 * MINUTE_MS, "Web": 50 * MINUTE_MS}
OFFLINE_MS = {"iOS": 75 * MINUTE_MS, "Android": 75 * MINUTE_MS, "Web": 100 * MINUTE_MS}
ONLINE_OTHERS_MS = 2 * HOUR_MS
OFFLINE_OTHERS_MS = 4 * HOUR_MS

# How a time online ends, and how often.
ENDINGS = (
    ("logout", 10),  # Logout
    ("kill", 40),  # Disconnect at once: the app was killed, the page closed
    ("silence", 20),  # the link is lost without a word: Disconnect by time-out
    ("flap", 15),  # the client is back before the vendor noticed: a Login, and never a Disconnect
    ("tunnel", 15),  # Disconnect, and back within minutes
)


@dataclass
class Moment:
    """What happens at the vendor's in one step: the instances that change, and the events that tell of it."""

    time_ms: int
    user: str
    changes: list = field(default_factory=list)  # (platform, instance, "Online" | "PushOnline" | "Offline")
    events: list = field(default_factory=list)


@dataclass
class Device:
    platform: str
    instance: int
    is_online: bool = False
    plan: int = 0  # what was planned for it before counts no more


class Person:
    def __init__(self, seed, number, policy, old_sdk_share):
        self.id = f"user-{number:04d}"
        self.policy = policy
        self.random = random.Random(f"{seed} {number}")
        self.devices = self._own_devices()
        self.has_old_sdk = self.random.random() < old_sdk_share
        self.online = []  # devices, the longest online first
        self.plans = []
        self.n_plans = 0

    def _own_devices(self):
        draw = self.random.random
        devices = [Device("iOS" if draw() < 0.4 else "Android", 0)]
        if draw() < 0.15:
            devices.append(Device("Android" if devices[0].platform == "iOS" else "iOS", 0))
        if draw() < 0.10:
            devices.append(Device("iPad", 0))
        if draw() < 0.55:
            devices += [Device("Web", i) for i in range(1 + (draw() < 0.4) + (draw() < 0.1))]
        if draw() < 0.30:
            devices += [Device("Windows" if draw() < 0.8 else "Mac", i) for i in range(1 + (draw() < 0.15))]
        return devices

    def day(self, begin_ms, length_ms):
        """The moments of the day, in their order."""
        for device in self.devices:
            self._plan(begin_ms + self._offline_ms(device, begin_ms), device, "login")
        last_ms = begin_ms
        while self.plans and self.plans[0][0] < begin_ms + length_ms:
            time_ms, _, device, plan, what = heapq.heappop(self.plans)
            if plan == device.plan:
                last_ms = max(time_ms, last_ms + 1)  # no two with one stamp: no order of theirs would be the right one
                yield from getattr(self, "_" + what)(last_ms, device)

    def _plan(self, time_ms, device, what):
        device.plan += 1
        self.n_plans += 1
        heapq.heappush(self.plans, (time_ms, self.n_plans, device, device.plan, what))

    def _spread(self, mean_ms):
        return 500 + int(self.random.expovariate(1 / mean_ms))

    def _offline_ms(self, device, now_ms):
        """Longer at night: who puts a device away in the evening takes it up in the morning."""
        away_ms = self._spread(OFFLINE_MS.get(device.platform, OFFLINE_OTHERS_MS))
        hour = (now_ms + away_ms) % (24 * HOUR_MS) // HOUR_MS
        return away_ms + (self._spread(5 * HOUR_MS) if hour < 7 else 0)

    def _moment(self, time_ms, device, state, action, reason, kicked=()):
        event = Event(time_ms, self.id, action, reason, device.platform, tuple(kicked))
        return Moment(time_ms, self.id, [(device.platform, device.instance, state)] if state else [], [event])

    # Each of these is a plan that has come due.

    def _login(self, time_ms, device):
        ended = kicks(self.policy, [(one.platform, one.instance) for one in self.online if one is not device],
                      device.platform)
        kicked = [one for one in self.online if one is not device and (one.platform, one.instance) in ended]
        platforms = dict.fromkeys(one.platform for one in kicked)
        moment = self._moment(time_ms, device, "Online", "Login", "Register", platforms)
        for one in kicked:
            moment.changes.insert(0, (one.platform, one.instance, "Offline"))
            self._set(one, False)
            self._plan(time_ms + self._offline_ms(one, time_ms), one, "login")
            if self.has_old_sdk:
                moment.events.append(self._farewell(time_ms, one))
        self._set(device, True)
        self._plan_ending(time_ms, device)
        yield moment

    def _farewell(self, time_ms, kicked):
        """An old SDK logs out when it is told that it was kicked: by the stamps a little after the login that kicked it, or
        a little before."""
        shift_ms = self.random.randint(-80, 400)
        return Event(time_ms + shift_ms + (shift_ms == 0), self.id, "Logout", "Unregister", kicked.platform)

    def _plan_ending(self, time_ms, device):
        names, weights = zip(*ENDINGS)
        what = self.random.choices(names, weights)[0]
        self._plan(time_ms + self._spread(ONLINE_MS.get(device.platform, ONLINE_OTHERS_MS)), device, what)

    def _end(self, time_ms, device, state, action, reason, back_ms):
        self._set(device, False)
        self._plan(time_ms + back_ms, device, "login")
        yield self._moment(time_ms, device, state, action, reason)

    def _logout(self, time_ms, device):
        yield from self._end(time_ms, device, "Offline", "Logout", "Unregister", self._offline_ms(device, time_ms))

    def _kill(self, time_ms, device):
        yield from self._end(time_ms, device, self._broken(device), "Disconnect", "LinkClose",
                             self._offline_ms(device, time_ms))

    def _silence(self, time_ms, device):
        self._plan(time_ms + SILENT_MS.get(device.platform, SILENT_OTHERS_MS), device, "timeout")
        return ()

    def _timeout(self, time_ms, device):
        yield from self._end(time_ms, device, self._broken(device), "Disconnect", "TimeOut",
                             self._offline_ms(device, time_ms))

    def _flap(self, time_ms, device):
        self._plan(time_ms + self._spread(5_000), device, "login")
        return ()

    def _tunnel(self, time_ms, device):
        yield from self._end(time_ms, device, self._broken(device), "Disconnect", "LinkClose", self._spread(90_000))

    def _broken(self, device):
        return "PushOnline" if device.platform in MOBILE else "Offline"

    def _set(self, device, is_online):
        if device in self.online:
            self.online.remove(device)
        if is_online:
            self.online.append(device)
        device.is_online = is_online
