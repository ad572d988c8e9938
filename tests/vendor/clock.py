# SPDX-License-Identifier: MIT
"""The other side of fast_clock.c: one clock for the vendor and the daemon, which moves when the vendor says so."""

import mmap
import os
import struct

N_SLEEPERS = 4
FOR_EVER_NS = 2**63 - 1
NS_PER_MS = 1_000_000


class FastClock:
    def __init__(self, path, start_unix_ms):
        self.path = path
        self.start_unix_ms = start_unix_ms
        self.elapsed_ns = 0
        with open(path, "wb") as file:
            file.write(struct.pack("<qq4q", 0, start_unix_ms * NS_PER_MS, *[0] * N_SLEEPERS))
        descriptor = os.open(path, os.O_RDWR)
        self.page = mmap.mmap(descriptor, 16 + 8 * N_SLEEPERS)
        os.close(descriptor)
        self.numbers = memoryview(self.page).cast("q")
        self.asleep_fd = self._fifo("asleep")
        self.wake_fds = [self._fifo(f"wake.{n}") for n in range(N_SLEEPERS)]

    def _fifo(self, suffix):
        os.mkfifo(f"{self.path}.{suffix}")
        return os.open(f"{self.path}.{suffix}", os.O_RDWR | os.O_NONBLOCK)

    def forget_sleepers(self):
        """Before a daemon is started, whose threads count from 0 again."""
        for n in range(N_SLEEPERS):
            self.numbers[2 + n] = 0

    def now_ms(self):
        return self.start_unix_ms + self.elapsed_ns // NS_PER_MS

    def sleeps_ms(self):
        """Until when the threads sleep that sleep for a time; by now_ms(), rounded up."""
        return [self.start_unix_ms - (-ns // NS_PER_MS) for ns in self.numbers[2:] if 0 < ns < FOR_EVER_NS]

    def advance(self, to_unix_ms):
        self.elapsed_ns = max(self.elapsed_ns, (to_unix_ms - self.start_unix_ms) * NS_PER_MS)
        self.numbers[0] = self.elapsed_ns
        self.wake_due()

    def wake_due(self):
        """Again where nothing happens: a thread may have looked at the clock just before it moved."""
        for n, until_ns in enumerate(self.numbers[2:]):
            if 0 < until_ns <= self.elapsed_ns:
                os.write(self.wake_fds[n], b"x")

    def all_asleep(self):
        """Whether every thread that ever slept does, and has nothing to do at this time."""
        return all(ns == 0 or ns > self.elapsed_ns for ns in self.numbers[2:])

    def take_asleep(self):
        """How often a thread went to sleep since the last call."""
        try:
            return len(os.read(self.asleep_fd, 4096))
        except BlockingIOError:
            return 0
