"""The PostgreSQL gateway as clients meet it: each message by hand, psql, pgbench; what the book says of it."""
import os
import socket
import ssl
import subprocess
import threading
import time
import unittest

import house
import test_postgres_harness as harness
from test_postgres_harness import pgwire


def rows(results):
    return [[None if v is None else v.decode() for v in r] for result in results for r in result.rows]


def codes(results):
    return [r.error.fields["C"] if r.error else None for r in results]


@harness.needed
class Wire(unittest.TestCase):
    def setUp(self):
        self.gate = harness.shared()

    def connect(self, *words, **how):
        c = self.gate.raw(*words, **how)
        self.addCleanup(c.close)
        return c

    def test_simple_query(self):
        c = self.connect()
        self.assertEqual(rows(c.query("select count(*), min(tenant) from people")), [["1000", "a"]])
        self.assertEqual(codes(c.query("select 1; select 1/0; select 3")), [None, "22012"])
        self.assertEqual(c.status, "I")
        self.assertEqual(c.query("")[0].tag, None)
        self.assertEqual([r.tag for r in c.query("select 1;; select 2")], ["SELECT 1", "SELECT 1"])

    def test_extended_query_with_portals_and_limits(self):
        c = self.connect()
        c.send(pgwire.query("begin"))
        c.results()
        c.send(pgwire.parse("s", "select id from people where id <= $1 order by id"), pgwire.bind("p", "s", ["20"]), pgwire.describe("S", "s"),
               pgwire.execute("p", 4), pgwire.execute("p", 4), pgwire.execute("p"), pgwire.close("P", "p"), pgwire.sync())
        kinds = [k for k, _ in c.until("Z")]
        self.assertEqual("".join(kinds), "12tT" + "DDDDs" * 2 + "DDC" + "3Z")
        c.query("commit")
        self.assertEqual(codes(c.pipeline([("select $1::int", ["1"])])), [None])
        c.send(pgwire.execute("p"), pgwire.sync())
        self.assertEqual(codes(c.results()), ["34000"])

    def test_pipeline_order_and_errors_in_the_middle(self):
        c = self.connect("sup2")
        many = [("select id from people where id = $1", [str(i)]) for i in range(2, 400, 2)]
        self.assertEqual(rows(c.pipeline(many)), [[str(i)] for i in range(2, 400, 2)])
        done = c.pipeline(["select 1", "select 1/0", "select 3"])
        self.assertEqual(codes(done), [None, "22012"])
        done = c.pipeline(["select 1", "set role postgres", "select 3"])
        self.assertEqual(codes(done), [None, "42501"])
        done = c.pipeline(["select 1", "update people set name = name where id = 2", "select 3", "selec", "select 4"])
        self.assertEqual(codes(done), [None, None, None, "42601"])
        done = c.pipeline(["select 1", "select 1/0", "update people set name = 'lost' where id = 2", "select 4"], sync_each=True)
        self.assertEqual(codes(done), [None, "22012", None, None])
        c.query("update people set name = 'own 2' where id = 2")

    def test_refusal_in_a_transaction_fails_the_transaction(self):
        c = self.connect("sup2")
        c.query("begin")
        self.assertEqual(codes(c.query("set role postgres")), ["42501"])
        self.assertEqual(c.status, "E")
        self.assertEqual(codes(c.query("select 1")), ["25P02"])
        c.query("rollback")
        self.assertEqual(c.status, "I")
        self.assertEqual(rows(c.query("select 1")), [["1"]])

    def test_direct_tls(self):
        """PostgreSQL 17's: TLS from the first byte, with ALPN; without it the connection ends, for any protocol may have begun so."""
        for split in (0, 1):
            c = self.connect(direct=True, split=split)
            self.assertEqual(rows(c.query("select count(*) from people")), [["1000"]])
        context = ssl.create_default_context(cafile=os.path.join(self.gate.dir, "ca.pem"))
        with socket.create_connection(("127.0.0.1", self.gate.pg_port), 10) as plain, context.wrap_socket(plain, server_hostname="localhost") as s:
            said = b""
            try:
                s.sendall(pgwire.startup({"user": "sup1", "database": "crm@acme"}))
                said = s.recv(100)
            except OSError:
                pass
            self.assertEqual(said, b"")
        with socket.create_connection(("127.0.0.1", self.gate.pg_port), 10) as s:      # what only begins like it
            s.sendall(b"\x16\x03\x01\x00\x04junk" * 10)
            while s.recv(1000):
                pass

    def test_split_at_every_byte_and_coalesced(self):
        for split in (1, 2, 7):
            c = self.connect(split=split)
            self.assertEqual(rows(c.query("select 'ü', count(*) from people where name like 'own%'")), [["ü", "1000"]])
            self.assertEqual(rows(c.pipeline([("select $1::text", ["x" * 300])])), [["x" * 300]])
        c = self.connect()
        c.send(pgwire.query("select 1"), pgwire.query("select 2"), pgwire.parse("", "select 3"), pgwire.bind(), pgwire.execute(), pgwire.sync())
        self.assertEqual(rows(c.results(ready=3)), [["1"], ["2"], ["3"]])

    def test_big_messages(self):
        c = self.connect()
        big = "x" * (3 << 20)
        self.assertEqual(rows(c.pipeline([("select length($1::text)", [big])])), [[str(3 << 20)]])
        self.assertEqual(codes(c.query("select '" + "y" * (1 << 20) + "'")), ["54000"])
        self.assertEqual(codes(c.pipeline(["select '" + "y" * (2 << 20) + "'"])), ["54000"])
        self.assertEqual(rows(c.query("select length('" + "y" * ((1 << 20) - 100) + "')")), [[str((1 << 20) - 100)]])
        got = c.query("select repeat('z', 5000000)")
        self.assertEqual(len(got[0].rows[0][0]), 5000000)
        self.assertEqual(codes(c.query("select 1" + "+1" * 5000)), ["54001"])
        self.assertEqual(codes(c.query("select " + "(" * 5000 + "1" + ")" * 5000)), ["54001"])

    def test_copy(self):
        c = self.connect("sup3")
        out = c.query("copy (select id from people where id <= 6 order by id) to stdout")[0]
        self.assertEqual((b"".join(out.copied), out.tag), (b"2\n4\n6\n", "COPY 3"))
        self.assertEqual(codes(c.query("copy people (tenant, name) from stdin", copy_in=b"a\tx\n")), ["0A000"])
        self.assertEqual(codes(self.connect("sup1").query("copy people to stdout")), ["42501"])
        self.assertEqual(codes(c.query("copy people to '/tmp/x'")), ["42501"])
        self.assertEqual(codes(c.query("copy people to program 'id'")), ["42501"])

    def test_protocol_3_2_and_negotiation(self):
        c = self.connect(version=(3, 2))
        self.assertEqual(len(c.key[1]), 32)
        self.assertIsNone(c.negotiated)
        c = self.connect(version=(3, 9), params={"_pq_.nothing": "1"})
        self.assertEqual(c.negotiated, (2, ["_pq_.nothing"]))
        c = self.connect(params={"_pq_.nothing": "1"})
        self.assertEqual(c.negotiated, (0, ["_pq_.nothing"]))
        self.assertEqual(len(c.key[1]), 4)

    def test_first_packets(self):
        with socket.create_connection(("127.0.0.1", self.gate.pg_port), 5) as s:
            self.assertEqual(pgwire.ask(s, pgwire.gssenc_request()), "N")
            self.assertEqual(pgwire.ask(s, pgwire.ssl_request()), "S")
        with socket.create_connection(("127.0.0.1", self.gate.pg_port), 5) as s:
            plain = pgwire.Connection(s)
            plain.send(pgwire.startup({"user": "sup1", "database": "crm@acme"}))
            kind, payload = plain.read()
            self.assertEqual((kind, pgwire.decode(kind, payload)["C"]), ("E", "28000"))
        with socket.create_connection(("127.0.0.1", self.gate.pg_port), 5) as s:
            s.sendall(pgwire.ssl_request() + pgwire.startup({"user": "sup1"}))      # stuffed before TLS: CVE-2021-23214
            self.assertIn(s.recv(10), (b"", b"S"))

    def refused(self, sqlstate, *words, **how):
        with self.assertRaises(pgwire.ServerError) as raised:
            self.connect(*words, **how)
        self.assertEqual(raised.exception.fields["C"], sqlstate)
        return raised.exception.fields

    def test_who_gets_in(self):
        self.refused("28P01", token="wrong")
        self.refused("28P01", token="skt_" + "A" * 49)
        self.refused("28P01", "sup2", token=self.gate.token("sup1"))
        fields = self.refused("42501", subscriber="globex")
        self.assertIn("sekisho request create globex db/crm", fields["H"])
        self.assertIn("purpose", self.refused("42501", purpose=None)["M"].lower())
        self.refused("42501", params={"role": "postgres"})
        self.refused("42501", params={"options": "-c sekisho.purpose=C -c role=postgres"})
        self.refused("42501", params={"options": "-c sekisho.purpose=C -c session_replication_role=replica"})
        self.refused("0A000", params={"replication": "database"})
        self.refused("42501", params={"client_encoding": "LATIN1"})
        self.refused("3D000", subscriber="ACME;x")

    def test_the_session_is_pinned(self):
        c = self.connect()
        self.assertEqual((c.params["client_encoding"], c.params["standard_conforming_strings"]), ("UTF8", "on"))
        self.assertEqual(codes(c.query("set client_encoding = 'LATIN1'")), ["42501"])
        self.assertEqual(codes(c.query("set standard_conforming_strings = off")), ["42501"])
        self.assertEqual(codes(c.query("set names 'utf8'")), [None])
        self.assertEqual(codes(c.query("set search_path = public")), [None])
        c.send(pgwire.query(b"select '\xff'"))
        self.assertEqual(codes(c.results()), ["22021"])

    def test_cancel(self):
        c, other = self.connect(), self.connect()
        stopped = []

        def run():
            stopped.extend(codes(c.query("select pg_sleep(20)")))

        t = threading.Thread(target=run)
        t.start()
        time.sleep(0.3)
        pgwire.cancel("127.0.0.1", self.gate.pg_port, (c.key[0], b"\0\0\0\0"))
        pgwire.cancel("127.0.0.1", self.gate.pg_port, (other.key[0], c.key[1]))
        time.sleep(0.2)
        self.assertEqual(stopped, [])
        begun = time.monotonic()
        pgwire.cancel("127.0.0.1", self.gate.pg_port, c.key)
        t.join(5)
        self.assertEqual(stopped, ["57014"])
        self.assertLess(time.monotonic() - begun, 1)
        self.assertEqual(rows(c.query("select 1")), [["1"]])
        pgwire.cancel("127.0.0.1", self.gate.pg_port, c.key)            # nothing in flight: nothing happens, and nothing later
        self.assertEqual(rows(c.query("select pg_sleep(0.2)")), [[""]])

    def test_cancel_races_hit_no_other_statement(self):
        c = self.connect()
        for i in range(50):
            c.send(pgwire.query("select pg_sleep(0.002)"))
            pgwire.cancel("127.0.0.1", self.gate.pg_port, c.key)
            self.assertIn(codes(c.results())[0], (None, "57014"))
            time.sleep(0.001)
            self.assertEqual(codes(c.query("select 1")), [None])

    def test_function_call_and_unknown_messages(self):
        c = self.connect()
        c.send(pgwire.function_call(2026, []))
        self.assertEqual(codes(c.results()), ["0A000"])
        self.assertEqual(rows(c.query("select 1")), [["1"]])
        c.send(pgwire.message("!", b"x"))
        with self.assertRaises((EOFError, OSError, pgwire.ServerError, ValueError)):
            for _ in range(3):
                kind, payload = c.read()

    def test_sql_level_prepare_and_cursors(self):
        c = self.connect("sup2")
        self.assertEqual(codes(c.query("prepare p (int) as select id from people where id = $1")), [None])
        self.assertEqual(rows(c.query("execute p(2)")), [["2"]])
        self.assertEqual(codes(self.connect("sup1").query("prepare d as delete from people")), ["42501"])
        c.query("begin")
        c.query("declare k cursor for select id from people order by id")
        self.assertEqual(rows(c.query("fetch 2 from k")), [["2"], ["4"]])
        c.send(pgwire.bind("", "", []), pgwire.sync())
        c.results()
        c.query("rollback")
        self.assertEqual(codes(c.query("deallocate p")), [None])
        self.assertEqual(codes(c.query("execute p(2)")), ["26000"])

    def test_a_failed_parse_does_not_rename(self):
        """A second Parse of a name fails at the server; what then runs is the first, and so the book must say."""
        c = self.connect("sup2")
        c.send(pgwire.parse("n", "update people set name = name where id = 2"), pgwire.sync())
        list(c.until("Z"))
        c.send(pgwire.parse("n", "select 1"), pgwire.sync())
        self.assertEqual(codes(c.results()), ["42P05"])
        c.send(pgwire.bind("", "n"), pgwire.execute(), pgwire.sync())
        self.assertEqual(c.results()[0].tag, "UPDATE 1")
        last = self.gate.statements()[-1]
        self.assertEqual((last["outcome"]["kind"], last["kind"]), ("write", "closing"))


@harness.needed
class Book(unittest.TestCase):
    def setUp(self):
        self.gate = harness.shared()

    def test_one_entry_for_a_short_read_with_its_counts(self):
        before = len(self.gate.statements())
        c = self.gate.raw()
        c.query("select id, name from people where id < 10 and name <> 'secret literal'")
        new = self.gate.statements()[before:]
        c.close()
        self.assertEqual(len(new), 1)
        e = new[0]
        self.assertEqual((e["kind"], e["decision"], e["resource"], e["purpose"]), ("whole", "allow", "acme/db/crm", "CASE-881"))
        self.assertEqual((e["outcome"]["rows"], e["outcome"]["kind"]), (4, "read"))
        self.assertEqual(e["detail"]["statement"], "select id, name from people where id < ? and name <> ?")
        self.assertEqual(e["detail"]["tables"], "people")
        self.assertNotIn("secret literal", str(e))

    def test_two_entries_for_a_long_read_and_for_a_change(self):
        c = self.gate.raw("sup2")
        for text, count in (("select * from tickets", 1000), ("update people set name = name where id < 10", 4)):
            before = len(self.gate.statements())
            c.query(text)
            new = self.gate.statements()[before:]
            self.assertEqual([e["kind"] for e in new], ["opening", "closing"])
            self.assertEqual(new[0]["passage"], new[1]["passage"])
            self.assertEqual(new[1]["outcome"]["rows"], count)
        c.close()

    def test_a_refused_statement_is_in_the_book(self):
        before = len(self.gate.statements())
        c = self.gate.raw()
        self.assertEqual(codes(c.query("update people set name = 'x'")), ["42501"])
        self.assertEqual(rows(c.query("select 1")), [["1"]])
        c.close()
        new = self.gate.statements()[before:]
        self.assertEqual([e["decision"] for e in new], ["deny", "allow"])
        self.assertEqual(new[0]["detail"]["statement"], "update people set name = ?")
        self.assertEqual(new[0]["kind"], "whole")

    def test_what_was_opened_is_closed_even_where_the_credential_ends(self):
        self.gate.grant("sup4", "acme")
        self.gate.tokens.pop("sup4", None)
        before = len(self.gate.statements())
        c = self.gate.raw("sup4")
        c.send(pgwire.query("select pg_sleep(32)"))
        time.sleep(0.4)
        self.gate.http("POST", "/v1/logout", "sup4")
        self.gate.tokens.pop("sup4", None)
        time.sleep(0.4)
        c.sock.close()
        new = self.gate.statements()[before:]
        self.assertEqual([(e["kind"], e["outcome"].get("ended")) for e in new], [("opening", None), ("closing", "lost")])

    def test_as_many_entries_as_statements(self):
        before = len(self.gate.statements())
        c = self.gate.raw()
        c.pipeline([("select id from people where id = $1", [str(i)]) for i in range(100)])
        for i in range(50):
            c.query("select 1")
        c.close()
        self.assertEqual(len(self.gate.statements()) - before, 150)


@harness.needed
class End(unittest.TestCase):
    """Revocation ends sessions at once; what happens to a client or a server that goes away."""

    def setUp(self):
        self.gate = harness.shared()

    def new_token(self, person):
        self.gate.tokens.pop(person, None)
        return self.gate.token(person)

    def ends(self, c):
        begun = time.monotonic()
        try:
            while True:
                kind, payload = c.read()
                if kind == "E":
                    return time.monotonic() - begun, pgwire.decode(kind, payload)["C"]
        except (EOFError, OSError):
            return time.monotonic() - begun, None

    def nothing_runs(self, pattern):
        end = time.monotonic() + 3 * house.SLOW
        while True:
            active = self.gate.database.psql(f"select count(*) from pg_stat_activity where query ~ '{pattern}' and state = 'active' and pid <> pg_backend_pid()")
            if active.strip() == "0" or time.monotonic() > end:
                break
            time.sleep(0.1)
        self.assertEqual(active.strip(), "0")

    def test_revoked_while_idle_and_while_running(self):
        grant = self.gate.grant("sup4", "acme")
        for text in (None, "select pg_sleep(30)", "select repeat('x', 1000) from generate_series(1, 100000000)"):
            token = self.new_token("sup4")
            c = self.gate.raw("sup4", token=token)
            if text:
                c.send(pgwire.query(text))
                time.sleep(0.4)
            out = self.gate.sekisho("people", "leave", "nobody-at-all", person="adm1")      # warms the way
            mine = self.gate.http("POST", "/v1/logout", token=token)
            took, code = self.ends(c)
            self.assertIn(mine.status, (200, 204), mine.body)
            self.assertIn(code, ("57P01", None))
            self.assertLess(took, 0.1 * house.SLOW)
        self.nothing_runs("pg_sleep.30|generate_series.1, 100000000")

    def test_a_grant_that_ends_stops_what_streams(self):
        grant = self.gate.grant("sup4", "acme")
        c = self.gate.raw("sup4")
        c.send(pgwire.query("select repeat('x', 1000) from generate_series(1, 100000000)"))
        time.sleep(0.3)
        for g in self.gate.http("GET", "/v1/grants", "sec1").json["items"]:
            if g["person"] == "sup4" and g["subscriber"] == "acme":
                self.gate.sekisho("grant", "revoke", g["id"], person="sec1")
        took, code = self.ends(c)
        self.assertLess(took, 2 * house.SLOW)

    def test_a_client_that_vanishes_leaves_nothing_running(self):
        c = self.gate.raw()
        c.send(pgwire.query("select pg_sleep(31)"))
        time.sleep(0.3)
        c.sock.close()
        self.nothing_runs("pg_sleep.31")

    def test_a_long_result_comes_whole_however_slowly_it_is_read(self):
        done = self.gate.psql("select repeat('x', 1000) from generate_series(1, 200000)")
        self.assertEqual((len(done.stdout), done.stderr), (200000 * 1001, ""))
        c = self.gate.raw()
        c.send(pgwire.query("select repeat('x', 1000) from generate_series(1, 40000)"))
        time.sleep(1.5)
        done = c.results()[0]
        self.assertEqual((len(done.rows), done.tag), (40000, "SELECT 40000"))
        c.send(pgwire.query("copy (select repeat('x', 1000) from generate_series(1, 40000)) to stdout"))
        c.results()
        c.close()
        last = [e for e in self.gate.statements() if e["kind"] == "closing" and e["outcome"]["rows"] == 40000]
        self.assertEqual(len(last), 1)

    def test_a_client_that_never_reads(self):
        def memory():
            return int(next(l for l in open(f"/proc/{self.gate.server.pid}/status") if l.startswith("VmRSS")).split()[1])

        before = memory()
        c = self.gate.raw()
        c.send(pgwire.query("select repeat('x', 1000) from generate_series(1, 2000000)"))
        time.sleep(2)
        grown = memory() - before
        c.sock.close()
        self.assertLess(grown, 64 << 10)


@harness.needed
class Clients(unittest.TestCase):
    def setUp(self):
        self.gate = harness.shared()

    def test_psql(self):
        done = self.gate.psql("select count(*) from people;\n\\d people\n\\dt\nselect tenant, count(*) from tickets group by 1;")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("a|1000", done.stdout)
        done = self.gate.psql("\\set VERBOSITY verbose\nset role postgres;")
        self.assertIn("42501", done.stderr)

    def test_pgbench(self):
        script = os.path.join(self.gate.top, "bench.sql")
        open(script, "w").write("\\set id random(1, 1000)\nselect name from people where id = 2 * :id;\n")
        for mode in ("simple", "extended", "prepared"):
            done = subprocess.run(["pgbench", "-n", "-M", mode, "-f", script, "-c", "4", "-t", "50"], env=self.gate.environment_of(),
                                  capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("number of failed transactions: 0", done.stdout)


    def test_pg_dump(self):
        done = subprocess.run(["pg_dump", "-a", "--inserts", "--enable-row-security", "-t", "people", "-t", "countries"], env=self.gate.environment_of(),
                              capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual((done.stdout.count("INSERT INTO public.people"), done.stdout.count("foreign")), (1000, 0))
        done = subprocess.run(["pg_dump", "-s", "--enable-row-security"], env=self.gate.environment_of(), capture_output=True, text=True, timeout=60)
        self.assertNotIn("closed the connection", done.stderr)

    def test_a_result_that_ends_while_its_opening_is_on_the_way(self):
        c = self.gate.raw()
        for size in (1000, 64000, 65400, 65600, 66000, 70000, 90000) * 5:
            self.assertEqual(len(c.query(f"select repeat('x', {size})")[0].rows[0][0]), size)
        c.close()


@harness.needed
class Observed(unittest.TestCase):
    def test_nothing_is_refused(self):
        gate = harness.shared("observe")
        c = gate.raw("sup1", "globex", purpose=None)
        self.assertEqual(rows(c.query("select count(*), min(tenant) from people")), [["1000", "b"]])
        self.assertEqual(codes(c.query("explain select 1")), [None])
        self.assertEqual(codes(c.query("selec")), ["42601"])
        c.close()
        seen = [e for e in gate.statements() if e["decision"] == "deny"]
        self.assertEqual(seen[0]["outcome"]["would_deny"], 1)
        self.assertIn(1, [e["outcome"].get("rows") for e in seen])
        self.assertIn("explain select ?", [e["detail"].get("statement") for e in seen])


if __name__ == "__main__":
    unittest.main()
