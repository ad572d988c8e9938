# SPDX-License-Identifier: MIT
"""A State.StateChange as it goes over the wire (protocol.md)."""

import hashlib
import json
from dataclasses import dataclass
from urllib.parse import quote

# The callback has IOS in capitals where KickedDevice has iOS.
OPT_PLATFORM = {"iOS": "IOS"}


@dataclass(frozen=True)
class Event:
    time_ms: int  # EventTime
    user: str
    action: str
    reason: str
    platform: str
    kicked: tuple = ()  # platforms


def sign(token, request_time_s):
    return hashlib.sha256(f"{token}{request_time_s}".encode()).hexdigest()


def request(event, app, token, now_s):
    """The bytes of the callback, sent at now_s by the vendor's clock."""
    info = {"To_Account": event.user, "Action": event.action, "Reason": event.reason}
    body = {"CallbackCommand": "State.StateChange", "EventTime": event.time_ms, "Info": info}
    if event.kicked:
        body["KickedDevice"] = [{"Platform": platform} for platform in event.kicked]
    text = json.dumps(body).encode()
    platform = quote(OPT_PLATFORM.get(event.platform, event.platform))
    target = (
        f"/?CallbackCommand=State.StateChange&ClientIP=192.0.2.4&OptPlatform={platform}"
        f"&RequestTime={now_s}&SdkAppid={app}&Sign={sign(token, now_s)}&contenttype=json"
    )
    head = f"POST {target} HTTP/1.1\r\nHost: callback\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    return head.encode() + text
