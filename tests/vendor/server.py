# SPDX-License-Identifier: MIT
"""The vendor's HTTP server: one thread, kept connections, and every way in which it can fail to answer."""

import json
import selectors
import socket
from email.utils import formatdate


class Server:
    """`answer(method, target, body)` gives (status, object); `now_ms` is the clock of Date."""

    def __init__(self, answer, now_ms, port=0):
        self.answer = answer
        self.now_ms = now_ms
        # What becomes of a request: answer | hang | close | half | garbage | empty | error.
        self.mode_of = lambda target: "answer"
        self.listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ, None)
        self.n_accepted = 0

    def fileno(self):
        """Readable when step() has something to do."""
        return self.selector.fileno()

    def step(self, timeout_s=0):
        """Takes what has arrived. Returns how many answers it made."""
        n_answers = 0
        for key, _ in self.selector.select(timeout_s):
            if key.fileobj is self.listener:
                self._accept()
            else:
                n_answers += self._read(key.fileobj, key.data)
        return n_answers

    def close(self):
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()

    def _accept(self):
        connection, _ = self.listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.n_accepted += 1
        self.selector.register(connection, selectors.EVENT_READ, bytearray())

    def _drop(self, connection):
        self.selector.unregister(connection)
        connection.close()

    def _read(self, connection, received):
        try:
            some = connection.recv(1 << 18)
        except ConnectionError:
            some = b""
        if not some:
            self._drop(connection)
            return 1  # the other side may have waited for it
        received += some
        n_answers = 0
        while (request := self._take(received)) is not None:
            n_answers += 1
            if not self._reply(connection, *request):
                break
        return n_answers

    @staticmethod
    def _take(received):
        """The first whole request, taken off; None where there is none yet."""
        head_end = received.find(b"\r\n\r\n")
        if head_end < 0:
            return None
        lines = received[:head_end].decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        size = head_end + 4 + int(headers.get("content-length", "0"))
        if len(received) < size:
            return None
        body = bytes(received[head_end + 4 : size])
        del received[:size]
        return method, target, body

    def _reply(self, connection, method, target, body):
        """Whether the connection goes on."""
        mode = self.mode_of(target)
        if mode == "hang":
            return True
        if mode == "close":
            self._drop(connection)
            return False
        status, tree = self.answer(method, target, body)
        text = json.dumps(tree, ensure_ascii=False).encode()
        if mode == "error":
            status = 502
        if mode == "garbage":
            text = bytes(range(256)) + text
        if mode == "empty":
            text = b""
        head = (
            f"HTTP/1.1 {status} X\r\nDate: {formatdate(self.now_ms() / 1000, usegmt=True)}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
        ).encode()
        if mode == "half":
            connection.sendall(head + text[: len(text) // 2])
            self._drop(connection)
            return False
        connection.setblocking(True)
        connection.sendall(head + text)
        return True
