"""Sessions listed and ended: 57P01 to the client and nothing left at the server, within 100 ms, whatever is under way."""
import json
import threading
import time
import unittest

from house import SLOW, wait_until
from test_postgres import codes, rows
from test_postgres_harness import pgwire
from test_postgres_rules import Onboarded

WITHIN = 0.1 * SLOW


class Sessions(Onboarded):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.grant("sup1", "--write", "--export")
        cls.database.psql("create table public.wide (id int, tenant text, pad text); insert into wide select g, 'a', repeat('x', 500) from generate_series(1, 400000) g;"
                          "grant select, insert on wide to sk_crm_sub")
        cls.watcher = pgwire.connect("127.0.0.1", cls.database.port, "postgres", "crm")
        cls.addClassCleanup(cls.watcher.close)
        cls.warm = cls.house.connect()
        cls.house.http("GET", "/v1/sessions", "sec1", connection=cls.warm)

    def sessions(self, who="sec1"):
        return self.house.http("GET", "/v1/sessions", who).json["items"]

    def mine(self, before):
        """The id of the session that was not there before."""
        found = []
        wait_until(lambda: found.extend(s["id"] for s in self.sessions() if s["id"] not in before and s["id"] not in found) or found)
        return found[0]

    def left(self):
        """Sessions at the server that do something in the subscriber's role."""
        return int(rows(self.watcher.query("select count(*) from pg_stat_activity where usename like 'sk\\_crm\\_%' and state <> 'idle'"))[0][0])

    def end(self, session, who="sec1"):
        begun = time.monotonic()
        answer = self.house.http("POST", f"/v1/sessions/{session}/end", who, connection=self.warm, body={})
        self.assertEqual(answer.status, 200, answer.body)
        return begun

    def code_of(self, c):
        """What the client is told, and when; all rows before it are read."""
        try:
            while True:
                kind, body = c.read()
                if kind == "E":
                    return body["C"] if isinstance(body, dict) else body, time.monotonic()
        except (EOFError, OSError):
            return None, time.monotonic()

    def check_end(self, prepare):
        took = []
        for _ in range(5):
            before = {s["id"] for s in self.sessions()}
            c = self.connect()
            prepare(c)
            session = self.mine(before)
            begun = self.end(session)
            code, told = self.code_of(c)
            while self.left() and time.monotonic() - begun < 5:
                time.sleep(0.002)
            gone = time.monotonic()
            self.assertIn("57P01", str(code))
            took.append((told - begun, gone - begun))
            self.assertNotIn(session, {s["id"] for s in self.sessions()})
        took.sort(key=max)
        print(f"told and gone after {' '.join(f'{1000 * a:.0f}/{1000 * b:.0f}' for a, b in took)} ms", end=" ", flush=True)
        self.assertLess(max(took[2]), WITHIN)                   # the median; the machine is shared
        self.assertLess(max(took[4]), 3 * WITHIN)

    def test_idle(self):
        self.check_end(lambda c: c.query("select 1"))

    def test_in_a_transaction(self):
        self.check_end(lambda c: (c.query("begin"), c.query("update people set name = name where id = 2")))
        self.assertEqual(codes(self.connect().query("update people set name = name where id = 2")), [None])

    def test_while_something_runs(self):
        self.check_end(lambda c: (c.send(pgwire.query("select pg_sleep(30)")), time.sleep(0.2)))

    def test_while_something_runs_in_a_pipeline(self):
        self.check_end(lambda c: (c.send(pgwire.parse("", "select pg_sleep(30)"), pgwire.bind(), pgwire.execute(), pgwire.sync()), time.sleep(0.2)))

    def test_mid_stream(self):
        self.check_end(lambda c: (c.send(pgwire.query("select * from wide, generate_series(1, 100)")), time.sleep(0.3)))

    def test_mid_copy_out(self):
        self.check_end(lambda c: (c.send(pgwire.query("copy (select * from wide, generate_series(1, 100)) to stdout")), time.sleep(0.3)))

    def test_mid_copy_in(self):
        def copy(c):
            c.send(pgwire.query("copy wide from stdin"))
            self.assertEqual(c.read()[0], "G")
            c.send(*[pgwire.copy_data(b"1\ta\tx\n")] * 2000)
            time.sleep(0.2)
        self.check_end(copy)
        self.assertEqual(rows(self.watcher.query("select count(*) from wide where pad = 'x'")), [["0"]])

    def test_a_client_that_does_not_read(self):
        before = {s["id"] for s in self.sessions()}
        c = self.connect()
        c.send(pgwire.query("select * from wide, generate_series(1, 100)"))
        session = self.mine(before)
        time.sleep(0.5)
        self.assertGreater(self.left(), 0)
        begun = self.end(session)
        while self.left() and time.monotonic() - begun < 5:
            time.sleep(0.002)
        self.assertLess(time.monotonic() - begun, 3 * WITHIN)

    def test_who_sees_and_who_ends(self):
        c = self.connect()
        c.query("select 1")
        mine = [s for s in self.sessions("sup1")]
        self.assertEqual({(s["person"], s["database"], s["subscriber"]) for s in mine}, {("sup1", "crm", "acme")})
        self.assertEqual(self.sessions("sup2"), [])
        self.assertTrue({s["id"] for s in mine} <= {s["id"] for s in self.sessions("aud1")})
        session = self.mine_of(mine)
        self.ok("session", "end", session, person="sup2", exit=3)
        self.ok("session", "end", session, person="aud1", exit=3)
        self.ok("session", "end", "ses_none", person="sec1", exit=5)
        self.assertEqual(rows(c.query("select 7")), [["7"]])
        listed = json.loads(self.ok("session", "ls", "-o", "json", person="sup1"))
        self.assertIn(session, {s["id"] for s in listed})
        self.ok("session", "end", session, person="sup1")
        self.assertIn("57P01", str(self.code_of(c)[0]))
        entry = [e for e in self.house.http("GET", "/v1/subscribers/acme/ledger?limit=50", "aud1").json["items"] if e["operation"] == "session.end" and e["decision"] == "allow"][0]
        self.assertEqual((entry["outcome"]["session"], entry["outcome"]["database"]), (session, "crm"))

    def mine_of(self, mine):
        return sorted(mine, key=lambda s: s["since"])[-1]["id"]


if __name__ == "__main__":
    unittest.main()
