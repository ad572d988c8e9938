# SPDX-License-Identifier: MIT
"""The simulated vendor's own rules, where they are not obvious."""

import json
import tempfile
import unittest

import usersig
from clock import FastClock
from delivery import Delivery
from directory import PUSH_ONLINE_MS, Directory
from event import Event, request, sign
from person import HOUR_MS, Person
from policy import OneInstance, SeveralInstances, kicks
from query import PATH, Query
from score import Score

KEY = "test-secret-key"
NOW_S = 1_700_000_000


def moments(seed, number, policy=OneInstance, old_sdk_share=0.0):
    return list(Person(seed, number, policy(), old_sdk_share).day(0, 24 * HOUR_MS))


class TestPeople(unittest.TestCase):
    def test_a_seed_gives_the_same_day_again(self):
        for number in range(20):
            self.assertEqual(moments(1, number), moments(1, number))
        self.assertNotEqual([moments(1, n) for n in range(5)], [moments(2, n) for n in range(5)])

    def test_no_two_moments_of_a_user_have_one_stamp(self):
        for number in range(50):
            times = [moment.time_ms for moment in moments(1, number)]
            self.assertEqual(len(times), len(set(times)))

    def test_a_flap_is_a_login_without_a_disconnect(self):
        logins_of_those_online = 0
        for number in range(50):
            online = set()
            for moment in moments(1, number):
                for platform, instance, state in moment.changes:
                    if state == "Online" and (platform, instance) in online:
                        logins_of_those_online += 1
                    (online.add if state == "Online" else online.discard)((platform, instance))
        self.assertGreater(logins_of_those_online, 0)

    def test_one_instance_a_platform_unless_the_policy_has_several(self):
        def most(policy):
            highest = 0
            for number in range(50):
                online = set()
                for moment in moments(1, number, policy):
                    for platform, instance, state in moment.changes:
                        (online.add if state == "Online" else online.discard)((platform, instance))
                    highest = max(highest, sum(platform == "Web" for platform, _ in online))
            return highest

        self.assertEqual(most(OneInstance), 1)
        self.assertGreater(most(SeveralInstances), 1)

    def test_old_sdks_alone_log_out_when_they_are_kicked(self):
        def farewells(share):
            return sum(len(moment.events) > 1 for number in range(50) for moment in moments(1, number, OneInstance, share))

        self.assertEqual(farewells(0.0), 0)
        self.assertGreater(farewells(1.0), 0)


class TestPolicy(unittest.TestCase):
    def test_the_oldest_gives_way(self):
        online = [("Web", n) for n in range(10)]
        self.assertEqual(kicks(SeveralInstances(), online[:9], "Web"), [])
        self.assertEqual(kicks(SeveralInstances(), online, "Web"), [("Web", 0)])
        self.assertEqual(kicks(OneInstance(), online[:1], "Web"), [("Web", 0)])

    def test_one_phone_at_a_time(self):
        self.assertEqual(kicks(SeveralInstances(), [("iOS", 0), ("Web", 0)], "Android"), [("iOS", 0)])


class TestDelivery(unittest.TestCase):
    def test_what_is_cut_off_never_arrives(self):
        delivery = Delivery(1, cut_off_ms=(1000, 2000))
        arrivals = [at for sent in range(0, 3000, 10) for at in delivery.arrivals(sent)]
        self.assertFalse([at for at in arrivals if 1000 <= at < 2000])

    def test_loss_changes_nothing_else(self):
        whole, lossy = Delivery(1), Delivery(1, lost_share=0.5)
        pairs = [(whole.arrivals(at), lossy.arrivals(at)) for at in range(1000)]
        self.assertTrue(all(b in (a, []) for a, b in pairs))
        self.assertTrue(300 < sum(not b for _, b in pairs) < 700)

    def test_some_overtake_and_some_repeat(self):
        delivery = Delivery(1, repeated_share=0.1, late_share=0.1)
        arrivals = [delivery.arrivals(at * 100) for at in range(1000)]
        firsts = [times[0] for times in arrivals]
        self.assertNotEqual(firsts, sorted(firsts))
        self.assertTrue(any(len(times) > 1 for times in arrivals))


class TestDirectory(unittest.TestCase):
    def test_one_of_several_instances_is_enough(self):
        directory = Directory()
        directory.change("alice", "Web", 0, "Online", 0)
        directory.change("alice", "Web", 1, "Online", 0)
        directory.change("alice", "Web", 0, "Offline", 1)
        self.assertEqual(directory.state("alice", 1), "Online")
        directory.change("alice", "Web", 1, "Offline", 2)
        self.assertEqual(directory.state("alice", 2), "Offline")

    def test_push_online_ends_after_seven_days(self):
        directory = Directory()
        directory.change("alice", "iOS", 0, "PushOnline", 0)
        self.assertEqual(directory.detail("alice", PUSH_ONLINE_MS - 1), [{"Platform": "iPhone", "Status": "PushOnline"}])
        self.assertEqual(directory.state("alice", PUSH_ONLINE_MS), "Offline")

    def test_a_platform_that_the_query_cannot_name_counts_but_is_not_told(self):
        directory = Directory()
        directory.change("alice", "Linux", 0, "Online", 0)
        self.assertEqual(directory.state("alice", 0), "Online")
        self.assertEqual(directory.detail("alice", 0), [])


class TestEvent(unittest.TestCase):
    def test_sign_is_that_of_the_vector(self):
        self.assertEqual(sign("xxxxyyyy", 1669872112), "17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061")

    def test_ios_is_spelt_as_each_place_spells_it(self):
        text = request(Event(5, "alice", "Login", "Register", "iOS", ("iOS",)), 1400000000, "token", NOW_S).decode()
        self.assertIn("&OptPlatform=IOS&", text)
        self.assertIn('"KickedDevice": [{"Platform": "iOS"}]', text)


class TestUserSig(unittest.TestCase):
    def check(self, made, key=KEY, identifier="administrator", app=1400000000, now_s=NOW_S):
        return usersig.check(made, key, identifier, app, now_s)

    def test_each_fault_has_its_code(self):
        made = usersig.make(KEY, "administrator", 1400000000, NOW_S, 86400)
        self.assertEqual(self.check(made), 0)
        self.assertEqual(self.check(made, now_s=NOW_S + 86400), 70001)
        self.assertEqual(self.check("nonsense"), 70003)
        self.assertEqual(self.check(made, key="another"), 70009)
        self.assertEqual(self.check(made, identifier="alice"), 70013)
        self.assertEqual(self.check(made, app=1400000001), 70014)


class TestQuery(unittest.TestCase):
    def setUp(self):
        self.directory = Directory()
        self.directory.change("alice", "iOS", 0, "Online", 0)
        self.query = Query(self.directory, 1400000000, KEY, "administrator", lambda: NOW_S * 1000, calls_per_second=20)

    def ask(self, body, identifier="administrator", app=1400000000):
        made = usersig.make(KEY, identifier, app, NOW_S, 86400)
        target = f"{PATH}?sdkappid={app}&identifier={identifier}&usersig={made}&random=1&contenttype=json"
        return self.query.answer("POST", target, json.dumps(body) if not isinstance(body, str) else body)[1]

    def test_answers_with_detail_when_asked(self):
        answer = self.ask({"IsNeedDetail": 1, "To_Account": ["alice", "nobody"]})
        self.assertEqual(answer["QueryResult"], [
            {"To_Account": "alice", "Status": "Online", "Detail": [{"Platform": "iPhone", "Status": "Online"}]}])
        self.assertEqual(answer["ErrorList"], [{"To_Account": "nobody", "ErrorCode": 70107}])
        self.assertNotIn("Detail", self.ask({"To_Account": ["alice"]})["QueryResult"][0])

    def test_each_fault_has_its_code(self):
        for body, code in (("{", 60003), ({}, 90003), ({"To_Account": "alice"}, 90028), ({"To_Account": []}, 90029),
                           ({"To_Account": ["a"] * 501}, 90011), ({"To_Account": [1]}, 60015)):
            self.assertEqual(self.ask(body)["ErrorCode"], code)
        self.assertEqual(self.ask({"To_Account": ["a"] * 500})["ErrorCode"], 0)
        self.assertEqual(self.ask({"To_Account": ["a"]}, identifier="alice")["ErrorCode"], 60010)
        self.assertEqual(self.ask({"To_Account": ["a"]}, app=1400000001)["ErrorCode"], 70020)

    def test_more_calls_a_second_than_were_bought_are_refused(self):
        codes = [self.ask({"To_Account": ["alice"]})["ErrorCode"] for _ in range(21)]
        self.assertEqual(codes, [0] * 20 + [60007])


class TestScore(unittest.TestCase):
    def test_what_is_on_its_way_is_told_apart(self):
        score = Score(4)
        score.under_way["bob"] += 1
        score.sample({"alice"}, {"bob"}, 0)
        self.assertEqual((score.wrong_percent(), score.under_way_percent()), (50, 25))
        score.sample({"alice"}, set(), 60_000)
        score.sample({"alice"}, {"alice"}, 90_000)
        self.assertEqual(score.longest_ms, 60_000)


class TestClock(unittest.TestCase):
    def test_a_thread_is_woken_when_its_time_has_come(self):
        with tempfile.TemporaryDirectory() as folder:
            clock = FastClock(f"{folder}/clock", NOW_S * 1000)
            self.assertTrue(clock.all_asleep())
            clock.numbers[2] = 1_500_000
            self.assertEqual(clock.sleeps_ms(), [NOW_S * 1000 + 2])
            clock.advance(NOW_S * 1000 + 1)
            self.assertTrue(clock.all_asleep())
            clock.advance(NOW_S * 1000 + 2)
            self.assertFalse(clock.all_asleep())


if __name__ == "__main__":
    unittest.main()
