# SPDX-License-Identifier: MIT
"""Whether a UserSig (TLSSigAPIv2) is one, and the codes with which the vendor refuses it."""

import base64
import hashlib
import hmac
import json
import zlib


def _hmac(key, identifier, app, time_s, expire_s):
    text = f"TLS.identifier:{identifier}\nTLS.sdkappid:{app}\nTLS.time:{time_s}\nTLS.expire:{expire_s}\n"
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()


def make(key, identifier, app, time_s, expire_s):
    fields = {"TLS.ver": "2.0", "TLS.identifier": identifier, "TLS.sdkappid": app, "TLS.expire": expire_s,
              "TLS.time": time_s, "TLS.sig": _hmac(key, identifier, app, time_s, expire_s)}
    packed = base64.b64encode(zlib.compress(json.dumps(fields).encode())).decode()
    return packed.replace("+", "*").replace("/", "-").replace("=", "_")


def check(usersig, key, identifier, app, now_s):
    """0, or the code of what is wrong with it."""
    try:
        packed = usersig.replace("*", "+").replace("-", "/").replace("_", "=")
        fields = json.loads(zlib.decompress(base64.b64decode(packed, validate=True)))
        time_s, expire_s, sig = int(fields["TLS.time"]), int(fields["TLS.expire"]), fields["TLS.sig"]
        named, named_app = fields["TLS.identifier"], int(fields["TLS.sdkappid"])
    except (ValueError, KeyError, TypeError, zlib.error):
        return 70003
    if named != identifier:
        return 70013
    if named_app != app:
        return 70014
    if not hmac.compare_digest(sig, _hmac(key, named, named_app, time_s, expire_s)):
        return 70009
    return 0 if now_s < time_s + expire_s else 70001
