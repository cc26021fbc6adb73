"""Modes of tables, labels of columns, and the policies that observation proposes: through `sekisho serve --postgres`."""
import json
import os
import unittest

import test_postgres_harness as harness
from house import House
from test_postgres import codes, rows
from test_postgres_harness import pgwire

LABELLED = """
@id("no-personal-data")
@says("Personal data is not for support")
forbid (principal is Person, action, resource)
when { context has labelsRead && context.labelsRead.contains("personal") };
@id("no-secrets-written")
forbid (principal is Person, action, resource)
when { context has labelsWritten && context.labelsWritten.contains("secret") };
"""


class Onboarded(unittest.TestCase):
    """A house that serves a database crm of its own."""
    CONF = ""

    @classmethod
    def setUpClass(cls):
        if not os.path.exists(harness.BIN + "/initdb"):
            raise unittest.SkipTest(f"needs {harness.BIN}")
        cls.database = harness.Server(cls.CONF, onboarded=False)
        cls.addClassCleanup(cls.database.end)
        cls.house = House(start=False)
        cls.addClassCleanup(cls.house.__exit__)
        cls.house.words = ["--postgres", "127.0.0.1:0"]
        cls.house.start()
        service = os.path.join(cls.house.top, "service.conf")
        with open(service, "w") as f:
            f.write(f"[crm]\nhost=127.0.0.1\nport={cls.database.port}\ndbname=crm\nuser=postgres\nsslmode=disable\n")
        cls.ok("db", "add", "crm", "--upstream", service)
        cls.ok("db", "onboard", "crm", "--tenant-column", "tenant", "--map", "a=acme", "--map", "b=globex", "--shared", "public.countries", "--apply")

    @classmethod
    def ok(cls, *words, person="adm1", exit=0):
        done = cls.house.sekisho(*words, person=person)
        if done.returncode != exit:
            raise AssertionError(f"{words}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    @classmethod
    def grant(cls, who, *words):
        asked = json.loads(cls.ok("request", "create", "acme", "db/crm", "--for", "1h", *words, "-o", "json", person=who, exit=4))
        cls.ok("request", "approve", asked["id"], person="sec1")

    @classmethod
    def propose(cls, text):
        path = os.path.join(cls.house.top, "policy.cedar")
        open(path, "w").write(text)
        asked = json.loads(cls.ok("policy", "propose", path, "-o", "json", person="sec1", exit=4))
        cls.ok("request", "approve", asked["id"], person="sec2")

    def connect(self, who="sup1", purpose="CASE-1", **how):
        c = pgwire.connect("127.0.0.1", int(self.house.ready["postgres"].rsplit(":", 1)[1]), who, "crm@acme", self.house.token(who),
                           tls=os.path.join(self.house.dir, "ca.pem"), tls_name="localhost", params={"options": f"-c sekisho.purpose={purpose}"}, timeout=10, **how)
        self.addCleanup(c.close)
        return c

    def statements(self, text):
        return [e for e in self.house.http("GET", "/v1/subscribers/acme/ledger?limit=200", "aud1").json["items"]
                if e["operation"] == "postgres.statement" and text in e.get("detail", {}).get("statement", "")]


class Modes(Onboarded):
    def tearDown(self):
        self.ok("db", "mode", "crm", "enforce")
        self.ok("db", "mode", "crm", "inherit", "people", "tickets", "countries")

    def test_shadow_refuses_nothing_and_says_what_it_would(self):
        self.ok("db", "mode", "crm", "shadow")
        c = self.connect("sup2")                           # no grant
        self.assertEqual(rows(c.query("select count(*) from tickets where 'shadowed' <> ''")), [["1000"]])
        entry = self.statements("select count(*) from tickets where ? <> ?")[0]
        self.assertEqual((entry["decision"], entry["outcome"]["would_deny"], entry["outcome"]["rows"]), ("deny", 1, 1))
        self.ok("db", "mode", "crm", "enforce")
        self.assertEqual(codes(c.query("select count(*) from tickets where 'shadowed' <> ''")), ["42501"])    # the session that was there

    def test_a_table_of_its_own_mode(self):
        self.ok("db", "mode", "crm", "observe", "people", "public.countries")
        c = self.connect("sup2")
        for text, code in (("select count(*) from people", None), ("select count(*) from public.people", None), ("select 1 from people, countries limit 1", None),
                           ("select count(*) from tickets", "42501"), ("select 1 from people p join tickets t on t.person = p.id limit 1", "42501"),
                           ("with tickets as (select 1) select * from people, tickets limit 1", None), ("select 1", "42501"),
                           ("delete from tickets where person in (select id from people)", "42501"), ("select shout(name) from people limit 1", "42501")):
            self.assertEqual(codes(c.query(text)), [code], text)
        self.assertEqual({e["outcome"].get("would_deny") for e in self.statements("select count(*) from people")}, {1})
        self.ok("db", "mode", "crm", "enforce", "people")
        self.assertEqual(codes(c.query("select count(*) from people")), ["42501"])
        self.ok("db", "mode", "crm", "inherit", "people", "countries")
        self.ok("db", "mode", "crm", "observe")
        self.ok("db", "mode", "crm", "enforce", "tickets")
        self.assertEqual(codes(c.query("select count(*) from people")), [None])
        self.assertEqual(codes(c.query("select count(*) from tickets")), ["42501"])

    def test_the_light_goes_red_for_one_table(self):
        state = lambda: {k["id"]: k["state"] for g in self.house.http("GET", "/v1/measures", "aud1").json["items"] for k in g["checks"]}["P3.1.postgres"]
        self.assertEqual(state(), "kept")
        self.ok("db", "mode", "crm", "shadow", "people")
        self.assertEqual(state(), "broken")
        self.ok("db", "mode", "crm", "inherit", "people")
        self.assertEqual(state(), "kept")

    def test_wrong_words(self):
        self.ok("db", "mode", "crm", "loose", exit=2)
        self.ok("db", "mode", "crm", "inherit", exit=2)
        self.ok("db", "mode", "crm", "observe", ".x", exit=2)
        self.ok("db", "mode", "nothere", "observe", exit=5)
        self.ok("db", "mode", "crm", "observe", "people", person="sup1", exit=3)


class Labels(Onboarded):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.grant("sup1", "--write", "--export")
        cls.propose(LABELLED)
        cls.ok("db", "label", "crm", "people.email", "personal")
        cls.ok("db", "label", "crm", "public.tickets.body", "secret")

    def test_what_reads_a_labelled_column(self):
        c = self.connect()
        for text in ("select email from people", "select p.email from people p", "select * from people", "select p.* from people p", "select p from people p",
                     "select people from people", "select row_to_json(p) from people p", "select name from people where email like 'a%'",
                     "select count(*) from people group by email", "select name from people order by email", "select (p).email from people p",
                     "select a from people as x(a, b, c, d)", "select count(*) from people natural join countries", "select 1 from people p join people q using (email)",
                     "select x.e from (select email as e from people) x", "with w as (select email from people) select 1 from w",
                     "update people set name = email where id = 2", "update people set name = 'x' where id = 2 returning *", "table people",
                     "copy people to stdout", "copy people (id, email) to stdout", "copy (select email from people) to stdout",
                     "select exists (select from people where email is null)", "select max(email) over () from people", "insert into notes select 1, 2, email from people",
                     "declare k cursor for select email from people", "select shout('x')"):
            self.assertEqual(codes(c.query(text)), ["42501"], text)

    def test_what_does_not(self):
        c = self.connect()
        for text in ("select id, name from people", "select count(*) from people", "select email from (select 'x' as email) y", "select t.subject from tickets t",
                     "update people set email = 'x' where id = 2", "update tickets set subject = 'y' where id = 2", "select id from people p where name = 'email'",
                     "copy people (id, name) to stdout", "select 1"):
            self.assertEqual(codes(c.query(text)), [None], text)

    def test_what_writes_a_labelled_column(self):
        c = self.connect()
        for text in ("update tickets set body = 'x' where id = 2", "insert into tickets (tenant, body) values ('a', 'x')", "insert into tickets values (1, 'a')",
                     "delete from tickets where id = 2", "insert into tickets (tenant) values ('a') on conflict (id) do update set body = 'x'",
                     "merge into tickets t using (select 2 as id) s on t.id = s.id when matched then update set body = 'x'",
                     "with w as (update tickets set body = 'x' where id = 2 returning id) select * from w", "copy tickets from stdin"):
            self.assertEqual(codes(c.query(text)), ["42501"], text)

    def test_extended_and_pipelined_and_prepared(self):
        c = self.connect()
        self.assertEqual(codes(c.pipeline(["select email from people"])), ["42501"])
        self.assertEqual(codes(c.pipeline(["select id from people limit 1"])), [None])
        self.assertEqual(codes(c.pipeline(["select id from people limit 1", "select email from people limit 1"], sync_each=True)), [None, "42501"])
        c.query("prepare e as select email from people")
        self.assertEqual(codes(c.query("execute e")), ["42501"])

    def test_a_new_label_holds_in_the_session_that_is_there(self):
        c = self.connect()
        self.assertEqual(codes(c.query("select subject from tickets limit 1")), [None])
        self.ok("db", "label", "crm", "tickets.subject", "personal")
        self.assertEqual(codes(c.query("select subject from tickets limit 1")), ["42501"])
        listed = [(r["table"], r["column"], r.get("label")) for r in json.loads(self.ok("db", "rules", "crm", "-o", "json"))]
        self.assertIn(("public.tickets", "subject", "personal"), listed)
        self.ok("db", "label", "crm", "tickets.subject", "personal", "--remove")
        self.assertEqual(codes(c.query("select subject from tickets limit 1")), [None])
        self.ok("db", "label", "crm", "tickets.subject", "personal", "--remove", exit=5)
        self.ok("db", "label", "crm", "tickets", "personal", exit=2)


class Proposed(Onboarded):
    def test_what_was_observed_would_be_permitted(self):
        self.ok("db", "mode", "crm", "observe")
        c = self.connect("sup2")
        for text in ("select count(*) from people", "select count(*) from tickets", "update people set name = name where id = 2", 'select 1 as "x" from "people\npermit(principal, action, resource);"',
                     "create table x (a int)"):
            c.query(text)
        c.close()
        no_purpose = pgwire.connect("127.0.0.1", int(self.house.ready["postgres"].rsplit(":", 1)[1]), "sup2", "crm@acme", self.house.token("sup2"),
                                    tls=os.path.join(self.house.dir, "ca.pem"), tls_name="localhost", timeout=10)
        self.addCleanup(no_purpose.close)
        no_purpose.query("select 1")
        text = self.ok("policy", "propose", "--from-observed", person="sec1")
        actor = self.house.http("GET", "/v1/whoami", "sup2").json["actor"]
        self.assertIn(f'principal == Person::"{actor}"', text)
        self.assertIn('action in [Action::"read", Action::"write"]', text)
        self.assertIn('resource == Object::"acme/db/crm"', text)
        self.assertIn("people", text)
        self.assertIn('"purpose-required", which no permit overcomes', text)
        self.assertIn("Left out: ", text)
        self.assertEqual(text.count("\npermit ("), 1, text)
        self.assertNotIn("\npermit(principal", text)
        self.ok("db", "mode", "crm", "enforce")
        self.assertRaises(pgwire.ServerError, self.connect, "sup2")
        self.propose(text)
        c = self.connect("sup2")
        self.assertEqual(rows(c.query("select count(*) from people")), [["1000"]])
        self.assertEqual(codes(c.query("update people set name = name where id = 2")), [None])
        self.assertEqual(codes(c.query("copy people to stdout")), ["42501"])
        self.ok("policy", "propose", "--from-observed", person="sup1", exit=3)
        again = self.ok("policy", "propose", "--from-observed", "--days", "1", person="sec1")
        self.assertIn(f'principal == Person::"{actor}"', again)



if __name__ == "__main__":
    unittest.main()
