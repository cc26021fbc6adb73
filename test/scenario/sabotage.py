"""sabotage - what the tests of the board share: a test marked @breaks("E1.1.risks") breaks that duty for real and sees its light.

`make measures` reads these marks. A sabotage breaks the thing itself, never the row that the check reads."""
import json
import os
import ssl
import struct
import subprocess
import time

from house import House, ROOT, totp, wait_until

DAY = 86400


def breaks(*checks):
    """Marks a test as the sabotage of these checks."""
    def mark(test):
        test.breaks = checks
        return test
    return mark


def lights(house, who="aud1"):
    return {c["id"]: c["state"] for g in house.http("GET", "/v1/measures", who).json["items"] for c in g["checks"]}


def values(house, who="aud1"):
    return {c["id"]: c["value"] for g in house.http("GET", "/v1/measures", who).json["items"] for c in g["checks"]}


def turned(before, after):
    """What changed; but not that the sample's own measurements have grown old meanwhile."""
    return {c: s for c, s in after.items() if s != before.get(c) and (c[:4], s) != ("E6.1", "unknown")}


def two(house, method, path, body, first="sec1", second="sec2"):
    """What needs a second person: asked by one, approved by the other."""
    asked = house.http(method, path, first, body)
    assert asked.status == 202, asked.body
    return house.http("POST", f"/v1/requests/{asked.json['id']}/approve", second, {})


class Later(House):
    """A house whose clock can be moved between starts; certificates are not judged by our own clock then."""

    def __init__(self):
        super().__init__(start=False)
        self.ahead = 0
        shim = os.path.join(self.top, "clock.so")
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", shim, os.path.join(ROOT, "test/scenario/clock.c")], check=True)
        asan = ""
        if os.environ.get("SEKISHO_SANITIZED"):
            asan = subprocess.run(["cc", "-print-file-name=libasan.so"], capture_output=True, text=True).stdout.strip() + " "
        self.preload, self.more = asan + shim, {"CLOCK_FILE": os.path.join(self.dir, "clock")}
        self.move(0)
        self.start()

    def move(self, seconds):
        self.ahead = seconds
        with open(os.path.join(self.dir, "clock"), "wb") as f:
            f.write(struct.pack("<q", seconds))

    def restart_at(self, seconds):
        self.stop()
        self.move(seconds)
        self.tokens, self.steps = {}, {}
        self.start()

    def tls(self, certificate=None):
        context = super().tls(certificate)
        if self.ahead:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def login(self, person, password=None, code=None, connection=None):
        if not self.ahead:
            return super().login(person, password, code, connection)
        step = max((int(time.time()) + self.ahead) // 30, self.steps.get(person, 0) + 1)
        self.steps[person] = step
        return super().login(person, password, totp(self.people[person]["totp_secret"], step), connection)
