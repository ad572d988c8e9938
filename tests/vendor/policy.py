# SPDX-License-Identifier: MIT
"""Which logins the vendor lets stand beside each other, as an operator chooses in the console."""

# Of a phone's platforms one is online at a time, whatever the policy.
PHONES = ("iOS", "Android")


class OneInstance:
    """A login ends the one before it on the same platform."""

    def limit(self, platform):
        return 1


class SeveralInstances:
    """The editions that let ten pages and three devices of a kind be online together."""

    def limit(self, platform):
        return 10 if platform == "Web" else 3


def kicks(policy, online, platform):
    """The instances, as (platform, instance), that a login on `platform` ends; `online` has those that are online, the
    longest first."""
    same = [at for at in online if at[0] == platform]
    kicked = same[: max(0, len(same) + 1 - policy.limit(platform))]
    if platform in PHONES:
        kicked += [at for at in online if at[0] in PHONES and at[0] != platform]
    return kicked
