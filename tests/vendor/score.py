# SPDX-License-Identifier: MIT
"""How much of the users' time was shown wrongly: online who was not, or not online who was."""

from collections import Counter


class Score:
    def __init__(self, n_users):
        self.n_users = n_users
        self.under_way = Counter()  # events that were sent and will arrive, by user
        self.n_samples = 0
        self.n_wrong = 0
        self.n_wrong_under_way = 0
        self.wrong_since_ms = {}  # users who are shown wrongly though nothing is under way
        self.longest_ms = 0

    def sample(self, truth, shown, now_ms):
        """`truth` and `shown` are the users online."""
        wrong = truth ^ shown
        under_way = {user for user in wrong if self.under_way[user] > 0}
        self.n_samples += 1
        self.n_wrong += len(wrong)
        self.n_wrong_under_way += len(under_way)
        self.wrong_since_ms = {user: self.wrong_since_ms.get(user, now_ms) for user in wrong - under_way}
        waits = [now_ms - since_ms for since_ms in self.wrong_since_ms.values()]
        self.longest_ms = max([self.longest_ms, *waits])

    def _percent(self, n):
        return 100 * n / max(1, self.n_samples * self.n_users)

    def wrong_percent(self):
        return self._percent(self.n_wrong)

    def under_way_percent(self):
        return self._percent(self.n_wrong_under_way)
