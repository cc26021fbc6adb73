"""What a fresh reviewer of the book found: each of these failed on the tree that was reviewed (06f42eb)."""
import glob
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
import unittest

from house import House, PROGRAM, wait_until

TICKET = "/v1/subscribers/acme/objects/tickets/4711"
FILL = os.environ.get("SEKISHO_FILL", os.path.join(os.path.dirname(PROGRAM), "tools/ledger-fill"))
if not os.path.exists(FILL):
    FILL = os.path.join(os.path.dirname(PROGRAM), "ledger-fill")


def fill(house, entries=4000):
    done = subprocess.run([FILL, "--dir", house.dir, "--entries", str(entries), "--subscribers", "20", "--seed", "3"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class Book(unittest.TestCase):
    def house(self, start=True):
        h = House(start=start)
        self.addCleanup(h.__exit__)
        return h

    def path(self, h, name):
        return os.path.join(h.dir, name)

    def fsck(self, h):
        done = subprocess.run([PROGRAM, "ledger", "fsck", "--dir", h.dir], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def signed(self, h):
        wait_until(lambda: h.http("GET", "/log/checkpoint").status == 200)
        return h.http("GET", "/log/checkpoint").body.decode()

    def bundle(self, h, person="acme-user1", subscriber="acme", *words, name="b"):
        path = os.path.join(h.top, name)
        done = h.sekisho("bundle", "create", "--subscriber", subscriber, path, *words, person=person)
        return path, done

    def verify(self, h, path, *words):
        key = h.sekisho("ledger", "key").stdout.strip()
        return subprocess.run([PROGRAM, "bundle", "verify", path, "--key", key, *words], capture_output=True, text=True)

    def test_a_flipped_or_lost_head_in_derived_db_is_made_anew_and_never_signed(self):
        for damage in ("flip", "lose", "garbage", "position", "short"):
            h = self.house()
            h.http("GET", TICKET, "sup1", purpose="C")
            kept = os.path.join(h.top, "kept")
            open(kept, "w").write(self.signed(h))
            h.stop()
            db = sqlite3.connect(self.path(h, "ledger/derived.db"))
            if damage == "flip":
                range_ = db.execute("SELECT range FROM log_head WHERE log = 'acme'").fetchone()[0]
                db.execute("UPDATE log_head SET range = ? WHERE log = 'acme'", (bytes([range_[0] ^ 1]) + range_[1:],))
            elif damage == "lose":
                db.execute("DELETE FROM log_head WHERE log = 'acme'")
            elif damage == "short":
                db.execute("UPDATE log_head SET range = substr(range, 1, 32)")
            elif damage == "position":
                db.execute("UPDATE derived SET next = next - 1")
            db.commit()
            db.close()
            if damage == "garbage":
                open(self.path(h, "ledger/derived.db"), "wb").write(os.urandom(65536))
            self.assertEqual(self.fsck(h)[0], 7, damage)
            h.start()
            h.http("GET", TICKET, "sup1", purpose="C")
            path, done = self.bundle(h)
            self.assertEqual(done.returncode, 0, damage + done.stderr)
            self.assertEqual(self.verify(h, path).returncode, 0, damage)
            path, done = self.bundle(h, "acme-user1", "acme", "--previous", kept, name="p")
            self.assertEqual(self.verify(h, path, "--kept", kept).returncode, 0, damage)
            h.stop()
            self.assertEqual(self.fsck(h), (0, self.fsck(h)[1]), damage)
            h.__exit__()

    def test_fsck_compares_with_what_was_signed(self):
        """A leaf rewritten with everything derived thrown away; and a tail cut short below the newest checkpoint."""
        for damage in ("rewrite", "cut"):
            h = self.house()
            h.http("GET", TICKET, "sup1", purpose="EVIDENCE")
            self.signed(h)
            time.sleep(1.2)
            h.stop()
            db = sqlite3.connect(self.path(h, "store/store.db"))
            if damage == "rewrite":
                for table in ("tail", "tail_odd"):
                    for seq, leaf in db.execute(f"SELECT seq, leaf FROM {table}").fetchall():
                        if b"EVIDENCE" in leaf:
                            db.execute(f"UPDATE {table} SET leaf = ? WHERE seq = ?", (leaf.replace(b"EVIDENCE", b"INNOCENT"), seq))
            else:
                size = db.execute("SELECT max(size) FROM checkpoint").fetchone()[0]
                for table in ("tail", "tail_odd"):
                    db.execute(f"DELETE FROM {table} WHERE seq >= ?", (size - 2,))
            db.commit()
            db.close()
            for f in glob.glob(self.path(h, "ledger/hashes*")) + glob.glob(self.path(h, "ledger/derived*")) + glob.glob(self.path(h, "ledger/sealed/*")):
                os.unlink(f)
            code, text = self.fsck(h)
            self.assertEqual(code, 7, text)
            self.assertIn("FAULT root", text)
            if damage == "rewrite":
                h.start()
                self.assertEqual(h.http("GET", "/readyz").status, 503)
                self.assertIn("ledger.altered", [a["rule"] for a in h.http("GET", "/v1/alerts", "sec1").json["items"]])
            h.__exit__()

    def test_a_flip_in_the_upper_hashes_is_found(self):
        h = self.house(start=False)
        fill(h, 70000)
        for name in ("hashes.1", "hashes.2", "hashes"):
            path = self.path(h, "ledger/" + name)
            data = open(path, "rb").read()
            open(path, "wb").write(bytes([data[0] ^ 1]) + data[1:])
            code, text = self.fsck(h)
            self.assertEqual(code, 7, name)
            self.assertIn(f"FAULT tree ledger/{name} ", text)
            open(path, "wb").write(data)
        self.assertEqual(self.fsck(h)[0], 0)

    def test_whoever_reads_several_logs_is_in_each(self):
        h = self.house()
        h.http("GET", TICKET, "sup1", purpose="C")
        items = h.http("GET", "/v1/ledger?limit=1000", "aud1").json["items"]
        shown = {}
        for e in items:
            if e["log"] not in ("vendor", "everyone"):
                shown[e["log"]] = shown.get(e["log"], 0) + 1
        self.assertIn("acme", shown)
        for subscriber, rows in shown.items():
            entry = [e for e in h.http("GET", f"/v1/subscribers/{subscriber}/ledger?limit=5", "aud1").json["items"] if e["operation"] == "ledger.search"][0]
            self.assertEqual((entry["log"], entry["outcome"]["rows"]), (subscriber, rows))
        exported = h.http("GET", "/v1/ledger/export?after=0&limit=200", "aud1")
        self.assertEqual(exported.status, 200, exported.body)
        logs = {e["log"] for e in exported.json["items"]} - {"vendor", "everyone"}
        for subscriber in logs:
            names = [e["operation"] for e in h.http("GET", f"/v1/subscribers/{subscriber}/ledger?limit=5", "aud1").json["items"]]
            self.assertIn("ledger.export", names, subscriber)
        before = h.http("GET", "/v1/subscribers/acme/ledger?limit=1", "aud1").json["items"][0]["seq"]
        for _ in range(3):                                  # reading what tells of reading tells of nothing more
            h.http("GET", f"/v1/ledger?limit=3", "aud1")
        newest = h.http("GET", "/v1/subscribers/acme/ledger?limit=4", "aud1").json["items"]
        self.assertTrue(all(e["operation"].startswith("ledger.") for e in newest[:1]))
        self.assertLess(len([e for e in newest if e["seq"] > before + 1 and e["operation"] == "ledger.search"]), 4)

    def test_without_knowing_what_was_signed_it_does_not_start(self):
        for damage in ("flip", "lose"):
            h = self.house()
            self.signed(h)
            h.stop()
            path = self.path(h, "keeper/log.state")
            data = open(path, "rb").read()
            if damage == "lose":
                os.unlink(path)
            else:
                open(path, "wb").write(data[:30] + bytes([data[30] ^ 1]) + data[31:])
            done = h.sekisho("serve", "--dir", h.dir, "--https", "127.0.0.1:0")
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("log.state", done.stderr)
            open(path, "wb").write(data)
            h.start()
            h.__exit__()

    def test_a_note_with_one_newline_too_many_is_the_same_note(self):
        h = self.house()
        kept = os.path.join(h.top, "kept")
        open(kept, "w").write(self.signed(h) + "\n")        # as `jq -r` leaves it
        path, done = self.bundle(h, "acme-user1", "acme", "--previous", kept)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.verify(h, path, "--kept", kept).returncode, 0)

    def test_a_bundle_that_fails_leaves_the_old_one(self):
        h = self.house(start=False)
        fill(h, 60000)
        h.start()
        h.token("acme-user1")
        path, done = self.bundle(h)
        self.assertEqual(done.returncode, 0, done.stderr)
        good = open(path, "rb").read()
        p = subprocess.Popen([PROGRAM, "bundle", "create", "--subscriber", "acme", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env={**os.environ, "SEKISHO_URL": h.url, "SEKISHO_CA": os.path.join(h.dir, "ca.pem"), "SEKISHO_TOKEN": h.token("acme-user1")})
        wait_until(lambda: os.path.exists(path + ".part") or p.poll() is not None, 10)
        h.stop(signal.SIGKILL)
        p.communicate(timeout=60)
        self.assertEqual(p.returncode, 8)
        self.assertEqual(open(path, "rb").read(), good)
        self.assertFalse(os.path.exists(path + ".part"))
        link = os.path.join(h.top, "link")
        os.symlink(path, link)
        h.start()
        self.assertEqual(h.sekisho("bundle", "create", "--subscriber", "acme", link, person="acme-user1").returncode, 2)
        self.assertTrue(os.path.islink(link))

    def test_a_copy_of_the_log_that_was_published_later_will_do(self):
        h = self.house()
        path, done = self.bundle(h)
        self.assertEqual(done.returncode, 0, done.stderr)
        for _ in range(3):
            h.http("GET", TICKET, "sup1", purpose="C")
        time.sleep(1.5)
        folder = os.path.join(h.top, "published")
        done = h.sekisho("ledger", "publish", folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.verify(h, path, "--log", folder).returncode, 0)
        for f in glob.glob(folder + "/tile/entries/000"):
            data = open(f, "rb").read()
            open(f, "wb").write(data[:9] + bytes([data[9] ^ 1]) + data[10:])
        self.assertEqual(self.verify(h, path, "--log", folder).returncode, 7)

    def test_times_that_no_bundle_can_name_are_refused(self):
        h = self.house()
        _, done = self.bundle(h, "acme-user1", "acme", "--from", "2026-01-01T00:00:00Z", "--to", "9999-12-31T23:59:59Z")
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("2255", done.stderr)

    def test_the_label_is_told_to_whom_it_names_alone(self):
        h = self.house()
        for who in ("aud1", "sec1", "adm1"):
            self.assertNotIn("label", h.http("GET", "/v1/subscribers/acme", who).json, who)
        self.assertIn("label", h.http("GET", "/v1/subscribers/acme", "acme-user1").json)

    def test_what_is_derived_and_its_folder_may_be_lost(self):
        h = self.house()
        note = self.signed(h)
        h.stop()
        db = sqlite3.connect(self.path(h, "store/store.db"))
        first = db.execute("SELECT min(seq) FROM tail").fetchone()[0]
        db.close()
        self.assertEqual(first, 0)                          # nothing was trimmed: the store has every leaf
        shutil.rmtree(self.path(h, "ledger"))
        h.start()
        self.assertEqual(h.http("GET", TICKET, "sup1", purpose="C").status, 200)
        path, done = self.bundle(h)
        self.assertEqual(self.verify(h, path).returncode, 0, done.stderr)
        self.assertGreaterEqual(int(self.signed(h).split("\n")[1]), int(note.split("\n")[1]))


if __name__ == "__main__":
    unittest.main()
