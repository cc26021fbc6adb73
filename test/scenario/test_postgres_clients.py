"""Other people's clients, each directly at a server and through the gateway: the same list of checks (test/clients, test/npm).

    test_postgres_clients.py --write        makes doc/postgres-clients.md from a run
"""
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import house
import test_postgres_harness as harness

CLIENTS, NPM = os.path.join(house.ROOT, "test/clients"), os.path.join(house.ROOT, "test/npm")
PAGE = os.path.join(house.ROOT, "doc/postgres-clients.md")
SCRATCH = "create table public.scratch (tenant text not null, id int not null, t text, primary key (tenant, id)); grant select, insert, update, delete on scratch to public;"
# What a confined session refuses by rule, whoever asks: a part of what it must say.
BY_RULE = {
    ("psql", "COPY in"): "COPY FROM not supported with row-level security",
    ("pg_restore", "with COPY"): "COPY FROM not supported with row-level security",
    ("pg_dump", "as it is"): "row_security stays on",
}


def package(*names):
    """The version of the first that is installed."""
    for name in names:
        done = subprocess.run(["dpkg-query", "-W", "-f=${db:Status-Status} ${Version}", name], capture_output=True, text=True)
        if done.stdout.startswith("installed "):
            return f"{name} {done.stdout.split()[1]}"
    return None


def of_npm(name):
    path = os.path.join(NPM, "node_modules", name, "package.json")
    if not os.path.exists(path) and shutil.which("npm"):
        subprocess.run(["npm", "ci", "--no-fund", "--no-audit", "--silent"], cwd=NPM, capture_output=True, timeout=300)
    return f"{name} {json.load(open(path))['version']}" if os.path.exists(path) else None


class Place:
    """Where a client is to connect to: variables of libpq."""

    def __init__(self, name, env):
        self.name, self.env = name, env

    def run(self, *words, input=None, cwd=None, **more):
        try:
            return subprocess.run(words, env={**self.env, **more}, input=input, cwd=cwd, capture_output=True, text=True, timeout=120)
        except subprocess.TimeoutExpired as e:
            return subprocess.CompletedProcess(words, 1, (e.stdout or b"").decode(), "nothing more for 120 s")


def of_lines(done):
    """Checks that a program of test/clients prints."""
    found = dict(l.split("\t", 1) for l in done.stdout.splitlines() if "\t" in l)
    if not found or (done.returncode and "connect" not in found):
        found["run"] = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
    return found


def said(done, wanted=None):
    """ok, or the first thing that the program said of an error."""
    if done.returncode == 0 and (wanted is None or re.search(wanted, done.stdout)):
        return "ok"
    lines = [l for l in done.stderr.splitlines() if "ERROR" in l or "error" in l or "FATAL" in l] or done.stderr.splitlines() or [f"printed {done.stdout[:80]!r}"]
    detail = [l.strip() for l in done.stderr.splitlines() if l.startswith("DETAIL")]
    return " ".join([lines[0].strip()] + detail[:1])


def psql(place, scratch):
    ask = lambda text, *words: place.run("psql", "-X", "-At", "-v", "ON_ERROR_STOP=1", *words, "-f", "-", input=text)
    return {
        "simple query": said(ask("select count(*) from people"), "(?m)^1000$"),
        "\\d": said(ask("\\d people\n\\dt\n\\df shout\n"), "tenant"),
        "variables and \\bind": said(ask("\\set n 2\nselect name from people where id = :n"), "own 2"),
        "several in one message": said(place.run("psql", "-X", "-At", "-c", "begin; select 7; commit"), "7"),
        "error, then on": "ok" if "22012" in (d := place.run("psql", "-X", "-At", "-v", "VERBOSITY=verbose", "-f", "-", input="select 1/0;\nselect 'on'")).stderr and "on" in d.stdout else said(d),
        "write and rollback": said(ask("begin; insert into scratch values ('a', 1, 'x'); rollback; select count(*) from scratch where id = 1"), "(?m)^0$"),
        "COPY out": said(ask("\\copy people to stdout"), "(?s)own 2\t.*own 2000"),
        "COPY in": said(ask("\\copy scratch from stdin\na\t900\tx\n\\.\n;delete from scratch where id = 900;")),
        "cursor (FETCH_COUNT)": said(ask("\\set FETCH_COUNT 100\nselect id from people"), "(?s)2.*2000"),
    }


def pgbench(place, scratch):
    scripts = {"read": "\\set id 2 * random(1, 1000)\nselect name from people where id = :id;\n",
               "write": "\\set id random(1, 1000000)\nbegin;\ninsert into scratch values ('a', :id, 'b') on conflict do nothing;\nupdate scratch set t = 'c' where id = :id;\n"
                        "delete from scratch where id = :id;\nend;\n",
               "pipeline": "\\startpipeline\nselect 1;\nselect count(*) from countries;\n\\endpipeline\n"}
    found = {}
    for name, text in scripts.items():
        path = os.path.join(scratch, name + ".pgbench")
        open(path, "w").write(text)
        for mode in ("extended", "prepared") if name == "pipeline" else ("simple", "extended", "prepared"):
            done = place.run("pgbench", "-n", "-M", mode, "-f", path, "-c", "8", "-j", "2", "-t", "25")
            found[f"{name}, {mode}"] = said(done, "processed: 200/200") if not re.search(r"failed transactions: [1-9]", done.stdout) else "transactions failed"
    return found


def pg_dump(place, scratch):
    where = os.path.join(scratch, place.name)
    done = place.run("pg_dump", "-a", "--enable-row-security", "-t", "people")
    return {
        "schema": said(place.run("pg_dump", "-s", "--enable-row-security", "-t", "people", "-t", "countries"), "CREATE TABLE public.people"),
        "data, COPY": said(done, r"(?s)2\ta\town 2\t.*2000\ta\t"),
        "data, INSERT": said(place.run("pg_dump", "-a", "--inserts", "--enable-row-security", "-t", "people"), "(?s)INSERT INTO.*own 2000"),
        "custom format": said(place.run("pg_dump", "-Fc", "-a", "--enable-row-security", "-t", "scratch", "-f", where)),
        "as it is": said(place.run("pg_dump", "-a", "-t", "people"), "own 2000"),
    }


def pg_restore(place, scratch):
    found = {}
    put = lambda text: place.run("psql", "-X", "-At", "-v", "ON_ERROR_STOP=1", "-c", text)
    for name, words in (("with INSERT", ["--inserts"]), ("with COPY", [])):
        where = os.path.join(scratch, place.name + name)
        put("insert into scratch select 'a', 1000 + g, 'restored' from generate_series(1, 50) g")
        dumped = place.run("pg_dump", "-Fc", "-a", "--enable-row-security", *words, "-t", "scratch", "-f", where)
        put("delete from scratch")
        done = place.run("pg_restore", "-a", "--enable-row-security", "-d", place.env["PGDATABASE"], where)
        rows = put("select count(*) from scratch where t = 'restored'").stdout.strip()
        put("delete from scratch")
        found[name] = said(dumped) if dumped.returncode else "ok" if rows == "50" and done.returncode == 0 else said(done)
    return found


def compiled(place, scratch, *words):
    binary = os.path.join(scratch, words[-1])
    if not os.path.exists(binary):
        done = subprocess.run(words[:-1], cwd=CLIENTS, capture_output=True, text=True)
        if done.returncode:
            raise AssertionError(done.stderr)
    return of_lines(place.run(binary))


def libpq(place, scratch):
    binary = os.path.join(scratch, "pipeline")
    return compiled(place, scratch, "cc", "-Wall", "-I/usr/include/postgresql", "pipeline.c", "-o", binary, "-lpq", "pipeline")


def libpqxx(place, scratch):
    binary = os.path.join(scratch, "pqxx")
    return compiled(place, scratch, "c++", "-std=c++17", "-I/usr/include/postgresql", "pqxx.cpp", "-o", binary, "-lpqxx", "-lpq", "pqxx")


def node(which):
    return lambda place, scratch: of_lines(place.run("node", "postgres-clients.js", which, cwd=NPM))


def python(which):
    return lambda place, scratch: of_lines(place.run("/usr/bin/python3", os.path.join(CLIENTS, "python.py"), which, cwd=scratch))


def jdbc(place, scratch):
    return of_lines(place.run("java", "-cp", "/usr/share/java/postgresql.jar", os.path.join(CLIENTS, "Jdbc.java")))


def go(driver):
    return lambda place, scratch: of_lines(place.run("go", "run", os.path.join(CLIENTS, "gopq.go"), driver, GO111MODULE="off", GOPATH="/usr/share/gocode",
                                                     GOCACHE=os.path.join(scratch, "go-cache"), GOFLAGS=""))


# name: what it is (None: not installed), what tries it
ALL = {
    "psql": (package("postgresql-client-15"), psql),
    "pgbench": (package("postgresql-contrib", "postgresql-15"), pgbench),
    "pg_dump": (package("postgresql-client-15"), pg_dump),
    "pg_restore": (package("postgresql-client-15"), pg_restore),
    "libpq, pipelining": (package("libpq-dev"), libpq),
    "libpqxx": (package("libpqxx-dev"), libpqxx),
    "psycopg 2": (package("python3-psycopg2"), python("psycopg2")),
    "psycopg 3": (package("python3-psycopg"), python("psycopg")),
    "node-postgres": (of_npm("pg"), node("pg")),
    "postgres.js": (of_npm("postgres"), node("postgres")),
    "Sequelize": (of_npm("sequelize"), node("sequelize")),
    "pgjdbc": (package("libpostgresql-jdbc-java") if shutil.which("java") else None, jdbc),
    "lib/pq": (package("golang-github-lib-pq-dev") and package("golang-github-jackc-pgx-v4-dev") and package("golang-github-lib-pq-dev"), go("postgres")),
    "pgx": (package("golang-github-lib-pq-dev") and package("golang-github-jackc-pgx-v4-dev"), go("pgx")),
}


class Run:
    def __init__(self):
        self.server = harness.Server(onboarded=False)
        self.server.psql(SCRATCH)
        self.server.psql("create database plain", db="postgres")
        self.server.psql(harness.SCHEMA + SCRATCH + "set session_replication_role = replica; delete from people where tenant = 'b'", db="plain")
        self.server.psql("create role vendor login", db="plain")
        self.server.onboard("apply")
        self.gate = harness.Gateway(self.server)
        self.gate.grant("sup3", "acme", "write", "export")
        self.scratch = tempfile.mkdtemp(prefix="sekisho-test-")
        direct = house.environment(PGHOST="127.0.0.1", PGPORT=str(self.server.port), PGUSER="vendor", PGDATABASE="plain", PGCONNECT_TIMEOUT="10")
        self.places = [Place("direct", direct), Place("through", {**self.gate.environment_of("sup3"), "PGCONNECT_TIMEOUT": "10"})]

    def end(self):
        self.gate.__exit__()
        self.server.end()
        shutil.rmtree(self.scratch, True)

    def of(self, name):
        return {p.name: ALL[name][1](p, self.scratch) for p in self.places}


@harness.needed
class Clients(unittest.TestCase):
    """What works directly works through the gateway; what a confined session refuses by rule says so."""

    @classmethod
    def setUpClass(cls):
        cls.run_ = Run()
        cls.addClassCleanup(cls.run_.end)

    def try_(self, name):
        if not ALL[name][0]:
            self.skipTest("not installed")
        found = self.run_.of(name)
        self.assertEqual([c for c, r in found["direct"].items() if r != "ok"], [], found["direct"])
        self.assertEqual(list(found["through"]), list(found["direct"]))
        for check, result in found["through"].items():
            rule = BY_RULE.get((name, check))
            self.assertIn(rule or "ok", result, f"{name}: {check}: {result}")


for _name in ALL:
    setattr(Clients, "test_" + re.sub(r"\W+", "_", _name), lambda self, name=_name: self.try_(name))


def page(run):
    text = ["# PostgreSQL clients, directly and through the gateway", "",
            f"Made by `test/scenario/test_postgres_clients.py --write` on {datetime.date.today()}: each client does its list directly at a PostgreSQL 15 and "
            "through the gateway, confined to one subscriber by a role of the role lane, TLS and a token. "
            "*By rule* is what PostgreSQL or the gateway refuses to every confined session; the program then says what is quoted.", "",
            "| client | version | direct | through | by rule |", "|---|---|---|---|---|"]
    detail = ["", "## What was tried", ""]
    missing = []
    for name, (version, _) in ALL.items():
        if not version:
            missing.append(name)
            continue
        found = run.of(name)
        good = {p: sum(r == "ok" for r in f.values()) for p, f in found.items()}
        rule = [f"{c}: “{r}”" for c, r in found["through"].items() if (name, c) in BY_RULE]
        text.append(f"| {name} | {version} | {good['direct']} of {len(found['direct'])} | {good['through']} of {len(found['through'])} | {'; '.join(rule)} |")
        failed = [f"**{c}: {r}**" for p in found for c, r in found[p].items() if r != "ok" and not (p == "through" and (name, c) in BY_RULE)]
        detail.append(f"- {name}: {' · '.join(found['direct'])}" + (f"; failed: {'; '.join(failed)}" if failed else ""))
        print(text[-1], flush=True)
    if missing:
        detail += ["", f"Not installed where this was made, so not tried: {', '.join(missing)}."]
    return "\n".join(text + detail) + "\n"


if __name__ == "__main__":
    if "--write" not in sys.argv:
        unittest.main()
    made = Run()
    try:
        with open(PAGE, "w", encoding="utf-8") as f:
            f.write(page(made))
    finally:
        made.end()
