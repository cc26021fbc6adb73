"""The application lane: one program, few connections, many subscribers; each transaction reaches the rows of the one it names."""
import json
import os
import threading
import unittest

import test_postgres_escapes as escapes
import test_postgres_harness as harness
from test_postgres import codes, rows
from test_postgres_harness import pgwire

POLICY = """
@id("test-intake")
permit (principal == Application::"INTAKE", action in [Action::"read", Action::"write"], resource is Object)
when { resource has subscriber && ["acme", "globex"].contains(resource.subscriber) };
"""


def name(subscriber):
    return f"select set_config('sekisho.subscriber', '{subscriber}', true)"


@harness.needed
class Lane(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        server = harness.Server()
        cls.addClassCleanup(server.end)
        server.onboard("application", column="intake")
        cls.gate = harness.Gateway(server)
        cls.addClassCleanup(cls.gate.__exit__)
        cls.token = json.load(open(os.path.join(cls.gate.dir, "sample/applications.json")))[0]["token"]
        actor = cls.gate.http("GET", "/v1/whoami", token=cls.token).json["actor"]
        cls.gate.propose(POLICY.replace("INTAKE", actor))

    def connect(self):
        c = pgwire.connect("127.0.0.1", self.gate.pg_port, "intake", "crm", self.token, tls=os.path.join(self.gate.dir, "ca.pem"), tls_name="localhost", timeout=10)
        self.addCleanup(c.close)
        return c

    def run_in(self, c, subscriber, *texts):
        """BEGIN, the name, the texts, COMMIT; what the texts gave."""
        self.assertEqual(codes(c.query("begin")), [None])
        self.assertEqual(rows(c.query(name(subscriber))), [[subscriber]])
        done = [r for text in texts for r in c.query(text)]
        c.query("commit")
        return done

    def test_each_transaction_has_its_subscribers_rows(self):
        c = self.connect()
        for _ in range(3):
            for subscriber, tenant in (("acme", "a"), ("globex", "b")):
                done = self.run_in(c, subscriber, "select tenant, count(*) from people group by 1", "update people set name = name where id < 10", "select count(*) from notes")
                self.assertEqual(rows(done), [[tenant, "1000"], ["1000"]])

    def test_extended(self):
        c = self.connect()
        for subscriber, tenant in (("acme", "a"), ("globex", "b")):
            c.query("begin")
            done = c.pipeline([("select set_config('sekisho.subscriber', $1, true)", [subscriber])])
            self.assertEqual(rows(done), [[subscriber]])
            done = c.pipeline([("select tenant, count(*) from people where id > $1 group by 1", ["0"]), "select count(*) from notes"])
            self.assertEqual(rows(done), [[tenant, "1000"], ["1000"]])
            c.query("commit")

    def test_one_pipeline(self):
        c = self.connect()
        done = c.pipeline(["begin", ("select set_config('sekisho.subscriber', $1, true)", ["globex"]), "select tenant, count(*) from people group by 1", "commit"], sync_each=True)
        self.assertEqual(rows(done), [["globex"], ["b", "1000"]])

    def test_unnamed_reaches_nothing(self):
        c = self.connect()
        self.assertEqual(codes(c.query("select * from people")), ["42501"])
        c.query("begin")
        self.assertEqual(codes(c.query("select * from people")), ["42501"])
        c.query("rollback")
        self.run_in(c, "acme", "select 1")
        self.assertEqual(codes(c.query("select * from people")), ["42501"])

    def test_what_naming_must_be(self):
        c = self.connect()
        self.assertEqual(codes(c.query(name("acme"))), ["25P01"])
        for wrong in ("umbrella", "a", "nobody", "acme'' or", ""):
            c.query("begin")
            self.assertNotEqual(codes(c.query(name(wrong))), [None], wrong)
            c.query("rollback")
        c.query("begin")
        c.query(name("acme"))
        self.assertEqual(codes(c.query(name("acme"))), [None])
        self.assertEqual(codes(c.query(name("globex"))), ["25001"])
        c.query("rollback")
        c.query("begin")
        c.query(name("acme"))
        self.assertEqual(rows(c.query("select count(*) from people")), [["1000"]])
        self.assertEqual(codes(c.query(name("globex"))), ["25001"])
        c.query("rollback")

    def test_no_state_is_kept(self):
        c = self.connect()
        for text in ("set search_path = x, y", "set work_mem = '1GB'", "reset timezone", "prepare p as select 1", "begin; select 1; commit", "discard all", "reset all", "set sekisho.binding = 'x'", "set local sekisho.binding = 'x'",
                     "select set_config('sekisho.binding', 'x', true)", "select set_config('search_path', 'x', false)", "declare k cursor with hold for select 1", "listen x", "create temp table t (a int)",
                     "commit and chain", "select lastval()", "set role postgres"):
            self.assertEqual(codes(c.query(text))[0], "42501", text)
            self.assertIn(codes(c.pipeline([text]))[0], ("42501", "42601"), text)
        for text in ("select lastval()", "select setseed(0.5)", "select currval('x')"):
            self.assertEqual(codes(self.run_in(c, "acme", text)), ["42501"], text)
        self.assertEqual(codes(c.query("begin")), [None])
        c.query("rollback")

    def test_what_a_driver_sets_when_it_connects_stays_its_own(self):
        """SET of what the start-up packet may say too: for this client, over all its transactions, and for no other."""
        c, other = self.connect(), self.connect()
        for text in ("set application_name = 'mine'", "set extra_float_digits to 2", "set client_min_messages to warning", "set standard_conforming_strings = on",
                     "set client_encoding to 'UTF8'", "set statement_timeout = '90s'"):
            self.assertEqual(codes(c.query(text)), [None], text)
        self.assertEqual(codes(c.pipeline(["set intervalstyle = 'iso_8601'"])), [None])
        for _ in range(3):
            self.assertEqual(self.run_in(c, "acme", "show application_name", "show extra_float_digits", "show statement_timeout", "show intervalstyle")[0].rows, [[b"mine"]])
            done = self.run_in(c, "globex", "show application_name", "show extra_float_digits", "show statement_timeout", "show intervalstyle")
            self.assertEqual(rows(done), [["mine"], ["2"], ["90s"], ["iso_8601"]])
            done = self.run_in(other, "acme", "show application_name", "show extra_float_digits", "show statement_timeout", "show intervalstyle")
            self.assertNotIn(["mine"], rows(done))
            self.assertNotIn(["90s"], rows(done))
        c.query("begin")
        self.assertEqual(codes(c.query("set application_name = 'carried'")), ["42501"])
        c.query("rollback")
        self.assertEqual(codes(c.query("set application_name = 'a'; set application_name = 'b'")), ["42501"])
        c.pipeline(["begin", "set application_name = 'in a transaction'", "rollback"])
        self.assertEqual(rows(self.run_in(c, "acme", "show application_name")), [["mine"]])
        self.assertEqual(rows(self.run_in(other, "acme", "show application_name")), [[""]])

    def test_a_rollback_to_a_savepoint_keeps_the_binding(self):
        c = self.connect()
        c.query("begin")
        c.query(name("acme"))
        c.query("savepoint a")
        self.assertEqual(codes(c.query("select 1/0")), ["22012"])
        c.query("rollback to a")
        self.assertEqual(rows(c.query("select count(*), min(tenant) from people")), [["1000", "a"]])
        c.query("commit")

    def test_the_book_says_whose_and_for_whom(self):
        c = self.connect()
        c.query("begin")
        self.assertEqual(codes(c.query("select set_config('sekisho.actor', 'end user 7', true)")), [None])
        c.query(name("globex"))
        c.query("select 'the book' from people limit 1")
        c.query("commit")
        last = [e for e in self.gate.statements() if e["detail"].get("statement") == "select ? from people limit ?"][-1]
        self.assertEqual((last["resource"], last["on_behalf"]), ("globex/db/crm", "end user 7"))

    def test_the_escape_table(self):
        """The attempts of the role lane, each in a transaction that names acme."""
        leaks, tried = [], 0
        for attempt, (texts, check) in escapes.ATTEMPTS.items():
            for form in ("simple", "extended", "portal"):
                if form not in dict(escapes.forms(texts[-1])):
                    continue
                c = self.connect()
                seen = escapes.Seen(c)
                try:
                    c.query("begin")
                    c.query(name("acme"))
                    for text in texts[:-1]:
                        c.query(text)
                    dict(escapes.forms(texts[-1]))[form](c)
                    c.query("rollback")
                except (EOFError, OSError, IndexError):
                    pass
                c.close()
                tried += 1
                if b"foreign" in b"".join(b for b in seen.bytes if b"foreign key" not in b) or (check and check([r for r in seen.rows if r != [b"acme"]])):
                    leaks.append((attempt, form, seen.rows[:3]))
        print(f"{len(escapes.ATTEMPTS)} attempts in {tried} forms", end=" ", flush=True)
        self.assertEqual(leaks, [])

    def test_many_subscribers_on_few_connections(self):
        wrong = []

        def work(n):
            try:
                c = pgwire.connect("127.0.0.1", self.gate.pg_port, "intake", "crm", self.token, tls=os.path.join(self.gate.dir, "ca.pem"), tls_name="localhost", timeout=20)
                for i in range(25):
                    subscriber, tenant = (("acme", "a"), ("globex", "b"))[(n + i) % 2]
                    c.query("begin")
                    c.query(name(subscriber))
                    got = rows(c.pipeline(["select distinct tenant from people", "select count(*) from tickets"]))
                    c.query("commit")
                    if got != [[tenant], ["1000"]]:
                        wrong.append((subscriber, got))
                c.close()
            except Exception as e:      # noqa: BLE001
                wrong.append(repr(e))

        threads = [threading.Thread(target=work, args=(n,)) for n in range(12)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(90)
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main()
