# SPDX-License-Identifier: MIT
"""v4/openim/query_online_status: its bounds, its errors, its answers."""

import json
from urllib.parse import parse_qs, urlsplit

import usersig

PATH = "/v4/openim/query_online_status"
N_IDS_MAX = 500


class Refused(Exception):
    def __init__(self, code, info):
        super().__init__(info)
        self.code = code
        self.info = info


def _failure(code, info):
    return {"ActionStatus": "FAIL", "ErrorInfo": info, "ErrorCode": code}


class Query:
    def __init__(self, directory, app, key, admin, now_ms, calls_per_second=200):
        self.directory = directory
        self.app = app
        self.key = key
        self.admin = admin
        self.now_ms = now_ms  # a function: the vendor's clock
        self.calls_per_second = calls_per_second
        self.second = None
        self.n_calls_of_second = 0
        self.n_calls = 0
        self.n_ids = 0
        self.asked = set()  # users, since somebody cleared it
        self.refuse_with = 0  # a code with which everything is refused
        self.expires = 0  # so many calls are refused for their UserSig, after one that is not
        self.was_taken = False

    def answer(self, method, target, body):
        """(status, object) of a request."""
        parts = urlsplit(target)
        if parts.path != PATH or method != "POST":
            return 404, _failure(60002, "no such service")
        self.n_calls += 1
        try:
            self._check_caller(parse_qs(parts.query))
            wants_detail, users = self._read(body)
        except Refused as refused:
            return 200, _failure(refused.code, refused.info)
        return 200, self._tell(users, wants_detail)

    def _check_caller(self, parameters):
        def one(name):
            return parameters.get(name, [""])[0]

        if not one("sdkappid"):
            raise Refused(60012, "no sdkappid")
        if one("contenttype") != "json" or not one("random").isdigit() or int(one("random")) >= 2**32:
            raise Refused(60025, "a parameter of the URL is wrong")
        if one("sdkappid") != str(self.app):
            raise Refused(70020, "no such app")
        code = usersig.check(one("usersig"), self.key, one("identifier"), self.app, self.now_ms() // 1000)
        if code != 0:
            raise Refused(code, "the UserSig is not valid")
        if one("identifier") != self.admin:
            raise Refused(60010, "not an administrator")
        if self.refuse_with != 0:
            raise Refused(self.refuse_with, "as asked for")
        self._count_call()
        self._expire()

    def _expire(self):
        was_taken, self.was_taken = self.was_taken, True
        if was_taken and self.expires > 0:
            self.expires -= 1
            raise Refused(70001, "the UserSig has expired")

    def _count_call(self):
        second = self.now_ms() // 1000
        if second != self.second:
            self.second, self.n_calls_of_second = second, 0
        self.n_calls_of_second += 1
        if self.n_calls_of_second > self.calls_per_second:
            raise Refused(60007, "too many calls")

    def _read(self, body):
        try:
            tree = json.loads(body)
        except ValueError:
            raise Refused(60003, "the body is not JSON") from None
        users = tree.get("To_Account") if isinstance(tree, dict) else None
        if users is None:
            raise Refused(90003, "no To_Account")
        if not isinstance(users, list):
            raise Refused(90028, "To_Account is not an array")
        if not users:
            raise Refused(90029, "To_Account is empty")
        if len(users) > N_IDS_MAX:
            raise Refused(90011, "more than 500 ids")
        if not all(isinstance(user, str) for user in users):
            raise Refused(60015, "an id is not a string")
        return tree.get("IsNeedDetail") == 1, users

    def _tell(self, users, wants_detail):
        now_ms = self.now_ms()
        results, errors = [], []
        self.n_ids += len(users)
        self.asked.update(users)
        for user in users:
            state = self.directory.state(user, now_ms)
            if state is None:
                errors.append({"To_Account": user, "ErrorCode": 70107})
                continue
            results.append({"To_Account": user, "Status": state})
            detail = self.directory.detail(user, now_ms) if wants_detail else []
            if detail:
                results[-1]["Detail"] = detail
        answer = {"ActionStatus": "OK", "ErrorInfo": "", "ErrorCode": 0, "QueryResult": results}
        if errors:
            answer["ErrorList"] = errors
        return answer
