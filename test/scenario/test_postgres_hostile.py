"""Clients and servers that say anything, and processes that are killed: the gateway goes on, and the book shows what was open."""
import os
import random
import signal
import socket
import struct
import threading
import time
import unittest

import house
import test_postgres_harness as harness
from test_postgres import codes, rows
from test_postgres_harness import pgwire

ROUNDS = int(os.environ.get("SEKISHO_ROUNDS", "150"))


class FakeServer:
    """Lets anyone in, then answers each read with bytes from `say(random)`."""

    def __init__(self, say):
        self.say, self.socket = say, socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        seed = 0
        while True:
            try:
                s, _ = self.socket.accept()
            except OSError:
                return
            seed += 1
            threading.Thread(target=self.serve, args=(s, random.Random(seed)), daemon=True).start()

    def serve(self, s, r):
        try:
            size = struct.unpack("!I", s.recv(4, socket.MSG_WAITALL))[0]
            s.recv(size - 4, socket.MSG_WAITALL)
            m = pgwire.message
            s.sendall(m("R", struct.pack("!I", 0)) + m("S", b"client_encoding\0UTF8\0") + m("K", struct.pack("!II", 1, 2)) + m("Z", b"I"))
            s.recv(65536)
            s.sendall(m("C", b"SELECT 0\0") + m("Z", b"I"))         # the catalogue is empty
            while s.recv(65536):
                s.sendall(self.say(r))
        except OSError:
            pass
        finally:
            s.close()

    def close(self):
        self.socket.close()


def any_message(r):
    kind = r.choice("123nTtDCIsEZSNAGHWdcKRVv")
    body = r.choice([b"", b"I", b"T", b"E", b"SELECT 7\0", b"SERROR\0C42501\0Mno\0\0", b"client_encoding\0SJIS\0", b"\0\1\0\0\0\1x", os.urandom(r.randrange(300))])
    size = r.choice([len(body) + 4] * 12 + [3, 0, 0x7fffffff, len(body) + 100])
    return kind.encode() + struct.pack("!I", size & 0xffffffff) + body


def say_anything(r):
    return b"".join(any_message(r) for _ in range(r.randrange(1, 12)))


def client_message(r):
    text = r.choice([b"select 1", b"selec", b"set role x", b"begin", b"commit", b"", b"copy t from stdin", b"select 1; select 2", b"\xff", b"update t set a = 1", os.urandom(20)])
    name = r.choice([b"", b"a", b"b", b"x" * 300])
    made = r.choice([
        lambda: pgwire.query(text), lambda: pgwire.parse(name, text), lambda: pgwire.bind(name, name, [b"1", None]), lambda: pgwire.describe("S", name),
        lambda: pgwire.describe("P", name), lambda: pgwire.execute(name, r.randrange(4)), lambda: pgwire.close("S", name), lambda: pgwire.sync(), lambda: pgwire.flush(),
        lambda: pgwire.copy_data(b"x"), lambda: pgwire.copy_done(), lambda: pgwire.copy_fail("no"), lambda: pgwire.message("p", b"x\0"),
        lambda: r.choice("QPBDECSXHdcf!").encode() + struct.pack("!I", r.choice([3, 4, 5, 9, 70000])) + os.urandom(r.randrange(10)),
    ])
    return made()


@harness.needed
class Hostile(unittest.TestCase):
    def drive(self, gate, seeds, person="sup1"):
        for seed in seeds:
            r = random.Random(seed)
            c = gate.raw(person, timeout=3)
            try:
                for _ in range(r.randrange(1, 6)):
                    c.send(*[client_message(r) for _ in range(r.randrange(1, 10))])
                    c.sock.settimeout(0.02)
                    try:
                        while c.sock.recv(65536):
                            pass
                    except (TimeoutError, socket.timeout):
                        pass
            except OSError:
                pass
            finally:
                c.sock.close()
        self.assertIsNone(gate.server.poll(), gate.logged()[-3000:])

    def test_a_client_that_says_anything(self):
        gate = harness.shared()
        self.drive(gate, range(ROUNDS))
        c = gate.raw()
        self.assertEqual(rows(c.query("select count(*) from people")), [["1000"]])
        c.close()

    def test_a_server_that_says_anything(self):
        fake = FakeServer(say_anything)
        self.addCleanup(fake.close)
        fake.dir = None
        with harness.Gateway(fake) as gate:
            gate.grant("sup1", "acme")
            self.drive(gate, range(ROUNDS))

    def test_the_gateway_is_killed(self):
        """What was open stays open in the book, and the server is rid of the transaction."""
        gate = harness.own()
        c = gate.raw("sup2")
        c.query("begin")
        c.query("update people set email = 'half' where id = 10")
        d = gate.raw("sup2")
        d.send(pgwire.query("select pg_sleep(33)"))
        time.sleep(0.5)
        gate.stop(signal.SIGKILL)
        gate.start()
        kinds = [(e["kind"], e["detail"].get("statement")) for e in gate.statements()]
        self.assertEqual(kinds[-1], ("opening", "select pg_sleep(?)"))
        e = gate.raw("sup2")
        self.assertNotEqual(rows(e.query("select email from people where id = 10")), [["half"]])
        e.close()

    def test_the_server_is_killed(self):
        server = harness.Server()
        self.addCleanup(server.end)
        with harness.Gateway(server) as gate:
            gate.grant("sup2", "acme", "write")
            c, d = gate.raw("sup2"), gate.raw("sup2")
            c.query("begin")
            c.query("update people set email = 'half' where id = 10")
            d.send(pgwire.query("select repeat('x', 1000) from people, people p2"))
            time.sleep(0.2)
            os.kill(int(open(f"{server.dir}/data/postmaster.pid").readline()), signal.SIGKILL)
            server.psql  # noqa: B018
            for s in (c, d):
                with self.assertRaises((EOFError, OSError, pgwire.ServerError, AssertionError)):
                    for _ in range(3000000):
                        kind, payload = s.read()
                        if kind == "E":
                            raise pgwire.ServerError(pgwire.decode(kind, payload))
                    self.fail("it went on")
            time.sleep(1)
            self.assertIsNone(gate.server.poll())
            try:
                server.start()
            except Exception:                       # noqa: BLE001: back ends of the old one may take a moment to go
                time.sleep(2)
                server.start()
            e = gate.raw("sup2")
            self.assertEqual(codes(e.query("select count(*) from people")), [None])
            e.close()
            open_ = {x["passage"] for x in gate.statements() if x["kind"] == "opening"} - {x["passage"] for x in gate.statements() if x["kind"] == "closing"}
            self.assertEqual(open_, set())


if __name__ == "__main__":
    unittest.main()
