# SPDX-License-Identifier: MIT
"""What share of the users' time a daemon shows wrongly, by what befalls the callbacks: the table, or with --small an hour in
which all is delivered, which has to be right."""

import argparse
import sys
import time

from day import Day, Plan
from person import HOUR_MS
from scenario import SCENARIOS


def _parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("preload")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--users", type=int, default=2000)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--only", help="the name of a column")
    parser.add_argument("--skew-ms", type=int, default=0)
    parser.add_argument("--without-asking", action="store_true", help="by callbacks alone")
    parser.add_argument("--config", help="a file whose text is appended to the daemon's configuration")
    parser.add_argument("--small", action="store_true")
    return parser.parse_args()


def _run(arguments, scenario, config):
    plan = Plan(scenario, arguments.binary, arguments.preload, arguments.seed, arguments.users,
                arguments.hours * HOUR_MS, skew_ms=arguments.skew_ms, asks=not arguments.without_asking, config=config)
    day = Day(plan)
    return day, day.run()


def _table(arguments, config):
    print(f"seed {arguments.seed}, {arguments.users} users, {arguments.hours} hours; percent of user-time shown wrongly")
    print(f"{'':20}{'wrong':>9}{'on its way':>12}{'longest':>10}{'events':>9}{'calls':>8}{'took':>7}")
    for scenario in SCENARIOS:
        if arguments.only not in (None, scenario.name):
            continue
        begin = time.monotonic()
        day, score = _run(arguments, scenario, config)
        print(f"{scenario.name:20}{score.wrong_percent():9.4f}{score.under_way_percent():12.4f}"
              f"{score.longest_ms / 60000:6.1f} min{day.n_delivered:9}{day.query.n_calls:8}"
              f"{time.monotonic() - begin:5.0f} s", flush=True)


def _small(arguments, config):
    """Nothing is lost, so nothing may be wrong but what is on its way, however far the vendor's clocks are apart."""
    n_wrong = 0
    for skew_ms in (0, 2000, -2000):
        plan = Plan(SCENARIOS[0], arguments.binary, arguments.preload, arguments.seed, n_users=100, length_ms=HOUR_MS,
                    begin_hour=12, skew_ms=skew_ms, asks=not arguments.without_asking, config=config)
        day = Day(plan)
        score = day.run()
        n_wrong += score.n_wrong - score.n_wrong_under_way
        print(f"skew {skew_ms} ms: {day.n_delivered} events, {day.query.n_calls} calls, {score.n_samples} looks: "
              f"{n_wrong} wrong, {score.n_wrong_under_way} on its way")
        if day.n_delivered == 0 or score.n_samples == 0 or (day.query.n_calls == 0) == plan.asks:
            return 1
    return 1 if n_wrong > 0 else 0


def main():
    arguments = _parse()
    config = ""
    if arguments.config is not None:
        with open(arguments.config, encoding="utf-8") as file:
            config = file.read()
    if arguments.small:
        return _small(arguments, config)
    _table(arguments, config)
    return 0


if __name__ == "__main__":
    sys.exit(main())
