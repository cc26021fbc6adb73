"""The board and the paths: derived from checks that run, and red when the thing itself is broken."""
import json
import os
import unittest

from house import House
from sabotage import breaks

GROUPS = [f"E{i}" for i in range(1, 8)] + [f"P{i}" for i in range(8)] + ["W"]


class Board(unittest.TestCase):
    def board(self, house):
        done = house.sekisho("measure", "ls", "-o", "json", person="aud1")
        self.assertEqual(done.returncode, 0, done.stderr)
        return {g["id"]: g for g in json.loads(done.stdout)}

    def checks(self, house):
        return {c["id"]: c["state"] for g in self.board(house).values() for c in g["checks"]}

    @breaks("E2.2.root-key")
    def test_every_group_is_there_and_follows_the_rule(self):
        with House() as house:
            board = self.board(house)
            self.assertEqual(list(board), GROUPS)
            for group in board.values():
                states = [c["state"] for c in group["checks"]]
                self.assertTrue(states, group["id"])
                for c in group["checks"]:
                    self.assertTrue(c["duty"].startswith(group["id"] + ".") and c["id"].startswith(c["duty"]), c["id"])
                    self.assertEqual("issue" in c, c["state"] == "absent", c["id"])
                wanted = ("broken" if "broken" in states else "absent" if set(states) == {"absent"} else
                          "unknown" if {"unknown", "absent"} & set(states) or group["id"] in self.dark(house) else "kept")
                self.assertEqual(group["state"], wanted, group["id"])
            broken = [c["id"] for g in board.values() for c in g["checks"] if c["state"] == "broken"]
            self.assertEqual(broken, ["E2.2.root-key"])
            self.assertIn("plain file", house.sekisho("explain", "E2", person="aud1").stdout)

    @staticmethod
    def dark(house):
        paths = json.loads(house.sekisho("coverage", "-o", "json", person="aud1").stdout)
        assert {p["id"]: p["state"] for p in paths}["https-api"] == "enforced"
        return {m for p in paths if p["state"] == "dark" for m in p["measures"]}

    @breaks("E1.5.training-closes")
    def test_a_policy_taken_out_turns_its_light_red_and_no_other(self):
        with House() as house:
            before = self.checks(house)
            path = os.path.join(house.top, "p.cedar")
            with open(path, "w") as f:
                f.write('@id("training-overdue-renamed")\npermit (principal, action == Action::"nothing", resource);\n')
            import sqlite3
            house.stop()
            db = sqlite3.connect(os.path.join(house.dir, "store/store.db"))
            text = db.execute("SELECT text FROM policy_set WHERE until IS NULL").fetchone()[0]
            db.execute("UPDATE policy_set SET text = ? WHERE until IS NULL", (text.replace('@id("training-overdue")', '@id("gone")'),))
            db.commit()
            db.close()
            house.start()
            after = self.checks(house)
            self.assertEqual({c: s for c, s in after.items() if s != before[c]}, {"E1.5.training-closes": "broken"})

    @breaks("E2.2.sealed", "P5.1.book")
    def test_an_altered_body_and_an_altered_entry_turn_theirs_red(self):
        import sqlite3
        with House() as house:
            before = self.checks(house)
            house.stop()
            db = sqlite3.connect(os.path.join(house.dir, "store/store.db"))
            row, body = db.execute("SELECT rowid, body FROM object_version ORDER BY changed DESC LIMIT 1").fetchone()
            db.execute("UPDATE object_version SET body = ? WHERE rowid = ?", (bytes([body[0] ^ 1]) + body[1:], row))
            seq, leaf = db.execute("SELECT seq, leaf FROM tail ORDER BY seq LIMIT 1 OFFSET 3").fetchone()
            db.execute("UPDATE tail SET leaf = ? WHERE seq = ?", (leaf[:20] + bytes([leaf[20] ^ 1]) + leaf[21:], seq))
            db.commit()
            db.close()
            house.start()
            after = self.checks(house)
            self.assertEqual({c: s for c, s in after.items() if s != before[c]}, {"E2.2.sealed": "broken", "P5.1.book": "broken"})

    @breaks("E5.1.no-standing-access", "E5.1.second-person", "E5.2.credentials", "E5.3.revoked", "E5.4.purpose", "P0.1.review-closes",
            "P5.1.changes")
    def test_each_of_these_turns_its_own_light_red(self):
        """All at once, in the store of a server that is down: a light for each, and no other."""
        import sqlite3
        with House() as house:
            before = self.checks(house)
            house.token("sup2")
            house.stop()
            db = sqlite3.connect(os.path.join(house.dir, "store/store.db"))
            actor = {i: a for i, a in db.execute("SELECT id, actor FROM principal")}
            now = int(__import__("time").time() * 1e6)
            db.execute("INSERT INTO grants (id, actor, subscriber, resource, rights, request, since, expires) VALUES ('grt_x', ?, 'acme', "
                       "'users', 'read', '', ?, ?)", (actor["sup1"], now, now + 60 * 86400 * 10**6))
            db.execute("INSERT INTO credential (id, actor, kind, digest, since, expires, why, parent) VALUES ('crd_x', ?, 'token', ?, ?, ?, '', '')",
                       (actor["sup1"], b"x" * 32, now, now + 60 * 86400 * 10**6))
            db.execute("INSERT INTO request VALUES ('req_x', 'people.role', ?, '', '', '', '', 'approved', 1, 2, 2, ?)", (actor["adm1"],) * 2)
            db.execute("UPDATE fact SET value = 'left' WHERE subject = ? AND attribute = 'state'", (actor["sup2"],))
            db.execute("UPDATE object_version SET passage = '' WHERE id = '4711' AND subscriber = 'acme'")
            text = db.execute("SELECT text FROM policy_set WHERE until IS NULL").fetchone()[0]
            for name in ("purpose-required", "provider-not-reviewed"):
                text = text.replace(f'@id("{name}")', f'@id("gone-{name}")')
            db.execute("UPDATE policy_set SET text = ? WHERE until IS NULL", (text,))
            db.commit()
            db.close()
            house.start()
            after = self.checks(house)
            self.assertEqual({c for c, s in after.items() if s != before[c]},
                             {"E5.1.no-standing-access", "E5.1.second-person", "E5.2.credentials", "E5.3.revoked", "E5.4.purpose", "P0.1.review-closes", "P5.1.changes"})
            self.assertTrue(all(after[c] == "broken" for c in after if after[c] != before[c]))

    @breaks("P7.1.keys")
    def test_a_subscriber_without_its_key_turns_the_lights_of_keys_red(self):
        """P7.1.keys, and E2.2.sealed with it: what was sealed under the lost key does not open."""
        import struct
        with House() as house:
            before = self.checks(house)
            house.stop()
            path = os.path.join(house.dir, "keeper/keyring")
            data, kept, at = open(path, "rb").read(), b"", 0
            while at < len(data):
                size = struct.unpack(">I", data[at:at + 4])[0]
                record = data[at:at + 4 + size + 8]
                scope = record[9:9 + struct.unpack(">I", record[5:9])[0]]
                use = record[9 + len(scope)]
                if not (record[4] == 1 and scope == b"initech" and use == 1):
                    kept += record
                at += len(record)
            self.assertLess(len(kept), len(data))
            open(path, "wb").write(kept)
            house.start()
            after = self.checks(house)
            changed = {c: s for c, s in after.items() if s != before[c]}
            self.assertEqual(changed.pop("P7.1.keys"), "broken")
            self.assertLessEqual(set(changed), {"E2.2.sealed"})

    @breaks("W.1.bundles")
    def test_a_checkpoint_that_cannot_be_signed_turns_the_light_of_bundles_red(self):
        """W.1.bundles: what the keeper last signed is altered, so that nothing leads from there."""
        import time
        with House() as house:
            before = self.checks(house)
            self.assertEqual(before["W.1.bundles"], "kept")
            path = os.path.join(house.dir, "keeper/log.state")
            data = open(path, "rb").read()
            open(path, "wb").write(data[:-1] + bytes([data[-1] ^ 1]))
            house.http("GET", "/v1/subscribers/acme/objects/tickets/4711", "sup1", purpose="C")
            time.sleep(7)
            after = self.checks(house)
            changed = {c: s for c, s in after.items() if s != before[c]}
            self.assertEqual(changed, {"W.1.bundles": "broken", "P5.1.book": "broken"})     # the signed root is not the tree's either
            open(path, "wb").write(data)
            time.sleep(3)
            self.assertEqual(self.checks(house)["W.1.bundles"], "kept")

    def test_tls12_only_where_it_is_asked_for(self):
        import ssl
        import socket
        import subprocess
        from house import PROGRAM, environment, wait_until
        with House() as house:
            context = house.tls()
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            with self.assertRaises(ssl.SSLError):
                context.wrap_socket(socket.create_connection((house.host, house.port)), server_hostname="127.0.0.1")
            house.stop()
            ready = os.path.join(house.top, "ready12")
            server = subprocess.Popen([PROGRAM, "serve", "--dir", house.dir, "--https", "127.0.0.1:0", "--ready-file", ready, "--tls12"],
                                      env=environment(), stderr=subprocess.DEVNULL)
            try:
                wait_until(lambda: os.path.exists(ready), 10, "the server")
                port = int(json.load(open(ready))["https"].rsplit(":", 1)[1])
                s = context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="127.0.0.1")
                self.assertEqual(s.version(), "TLSv1.2")
                s.close()
            finally:
                server.terminate()
                server.wait()


if __name__ == "__main__":
    unittest.main()
