"""Time: steps of the wall clock, expiry, and what entries say of it."""
import datetime
import os
import struct
import subprocess
import time
import unittest

from house import House, ROOT, wait_until


class Clock(unittest.TestCase):
    def setUp(self):
        self.house = House(start=False)
        self.addCleanup(self.house.__exit__)
        shim, self.file = os.path.join(self.house.top, "clock.so"), os.path.join(self.house.dir, "clock")
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", shim, os.path.join(ROOT, "test/scenario/clock.c")], check=True)
        asan = ""
        if os.environ.get("SEKISHO_SANITIZED"):
            asan = subprocess.run(["cc", "-print-file-name=libasan.so"], capture_output=True, text=True).stdout.strip() + " "
        self.set(0)
        self.house.preload, self.house.more = asan + shim, {"CLOCK_FILE": self.file}
        self.house.start()
        self.house.token("aud1")
        self.house.token("sec1")

    def set(self, seconds):
        with open(self.file, "r+b" if os.path.exists(self.file) else "wb") as f:
            f.write(struct.pack("<q", seconds))

    def ahead(self):
        """Seconds by which the newest entry's time is ahead of the true one."""
        entry = self.house.entries()[0]
        at = datetime.datetime.fromisoformat(entry["time"].replace("Z", "+00:00")).timestamp()
        return at - time.time(), entry

    def test_a_long_step_forward_waits_for_its_alert_to_be_acknowledged(self):
        self.set(600)
        alerts = lambda: [a for a in self.house.http("GET", "/v1/alerts", "sec1").json["items"] if a["rule"] == "clock.step"]
        wait_until(alerts, 5, "the alert")
        self.assertLess(self.ahead()[0], 60)
        alert = alerts()[0]
        self.assertEqual(alert["state"], "open")
        step = self.house.http("GET", f"/v1/ledger/{alert['evidence'][0]}", "aud1").json
        self.assertEqual((step["operation"], step["kind"]), ("clock.step", "system"))
        done = self.house.sekisho("alert", "acknowledge", alert["id"], person="sec1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.house.http("GET", "/v1/whoami", "aud1")
        self.assertGreater(self.ahead()[0], 500)
        self.assertEqual(len(alerts()), 1)

    def test_a_short_step_forward_is_believed(self):
        self.set(200)
        self.house.http("GET", "/v1/whoami", "aud1")
        self.assertGreater(self.ahead()[0], 150)

    def test_time_never_falls_and_entries_bear_the_wall_clock_behind(self):
        before = self.ahead()[1]["time"]
        self.set(-3600)
        self.house.http("GET", "/v1/whoami", "aud1")
        ahead, entry = self.ahead()
        self.assertGreater(ahead, -30)
        self.assertGreaterEqual(entry["time"], before)
        self.assertAlmostEqual(entry["outcome"]["wall"] / 1e6, time.time() - 3600, delta=60)

    def test_a_token_expires(self):
        self.house.token("sup1")
        self.set(200)
        for more in range(400, 4000, 200):      # short steps are believed one after the other
            self.house.http("GET", "/livez")
            self.house.http("GET", "/v1/whoami", "sup1")
            self.set(more)
        answer = self.house.http("GET", "/v1/whoami", "sup1")
        self.assertEqual((answer.status, answer.json["code"]), (401, "E_EXPIRED_CREDENTIAL"))
        done = self.house.sekisho("get", "acme", "tickets/4711", "--purpose", "C", person="sup1")
        self.assertEqual(done.returncode, 6)
        self.assertIn("sekisho login", done.stderr)

    def test_training_overdue_closes_access(self):
        self.house.stop()
        self.set(400 * 86400)           # the start believes the wall clock
        self.house.start()
        self.house.tokens.clear()
        import house as module
        step = (int(time.time()) + 400 * 86400) // 30
        who = self.house.people["sup1"]
        token = self.house.login("sup1", code=module.totp(who["totp_secret"], step)).json["token"]
        answer = self.house.http("GET", "/v1/subscribers/acme/objects/tickets/4711", token=token, purpose="C")
        self.assertEqual((answer.status, answer.json["code"]), (403, "E_DENIED"))
        self.assertIn("training", answer.json["detail"])


if __name__ == "__main__":
    unittest.main()
