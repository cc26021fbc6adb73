"""Ways around the gateway: sessions that are not its own, and changes in the write-ahead log without a passage's mark."""
import json
import os
import re
import subprocess
import time
import unittest

import house
from house import SLOW, wait_until
from test_postgres import codes, rows
from test_postgres_harness import pgwire
from test_postgres_rules import Onboarded

WRITES = 100000 if os.environ.get("SEKISHO_SOAK") else 10000


class Bypass(Onboarded):
    CONF = "wal_level = logical\nmax_replication_slots = 5\n"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.grant("sup1", "--write", "--export")
        cls.database.psql("""create table public.scratch (tenant text not null, id int not null, t text, primary key (tenant, id));
            create table public.no_key (tenant text, t text); create table public."Odd ""name" ("the id" int primary key, tenant text, tags text[]);
            create table public.plain (id int, tenant text); create procedure public.twice() language sql as 'update plain set id = id where true';
            grant select, insert, update, delete on scratch, no_key, "Odd ""name", plain to sk_crm_sub, sk_crm_app; grant execute on procedure twice to sk_crm_sub, sk_crm_app;
            create function public.change(i int) returns int language sql as 'update scratch set t = t where id = i returning 1';
            grant execute on function change(int) to sk_crm_sub; insert into plain values (1, 'a')""")
        cls.ok("db", "watch", "crm")
        cls.token = json.loads(cls.ok("app", "add", "shop", "--database", "crm", "-o", "json"))["token"]

    def alerts(self, rule="bypass"):
        return [a for a in self.house.http("GET", "/v1/alerts", "sec1").json["items"] if a["rule"] == rule]

    def entries(self, log, operation="bypass.seen"):
        path = f"/v1/subscribers/{log}/ledger?limit=300" if log else "/v1/ledger?limit=1000"
        return [e for e in self.house.http("GET", path, "aud1").json["items"] if e["operation"] == operation]

    def quiet(self):
        """No stranger is left, and all that was written has been looked at."""
        time.sleep(0.1)
        slot = lambda: self.database.psql("select pg_current_wal_lsn() - confirmed_flush_lsn from pg_replication_slots where slot_name = 'sk_crm_watch'").strip()
        before = self.database.psql("select pg_current_wal_lsn()").strip()
        self.database.psql("select pg_logical_emit_message(true, 'nobody', 'x')")
        wait_until(lambda: self.database.psql(f"select confirmed_flush_lsn >= '{before}' from pg_replication_slots where slot_name = 'sk_crm_watch'").strip() == "t", 60)
        return slot

    def test_a_direct_update_as_superuser(self):
        self.quiet()
        known = {a["id"] for a in self.alerts()}
        begun = time.monotonic()
        self.database.psql("set application_name = 'night shift'; update people set name = 'changed' where id in (2, 4); select pg_sleep(7)")
        wait_until(lambda: [a for a in self.alerts() if a["id"] not in known and "public.people" in a["subject"]], 60)
        self.assertLess(time.monotonic() - begun, 60)
        alert = [a for a in self.alerts() if a["id"] not in known and "public.people" in a["subject"]][0]
        self.assertIn("rows of acme", alert["subject"])
        entry = [e for e in self.entries("acme") if e["detail"].get("table") == "public.people"][0]
        self.assertEqual((entry["outcome"]["what"], entry["outcome"]["rows"], entry["outcome"]["database"], entry["kind"]), ("UPDATE", 2, "crm", "system"))
        self.assertEqual(entry["detail"]["keys"], "id=2, id=4")
        self.assertIn("role postgres, program 'night shift', from 127.0.0.1", entry["detail"]["backend"])
        self.assertIn(entry["seq"], alert["evidence"])
        raised = [e for e in self.entries("acme", "alert.raised")]
        self.assertIn(alert["id"], {e["outcome"]["subject"] for e in raised})
        self.assertEqual([e for e in self.entries("globex") if e["detail"].get("table") == "public.people"], [])

    def test_each_kind_of_change_and_odd_names(self):
        self.quiet()
        self.database.psql("insert into scratch values ('b', 7, 'it''s [x]: y')")
        self.database.psql("delete from scratch where id = 7")
        self.database.psql('insert into "Odd ""name" values (5, \'a\', array[\'x y\', \'z]:\'])')
        self.database.psql("insert into no_key values ('a', 'x'); insert into people values (9002, 'b', 'n', 'e')")
        self.database.psql("truncate no_key")
        self.quiet()
        wait_until(lambda: [e for e in self.entries(None) if e["outcome"].get("what") == "TRUNCATE"], 30)
        found = {(e["log"], e["outcome"]["what"], e["detail"]["table"], e["detail"].get("keys", "")) for e in self.entries(None) if "what" in e["outcome"]}
        for wanted in (("globex", "INSERT", "public.scratch", "tenant=b id=7"), ("globex", "DELETE", "public.scratch", "tenant=b id=7"),
                       ("acme", "INSERT", 'public."Odd ""name"', "the id=5"), ("acme", "INSERT", "public.no_key", ""),
                       ("globex", "INSERT", "public.people", "id=9002"), ("vendor", "TRUNCATE", "public.no_key", "")):
            self.assertIn(wanted, found)

    def test_a_session_that_is_not_ours(self):
        known = {a["id"] for a in self.alerts()}
        c = pgwire.connect("127.0.0.1", self.database.port, "postgres", "crm", params={"application_name": "a tunnel"})
        self.addCleanup(c.close)
        c.query("select 1")
        wait_until(lambda: [a for a in self.alerts() if a["id"] not in known and "a tunnel" in a["subject"]], 60)
        mine = self.connect()
        mine.query("begin")
        mine.query("select 1")
        time.sleep(12)
        self.assertEqual([a["subject"] for a in self.alerts() if "sk_crm_" in a["subject"]], [])

    def test_who_may_not_mark(self):
        c = self.connect()
        self.assertEqual(codes(c.query("select pg_logical_emit_message(true, 'sekisho', 'x')")), ["42501"])
        self.assertEqual(codes(c.pipeline(["select pg_logical_emit_message(true, 'sekisho', 'x')"])), ["42501"])

    def test_a_copied_mark_is_none(self):
        self.quiet()
        self.database.psql("select pg_create_logical_replication_slot('thief', 'test_decoding')")
        self.assertEqual(codes(self.connect().query("update people set name = name where id = 2")), [None])
        stolen = re.search(r"content:([0-9a-f]{64})", self.database.psql("select data from pg_logical_slot_get_changes('thief', null, null)")).group(1)
        self.database.psql("select pg_drop_replication_slot('thief')")
        self.quiet()
        self.database.psql(f"begin; select pg_logical_emit_message(true, 'sekisho', '{stolen}'); update tickets set subject = 'with a stolen mark' where id = 8; commit")
        self.database.psql("begin; select pg_logical_emit_message(true, 'sekisho', repeat('0', 64)); update tickets set subject = 'made up' where id = 10; commit")
        self.quiet()
        keys = lambda: {e["detail"].get("keys") for e in self.entries("acme")}
        wait_until(lambda: any("id=8" in (k or "") for k in keys()) and any("id=10" in (k or "") for k in keys()), 30)

    def test_gated_changes_give_no_alarm(self):
        """Each form in which a change may come; then many."""
        self.quiet()
        before = len(self.entries(None))
        c = self.connect()
        for text in ("insert into scratch values ('a', 1, 'x')", "update scratch set t = 'y' where id = 1 -- behind", "begin; update scratch set t = 'z'; commit",
                     "begin; update scratch set t = 'z'; rollback; begin; update scratch set t = 'w'; commit; update scratch set t = 'v'",
                     "update scratch set t = 'q'; update scratch set t = 'r'; select 1", "with x as (update scratch set t = 'cte' returning *) select count(*) from x",
                     "insert into scratch select 'a', g, 'many' from generate_series(100, 200) g", "delete from scratch where id > 150", "select change(1)",
                     "insert into no_key values ('a', 'x') returning *", 'insert into "Odd ""name" values (77, \'a\', null)', "prepare p as update scratch set t = 'p' where id = $1", "execute p(1)"):
            self.assertEqual([k for k in codes(c.query(text)) if k], [], text)
        c.query("begin")
        for text in ("update scratch set t = 'b1'", "savepoint s", "update scratch set t = 'b2'", "rollback to s", "call twice()"):
            self.assertEqual(codes(c.query(text)), [None], text)
        c.query("commit")
        self.assertEqual(codes(c.pipeline(["update scratch set t = 'e1' where id = 1", "select 1", "insert into scratch values ('a', 2, 'e')"])), [None] * 3)
        self.assertEqual(codes(c.pipeline(["begin", "update scratch set t = 'e2'", "commit"], sync_each=True)), [None] * 3)
        c.send(pgwire.query("copy scratch from stdin"))
        self.assertEqual(c.read()[0], "G")
        c.send(pgwire.copy_data(b"a\t300\tcopied\n"), pgwire.copy_done())
        self.assertEqual(codes(c.results()), [None])
        self.assertEqual(rows(c.query("select t from scratch where id = 300")), [["copied"]])
        done = c.query("update scratch set t = nothing")
        self.assertEqual(codes(done), ["42703"])
        app = pgwire.connect("127.0.0.1", int(self.house.ready["postgres"].rsplit(":", 1)[1]), "shop", "crm", self.token, tls=os.path.join(self.house.dir, "ca.pem"),
                             tls_name="localhost", timeout=10)
        self.addCleanup(app.close)
        for form in (app.query, lambda t: app.pipeline([t])):
            app.query("begin")
            app.query("select set_config('sekisho.subscriber', 'acme', true)")
            self.assertEqual(codes(form("update scratch set t = 'app' where id = 1")), [None])
            app.query("commit")
        self.many()
        self.quiet()
        self.assertEqual([(e["outcome"], e["detail"]) for e in self.entries(None)[:len(self.entries(None)) - before]], [])

    def many(self):
        script = os.path.join(self.house.top, "script.sql")
        open(script, "w").write("\\set id random(1, 100000)\ninsert into scratch values ('a', 1000 + :id, 'b') on conflict do nothing;\nupdate scratch set t = 'c' where id = 1000 + :id;\n")
        env = house.environment(PGHOST="127.0.0.1", PGPORT=self.house.ready["postgres"].rsplit(":", 1)[1], PGUSER="sup1", PGDATABASE="crm@acme", PGPASSWORD=self.house.token("sup1"),
                                PGSSLMODE="verify-ca", PGSSLROOTCERT=os.path.join(self.house.dir, "ca.pem"), PGOPTIONS="-c sekisho.purpose=C")
        done = 0
        for mode in ("simple", "extended", "prepared"):
            count = WRITES // 2 // 3 // 8 + 1
            run = subprocess.run(["pgbench", "-n", "-M", mode, "-f", script, "-c", "8", "-j", "2", "-t", str(count)], env=env, capture_output=True, text=True, timeout=1200)
            self.assertIn(f"processed: {8 * count}/{8 * count}", run.stdout, run.stderr)
            done += 16 * count
        print(f"{done} gated changes", end=" ", flush=True)
        self.assertGreaterEqual(done, WRITES)


class Switched(Onboarded):
    CONF = "wal_level = logical\n"

    def test_on_and_off(self):
        slots = lambda: self.database.psql("select count(*) from pg_replication_slots").strip()
        may = lambda: self.database.psql("select has_function_privilege('sk_crm_sub', 'pg_logical_emit_message(bool, text, text)', 'execute')").strip()
        self.ok("db", "watch", "crm", "--off", exit=1)
        self.ok("db", "watch", "crm")
        self.ok("db", "watch", "crm")
        self.assertEqual((slots(), may()), ("1", "t"))
        self.ok("db", "onboard", "crm", "--undo", exit=1)
        self.ok("db", "watch", "crm", "--off")
        self.assertEqual((slots(), may()), ("0", "f"))
        self.grant("sup1", "--write")
        self.assertEqual(codes(self.connect().query("update people set name = name where id = 2")), [None])
        self.ok("db", "watch", "crm", person="sup1", exit=3)
        self.ok("db", "watch", "nothere", exit=5)


class Unfit(Onboarded):
    def test_without_logical_decoding_it_says_so(self):
        done = self.house.sekisho("db", "watch", "crm", person="adm1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("wal_level", done.stderr)


if __name__ == "__main__":
    unittest.main()
