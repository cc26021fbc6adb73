"""What each process may not do, seen from outside and tried from inside."""
import json
import os
import re
import subprocess
import time
import unittest

from house import House, PROGRAM, ROOT, environment, wait_until


class Confined(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = House()

    @classmethod
    def tearDownClass(cls):
        cls.house.__exit__()

    def test_roles_have_no_capability_no_new_privileges_and_a_filter(self):
        processes = self.house.processes()
        self.assertEqual(set(processes), {"keeper", "serve", "courier"})
        for role, pid in processes.items():
            status = dict(re.findall(r"^(\w+):\t(.*)$", open(f"/proc/{pid}/status").read(), re.M))
            self.assertEqual([status[k] for k in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb")], ["0" * 16] * 5, role)
            self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"), role)

    def test_no_core_dump_can_be_made(self):
        for role, pid in self.house.processes().items():
            limits = open(f"/proc/{pid}/limits").read()
            self.assertRegex(limits, r"Max core file size +0 +0 ", role)
            self.assertEqual(os.stat(f"/proc/{pid}/environ").st_uid, 0, role)      # not dumpable: root's, whoever runs it

    def test_keys_lie_in_keeper_and_nowhere_else(self):
        folder = os.path.join(self.house.dir, "keeper")
        for name in os.listdir(folder):
            self.assertEqual(os.stat(os.path.join(folder, name)).st_mode & 0o777, 0o600, name)
        root = open(os.path.join(folder, "root.key"), "rb").read()
        self.assertEqual(len(root), 32)
        for pid in (self.house.processes()["serve"], self.house.processes()["courier"]):
            self.assertEqual(self.search(pid, root), 0)
        self.assertGreater(self.search(self.house.processes()["keeper"], root), 0)

    @staticmethod
    def search(pid, needle):
        """How often the bytes stand in the memory of a process (read as root)."""
        found = 0
        with open(f"/proc/{pid}/mem", "rb", 0) as memory:
            for line in open(f"/proc/{pid}/maps"):
                span, rights = line.split()[:2]
                begin, end = (int(x, 16) for x in span.split("-"))
                if "r" not in rights or end - begin > 1 << 28 or "[v" in line:
                    continue
                try:
                    memory.seek(begin)
                    found += memory.read(end - begin).count(needle)
                except OSError:
                    pass
        return found

    def test_end_of_serve_ends_all(self):
        with House() as house:
            pids = house.processes().values()
            house.stop(9)
            wait_until(lambda: not any(os.path.exists(f"/proc/{p}") and open(f"/proc/{p}/stat").read().split()[2] != "Z" for p in pids),
                       3, "the end of keeper and courier")

    def test_sigterm_drains_and_exits_0(self):
        with House() as house:
            c = house.connect()
            self.assertEqual(house.http("GET", "/livez", connection=c).status, 200)
            self.assertEqual(house.stop(), 0)

    def test_sighup_renews_the_certificate_and_keeps_serving(self):
        import signal, ssl, socket
        def serial():
            with self.house.tls().wrap_socket(socket.create_connection((self.house.host, self.house.port)), server_hostname="127.0.0.1") as s:
                return s.getpeercert()["serialNumber"]
        before = serial()
        os.kill(self.house.server.pid, signal.SIGHUP)
        wait_until(lambda: serial() != before, 5, "another certificate")

    def test_a_newer_store_is_refused_with_a_clear_line(self):
        import sqlite3
        with House(start=False) as house:
            db = sqlite3.connect(os.path.join(house.dir, "store/store.db"))
            db.execute("INSERT INTO migration VALUES (9999, 'from-the-future', 0)")
            db.commit()
            db.close()
            done = subprocess.run([PROGRAM, "serve", "--dir", house.dir, "--https", "127.0.0.1:0"], capture_output=True, text=True,
                                  env=environment(), timeout=30)
            self.assertEqual(done.returncode, 1)
            self.assertIn("newer version", done.stderr)

    def test_init_does_not_touch_what_is_there(self):
        done = self.house.sekisho("init", "--dir", self.house.dir, "--sample")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(self.house.http("GET", "/livez").status, 200)


class Unprivileged(unittest.TestCase):
    @unittest.skipUnless(os.getuid() == 0, "needs root, to be somebody else")
    def test_somebody_who_is_not_root_can_make_and_run_it_as_confined(self):
        import shutil
        import tempfile
        with tempfile.TemporaryDirectory() as top:
            program = os.path.join(top, "sekisho")
            shutil.copy(os.path.realpath(PROGRAM), program)
            os.chmod(program, 0o755)
            shutil.chown(top, "nobody")
            ready, folder = os.path.join(top, "ready"), os.path.join(top, "D")
            run = ["runuser", "-u", "nobody", "--", program]
            done = subprocess.run([*run, "init", "--dir", folder], env=environment(), capture_output=True, text=True, timeout=120)
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(os.path.join(folder, "first-administrators.json")) as f:
                self.assertEqual([a["id"] for a in json.load(f)], ["adm1", "adm2"])
            with open(os.path.join(top, "log"), "w") as log:
                server = subprocess.Popen([*run, "serve", "--dir", folder, "--https", "127.0.0.1:0", "--ready-file", ready],
                                          env=environment(), stdout=log, stderr=log)
            try:
                wait_until(lambda: os.path.exists(ready), 20, "the server")
                with open(ready) as f:
                    pid = json.load(f)["pid"]
                self.assertEqual(os.stat(f"/proc/{pid}/root{folder}/keeper").st_mode & 0o777, 0)    # serve sees an empty folder
                self.assertEqual(os.listdir(f"/proc/{pid}/root{folder}/keeper"), [])
                with open(f"/proc/{pid}/status") as f:
                    self.assertRegex(f.read(), r"CapEff:\t0{16}")
            finally:
                subprocess.run(["pkill", "-TERM", "-P", str(server.pid)])
                server.wait(30)


class Revoked(unittest.TestCase):
    def ends_within_100_ms(self, house, end):
        """An idle connection and one that waits are both closed, measured from the answer of what ended them."""
        token = house.token("sup1")
        c = house.connect()
        house.http("GET", "/v1/whoami", token=token, connection=c)
        c.sock.settimeout(5)
        begun = time.monotonic()
        end()
        self.assertEqual(c.sock.recv(1), b"")
        return time.monotonic() - begun

    def test_leaving_ends_live_connections(self):
        from house import SLOW
        with House() as house:
            house.token("adm1")
            c = house.connect()
            house.http("GET", "/livez", connection=c)
            took = self.ends_within_100_ms(house, lambda: house.http("POST", "/v1/people/sup1/leave", "adm1", connection=c))
            self.assertLess(took, 0.1 * SLOW)
            self.assertEqual(house.http("GET", "/v1/whoami", token=house.tokens["sup1"]).status, 401)

    def test_revoking_a_credential_ends_its_connections_and_no_others(self):
        from house import SLOW
        with House() as house:
            house.token("sec1")
            other = house.connect()
            house.http("GET", "/v1/whoami", "sup2", connection=other)
            house.token("sup1")
            credential = house.http("GET", "/v1/whoami", "sup1").json["credential"]
            took = self.ends_within_100_ms(house, lambda: house.http("POST", f"/v1/credentials/{credential}/revoke", "sec1"))
            self.assertLess(took, 0.2 * SLOW)       # the revoker's own handshake is in it
            self.assertEqual(house.http("GET", "/v1/whoami", "sup2", connection=other).status, 200)


class Keys(unittest.TestCase):
    PATH = "/v1/subscribers/acme/objects/tickets/4711"

    def test_rotation_while_running(self):
        with House() as house:
            before = house.http("GET", self.PATH, "sup1", purpose="C").body
            keyring = open(os.path.join(house.dir, "keeper/keyring"), "rb").read()
            self.assertEqual(house.http("POST", "/v1/keys/rotate", "sec1").status, 204)
            self.assertEqual(house.http("GET", self.PATH, "sup1", purpose="C").body, before)
            rotated = house.http("POST", "/v1/subscribers/acme/keys/rotate", "sec1").json
            self.assertEqual(rotated["generation"], 2)
            total, more = 0, True
            while more:
                step = house.http("POST", "/v1/subscribers/acme/keys/rewrap", "sec1").json
                total, more = total + step["rewrapped"], step["more"]
            self.assertEqual(total, 900 + 300 + 90)
            self.assertEqual(house.http("GET", self.PATH, "sup1", purpose="C").body, before)
            house.stop()
            self.assertNotEqual(open(os.path.join(house.dir, "keeper/keyring"), "rb").read()[:64], keyring[:64])
            house.start()
            self.assertEqual(house.http("GET", self.PATH, "sup1", purpose="C").body, before)
            self.assertIn("detail", house.entries()[0])

    def test_shredding_makes_data_and_names_unreadable_and_the_book_still_holds(self):
        with House() as house:
            self.assertEqual(house.http("GET", self.PATH, "sup1", purpose="C").status, 200)
            asked = house.http("POST", "/v1/subscribers/acme/shred", "adm1")
            self.assertEqual(asked.status, 202)
            self.assertEqual(house.http("GET", self.PATH, "sup1", purpose="C").status, 200)
            self.assertEqual(house.http("POST", f"/v1/requests/{asked.json['id']}/approve", "adm2").status, 200)
            wait_until(lambda: house.http("GET", self.PATH, "sup1", purpose="C").json.get("code") == "E_SHREDDED", 5, "the end of the keys")
            self.assertEqual(house.http("GET", "/v1/subscribers/globex/objects/tickets/4005", "globex-user1").status, 200)
            for again in (False, True):
                if again:
                    house.stop()
                    house.start()
                self.assertEqual(house.http("GET", self.PATH, "sup1", purpose="C").json["code"], "E_SHREDDED")
                acme = [e for e in house.entries() if e["log"] == "acme" and e["operation"] == "object.get"]
                self.assertTrue(acme and all("detail" not in e for e in acme))
                self.assertIn("nothing was altered", house.sekisho("ledger", "verify", person="aud1").stdout)


if __name__ == "__main__":
    unittest.main()
