"""P6: a backup that holds no key, opens with its own alone, and comes back as a book that says where it was cut."""
import json
import os
import re
import shutil
import signal
import subprocess
import time
import unittest

from house import House, PROGRAM, wait_until
from sabotage import DAY, Later, breaks, lights, turned

TICKET = "/v1/subscribers/acme/objects/tickets/4711"


class Backup(unittest.TestCase):
    def setUp(self):
        self.house = House()
        self.addCleanup(self.house.__exit__)
        self.key = os.path.join(self.house.top, "vault")
        self.path = os.path.join(self.house.top, "b.bak")

    def command(self, *words, code=0, person=None):
        done = self.house.sekisho("backup", *words, person=person)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        return done

    def create(self):
        self.command("key", self.key)
        self.command("create", self.path, "--recipient", self.key + ".pub", person="adm1")

    def other(self, name="E"):
        """A folder with the keyring, copied there apart."""
        into = os.path.join(self.house.top, name)
        os.mkdir(into)
        shutil.copytree(os.path.join(self.house.dir, "keeper"), os.path.join(into, "keeper"))
        return into

    def test_it_comes_back_with_its_keyring_and_says_where_the_book_was_cut(self):
        h = self.house
        body = h.http("GET", TICKET, "sup1", purpose="C").body
        self.create()
        self.assertEqual(os.stat(self.key + ".key").st_mode & 0o777, 0o600)
        h.http("PUT", "/v1/subscribers/acme/objects/tickets/after", "sup1", body="x", purpose="C", Content_Type="text/plain")
        time.sleep(1.5)                                     # that passage is under a checkpoint
        listed = json.loads(self.command("ls", "-o", "json", person="aud1").stdout)
        self.assertEqual(len(listed), 1)
        h.stop()
        self.assertIn("OK", self.command("verify", self.path).stdout)
        into = self.other()
        self.command("restore", self.path, "--key", self.key + ".key", "--into", into)
        self.assertEqual(sorted(os.listdir(into)), ["ca.pem", "keeper", "ledger", "store"])
        shutil.rmtree(h.dir)
        shutil.copytree(into, h.dir)
        h.tokens, steps = {}, h.steps
        h.start()
        answer = h.http("GET", TICKET, "sup1", purpose="C")
        self.assertEqual((answer.status, answer.body), (200, body))
        self.assertEqual(h.http("GET", "/v1/subscribers/acme/objects/tickets/after", "sup1", purpose="C").status, 404)
        self.assertIn("ledger.succeed", [e["operation"] for e in h.entries()])     # the lost tail is declared, not passed over
        self.assertEqual(h.sekisho("ledger", "verify", person="aud1").returncode, 0)

    def test_it_holds_no_key_and_nothing_in_the_clear(self):
        self.create()
        data = open(self.path, "rb").read()
        for name in os.listdir(os.path.join(self.house.dir, "keeper")):
            kept = open(os.path.join(self.house.dir, "keeper", name), "rb").read()
            self.assertTrue(len(kept) < 32 or kept[-32:] not in data, name)
        for text in (b"SQLite format", b"tickets", b"acme", b"keyring"):
            self.assertTrue(text not in data, text)
        self.assertEqual([f for f in os.listdir(os.path.join(self.house.dir, "store")) if f.endswith(".db")], ["store.db"])

    def test_damage_another_key_and_no_keyring_leave_nothing(self):
        self.create()
        self.command("key", self.key + "2")
        into = self.other()
        bare = os.path.join(self.house.top, "bare")
        os.mkdir(bare)
        refused = self.command("restore", self.path, "--key", self.key + ".key", "--into", bare, code=1)
        self.assertIn("keyring", refused.stderr)
        self.assertEqual(os.listdir(bare), [])
        self.command("restore", self.path, "--key", self.key + "2.key", "--into", into, code=7)
        self.assertEqual(os.listdir(into), ["keeper"])
        data = open(self.path, "rb").read()
        damaged = os.path.join(self.house.top, "damaged")
        for change in (data[:-1], data[:100], data[:5], b"", data[:200] + bytes([data[200] ^ 1]) + data[201:], data[:len(data) // 2] + data[len(data) // 2 + 1:],
                       data + b"x", b"SEKISHO-BACKUP-9\n" + data[17:]):
            open(damaged, "wb").write(change)
            self.command("verify", damaged, code=7)
            self.command("restore", damaged, "--key", self.key + ".key", "--into", into, code=7)
            self.assertEqual(os.listdir(into), ["keeper"])
        self.command("restore", self.path, "--key", self.key + ".key", "--into", into)
        self.assertIn("already", self.command("restore", self.path, "--key", self.key + ".key", "--into", into, code=1).stderr)

    def test_who_may_make_one(self):
        self.command("key", self.key)
        self.command("create", self.path, "--recipient", self.key + ".pub", person="sup1", code=3)
        self.assertFalse(os.path.exists(self.path))
        done = self.house.http("POST", "/v1/backups", "adm1", {"recipient": "AAAA"})
        self.assertEqual(done.status, 400)
        self.assertIn("32 bytes", done.json["detail"])

    def test_it_is_made_while_others_write(self):
        h = self.house
        c = h.connect()
        self.command("key", self.key)
        server = subprocess.Popen([PROGRAM, "backup", "create", self.path, "--recipient", self.key + ".pub"], stdout=subprocess.DEVNULL,
                                  env={**os.environ, "SEKISHO_URL": h.url, "SEKISHO_CA": os.path.join(h.dir, "ca.pem"), "SEKISHO_TOKEN": h.token("adm1")})
        n = 0
        while server.poll() is None or n < 20:
            self.assertEqual(h.http("PUT", f"/v1/subscribers/acme/objects/tickets/w{n}", "sup1", body="x", purpose="C", connection=c,
                                    Content_Type="text/plain").status, 201)
            n += 1
        self.assertEqual(server.returncode, 0)
        self.command("verify", self.path)


class Light(unittest.TestCase):
    @breaks("P6.1.backup")
    def test_a_day_without_a_backup_is_red(self):
        h = Later()
        self.addCleanup(h.__exit__)
        self.assertEqual(lights(h)["P6.1.backup"], "unknown")
        h.sekisho("backup", "key", os.path.join(h.top, "k"))
        done = h.sekisho("backup", "create", os.path.join(h.top, "b"), "--recipient", os.path.join(h.top, "k.pub"), person="adm1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(lights(h)["P6.1.backup"], "kept")
        h.restart_at(3 * DAY)
        self.assertEqual(lights(h)["P6.1.backup"], "broken")


if __name__ == "__main__":
    unittest.main()
