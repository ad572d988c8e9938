# SPDX-License-Identifier: MIT
"""What the network makes of the vendor's events: late, out of order, twice, or not at all."""

import random
from dataclasses import dataclass


@dataclass
class Delivery:
    seed: object
    lost_share: float = 0.0
    repeated_share: float = 0.005
    late_share: float = 0.01  # by seconds, so that others overtake
    cut_off_ms: tuple = (0, 0)  # from … to: nothing arrives, and nothing is sent again

    def __post_init__(self):
        self.random = random.Random(f"{self.seed} delivery")

    def arrivals(self, sent_ms):
        """When an event arrives: never, once or more often."""
        draw = self.random.random
        # Drawn whatever becomes of it, so that loss changes nothing else.
        delay_ms = 20 + int(self.random.expovariate(1 / 60))
        late_ms = self.random.randint(500, 10_000) if draw() < self.late_share else 0
        again_ms = self.random.randint(1, 20_000) if draw() < self.repeated_share else None
        is_lost = draw() < self.lost_share
        times = [sent_ms + delay_ms + late_ms]
        if again_ms is not None:
            times.append(times[0] + again_ms)
        return [] if is_lost else [at for at in times if not self.cut_off_ms[0] <= at < self.cut_off_ms[1]]
