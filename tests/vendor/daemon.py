# SPDX-License-Identifier: MIT
"""The real daemon, by a clock that the simulation moves: to be sent events, and to be asked what it shows."""

import json
import os
import re
import signal
import socket
import subprocess
import time
from urllib.parse import quote

START_DEADLINE_S = 60


class Connection:
    """Kept over requests; opened again where the daemon has closed it in between."""

    def __init__(self, port):
        self.port = port
        self.socket = None

    def ask(self, request):
        """(status, body)."""
        for is_last in (False, True):
            try:
                return self._ask(request)
            except ConnectionError:
                self.close()
                if is_last:
                    raise
        return None

    def first_id(self):
        """Of a stream of events that begins."""
        self.socket = socket.create_connection(("127.0.0.1", self.port))
        self.socket.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = b""
        while (found := re.search(rb"\nid: ([0-9.]+)\n", received)) is None:
            received += self._receive()
        return found[1].decode()

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def _ask(self, request):
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(request)
        received = b""
        while (head_end := received.find(b"\r\n\r\n")) < 0:
            received += self._receive()
        length = re.search(rb"\r\nContent-Length: *(\d+)", received[:head_end], re.I)
        size = head_end + 4 + int(length[1])
        while len(received) < size:
            received += self._receive()
        return int(received[9:12]), received[head_end + 4 : size]

    def _receive(self):
        some = self.socket.recv(1 << 16)
        if not some:
            raise ConnectionResetError
        return some


class Daemon:
    def __init__(self, binary, preload, clock, folder, config):
        self.folder = folder
        path = os.path.join(folder, "presenced.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(config)
        os.chmod(path, 0o600)
        self.log_path = os.path.join(folder, "log")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [binary, "--config", path],
                stderr=log,
                env={**os.environ, "LD_PRELOAD": preload, "FAST_CLOCK": clock.path},
            )
        self._await_ready()
        self.callback = Connection(self._port("callback"))
        self.status = Connection(self._port("status"))

    def log(self):
        with open(self.log_path, encoding="utf-8") as file:
            return file.read()

    def _await_ready(self):
        give_up = time.monotonic() + START_DEADLINE_S
        while 'msg="ready"' not in self.log():
            if self.process.poll() is not None or time.monotonic() > give_up:
                self.process.kill()
                raise RuntimeError(f"the daemon does not start; its log:\n{self.log()}")
            time.sleep(0.01)

    def _port(self, listener):
        return int(re.search(rf"listener={listener} .*?127\.0\.0\.1:(\d+)", self.log())[1])

    def send(self, request):
        status, body = self.callback.ask(request)
        if status != 200 or b'"OK"' not in body:
            raise RuntimeError(f"an event was answered {status} {body!r}")

    def online(self, app, users):
        """Those of the users whom it shows online, asked as the vendor is."""
        online = set()
        for first in range(0, len(users), 500):
            text = json.dumps({"To_Account": users[first : first + 500]}).encode()
            head = f"POST /v4/openim/query_online_status?sdkappid={app} HTTP/1.1\r\nHost: localhost\r\n"
            _, body = self.status.ask(f"{head}Content-Length: {len(text)}\r\n\r\n".encode() + text)
            results = json.loads(body)["QueryResult"]
            online.update(one["To_Account"] for one in results if one["Status"] == "Online")
        return online

    def stats(self):
        _, body = self.status.ask(b"GET /v1/stats HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return json.loads(body)

    def users(self):
        """What GET /v1/users shows: of each user the object, as text without blanks."""
        users = {}
        cursor = ""
        while cursor is not None:
            target = f"/v1/users?limit=1000&cursor={quote(cursor)}" if cursor else "/v1/users?limit=1000"
            _, body = self.status.ask(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            answer = json.loads(body)
            users.update((user["user"], json.dumps(user, separators=(",", ":"))) for user in answer["users"])
            cursor = answer["next_cursor"]
        return users

    def kill(self):
        self.callback.close()
        self.status.close()
        self.process.kill()
        self.process.wait(START_DEADLINE_S)

    def stop(self):
        self.callback.close()
        self.status.close()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(START_DEADLINE_S)
        if status != 0:
            raise RuntimeError(f"the daemon ended with {status}; its log:\n{self.log()}")
