"""The book that anyone can check: /log/, bundles, what is altered, what is thrown away, what was signed."""
import base64
import glob
import hashlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

from house import House, PROGRAM, ROOT, SLOW, environment, wait_until

TICKET = "/v1/subscribers/acme/objects/tickets/4711"
FILL = os.environ.get("SEKISHO_FILL", os.path.join(os.path.dirname(PROGRAM), "tools/ledger-fill"))
if not os.path.exists(FILL):
    FILL = os.path.join(os.path.dirname(PROGRAM), "ledger-fill")


def leaf_hash(data):
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of(leaves):
    """RFC 6962 section 2.1, by the letter."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return node_hash(root_of(leaves[:k]), root_of(leaves[k:]))


def path_of(index):
    text = f"{index % 1000:03d}"
    while index >= 1000:
        index //= 1000
        text = f"x{index % 1000:03d}/{text}"
    return text


class Book(unittest.TestCase):
    def house(self, **more):
        h = House(**more)
        self.addCleanup(h.__exit__)
        return h

    def log(self, h, path, status=200):
        answer = h.http("GET", "/log/" + path)
        self.assertEqual(answer.status, status, path)
        return answer.body

    def checkpoint(self, h):
        note = self.log(h, "checkpoint").decode()
        origin, size, root = note.split("\n")[:3]
        return note, int(size), base64.b64decode(root)

    def bundle(self, h, *words, person="acme-user1", exit=0, subscriber="acme"):
        path = os.path.join(h.top, f"bundle-{time.monotonic_ns()}")
        done = h.sekisho("bundle", "create", "--subscriber", subscriber, *words, path, person=person)
        self.assertEqual(done.returncode, exit, done.stdout + done.stderr)
        return path

    def verify(self, h, path, *words, exit=0):
        key = h.sekisho("ledger", "key").stdout.strip()
        done = subprocess.run([PROGRAM, "bundle", "verify", path, "--key", key, *words], env=environment(), capture_output=True, text=True)
        self.assertEqual(done.returncode, exit, done.stdout + done.stderr)
        return done.stdout

    def fill(self, h, entries, subscribers=4):
        done = subprocess.run([FILL, "--dir", h.dir, "--entries", str(entries), "--subscribers", str(subscribers)],
                              env=environment(), capture_output=True, text=True, timeout=120 * SLOW)
        self.assertEqual(done.returncode, 0, done.stderr)

    def fsck(self, h, exit=0):
        done = subprocess.run([PROGRAM, "ledger", "fsck", "--dir", h.dir], env=environment(), capture_output=True, text=True)
        self.assertEqual(done.returncode, exit, done.stdout + done.stderr)
        return done.stdout

    def acme(self, h):
        return h.http("GET", "/v1/subscribers/acme/ledger?limit=1000", "aud1").json["items"]

    # ---- the public log

    def test_tiles_leaves_and_checkpoint_agree(self):
        h = self.house(start=False)
        self.fill(h, 1500)
        h.start()
        h.http("GET", TICKET, "sup1", purpose="C")
        self.bundle(h)                  # which has a checkpoint signed
        note, size, root = self.checkpoint(h)
        leaves = []
        for n in range((size + 255) // 256):
            width = min(256, size - 256 * n)
            data = self.log(h, f"tile/entries/{path_of(n)}" + ("" if width == 256 else f".p/{width}"))
            while data:
                length = int.from_bytes(data[:2], "big")
                leaves.append(data[2:2 + length])
                data = data[2 + length:]
        self.assertEqual(len(leaves), size)
        self.assertEqual(root_of(leaves), root)
        self.assertEqual(leaves[-1][0], 1)       # signed where the last leaf is the map's
        level0 = b"".join(leaf_hash(l) for l in leaves)
        self.assertEqual(self.log(h, "tile/0/000"), level0[:8192])
        tops = [root_of(leaves[i:i + 256]) for i in range(0, size - 255, 256)]
        self.assertEqual(self.log(h, f"tile/1/000.p/{len(tops)}"), b"".join(tops))
        for bad in ("tile/0/x000/000", "tile/0/1", "tile/00/000", "tile/0/000.p/0", "tile/0/000.p/256", f"tile/0/{path_of(size // 256 + 1)}",
                    f"tile/0/{path_of(size // 256)}.p/{size % 256 + 1}", "tile/9/000", "tile/entries/000.p/", "tile", ""):
            self.log(h, bad, 404)

    def test_publish_writes_what_is_served(self):
        h = self.house()
        h.http("GET", TICKET, "sup1", purpose="C")
        path = self.bundle(h)
        folder = os.path.join(h.top, "public")
        self.assertEqual(h.sekisho("ledger", "publish", folder).returncode, 0)
        note = open(os.path.join(folder, "checkpoint")).read()
        size = int(note.split("\n")[1])
        last = f"tile/entries/{path_of(size // 256)}.p/{size % 256}"
        self.assertEqual(open(os.path.join(folder, last), "rb").read(), self.log(h, last))
        self.verify(h, path, "--log", folder)
        tile = os.path.join(folder, last)
        data = bytearray(open(tile, "rb").read())
        data[-1] ^= 1
        open(tile, "wb").write(data)
        self.assertIn("FAULT", self.verify(h, path, "--log", folder, exit=7))

    # ---- bundles

    def test_a_bundle_holds_every_passage_and_opens_its_details(self):
        h = self.house()
        for n in range(3):
            h.http("GET", TICKET, "sup1", purpose=f"CASE-{n}")
        label = h.http("GET", "/v1/subscribers/acme", "acme-user1").json["label"]
        path = self.bundle(h)
        told = self.verify(h, path, "--label", f"acme={label}")
        entries = self.acme(h)
        self.assertIn("are proven", told)
        shown = subprocess.run([PROGRAM, "bundle", "show", path], env=environment(), capture_output=True, text=True).stdout
        for n in range(3):
            self.assertIn(f"CASE-{n}", shown)
        self.assertGreaterEqual(len(entries), 3)
        self.verify(h, path, "--label", "acme=" + base64.b64encode(bytes(32)).decode(), exit=7)

    def test_an_independent_verifier_agrees(self):
        h = self.house(start=False)
        self.fill(h, 2000)
        h.start()
        for words in ((), ("--from", "2026-01-01", "--to", "2100-01-01"), ("--to", "2026-01-01")):
            path = self.bundle(h, *words)
            self.verify(h, path)
            key = h.sekisho("ledger", "key").stdout.strip()
            done = subprocess.run(["/usr/bin/python3", os.path.join(ROOT, "test/proof/verifier.py"), path, key], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_previous_leads_from_what_was_kept(self):
        h = self.house()
        h.http("GET", TICKET, "sup1", purpose="C")
        self.bundle(h)
        kept = os.path.join(h.top, "kept")
        open(kept, "w").write(self.checkpoint(h)[0])
        h.http("GET", TICKET, "sup1", purpose="LATER")
        h.http("PUT", "/v1/subscribers", "adm1", body={})
        path = self.bundle(h, "--previous", kept)
        self.assertIn("are proven", self.verify(h, path, "--kept", kept))
        self.verify(h, self.bundle(h), "--kept", kept, exit=7)      # nothing leads from there
        fork = self.house()                     # a copy of the same sample: the same key, another history
        fork.http("GET", TICKET, "sup1", purpose="FORK")
        self.bundle(fork)
        other = os.path.join(h.top, "fork")
        open(other, "w").write(self.checkpoint(fork)[0])
        self.bundle(h, "--previous", other, exit=7)
        self.assertIn("FAULT consistency", self.verify(h, path, "--kept", other, exit=7))
        open(other, "w").write("not a note")
        self.bundle(h, "--previous", other, exit=2)

    def test_a_span_of_time_is_enclosed(self):
        h = self.house()
        for n in range(6):
            h.http("GET", TICKET, "sup1", purpose=f"CASE-{n}")
        times = sorted(e["time"] for e in self.acme(h) if e.get("purpose", "").startswith("CASE-"))
        path = self.bundle(h, "--from", times[2], "--to", times[4])
        self.verify(h, path)
        shown = subprocess.run([PROGRAM, "bundle", "show", path], env=environment(), capture_output=True, text=True).stdout
        self.assertEqual([n for n in range(6) if f"CASE-{n}" in shown], [1, 2, 3, 4])

    def test_others_get_no_bundle(self):
        h = self.house()
        self.bundle(h, person="globex-user1", exit=3)
        self.bundle(h, person="sup1", exit=3)
        self.bundle(h, person="acme-auditor1")
        self.bundle(h, person="aud1", subscriber="globex")
        self.bundle(h, person="aud1", subscriber="nobody-of-ours")
        self.assertEqual(h.http("GET", "/v1/subscribers/acme/bundle/globex?start=0&end=1", "acme-user1").status, 400)
        self.assertEqual(h.http("GET", "/v1/subscribers/acme/bundle/vendor?start=0&end=1", "acme-user1").status, 400)

    def test_after_shredding_the_proof_still_holds(self):
        h = self.house()
        h.http("GET", TICKET, "sup1", purpose="C")
        request = h.sekisho("subscriber", "shred", "acme", "-o", "json", person="adm1")
        self.assertEqual(request.returncode, 4, request.stderr)
        done = h.sekisho("request", "approve", __import__("json").loads(request.stdout)["id"], person="adm2")
        self.assertEqual(done.returncode, 0, done.stderr)
        told = self.verify(h, self.bundle(h, person="aud1"))
        self.assertIn("are proven", told)
        self.assertNotIn("details opened", told)

    # ---- what is altered

    def alter(self, h, table, seq, find, put):
        db = sqlite3.connect(os.path.join(h.dir, "store/store.db"))
        leaf = db.execute(f"SELECT leaf FROM {table} WHERE seq = ?", (seq,)).fetchone()[0]
        self.assertIn(find, leaf)
        db.execute(f"UPDATE {table} SET leaf = ? WHERE seq = ?", (leaf.replace(find, put), seq))
        db.commit()
        db.close()

    def test_altering_entry_and_hashes_is_found_by_what_was_signed(self):
        h = self.house()
        h.http("GET", TICKET, "sup1", purpose="EVIDENCE")
        self.bundle(h)
        seq = next(e["seq"] for e in self.acme(h) if e.get("purpose") == "EVIDENCE")
        h.stop()
        self.alter(h, "tail", seq, b"EVIDENCE", b"INNOCENT")
        for derived in glob.glob(os.path.join(h.dir, "ledger/hashes*")) + glob.glob(os.path.join(h.dir, "ledger/derived.db*")):
            os.unlink(derived)
        h.start()
        done = h.sekisho("ledger", "verify", person="aud1")
        self.assertEqual(done.returncode, 7, done.stdout + done.stderr)
        self.assertIn("FAULT root", done.stdout)
        before = self.log(h, "checkpoint") if h.http("GET", "/log/checkpoint").status == 200 else None
        h.http("GET", TICKET, "sup1", purpose="C")
        time.sleep(1.5 * SLOW)
        after = h.http("GET", "/log/checkpoint")
        self.assertTrue(after.status == 404 or after.body == before)    # nothing is signed over it

    def lose(self, h):
        db = sqlite3.connect(os.path.join(h.dir, "store/store.db"))
        signed = db.execute("SELECT max(size) FROM checkpoint").fetchone()[0]
        db.execute("DELETE FROM tail WHERE seq > ?", (signed - 4,))
        db.commit()
        db.close()
        return signed

    def test_a_lost_tail_ends_the_log_and_its_successor_cites_it(self):
        h = self.house()
        h.http("GET", TICKET, "sup1", purpose="C")
        old = self.bundle(h)
        key = h.sekisho("ledger", "key").stdout.strip()
        h.stop()
        signed = self.lose(h)
        h.start()
        self.assertEqual(h.http("GET", TICKET, "sup1", purpose="C").status, 401)     # everybody logs in again
        h.tokens.clear()
        first = h.http("GET", "/v1/ledger/0", "aud1").json
        self.assertEqual((first["operation"], first["log"], first["log_seq"]), ("ledger.succeed", "everyone", 0))
        self.assertEqual((first["outcome"]["signed"], first["outcome"]["had"]), (signed, signed - 3))
        self.assertIn(f"\n{signed}\n", first["outcome"]["checkpoint"])
        self.assertEqual(h.sekisho("ledger", "verify", person="aud1").returncode, 0)
        self.assertIn("ledger.tail-lost", [a["rule"] for a in h.http("GET", "/v1/alerts", "sec1").json["items"]])
        self.assertEqual(h.http("GET", TICKET, "sup1", purpose="C").status, 200)
        fresh = h.sekisho("ledger", "key").stdout.strip()
        self.assertNotEqual(fresh.split("+")[0], key.split("+")[0])
        self.assertEqual(fresh.split("/")[0], key.split("/")[0])
        told = self.verify(h, self.bundle(h))
        self.assertIn(key.split("+")[0], told)          # the citation is followed by who holds the old key
        done = subprocess.run([PROGRAM, "bundle", "verify", old, "--key", key], env=environment(), capture_output=True)
        self.assertEqual(done.returncode, 0)
        h.stop()
        h.start()                       # once is enough
        self.assertEqual(h.sekisho("ledger", "key").stdout.strip(), fresh)
        self.fsck_running(h)

    def fsck_running(self, h):
        done = subprocess.run([PROGRAM, "ledger", "fsck", "--dir", h.dir], env=environment(), capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_an_older_store_brings_nobody_back(self):
        h = self.house()
        h.http("GET", TICKET, "sup1", purpose="C")
        h.stop()
        copy = os.path.join(h.top, "old")
        shutil.copytree(os.path.join(h.dir, "store"), copy)
        h.start()
        h.http("POST", "/v1/people/sup1/leave", "adm1", body={})
        h.stop()
        shutil.rmtree(os.path.join(h.dir, "store"))
        shutil.copytree(copy, os.path.join(h.dir, "store"))
        h.start()
        self.assertEqual(h.http("GET", TICKET, "sup1", purpose="C").status, 401)
        h.tokens.clear()
        self.assertEqual(h.http("GET", "/v1/ledger/0", "aud1").json["operation"], "ledger.succeed")

    # ---- what is thrown away, sealed and trimmed

    def test_derived_files_come_back_the_same(self):
        h = self.house(start=False)
        self.fill(h, 3000)
        h.start()
        first = self.bundle(h)
        kept = os.path.join(h.top, "kept")
        open(kept, "w").write(self.checkpoint(h)[0])
        h.stop()
        for derived in glob.glob(os.path.join(h.dir, "ledger/hashes*")) + glob.glob(os.path.join(h.dir, "ledger/derived.db*")):
            os.unlink(derived)
        h.start()
        h.http("GET", TICKET, "sup1", purpose="C")
        self.verify(h, self.bundle(h, "--previous", kept), "--kept", kept)
        self.verify(h, first)
        self.fsck(h)

    def test_the_tail_is_trimmed_and_sealed_files_are_read(self):
        h = self.house(start=False)
        self.fill(h, 140000)
        h.start()
        h.http("GET", TICKET, "sup1", purpose="LAST")
        self.verify(h, self.bundle(h))
        wait_until(lambda: self.rows(h, "tail") + self.rows(h, "tail_odd") < 70000, 10 * SLOW)
        self.assertEqual(sorted(os.listdir(os.path.join(h.dir, "ledger/sealed"))), ["000000", "000001", "000002"])
        self.assertEqual(h.http("GET", "/v1/ledger/0", "aud1").json["seq"], 0)
        early = h.http("GET", "/v1/ledger?limit=5&before=30000", "aud1").json["items"]
        self.assertLess(early[0]["seq"], 30000)
        self.assertGreater(early[4]["seq"], 29990)
        self.assertEqual(h.sekisho("ledger", "verify", person="aud1").returncode, 0)
        size = sum(os.path.getsize(p) for p in glob.glob(os.path.join(h.dir, "ledger/sealed/*")))
        h.stop()
        self.fsck(h)
        # a flipped byte in a sealed file that the tail no longer has
        path = os.path.join(h.dir, "ledger/sealed/000001")
        data = bytearray(open(path, "rb").read())
        data[len(data) // 2] ^= 4
        open(path, "wb").write(data)
        told = self.fsck(h, exit=7)
        self.assertIn("FAULT archive ledger/sealed/000001", told)

    def test_flipped_bytes_and_truncations_are_found_or_change_nothing(self):
        """Over sealed files, hashes, and leaves in the store's tables; the root that fsck prints is of every proven byte."""
        h = self.house(start=False)
        self.fill(h, 3000)
        told = self.fsck(h)
        chosen = random.Random(int(os.environ.get("SEKISHO_SEED", "1")))
        flips, cuts = (500, 20) if os.environ.get("SEKISHO_SOAK") else (120, 20)
        folder = os.path.join(h.dir, "ledger")
        files = [os.path.join(folder, "sealed/000000"), os.path.join(folder, "hashes")]
        found = 0
        for n in range(flips):
            if n % 3 == 2:
                undo = self.flip_leaf(h, chosen)
            else:
                path = files[n % 3]
                data = bytearray(open(path, "rb").read())
                at = chosen.randrange(len(data))
                kept = bytes(data)
                data[at] ^= 1 << chosen.randrange(8)
                open(path, "wb").write(data)
                undo = lambda path=path, kept=kept: open(path, "wb").write(kept)
            done = subprocess.run([PROGRAM, "ledger", "fsck", "--dir", h.dir], env=environment(), capture_output=True, text=True)
            if done.returncode == 0:
                self.assertEqual(done.stdout, told, n)
            else:
                self.assertEqual(done.returncode, 7, done.stderr)
                found += 1
            undo()
        for n in range(cuts):
            path = files[n % 2]
            kept = open(path, "rb").read()
            open(path, "wb").write(kept[:chosen.randrange(len(kept))])
            done = subprocess.run([PROGRAM, "ledger", "fsck", "--dir", h.dir], env=environment(), capture_output=True, text=True)
            if path == files[1]:
                self.assertEqual(done.returncode, 7, done.stdout)
            elif done.returncode == 0:
                self.assertEqual(done.stdout, told)         # the tail still has what was cut
            open(path, "wb").write(kept)
        self.assertEqual(found, flips)                      # none was missed
        self.assertEqual(self.fsck(h), told)

    def flip_leaf(self, h, chosen):
        db = sqlite3.connect(os.path.join(h.dir, "store/store.db"))
        seq, leaf = chosen.choice(db.execute("SELECT seq, leaf FROM tail").fetchall())
        bad = bytearray(leaf)
        bad[chosen.randrange(len(bad))] ^= 1 << chosen.randrange(8)
        db.execute("UPDATE tail SET leaf = ? WHERE seq = ?", (bytes(bad), seq))
        db.commit()

        def undo():
            db.execute("UPDATE tail SET leaf = ? WHERE seq = ?", (leaf, seq))
            db.commit()
            db.close()
        return undo

    def rows(self, h, table):
        db = sqlite3.connect(f"file:{h.dir}/store/store.db?mode=ro", uri=True)
        n = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        db.close()
        return n

    def test_torn_seals_are_cut_and_made_again(self):
        h = self.house(start=False)
        self.fill(h, 5000)
        path = os.path.join(h.dir, "ledger/sealed/000000")
        whole = open(path, "rb").read()
        for cut in (len(whole) - 1, len(whole) // 2, 30, 0):
            open(path, "wb").write(whole[:cut])
            h.start()
            wait_until(lambda: os.path.getsize(path) >= len(whole), 10 * SLOW)
            self.assertEqual(h.sekisho("ledger", "verify", person="aud1").returncode, 0)
            h.stop(signal.SIGKILL)
            self.assertEqual(open(path, "rb").read()[:len(whole)], whole)


if __name__ == "__main__":
    unittest.main()
