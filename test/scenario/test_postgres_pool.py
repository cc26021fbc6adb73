"""Back ends that are lent for a transaction: many sessions, few of them, and nobody notices."""
import threading
import unittest

import test_postgres_harness as harness
from test_postgres import codes, rows
from test_postgres_harness import pgwire


@harness.needed
class Pool(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gate = harness.own(GATEWAY_BACKENDS="2")
        cls.before = cls.backends(cls)

    def connect(self, person="sup2"):
        c = self.gate.raw(person)
        self.addCleanup(c.close)
        return c

    def backends(self):
        return int(self.gate.database.psql("select count(*) from pg_stat_activity where usename like 'sk_crm_%'"))

    def test_many_sessions_on_few_back_ends(self):
        many = [self.connect() for _ in range(30)]
        for i in range(3):
            for n, c in enumerate(many):
                self.assertEqual(rows(c.pipeline([("select $1::int, id from people where id = 2", [str(n)])])), [[str(n), "2"]])
        self.assertLessEqual(self.backends(), self.before + 4)

    def test_prepared_statements_follow_their_session(self):
        many = [self.connect() for _ in range(8)]
        for n, c in enumerate(many):
            c.send(pgwire.parse("mine", f"select {n}, id from people where id = $1"), pgwire.sync())
            self.assertEqual(codes(c.results()), [])
        for turn in range(3):
            for n, c in enumerate(many):
                c.send(pgwire.bind("", "mine", ["4"]), pgwire.describe("S", "mine"), pgwire.execute(), pgwire.sync())
                kinds = "".join(k for k, _ in c.until("Z"))
                self.assertEqual(kinds, "2tTDCZ")
        c = many[0]
        c.send(pgwire.parse("mine", "select 1"), pgwire.sync())
        self.assertEqual(codes(c.results()), ["42P05"])
        c.send(pgwire.close("S", "mine"), pgwire.sync())
        self.assertEqual("".join(k for k, _ in c.until("Z")), "3Z")
        c.send(pgwire.bind("", "mine", ["4"]), pgwire.sync())
        self.assertEqual(codes(c.results()), ["26000"])
        self.assertEqual(codes(many[1].query("deallocate mine")), [None])
        self.assertEqual(codes(many[1].pipeline(["select 1"])), [None])
        self.assertEqual(codes(many[2].query("deallocate all")), [None])
        for n, c in enumerate(many[3:]):
            c.send(pgwire.bind("", "mine", ["4"]), pgwire.execute(), pgwire.sync())
            self.assertEqual([[v.decode() for v in r.rows[0]] for r in c.results()], [[str(n + 3), "4"]])

    def test_the_unnamed_statement_too(self):
        a, b = self.connect(), self.connect()
        for c, n in ((a, "1"), (b, "2")):
            c.send(pgwire.parse("", f"select {n}"), pgwire.sync())
            c.results()
        for c, n in ((a, "1"), (b, "2"), (a, "1")):
            c.send(pgwire.bind(), pgwire.execute(), pgwire.sync())
            self.assertEqual(rows(c.results()), [[n]])

    def test_settings_stay_with_their_session(self):
        a, b = self.connect(), self.connect()
        for _ in range(3):
            a.query("set application_name = 'of a'")
            self.assertEqual(rows(a.query("show application_name")), [["of a"]])
            self.assertNotEqual(rows(b.query("show application_name")), [["of a"]])
        a.query("begin")
        a.query("set local statement_timeout = '7s'")
        a.query("commit")
        self.assertEqual(rows(a.query("show statement_timeout")), [["0"]])

    def test_a_transaction_keeps_its_back_end(self):
        a = self.connect()
        a.query("begin")
        a.query("update people set email = 'pooled' where id = 6")
        others = [self.connect() for _ in range(6)]
        for c in others:
            self.assertNotEqual(rows(c.query("select email from people where id = 6")), [["pooled"]])
        self.assertEqual(rows(a.query("select email from people where id = 6")), [["pooled"]])
        a.query("rollback")

    def test_waiting_for_a_back_end(self):
        holders = [self.connect() for _ in range(4)]
        for c in holders:
            c.send(pgwire.query("select pg_sleep(1)"))
        late = self.gate.raw("sup2")
        self.assertEqual(rows(late.query("select 5")), [["5"]])
        late.close()
        for c in holders:
            self.assertEqual(codes(c.results()), [None])

    def test_many_at_once(self):
        wrong = []

        def work(n):
            try:
                c = self.gate.raw("sup1")
                for i in range(30):
                    got = rows(c.pipeline([("select $1::int", [str(n * 1000 + i)])]))
                    if got != [[str(n * 1000 + i)]]:
                        wrong.append(got)
                c.close()
            except Exception as e:      # noqa: BLE001
                wrong.append(repr(e))

        threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(60)
        self.assertEqual(wrong, [])

    def test_a_cancelled_session_lets_go_of_nobody_elses(self):
        a = self.connect()
        others = [self.connect() for _ in range(3)]
        for _ in range(20):
            a.send(pgwire.query("select pg_sleep(0.001)"))
            pgwire.cancel("127.0.0.1", self.gate.pg_port, a.key)
            self.assertIn(codes(a.results())[0], (None, "57014"))
            for c in others:
                self.assertEqual(codes(c.query("select pg_sleep(0.001)")), [None])


@harness.needed
class Crowded(unittest.TestCase):
    """A role may have 20 sessions at the server; back ends that idle under other settings make room."""

    def own(self):
        """A server of its own: other gateways' back ends would count too."""
        server = harness.Server()
        self.addCleanup(server.end)
        gate = harness.Gateway(server)
        self.addCleanup(gate.__exit__)
        gate.grant("sup1", "acme")
        return gate

    def test_more_settings_than_the_role_may_have_sessions(self):
        gate = self.own()
        many = []
        for n in range(45):
            c = gate.raw("sup1", params={"application_name": f"client {n}"})
            self.addCleanup(c.close)
            self.assertEqual(rows(c.query("show application_name")), [[f"client {n}"]])
            many.append(c)
        for n in range(0, 45, 7):
            self.assertEqual(rows(many[n].query("show application_name")), [[f"client {n}"]])

    def test_what_does_not_become_free_is_told(self):
        gate = self.own()
        held = []
        for n in range(20):
            held.append(gate.raw("sup1"))
            self.addCleanup(held[-1].close)
            held[-1].query("begin")
        done = []

        def late():
            try:
                done.append(rows(gate.raw("sup1", timeout=30).query("select 1")))
            except pgwire.ServerError as e:
                done.append(e.fields["C"])
        threads = [threading.Thread(target=late) for _ in range(2)]
        threads[0].start()
        threads[0].join(2)
        self.assertEqual(done, [])
        held[3].query("rollback")
        threads[0].join(10)
        self.assertEqual(done, [[["1"]]])


if __name__ == "__main__":
    unittest.main()
