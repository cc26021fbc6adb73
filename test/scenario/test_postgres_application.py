"""The application lane as a vendor sets it up: serve --postgres, app add --database, and its own program with one hook more."""
import concurrent.futures
import json
import os
import shutil
import subprocess
import unittest

import test_postgres_harness as harness
from house import House, ROOT, wait_until
from test_postgres import codes, rows
from test_postgres_harness import pgwire

NPM = os.path.join(ROOT, "test/npm")
SUBSCRIBERS = 1000
SCHEMA = f"""
create table public.orders (id int generated always as identity primary key, tenant text not null, note text not null);
grant select, insert, update, delete on orders to public;
insert into orders (tenant, note) select 't' || n, 'new' from generate_series(0, {SUBSCRIBERS - 1}) n, generate_series(1, 3);
create index on orders (tenant);
analyze;
"""


def npm_ready(package):
    """False where npm, or its registry, is not there."""
    if not os.path.isdir(os.path.join(NPM, "node_modules", package)) and shutil.which("npm"):
        subprocess.run(["npm", "ci", "--no-fund", "--no-audit", "--silent"], cwd=NPM, capture_output=True, timeout=300)
    return os.path.isdir(os.path.join(NPM, "node_modules", package))


@unittest.skipUnless(os.path.exists(harness.BIN + "/initdb"), f"needs {harness.BIN}")
class Application(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.database = harness.Server(onboarded=False)
        cls.addClassCleanup(cls.database.end)
        cls.database.psql(SCHEMA)
        cls.house = House(start=False)
        cls.addClassCleanup(cls.house.__exit__)
        cls.house.words = ["--postgres", "127.0.0.1:0"]
        cls.house.start()
        cls.port = int(cls.house.ready["postgres"].rsplit(":", 1)[1])
        service = os.path.join(cls.house.top, "service.conf")
        with open(service, "w") as f:
            f.write(f"[crm]\nhost=127.0.0.1\nport={cls.database.port}\ndbname=crm\nuser=postgres\nsslmode=disable\n")
        cls.add_subscribers()
        with open(os.path.join(cls.house.top, "map"), "w") as f:
            f.write("".join(f"t{n}=sub-{n}\n" for n in range(SUBSCRIBERS)) + "a=acme\nb=globex\n")
        cls.ok("db", "add", "crm", "--upstream", service)
        cls.ok("db", "onboard", "crm", "--tenant-column", "tenant", "--map-file", os.path.join(cls.house.top, "map"), "--shared", "public.countries", "--apply")
        cls.application = json.loads(cls.ok("app", "add", "shop", "--database", "crm", "-o", "json"))

    @classmethod
    def ok(cls, *words, person="adm1", exit=0):
        done = cls.house.sekisho(*words, person=person)
        if done.returncode != exit:
            raise AssertionError(f"{words}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    @classmethod
    def add_subscribers(cls):
        token = cls.house.token("adm1")

        def add(numbers):
            c = cls.house.connect()
            for n in numbers:
                r = cls.house.http("POST", "/v1/subscribers", token=token, connection=c, body={"id": f"sub-{n}", "name": f"Subscriber {n}"})
                assert r.status == 200, r.body
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(add, [range(i, SUBSCRIBERS, 8) for i in range(8)]))

    def connect(self, user="shop", token=None, **how):
        c = pgwire.connect("127.0.0.1", self.port, user, "crm", token or self.application["token"],
                           tls=os.path.join(self.house.dir, "ca.pem"), tls_name="localhost", timeout=10, **how)
        self.addCleanup(c.close)
        return c

    def named(self, c, subscriber, text, setting="sekisho.subscriber"):
        c.query("begin")
        first = codes(c.query(f"select set_config('{setting}', '{subscriber}', true)"))
        done = c.query(text) if first == [None] else []
        c.query("commit")
        return first[0] or (codes(done)[0] or rows(done))

    def entries_of(self, subscriber):
        return [e for e in self.house.http("GET", f"/v1/subscribers/{subscriber}/ledger?limit=100", "aud1").json["items"] if e["operation"] == "postgres.statement"]

    def test_a_thousand_subscribers_interleaved_on_twenty_connections(self):
        """Not one row of another; each statement in its subscriber's log, with the application, its end user, and `application-trusted`."""
        if not npm_ready("pg"):
            self.skipTest("needs npm and its registry (test/npm)")
        done = subprocess.run(["node", "postgres-lane.js", str(self.port), os.path.join(self.house.dir, "ca.pem"), "shop", self.application["token"],
                               "sekisho.subscriber", str(SUBSCRIBERS), "2"], cwd=NPM, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        said = json.loads(done.stdout)
        self.assertEqual((said["wrongs"], said["wrong"]), (0, []))
        self.assertEqual((said["transactions"], said["rows"], said["connections"]), (2 * SUBSCRIBERS, 20 * SUBSCRIBERS, 20))
        self.assertEqual((said["shared"], said["unnamed"]), (2, "42501"))
        wait_until(lambda: len([e for e in self.entries_of("sub-17") if e["kind"] != "opening"]) >= 12)
        for n in (0, 17, 999):
            entries = [e for e in self.entries_of(f"sub-{n}") if "orders" in json.dumps(e.get("detail", {}))]
            self.assertGreaterEqual(len(entries), 8)
            self.assertEqual({e["resource"] for e in entries}, {f"sub-{n}/db/crm"})
            self.assertEqual({e["on_behalf"] for e in entries}, {f"user-{n}-1", f"user-{n}-2"})
            self.assertEqual({e["actor"] for e in entries}, {self.application["actor"]})
            self.assertEqual({e["outcome"]["lane"] for e in entries}, {"application-trusted"})
            self.assertEqual({p for e in entries for p in e["policies"]}, {"application-trusted"})
        changed = self.database.psql("select count(*) from orders where note = 'round 1'").strip()
        self.assertEqual(changed, str(3 * SUBSCRIBERS))
        self.assertEqual(self.house.sekisho("ledger", "verify", person="aud1").returncode, 0)

    def test_unnamed_only_what_is_shared(self):
        c = self.connect()
        self.assertEqual(rows(c.query("select count(*) from countries")), [["2"]])
        self.assertEqual(rows(c.query("select 1")), [["1"]])
        for text in ("select count(*) from orders", "select count(*) from countries, orders", "select * from internal", "insert into countries values ('X', 'x')",
                     "update orders set note = 'x'", "copy orders to stdout", "select * from countries for update"):
            self.assertEqual(codes(c.query(text)), ["42501"], text)
        self.assertEqual(self.database.psql("select count(*) from orders where note = 'x'").strip(), "0")

    def test_a_setting_of_its_own(self):
        token = json.loads(self.ok("app", "add", "erp", "--database", "crm", "--setting", "app.tenant", "-o", "json"))["token"]
        c = self.connect("erp", token)
        self.assertEqual(self.named(c, "sub-5", "select distinct tenant from orders", "app.tenant"), [["t5"]])
        self.assertEqual(self.named(c, "sub-5", "select 1"), "42501")                       # sekisho.subscriber is not its hook
        self.assertEqual(codes(c.query("select count(*) from orders")), ["42501"])
        listed = {a["id"]: a["setting"] for a in json.loads(self.ok("db", "application", "ls", "crm", "-o", "json"))}
        self.assertEqual(listed["erp"], "app.tenant")
        for bad in ("nodot", "Sekisho.X", "a..b", "sekisho.binding", "a.b; drop table orders"):
            self.ok("db", "application", "add", "crm", "erp", "--setting", bad, exit=2)

    def test_removed_its_sessions_end_and_the_role_is_gone(self):
        token = json.loads(self.ok("app", "add", "gone", "--database", "crm", "-o", "json"))["token"]
        c = self.connect("gone", token)
        self.assertEqual(self.named(c, "sub-7", "select distinct tenant from orders"), [["t7"]])
        self.ok("db", "application", "remove", "crm", "gone")
        self.assertRaises((EOFError, OSError, IndexError, AssertionError), lambda: self.assertEqual(codes(c.query("select 1")), [None]))
        self.assertEqual(self.database.psql("select count(*) from pg_roles where rolname = 'sk_crm_app_gone'").strip(), "0")
        with self.assertRaises(Exception) as refused:
            self.connect("gone", token)
        self.assertIn("3D000", str(refused.exception) + repr(getattr(refused.exception, "fields", "")))
        self.ok("db", "application", "remove", "crm", "gone", exit=5)
        self.ok("db", "application", "add", "crm", "gone")
        self.assertEqual(self.named(self.connect("gone", token), "sub-7", "select distinct tenant from orders"), [["t7"]])

    def test_a_new_key_ends_what_was_bound_with_the_old(self):
        token = json.loads(self.ok("app", "add", "keyed", "--database", "crm", "-o", "json"))["token"]
        c = self.connect("keyed", token)
        self.assertEqual(self.named(c, "sub-8", "select distinct tenant from orders"), [["t8"]])
        before = self.database.psql("select encode(ipad, 'hex') from sekisho.login where name = 'sk_crm_app_keyed'")
        self.ok("db", "application", "add", "crm", "keyed")
        self.assertNotEqual(self.database.psql("select encode(ipad, 'hex') from sekisho.login where name = 'sk_crm_app_keyed'"), before)
        self.assertRaises((EOFError, OSError, IndexError, AssertionError), lambda: self.assertEqual(codes(c.query("select 1")), [None]))
        self.assertEqual(self.named(self.connect("keyed", token), "sub-8", "select distinct tenant from orders"), [["t8"]])

    def test_who_may_not(self):
        self.ok("db", "application", "add", "crm", "nobody", exit=5)
        self.ok("db", "application", "add", "nothere", "shop", exit=5)
        self.ok("db", "application", "add", "crm", "sup1", exit=5)      # a person is no application
        self.ok("db", "application", "add", "crm", "shop", person="sup1", exit=3)
        for user, token in (("sup1", self.house.token("sup1")), ("shop", self.house.token("sup1"))):
            with self.assertRaises(Exception):
                self.connect(user, token)

    def test_the_key_is_nowhere_in_clear(self):
        ipad = bytes.fromhex(self.database.psql("select encode(ipad, 'hex') from sekisho.login where name = 'sk_crm_app_shop'").strip())
        key = bytes(b ^ 0x36 for b in ipad[:32])
        for folder, _, files in os.walk(self.house.dir):
            for name in files:
                content = open(os.path.join(folder, name), "rb").read()
                for form in (key, key.hex().encode(), ipad, ipad.hex().encode()):
                    self.assertNotIn(form, content, name)
        log = open(os.path.join(self.database.dir, "log"), "rb").read() + self.house.logged().encode()
        self.assertNotIn(ipad.hex().encode(), log)


if __name__ == "__main__":
    unittest.main()
