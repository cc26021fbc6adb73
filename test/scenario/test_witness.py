"""Witnesses: asked through the courier, believed only if what they sign holds; bundles wait for as many as policy asks."""
import os
import subprocess
import time
import unittest

from house import House, PROGRAM, SLOW, environment, wait_until
from witness import Witness

TICKET = "/v1/subscribers/acme/objects/tickets/4711"


class Witnesses(unittest.TestCase):
    def setUp(self):
        self.house = House()
        self.addCleanup(self.house.__exit__)
        self.witness = Witness()
        self.addCleanup(self.witness.stop)

    def add(self, witness=None):
        witness = witness or self.witness
        done = self.house.sekisho("witness", "add", witness.url, witness.vkey, person="sec1")
        self.assertEqual(done.returncode, 0, done.stderr)

    def state(self, witness=None):
        name = (witness or self.witness).name
        return next(w for w in self.house.http("GET", "/v1/witnesses", "aud1").json["items"] if w["name"] == name)

    def touch(self):
        self.house.http("GET", TICKET, "sup1", purpose="C")

    def quorum(self, n):
        asked = self.house.http("POST", "/v1/witnesses/quorum", "sec1", body={"quorum": n})
        self.assertEqual(asked.status, 202)
        self.assertEqual(self.house.http("POST", f"/v1/requests/{asked.json['id']}/approve", "sec2", body={}).status, 200)

    def bundle(self):
        path = os.path.join(self.house.top, f"b{time.monotonic_ns()}")
        return self.house.sekisho("bundle", "create", "--subscriber", "acme", path, person="acme-user1"), path

    def verify(self, path, *words):
        key = self.house.sekisho("ledger", "key").stdout.strip()
        return subprocess.run([PROGRAM, "bundle", "verify", path, "--key", key, *words], env=environment(), capture_output=True, text=True)

    def test_a_cosignature_is_served_and_goes_into_the_bundle(self):
        self.add()
        self.touch()
        wait_until(lambda: self.state()["state"] == "cosigns", 10)
        self.quorum(1)
        done, path = self.bundle()
        self.assertEqual(done.returncode, 0, done.stderr)
        verified = self.verify(path, "--witness", self.witness.vkey, "--quorum", "1")
        self.assertEqual(verified.returncode, 0, verified.stdout)
        other = Witness("witness.example/w2")
        self.addCleanup(other.stop)
        self.assertEqual(self.verify(path, "--witness", other.vkey, "--quorum", "1").returncode, 7)
        wait_until(lambda: self.witness.name in self.house.http("GET", "/log/checkpoint").body.decode(), 10)

    def test_no_bundle_without_enough_of_them(self):
        self.quorum(1)
        done, _ = self.bundle()
        self.assertEqual(done.returncode, 8, done.stdout + done.stderr)
        self.add()
        self.touch()
        wait_until(lambda: self.state()["state"] == "cosigns", 10)
        self.assertEqual(self.bundle()[0].returncode, 0)

    def test_after_a_restart_and_a_conflict_it_goes_on_from_where_the_witness_stands(self):
        self.add()
        self.touch()
        wait_until(lambda: self.state()["state"] == "cosigns", 10)
        self.house.stop()
        import sqlite3
        db = sqlite3.connect(os.path.join(self.house.dir, "store/store.db"))
        db.execute("UPDATE witness SET size = 2")
        db.commit()
        db.close()
        self.house.start()
        self.touch()
        seen = self.witness.size
        wait_until(lambda: self.witness.size > seen, 10)

    def alarm(self, mode, rule, when=None):
        self.add()
        self.touch()
        wait_until(lambda: self.state()["state"] == "cosigns", 10)
        size = self.state()["size"]
        self.witness.mode, self.witness.time = mode, when
        self.touch()
        wait_until(lambda: rule in [a["rule"] for a in self.house.http("GET", "/v1/alerts", "sec1").json["items"]], 15)
        self.assertEqual(self.state()["size"], size)     # nothing of it was taken
        time.sleep(1.5)
        rules = [a["rule"] for a in self.house.http("GET", "/v1/alerts", "sec1").json["items"]]
        self.assertEqual(rules.count(rule), 1)

    def test_a_fork_is_an_alarm(self):
        self.alarm("fork", "witness.fork")

    def test_a_witness_that_has_seen_more_is_an_alarm(self):
        self.alarm("ahead", "witness.ahead")

    def test_a_forged_cosignature_is_refused(self):
        self.alarm("forged", "witness.forged")

    def test_a_replayed_cosignature_is_refused(self):
        self.alarm("good", "witness.replayed", when=1700000000)

    def test_a_witness_that_is_down_delays_nobody(self):
        self.witness.mode = "down"
        self.add()
        begun = time.monotonic()
        for _ in range(20):
            self.touch()
        self.assertLess(time.monotonic() - begun, 3 * SLOW)
        self.assertEqual(self.bundle()[0].returncode, 0)

    def test_what_weakens_needs_two(self):
        self.add()
        self.assertEqual(self.house.sekisho("witness", "rm", self.witness.name, person="sec1").returncode, 4)
        self.assertEqual(self.house.sekisho("witness", "add", "http://192.0.2.1", self.witness.vkey, person="sec1").returncode, 2)
        self.assertEqual(self.house.sekisho("witness", "add", self.witness.url, "x+y+z", person="sec1").returncode, 2)
        self.assertEqual(self.house.sekisho("witness", "ls", person="sup1").returncode, 3)


if __name__ == "__main__":
    unittest.main()
