"""The gateway as a security team sets it up: serve --postgres, db add, onboard, a request, psql; and what the book says."""
import json
import os
import subprocess
import time
import unittest

import test_postgres_harness as harness
from house import House, PROGRAM, SLOW, environment, wait_until
from sabotage import breaks

HAS_POSTGRES = os.path.exists(harness.BIN + "/initdb")


@unittest.skipUnless(HAS_POSTGRES, f"needs {harness.BIN}")
class Gateway(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.database = harness.Server(onboarded=False)
        cls.addClassCleanup(cls.database.end)

    def setUp(self):
        self.house = House(start=False)
        self.addCleanup(self.house.__exit__)
        self.house.words = ["--postgres", "127.0.0.1:0"]
        self.house.start()
        self.service = os.path.join(self.house.top, "service.conf")
        with open(self.service, "w") as f:
            f.write(f"[crm]\nhost=127.0.0.1\nport={self.database.port}\ndbname=crm\nuser=postgres\nsslmode=disable\n")

    def run_ok(self, *words, person="adm1", exit=0, **env):
        done = self.house.sekisho(*words, person=person, **env)
        self.assertEqual(done.returncode, exit, done.stdout + done.stderr)
        return done.stdout

    def set_up(self):
        self.run_ok("db", "add", "crm", "--upstream", self.service)
        self.addCleanup(lambda: self.house.sekisho("db", "onboard", "crm", "--undo", person="adm1"))
        self.run_ok("db", "onboard", "crm", "--tenant-column", "tenant", "--map", "a=acme", "--map", "b=globex", "--shared",
                    "public.countries", "--apply")

    def grant(self, who, subscriber="acme", *words):
        asked = json.loads(self.run_ok("request", "create", subscriber, "db/crm", "--for", "10m", *words, "-o", "json", person=who, exit=4))
        self.run_ok("request", "approve", asked["id"], person="sec1")

    def psql(self, text, who="sup1", place="acme/crm", purpose="CASE-1"):
        done = self.house.sekisho("db", "connect", place, "--purpose", purpose, "--command", text, person=who)
        return done

    def test_from_an_empty_house_to_a_recorded_statement(self):
        plan_before = self.database.psql("select count(*) from pg_roles")
        self.run_ok("db", "add", "crm", "--upstream", self.service)
        plan = self.run_ok("db", "onboard", "crm", "--tenant-column", "tenant", "--map", "a=acme", "--plan")
        self.assertIn("create policy", plan)
        self.assertEqual(self.database.psql("select count(*) from pg_roles"), plan_before)
        self.addCleanup(lambda: self.house.sekisho("db", "onboard", "crm", "--undo", person="adm1"))
        self.run_ok("db", "onboard", "crm", "--tenant-column", "tenant", "--map", "a=acme", "--map", "b=globex", "--apply")
        self.assertEqual(json.loads(self.run_ok("db", "show", "crm", "-o", "json"))["state"], "onboarded")
        self.grant("sup1")
        done = self.psql("select count(*), min(tenant), max(tenant) from people")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("1000", done.stdout)
        self.assertNotIn("| b", done.stdout)
        found = [e for e in self.house.http("GET", "/v1/subscribers/acme/ledger?limit=100", "aud1").json["items"]
                 if e["operation"] == "postgres.statement"]
        entry = next(e for e in found if "people" in json.dumps(e.get("detail", {})))
        self.assertEqual((entry["decision"], entry["purpose"], entry["resource"]), ("allow", "CASE-1", "acme/db/crm"))
        self.assertEqual(entry["outcome"]["rows"], 1)
        self.assertEqual(self.house.sekisho("ledger", "verify", person="aud1").returncode, 0)

    def test_refusals(self):
        self.set_up()
        done = self.psql("select 1")                     # no grant
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("HINT:  sekisho request create acme db/crm --for 10m", done.stderr)
        self.grant("sup1")
        self.assertEqual(self.psql("select 1").returncode, 0)
        self.assertNotEqual(self.psql("select 1", place="globex/crm").returncode, 0)
        self.assertNotEqual(self.psql("select 1", place="umbrella/crm").returncode, 0)      # not mapped
        self.assertNotEqual(self.psql("select 1", place="acme/other").returncode, 0)
        refused = self.psql("set role postgres")
        self.assertIn("HINT", refused.stderr)
        refused = self.psql("update people set name = 'x' where id = 2")                    # read only
        self.assertNotEqual(refused.returncode, 0)
        denied = [e for e in self.house.http("GET", "/v1/subscribers/acme/ledger?limit=100", "aud1").json["items"]
                  if e["operation"] == "postgres.statement" and e["decision"] == "deny"]
        self.assertGreaterEqual(len(denied), 2)

    def test_revoking_ends_the_session_at_once(self):
        self.set_up()
        self.grant("sup1")
        more = environment(SEKISHO_URL=self.house.url, SEKISHO_CA=os.path.join(self.house.dir, "ca.pem"), SEKISHO_TOKEN=self.house.token("sup1"))
        psql = subprocess.Popen([PROGRAM, "db", "connect", "acme/crm", "--purpose", "C", "--command", "select pg_sleep(30)"], env=more,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_until(lambda: self.database.psql("select count(*) from pg_stat_activity where query like '%pg_sleep%' and usename like 'sk_%'").strip() == "1")
        begun = time.monotonic()
        self.run_ok("people", "leave", "sup1", person="adm1")
        _, err = psql.communicate(timeout=10)
        self.assertLess(time.monotonic() - begun, 1.5 * SLOW)
        self.assertIn("The session has ended", err)
        wait_until(lambda: self.database.psql("select count(*) from pg_stat_activity where query like '%pg_sleep%' and usename like 'sk_%'").strip() == "0")

    def test_observe_and_shadow_refuse_nothing_and_say_so(self):
        self.set_up()
        for mode in ("observe", "shadow"):
            self.run_ok("db", "mode", "crm", mode)
            self.assertEqual(self.psql("select count(*) from people").returncode, 0, mode)
        entries = [e for e in self.house.http("GET", "/v1/subscribers/acme/ledger?limit=100", "aud1").json["items"]
                   if e["operation"] == "postgres.statement" and "people" in json.dumps(e.get("detail", {}))]
        self.assertTrue(all(e["decision"] == "deny" and e["outcome"].get("would_deny") for e in entries), entries)
        self.run_ok("db", "mode", "crm", "enforce")
        self.assertNotEqual(self.psql("select count(*) from people").returncode, 0)

    def checks(self):
        return {c["id"]: c["state"] for g in self.house.http("GET", "/v1/measures", "aud1").json["items"] for c in g["checks"]}

    @breaks("P3.1.postgres", "P7.1.postgres")
    def test_the_lights_of_the_gateway(self):
        """P3.1.postgres goes red with a database that only observes, P7.1.postgres with a table that nobody confined."""
        self.set_up()
        before = self.checks()
        self.assertEqual((before["P3.1.postgres"], before["P7.1.postgres"]), ("kept", "kept"))
        self.run_ok("db", "mode", "crm", "observe")
        after = self.checks()
        self.assertEqual({c: s for c, s in after.items() if s != before[c]}, {"P3.1.postgres": "broken"})
        self.run_ok("db", "mode", "crm", "enforce")
        self.database.psql("create table public.unconfined (id int, tenant text); grant select on public.unconfined to public")
        self.addCleanup(lambda: self.database.psql("drop table if exists public.unconfined"))
        self.run_ok("db", "audit", "crm")
        after = self.checks()
        self.assertEqual({c: s for c, s in after.items() if s != before[c]}, {"P7.1.postgres": "broken"})
        self.database.psql("drop table public.unconfined")
        self.run_ok("db", "audit", "crm")
        self.assertEqual(self.checks(), before)

    def schema(self):
        done = subprocess.run(["pg_dump", "-s", "-h", "127.0.0.1", "-p", str(self.database.port), "-U", "postgres", "crm"],
                              capture_output=True, text=True, check=True)
        return [l for l in done.stdout.splitlines() if "restrict " not in l]    # a random word of pg_dump's own

    def test_audit_names_a_table_that_came_later_and_undo_leaves_nothing(self):
        before = self.schema()
        self.set_up()
        self.database.psql("create table public.later (id int, tenant text); grant select on public.later to public")
        self.addCleanup(lambda: self.database.psql("drop table if exists public.later"))
        audit = self.run_ok("db", "audit", "crm", "-o", "json")
        self.assertIn("later", audit)
        self.database.psql("drop table public.later")
        self.run_ok("db", "onboard", "crm", "--undo")
        self.assertEqual(self.schema(), before)

    def test_bad_input(self):
        for text, word in (("[x]\nbogus=1\n", "bogus"), ("[x]\nhost\n", "KEY=VALUE"), ("[x]\nhost=h\n", "dbname")):
            with open(self.service, "w") as f:
                f.write(text)
            done = self.house.sekisho("db", "add", "crm", "--upstream", self.service, person="adm1")
            self.assertNotEqual(done.returncode, 0)
        self.run_ok("db", "onboard", "nothere", "--tenant-column", "t", "--map", "a=b", "--plan", exit=5)
        self.run_ok("db", "add", "x", "--upstream", "/nonexistent", exit=2)
        self.run_ok("db", "ls", person="sup1", exit=3)

    def test_env_and_no_secret_in_arguments(self):
        self.set_up()
        out = self.run_ok("db", "env", "acme/crm", "--purpose", "C", person="sup1")
        self.assertIn("export PGDATABASE='crm@acme'", out)
        self.assertNotIn(self.house.token("sup1"), out)
        show = self.run_ok("db", "show", "crm", "-o", "json")
        self.assertNotIn("password", show)


if __name__ == "__main__":
    unittest.main()
