# SPDX-License-Identifier: MIT
"""The vendor's own view of who is online: the truth."""

# What query_online_status calls the platforms; it names no others.
QUERY_NAMES = {"iOS": "iPhone", "Android": "Android", "Web": "Web", "Windows": "PC", "iPad": "iPad", "Mac": "Mac"}
PUSH_ONLINE_MS = 7 * 24 * 3600 * 1000


class Directory:
    def __init__(self):
        self.users = {}  # id → {platform: {instance: (state, since)}}

    def register(self, user):
        self.users.setdefault(user, {})

    def change(self, user, platform, instance, state, now_ms):
        self.users.setdefault(user, {}).setdefault(platform, {})[instance] = (state, now_ms)

    def remove(self, user):
        self.users.pop(user, None)

    def platform_state(self, user, platform, now_ms):
        states = set()
        for state, since_ms in self.users[user].get(platform, {}).values():
            has_ended = state == "PushOnline" and now_ms >= since_ms + PUSH_ONLINE_MS
            states.add("Offline" if has_ended else state)
        return next((state for state in ("Online", "PushOnline") if state in states), "Offline")

    def state(self, user, now_ms):
        """Of all platforms together; None of a user whom the vendor does not know."""
        if user not in self.users:
            return None
        states = {self.platform_state(user, platform, now_ms) for platform in self.users[user]}
        return next((state for state in ("Online", "PushOnline") if state in states), "Offline")

    def detail(self, user, now_ms):
        """As the query's Detail has it: platforms that are offline are left out."""
        states = [(name, self.platform_state(user, platform, now_ms)) for platform, name in QUERY_NAMES.items()]
        return [{"Platform": name, "Status": state} for name, state in states if state != "Offline"]

    def is_online(self, user):
        return any(state == "Online" for instances in self.users.get(user, {}).values()
                   for state, _ in instances.values())
