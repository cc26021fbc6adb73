"""Record before reveal, with shared/tools/probe/faults.c between the program and the disk."""
import json
import os
import signal
import struct
import subprocess
import tempfile
import threading
import time
import unittest

from house import House, SHARED, SLOW, sample, wait_until

FAULTS = os.path.join(SHARED, "tools/probe/faults.c")
PATH = "/v1/subscribers/acme/objects/tickets/4711"


def build_shim(folder):
    shim = os.path.join(folder, "faults.so")
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", shim, FAULTS, "-ldl"], check=True)
    if os.environ.get("SEKISHO_SANITIZED"):
        asan = subprocess.run(["cc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True).stdout.strip()
        return f"{asan} {shim}"
    return shim


@unittest.skipUnless(os.path.exists(FAULTS), f"needs {FAULTS}")
class Durable(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.house = House(start=False)
        self.addCleanup(self.house.__exit__)
        self.control = os.path.join(self.house.dir, "faults")
        self.counts = os.path.join(self.house.dir, "counts")
        self.house.preload = build_shim(self.folder.name)
        self.house.more = {"FAULTS_FILE": self.control, "FAULTS_COUNTS": self.counts}

    def trouble(self, text):
        with open(self.control + ".new", "w") as f:
            f.write(text + "\n")
        os.rename(self.control + ".new", self.control)
        time.sleep(0.12)        # the shim looks again every 50 ms

    def syncs(self):
        with open(self.counts, "rb") as f:
            return struct.unpack("<5Q", f.read(40))[0]

    def timed(self, *words, **more):
        begun = time.monotonic()
        answer = self.house.http(*words, **more)
        return answer, time.monotonic() - begun

    def test_an_answer_waits_for_the_sync_of_its_record(self):
        self.house.start()
        self.house.token("sup1")
        _, quick = self.timed("GET", PATH, "sup1", purpose="C")
        self.trouble("fsync delay 700 path=" + os.path.join(self.house.dir, "store"))
        answer, slow = self.timed("GET", PATH, "sup1", purpose="C")
        self.assertEqual(answer.status, 200)
        self.assertGreater(slow, 0.7)
        self.assertLess(quick, 0.5 * SLOW)
        denied, slow = self.timed("GET", PATH, "sup2", purpose="C", token=self.house.tokens["sup1"] + "")
        self.assertGreater(slow, 0.7)

    def test_every_answer_is_covered_by_a_sync_that_came_before_it(self):
        self.house.start()
        self.house.token("sup1")
        c = self.house.connect()
        for _ in range(20):
            before = self.syncs()
            self.assertEqual(self.house.http("GET", PATH, "sup1", purpose="C", connection=c).status, 200)
            self.assertGreater(self.syncs(), before)

    def test_a_failed_sync_ends_the_process_and_reveals_nothing(self):
        self.house.start()
        self.house.token("sup1")
        self.trouble("fsync fail EIO path=" + os.path.join(self.house.dir, "store"))
        answer = self.house.http("GET", PATH, "sup1", purpose="C")
        self.assertEqual((answer.status, answer.json["code"]), (503, "E_OUTCOME_UNKNOWN"))
        self.assertRegex(answer.json["passage"], "^[0-9a-f]{32}$")
        self.assertNotIn(b"subject", answer.body)
        wait_until(lambda: self.house.server.poll() is not None, 5, "the exit")
        self.assertEqual(self.house.server.returncode, 8)
        os.unlink(self.control)
        self.house.start()
        self.assertEqual(self.house.http("GET", PATH, "sup1", purpose="C").status, 200)
        self.assertIn("nothing was altered", self.house.sekisho("ledger", "verify", person="aud1").stdout)

    def test_a_full_disk_closes_the_gate_until_there_is_room(self):
        self.house.start()
        self.house.token("sup1")
        self.trouble("write fail ENOSPC path=" + os.path.join(self.house.dir, "store"))
        answer = self.house.http("GET", PATH, "sup1", purpose="C")
        self.assertEqual((answer.status, answer.json["code"]), (503, "E_CLOSED"))
        self.assertEqual(self.house.http("GET", "/readyz").status, 503)
        self.assertEqual(self.house.sekisho("get", "acme", "tickets/4711", "--purpose", "C", person="sup1").returncode, 8)
        self.trouble("")
        wait_until(lambda: self.house.http("GET", PATH, "sup1", purpose="C").status == 200, 5)
        self.assertEqual(self.house.http("GET", "/readyz").status, 200)

    def test_revocation_wins_over_a_passage_in_flight(self):
        self.house.start()
        token, security = self.house.token("sup1"), self.house.token("sec1")
        credential = self.house.http("GET", "/v1/whoami", "sup1").json["credential"]
        self.house.token("adm1")
        self.trouble("fsync delay 400 path=" + os.path.join(self.house.dir, "store"))
        got = []
        blocker = threading.Thread(target=lambda: self.house.http("GET", "/v1/whoami", token=security))
        reader = threading.Thread(target=lambda: got.append(self.house.http("GET", PATH, token=token, purpose="C")))
        revoker = threading.Thread(target=lambda: self.house.http("POST", f"/v1/credentials/{credential}/revoke", "sec1"))
        blocker.start()
        time.sleep(0.1)
        revoker.start()         # both wait for the same group; the reader was decided before the revocation
        time.sleep(0.05)
        reader.start()
        for thread in (blocker, reader, revoker):
            thread.join(20)
        self.assertTrue(not got or got[0].status == 401, got and got[0].body)


class Crash(unittest.TestCase):
    def test_what_was_answered_survives_kill_9(self):
        with House() as house:
            done = []
            def write():
                c = house.connect()
                try:
                    for i in range(10000):
                        a = house.http("PUT", f"/v1/subscribers/acme/objects/tickets/k{i}", "sup1", b"x", "C", connection=c)
                        if a.status == 201:
                            done.append(i)
                except OSError:
                    pass
                except Exception as e:
                    if "RemoteDisconnected" not in repr(e) and "IncompleteRead" not in repr(e):
                        raise
            house.token("sup1")
            thread = threading.Thread(target=write)
            thread.start()
            wait_until(lambda: len(done) > 50, 10, "fifty writes")
            house.stop(signal.SIGKILL)
            thread.join(10)
            house.start()
            self.assertEqual(house.http("GET", f"/v1/subscribers/acme/objects/tickets/k{done[-1]}", "sup1", purpose="C").body, b"x")
            puts = [e for e in house.entries() if e["operation"] == "object.put"]
            self.assertGreaterEqual(len(puts), min(len(done), 900))
            self.assertIn("nothing was altered", house.sekisho("ledger", "verify", person="aud1").stdout)


class Altered(unittest.TestCase):
    def test_verify_names_the_first_altered_entry(self):
        import sqlite3
        with House() as house:
            house.token("sup1")
            for _ in range(5):
                house.http("GET", PATH, "sup1", purpose="C")
            time.sleep(0.3)
            house.stop()
            db = sqlite3.connect(os.path.join(house.dir, "store/store.db"))
            seq, leaf = [r for r in db.execute("SELECT seq, leaf FROM tail ORDER BY seq") if b"tickets/4711" in r[1]][-2]
            db.execute("UPDATE tail SET leaf = ? WHERE seq = ?", (leaf.replace(b"tickets/4711", b"tickets/4712"), seq))
            db.commit()
            db.close()
            house.start()
            done = house.sekisho("ledger", "verify", person="aud1")
            self.assertEqual(done.returncode, 7, done.stdout + done.stderr)
            self.assertTrue(done.stdout.startswith(f"FAULT entry store/store.db {seq}: "), done.stdout)


if __name__ == "__main__":
    unittest.main()
