"""A disk that is full: nothing is revealed that cannot be recorded, operators can still act, and it opens again by itself."""
import hashlib
import os
import subprocess
import tempfile
import time
import unittest

from sabotage import breaks
from house import House, PROGRAM, SLOW, wait_until

TICKET = "/v1/subscribers/acme/objects/tickets/4711"


def small_disk():
    """A folder on a file system of its own, or None where this machine does not let us have one."""
    folder = tempfile.mkdtemp(prefix="sekisho-full-")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], capture_output=True)
    if done.returncode:
        os.rmdir(folder)
        return None
    return folder


class Full(unittest.TestCase):
    def setUp(self):
        self.folder = small_disk()
        if not self.folder:
            self.skipTest("needs the right to mount a tmpfs")
        self.addCleanup(self.unmount)
        self.house = House(start=False)
        self.addCleanup(self.house.__exit__)
        moved = os.path.join(self.folder, "D")
        subprocess.run(["cp", "-a", self.house.dir, moved], check=True)
        self.house.dir = moved
        self.house.start()

    def unmount(self):
        subprocess.run(["umount", "-l", self.folder])
        os.rmdir(self.folder)

    def fill(self):
        with open(os.path.join(self.folder, "ballast"), "wb") as f:
            try:
                while True:
                    f.write(bytes(65536))
                    f.flush()
            except OSError:
                pass

    def until_closed(self):
        for n in range(3000):
            answer = self.house.http("PUT", f"/v1/subscribers/acme/objects/tickets/f{n}", "sup1", body=os.urandom(30000), purpose="C",
                                     Content_Type="application/octet-stream", connection=self.connection)
            if answer.status == 503:
                return
        self.fail("the disk did not fill")

    @breaks("P3.1.recorded-first")
    def test_operators_act_while_all_else_is_closed_and_it_opens_again(self):
        h = self.house
        for who in ("sup1", "sup2", "sec1", "adm1", "aud1"):
            h.token(who)
        self.connection = h.connect()
        self.fill()
        self.until_closed()
        self.assertEqual(h.http("GET", TICKET, "sup1", purpose="C").status, 503)
        self.assertEqual(h.http("GET", "/readyz").status, 503)
        self.assertEqual(h.http("POST", "/v1/people/sup2/leave", "adm1", body={}).status, 200)     # suspicion does not wait
        self.assertEqual(h.http("GET", "/v1/whoami", "sup2").status, 401)
        a = h.http("GET", "/v1/ledger?limit=5", "aud1")
        self.assertEqual(a.status, 200, (a.body, h.logged()))
        self.assertEqual(h.login("eng1").status, 200)
        checks = {c["id"]: c["state"] for g in h.http("GET", "/v1/measures", "aud1").json["items"] for c in g["checks"]}
        self.assertEqual(checks["P3.1.recorded-first"], "broken")
        operations = [e["operation"] for e in h.http("GET", "/v1/ledger?limit=20", "aud1").json["items"]]
        self.assertIn("people.leave", operations)
        os.unlink(os.path.join(self.folder, "ballast"))

        def open_again():
            return h.http("GET", TICKET, "sup1", purpose="C").status == 200
        wait_until(open_again, 20)
        wait_until(lambda: h.http("GET", "/readyz").status == 200, 20)
        checks = {c["id"]: c["state"] for g in h.http("GET", "/v1/measures", "aud1").json["items"] for c in g["checks"]}
        self.assertEqual(checks["P3.1.recorded-first"], "kept")
        self.assertGreater(os.path.getsize(os.path.join(h.dir, "store/reserve")), 1 << 20)
        self.assertEqual(h.sekisho("ledger", "verify", person="aud1").returncode, 0)


class Start(unittest.TestCase):
    def test_a_start_says_what_runs_and_how(self):
        with House() as h:
            entry = h.entries()[0]
            entry = next(e for e in h.entries() if e["operation"] == "system.start")
            self.assertEqual(entry["outcome"]["program"], hashlib.sha256(open(PROGRAM, "rb").read()).hexdigest())
            self.assertEqual(entry["outcome"]["https"], "127.0.0.1:0")


if __name__ == "__main__":
    unittest.main()
