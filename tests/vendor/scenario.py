# SPDX-License-Identifier: MIT
"""The columns of the table: what is different from a day on which all goes well."""

from dataclasses import dataclass

from policy import OneInstance, SeveralInstances


@dataclass(frozen=True)
class Scenario:
    name: str
    lost_share: float = 0.0
    has_outage: bool = False
    policy: type = OneInstance
    old_sdk_share: float = 0.0


SCENARIOS = (
    Scenario("all delivered"),
    Scenario("1 % lost", lost_share=0.01),
    Scenario("10 min outage", has_outage=True),
    Scenario("several instances", policy=SeveralInstances),
    Scenario("old SDKs", old_sdk_share=0.3),
    Scenario("all of it", lost_share=0.01, has_outage=True, policy=SeveralInstances, old_sdk_share=0.3),
)
