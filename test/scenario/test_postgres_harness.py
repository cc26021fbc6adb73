"""test_postgres_harness - a PostgreSQL 15 of one's own with an onboarded database, and the gateway before it. No tests in here.

As long as serve does not open its PostgreSQL door, the gateway is the program $SEKISHO_GATEWAY (test/unit/postgres/gateway.c)."""
import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import house

sys.path.insert(0, os.path.join(house.SHARED, "tools/probe"))
import pgwire  # noqa: E402

BIN = "/usr/lib/postgresql/15/bin"
GATEWAY = os.environ.get("SEKISHO_GATEWAY", "")
ONBOARD = os.path.join(os.path.dirname(GATEWAY), "onboard")
SALT = "pepper"
SCHEMA = """
create table public.people (id int primary key, tenant text not null, name text, email text);
create table public.tickets (id int primary key, tenant text not null, person int references people(id), subject text, body text);
create table public.notes (id int primary key, ticket int not null references tickets(id), note text);
create table public.countries (code text primary key, name text);
create table public.internal (id int primary key, secret text);
create view public.open_tickets as select * from tickets;
create function public.shout(x text) returns text language sql immutable as $$select upper(x)$$;
create function public.everyone() returns bigint language sql security definer as $$select count(*) from people$$;
grant select, insert, update, delete on people, tickets, notes, open_tickets to public;
grant select on countries to public;
insert into people select g, case when g % 2 = 0 then 'a' else 'b' end, case when g % 2 = 0 then 'own ' else 'foreign ' end || g, 'p' || g || '@example.com' from generate_series(1, 2000) g;
insert into tickets select g, case when g % 2 = 0 then 'a' else 'b' end, g, 'subject ' || g, repeat('x', 100) from generate_series(1, 2000) g;
insert into notes select g, g, case when g % 2 = 0 then 'own ' else 'foreign ' end || g from generate_series(1, 2000) g;
insert into countries values ('JP', 'Japan'), ('DE', 'Germany');
insert into internal values (1, 'foreign secret');
analyze;
"""
POLICIES = """
@id("export-by-grant")
permit (principal, action == Action::"export", resource) when { context.granted.export };
@id("test-database-admin")
permit (principal == Person::"ENG1", action == Action::"database.admin", resource);
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def as_nobody(*command, **how):
    words = ["setpriv", "--reuid=nobody", "--clear-groups", "--inh-caps=-all", *command] if os.getuid() == 0 else list(command)
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=60, **how)


def onboarding():
    """The recipe of ROWS.md, as psql reads it."""
    text = open(os.path.join(house.SHARED, "ROWS.md"), encoding="utf-8").read()
    begin = text.index("```sql\n") + 7
    return text[begin:text.index("\n```", begin)] + "\n"


class Server:
    """A PostgreSQL 15 on loopback, with database crm onboarded for a=acme, b=globex."""

    def __init__(self, conf="", onboarded=True):
        self.dir = tempfile.mkdtemp(prefix="sekisho-pg-")
        os.chmod(self.dir, 0o755)
        shutil.chown(self.dir, "nobody") if os.getuid() == 0 else None
        self.port = free_port()
        as_nobody(f"{BIN}/initdb", "-D", f"{self.dir}/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N", cwd=self.dir)
        with open(f"{self.dir}/data/postgresql.conf", "a") as f:
            f.write(f"port = {self.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nmax_connections = 200\nfsync = off\n{conf}\n")
        self.start()
        self.psql("create database crm", db="postgres")
        self.psql(SCHEMA)
        if onboarded and os.path.exists(ONBOARD):
            self.onboard("apply")
        elif onboarded:
            self.psql(onboarding(), p="sk_crm", col="tenant", map="a=acme,b=globex", shared="public.countries", exempt="", salt=SALT, mode="apply")

    def onboard(self, what, db="crm", prefix="sk_crm", shared="public.countries", exempt="", column="tenant"):
        done = subprocess.run([ONBOARD, "127.0.0.1", str(self.port), db, what, prefix, column, "a=acme,b=globex", shared, exempt, SALT],
                              capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise AssertionError(done.stderr)
        return [line.split("\t", 1) for line in done.stdout.splitlines() if "\t" in line]

    def start(self):
        as_nobody(f"{BIN}/pg_ctl", "-D", f"{self.dir}/data", "-l", f"{self.dir}/log", "-w", "start", cwd=self.dir)

    def stop(self, how="fast"):
        as_nobody(f"{BIN}/pg_ctl", "-D", f"{self.dir}/data", "-w", "-m", how, "stop", cwd=self.dir)

    def end(self):
        try:
            self.stop("immediate")
        except subprocess.CalledProcessError:
            pass
        shutil.rmtree(self.dir, True)

    def psql(self, text, db="crm", user="postgres", **variables):
        done = subprocess.run(["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port), "-U", user, "-d", db,
                               *[w for k, v in variables.items() for w in ("-v", f"{k}={v}")], "-f", "-"],
                              input=text, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise AssertionError(done.stderr)
        return done.stdout


class Gateway(house.House):
    """A sample house whose PostgreSQL door leads to `server`."""

    def __init__(self, server, mode="enforce", prefix="sk_crm", **env):
        self.database, self.mode, self.prefix = server, mode, prefix
        super().__init__(env=env)

    def start(self, wait=True):
        ready = os.path.join(self.top, "ready")
        if os.path.exists(ready):
            os.unlink(ready)
        self.log = open(os.path.join(self.top, "log"), "ab")
        self.server = subprocess.Popen([GATEWAY, self.dir, ready, *self.arguments()],
                                       env=house.environment(**self.more), stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        end = time.monotonic() + 20 * house.SLOW
        while not os.path.exists(ready) or not os.path.getsize(ready):
            if self.server.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"the gateway did not become ready: {self.server.poll()}\n{self.logged()}")
            time.sleep(0.01)
        self.ready = json.load(open(ready))
        self.url = self.ready["https"]
        self.host, port = self.url[len("https://"):].rsplit(":", 1)
        self.port = int(port)
        self.pg_port = int(self.ready["postgres"].rsplit(":", 1)[1])

    def arguments(self):
        return ["127.0.0.1", str(self.database.port), "crm", self.prefix, SALT, self.mode]

    def grant(self, person, subscriber, *rights, time_="12h"):
        """A grant on the database, asked for and approved; its id."""
        words = [w for r in rights for w in (f"--{r}",)]
        asked = self.sekisho("request", "create", subscriber, "db/crm", "--for", time_, *words, "-o", "json", person=person)
        approved = self.sekisho("request", "approve", json.loads(asked.stdout)["id"], "-o", "json", person="sec1")
        return json.loads(approved.stdout)["id"]

    def propose(self, text):
        path = os.path.join(self.top, "policy.cedar")
        open(path, "w").write(text)
        asked = self.sekisho("policy", "propose", path, "-o", "json", person="sec1")
        if asked.returncode != 4:
            raise AssertionError(asked.stdout + asked.stderr)
        done = self.sekisho("request", "approve", json.loads(asked.stdout)["id"], person="sec2")
        if done.returncode:
            raise AssertionError(done.stderr)

    def actor(self, person):
        return self.http("GET", "/v1/whoami", person).json["actor"]

    def raw(self, person="sup1", subscriber="acme", token=None, purpose="CASE-881", params=None, **how):
        how.setdefault("timeout", 20)
        options = {"options": f"-c sekisho.purpose={purpose}"} if purpose else {}
        return pgwire.connect("127.0.0.1", self.pg_port, person, f"crm@{subscriber}", token or self.token(person),
                              tls=os.path.join(self.dir, "ca.pem"), tls_name="localhost", params={**options, **(params or {})}, **how)

    def environment_of(self, person="sup1", subscriber="acme", purpose="CASE-881"):
        return house.environment(PGHOST="127.0.0.1", PGPORT=str(self.pg_port), PGUSER=person, PGDATABASE=f"crm@{subscriber}",
                                 PGPASSWORD=self.token(person), PGSSLMODE="verify-ca", PGSSLROOTCERT=os.path.join(self.dir, "ca.pem"),
                                 PGOPTIONS=f"-c sekisho.purpose={purpose}", PGCONNECT_TIMEOUT="10")

    def psql(self, text, person="sup1", subscriber="acme", *words, **how):
        return subprocess.run(["psql", "-X", "-At", *words, "-f", "-"], input=text, capture_output=True, text=True, timeout=60,
                              env=self.environment_of(person, subscriber, **how))

    def statements(self, **filters):
        """Oldest first."""
        return [e for e in reversed(self.entries(**filters)) if e["operation"] == "postgres.statement"]


_shared = {}


def shared(mode="enforce"):
    """One server and one gateway a mode for all tests of a run; sup1 may read, sup2 read and write, sup3 read, write and export acme."""
    if "server" not in _shared:
        _shared["server"] = Server()
        atexit.register(_shared["server"].end)
    if mode not in _shared:
        g = _shared[mode] = Gateway(_shared["server"], mode)
        atexit.register(g.__exit__)
        g.grant("sup1", "acme")
        g.grant("sup2", "acme", "write")
        g.grant("sup3", "acme", "write", "export")
        g.propose(POLICIES.replace("ENG1", g.actor("eng1")))
        g.grant("eng1", "acme", "write")
    return _shared[mode]


def own(**how):
    """A gateway of one's own before the shared server; sup2 may read and write acme, sup1 read."""
    shared()
    g = Gateway(_shared["server"], **how)
    atexit.register(g.__exit__)
    g.grant("sup1", "acme")
    g.grant("sup2", "acme", "write")
    return g


def needed(test):
    return unittest.skipUnless(GATEWAY and os.path.exists(f"{BIN}/postgres"), "needs $SEKISHO_GATEWAY and PostgreSQL 15's programs")(test)
