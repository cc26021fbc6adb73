"""What permits ask besides: row limits, exports, time, reading alone, approval; through `sekisho serve --postgres`."""
import json
import time
import unittest

from house import SLOW, wait_until
from test_postgres import codes, rows
from test_postgres_harness import pgwire
from test_postgres_rules import Onboarded


def permit(name, actor, actions, annotations, when="true"):
    listed = ", ".join(f'Action::"{a}"' for a in actions)
    return f'@id("{name}")\n{annotations}\npermit (principal == Person::"{actor}", action in [{listed}], resource is Object)\nwhen {{ {when} }};\n'


class Effects(Onboarded):
    """Each person has one permit: sup1 a row limit, sup2 an export limit, eng1 a time, prv1 … nothing; sec1 reads alone; aud1 needs approval."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.actor = {p: cls.house.http("GET", "/v1/whoami", p).json["actor"] for p in ("sup1", "sup2", "eng1", "sec1", "sup3" if "sup3" in cls.house.people else "sec2")}
        cls.waits = "sup3" if "sup3" in cls.house.people else "sec2"
        cls.database.psql("create table public.wide (id int, tenant text, pad text); insert into wide select g, 'a', repeat('x', 200) from generate_series(1, 20000) g;")
        cls.database.psql("grant select on wide to sk_crm_sub")
        cls.propose(permit("few", cls.actor["sup1"], ["read", "write", "export"], '@row_limit("10")') +
                    permit("many-are-export", cls.actor["sup2"], ["read"], '@export_over("100")') +
                    permit("wide", cls.actor["sup2"], ["read"], '@row_limit("5000")', "true") +
                    permit("quick", cls.actor["eng1"], ["read", "write"], '@statement_timeout("1s")') +
                    permit("reads-alone", cls.actor["sec1"], ["read", "write"], '@read_only("")') +
                    permit("approved", cls.actor[cls.waits], ["read"], "") +
                    permit("approved-writes", cls.actor[cls.waits], ["write"], '@approval("changes of customers\' rows")'))

    def entries(self, text):
        return [e for e in self.statements(text) if e["kind"] != "opening"]

    def closing(self, opening):
        return [e for e in self.house.http("GET", "/v1/subscribers/acme/ledger?limit=200", "aud1").json["items"]
                if e["passage"] == opening["passage"] and e["kind"] == "closing"]

    def test_row_limit(self):
        c = self.connect("sup1")
        self.assertEqual(len(rows(c.query("select id from people order by id limit 10"))), 10)
        for text in ("select id from people", "select id from people order by id limit 11", "copy people to stdout"):
            done = c.query(text)
            self.assertEqual((codes(done), [r for d in done for r in d.rows]), (["42501"], []), text)
            self.assertEqual(codes(c.query("select 1")), [None])
        done = c.query("update people set name = name returning id")       # it is recorded first, so its rows go as they come
        self.assertEqual((codes(done), len(done[0].rows)), (["42501"], 10))
        done = c.pipeline(["select id from people"])
        self.assertEqual((codes(done), [r for d in done for r in d.rows]), (["42501"], []))
        done = c.pipeline(["select 1", "select id from people", "select 2"])
        self.assertEqual(codes(done), [None, "42501"])
        self.assertEqual(rows(c.query("select 3")), [["3"]])
        entry = [e for e in self.entries("select id from people") if e["outcome"].get("ended")][0]
        self.assertEqual((entry["outcome"]["ended"], entry["outcome"]["rows"], entry["outcome"]["sqlstate"], entry["policies"]), ("row_limit", 0, "42501", ["few"]))

    def test_row_limit_in_pieces_of_a_portal(self):
        c = self.connect("sup1")
        c.query("begin")
        c.query("declare k cursor for select id from people")
        self.assertEqual(len(rows(c.query("fetch 10 from k"))), 10)
        self.assertEqual(codes(c.query("fetch 11 from k")), ["42501"])
        c.query("rollback")

    def test_a_long_result_is_cut_at_the_limit(self):
        c = self.connect("sup2")
        self.grant("sup2", "--export")
        begun = time.monotonic()
        done = c.query("select id, pad from wide")
        self.assertEqual(codes(done), ["42501"])
        self.assertEqual(len(done[0].rows), 5000)
        self.assertLess(time.monotonic() - begun, 5 * SLOW)
        opening = [e for e in self.statements("select id, pad from wide") if e["kind"] == "opening"][0]
        wait_until(lambda: self.closing(opening))
        entry = self.closing(opening)[0]
        self.assertEqual((entry["kind"], entry["outcome"]["ended"], entry["outcome"]["rows"]), ("closing", "row_limit", 5000))
        self.assertEqual(rows(c.query("select count(*) from wide")), [["20000"]])

    def test_many_rows_are_an_export(self):
        c = self.connect("sup2")
        self.assertEqual(len(rows(c.query("select id from people limit 100"))), 100)
        granted = any("export" in json.dumps(g) for g in json.loads(self.ok("grant", "ls", "-o", "json", person="sup2")))
        if not granted:
            c.send(pgwire.query("select id from people limit 101"))
            said = b"".join(body if isinstance(body, bytes) else repr(body).encode() for _, body in c.until("Z"))
            self.assertIn(b"42501", said)
            self.assertIn(b"--for 10m --export", said)
            self.grant("sup2", "--export")
        self.assertEqual(len(rows(c.query("select id, tenant from people limit 300"))), 300)
        entry = self.entries("select id, tenant from people limit ?")[0]
        self.assertEqual((entry["outcome"].get("export"), entry["outcome"]["rows"]), (1, 300))

    def test_time(self):
        c = self.connect("eng1")
        for text in ("select pg_sleep(8)", "select count(*) from generate_series(1, 200000000)", "update people set name = name where id = 2 and pg_sleep(8) is not null"):
            begun = time.monotonic()
            self.assertEqual(codes(c.query(text)), ["57014"], text)
            self.assertLess(time.monotonic() - begun, 2.5 * SLOW, text)
            self.assertEqual(rows(c.query("select 1")), [["1"]])
        self.assertEqual(codes(c.pipeline(["select pg_sleep(8)"])), ["57014"])
        self.assertEqual(codes(c.query("select pg_sleep(0.2)")), [None])
        slept = [e for e in self.statements("select pg_sleep(?)") if e["kind"] == "opening"]
        wait_until(lambda: all(self.closing(e) for e in slept))
        self.assertEqual({self.closing(e)[0]["outcome"].get("ended") for e in slept}, {"timeout", None})
        wait_until(lambda: self.database.psql("select count(*) from pg_stat_activity where query like '%pg_sleep(8)%' and state = 'active' and usename like 'sk_%'").strip() == "0")

    def test_reading_alone(self):
        for params in ({}, {"options": "-c sekisho.purpose=C -c default_transaction_read_only=off"}):
            c = self.connect("sec1")
            self.assertEqual(rows(c.query("select count(*) from people")), [["1000"]])
            self.assertEqual(codes(c.query("update people set name = 'x' where id = 2")), ["25006"])
            for text in ("begin read write", "begin; set transaction read write", "start transaction isolation level serializable, read write",
                         "set default_transaction_read_only = off", "set transaction_read_only to off", "set session characteristics as transaction read write",
                         "select set_config('transaction_read_only', 'off', false)", "reset default_transaction_read_only", "set local transaction_read_only = 0"):
                self.assertEqual(codes(c.query(text))[-1], "42501", text)
                self.assertEqual(codes(c.pipeline([text.split("; ")[-1]])), ["42501"], text)
                c.query("rollback")
            self.assertEqual(codes(c.query("begin read only")), [None])
            self.assertEqual(codes(c.query("update people set name = 'x' where id = 2")), ["25006"])
            c.query("rollback")
        self.assertEqual(self.database.psql("select count(*) from people where name = 'x'").strip(), "0")

    def test_approval(self):
        c = self.connect(self.waits)
        c.send(pgwire.query("update people set name = name where id = 2"))
        said = b"".join(repr(body).encode() for _, body in c.until("Z"))
        self.assertIn(b"another person has to approve it: changes of customers", said)
        self.assertIn(b"sekisho request create acme db/crm --for 10m --write", said)
        entry = self.statements("update people set name = name where id = ?")
        self.assertIn(("deny", ["approved-writes"]), [(e["decision"], e["policies"]) for e in entry])
        self.grant_by(self.waits)
        self.assertEqual(codes(c.query("update people set name = name where id = 2")), [None])

    def grant_by(self, who):
        asked = json.loads(self.ok("request", "create", "acme", "db/crm", "--for", "1h", "--write", "-o", "json", person=who, exit=4))
        self.ok("request", "approve", asked["id"], person="sec1")

    def test_what_is_not_of_its_form_is_not_put_in_force(self):
        import os
        for text, word in (('@id("x") @row_limit("many") permit (principal, action, resource);', "whole number"),
                           ('@id("x") @row_limit("0") permit (principal, action, resource);', "whole number"),
                           ('@id("x") @statement_timeout("soon") permit (principal, action, resource);', "duration"),
                           ('@id("x") @export_over("") permit (principal, action, resource);', "whole number"),
                           ('@id("x") @read_only("") forbid (principal, action, resource);', "stands on a permit")):
            path = os.path.join(self.house.top, "bad.cedar")
            open(path, "w").write(text)
            done = self.house.sekisho("policy", "propose", path, person="sec1")
            self.assertNotIn(done.returncode, (0, 4), text)
            self.assertIn(word, done.stderr, text)


if __name__ == "__main__":
    unittest.main()
