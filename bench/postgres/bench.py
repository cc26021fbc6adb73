#!/usr/bin/python3
"""bench.py [--rounds N] [--seconds S] [--only WORD]: the gateway beside PgBouncer and PgBouncer + pgaudit, in the same minutes.

One client program (pgbench), one schema, one confined role, TLS from the client and to the server everywhere:

    pgbouncer           session pooling (it has no protocol-level prepared statements otherwise), nothing recorded
    pgbouncer+pgaudit   the same before a server that logs each statement, without durability
    sekisho             `sekisho serve --postgres`: each statement decided, its record durable before its answer, with counts

Rounds are interleaved; what is printed are medians of the rounds and their ratio to PgBouncer's. fdatasync of 4 KiB at this place is
measured before and after. Answers are compared with what the server itself says; entries in the book with statements."""
import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD", os.path.join(ROOT, "build"))
os.environ["SEKISHO"] = os.path.join(BUILD, "src/sekisho")
os.environ.setdefault("SEKISHO_GATEWAY", os.path.join(BUILD, "test/unit/gateway"))
sys.path.insert(0, os.path.join(ROOT, "test/scenario"))
import house  # noqa: E402
import test_postgres_harness as harness  # noqa: E402

ROWS = 100000
SCHEMA = f"""
create table public.accounts (aid int primary key, tenant text not null, balance int not null, filler text not null);
insert into accounts select g, 'a', g * 7, repeat('f', 84) from generate_series(1, {ROWS}) g;
grant select, insert, update, delete on accounts to public;
vacuum analyze accounts;
"""
POINT = f"\\set aid random(1, {ROWS})\nselect balance from accounts where aid = :aid;\n"
HUNDRED = f"\\set aid random(1, {ROWS - 100})\nselect aid, balance, filler from accounts where aid between :aid and :aid + 99;\n"
CASES = [("point, prepared", POINT, "prepared", 1), ("point, prepared", POINT, "prepared", 8), ("point, prepared", POINT, "prepared", 32),
         ("point, simple", POINT, "simple", 8), ("100 rows, prepared", HUNDRED, "prepared", 1), ("100 rows, prepared", HUNDRED, "prepared", 8)]
AIMS = {("point, prepared", 1): 0.75, ("point, prepared", 8): 0.65, ("point, prepared", 32): 0.95, ("100 rows, prepared", 1): 0.85, ("100 rows, prepared", 8): 1.0}


def certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"], check=True, capture_output=True)
    for name in ("key.pem", "cert.pem"):
        if os.getuid() == 0:
            shutil.chown(f"{folder}/{name}", "nobody")
    os.chmod(f"{folder}/key.pem", 0o600)
    return f"{folder}/cert.pem", f"{folder}/key.pem"


class Server(harness.Server):
    def __init__(self, conf=""):
        self.tls = tempfile.mkdtemp(prefix="sekisho-bench-")
        os.chmod(self.tls, 0o755)
        if os.getuid() == 0:
            shutil.chown(self.tls, "nobody")
        cert, key = certificate(self.tls)
        super().__init__(f"ssl = on\nssl_cert_file = '{cert}'\nssl_key_file = '{key}'\nfsync = on\nshared_buffers = 256MB\n{conf}", onboarded=False)
        self.psql(SCHEMA)
        self.onboard("apply")
        self.find_role()

    def find_role(self):
        """Session pooling needs a session a client: more than a role may have by default."""
        self.role = self.psql("select name from sekisho.login where tenant = 'a'").strip()
        self.psql(f'alter role "{self.role}" connection limit 100')

    def end(self):
        super().end()
        shutil.rmtree(self.tls, True)


class Bouncer:
    def __init__(self, server):
        self.server, self.port = server, harness.free_port()
        self.dir = tempfile.mkdtemp(prefix="sekisho-bench-")
        os.chmod(self.dir, 0o755)
        if os.getuid() == 0:
            shutil.chown(self.dir, "nobody")
        cert, key = certificate(self.dir)
        with open(f"{self.dir}/users", "w") as f:
            f.write(f'"{server.role}" ""\n')
        with open(f"{self.dir}/ini", "w") as f:
            f.write(f"""[databases]
crm = host=127.0.0.1 port={server.port} dbname=crm user={server.role}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = any
auth_file = {self.dir}/users
pool_mode = session
max_client_conn = 200
default_pool_size = 64
client_tls_sslmode = require
client_tls_key_file = {key}
client_tls_cert_file = {cert}
server_tls_sslmode = verify-ca
server_tls_ca_file = {server.tls}/cert.pem
log_connections = 0
log_disconnections = 0
""")
        words = ["setpriv", "--reuid=nobody", "--clear-groups", "--inh-caps=-all"] if os.getuid() == 0 else []
        self.process = subprocess.Popen([*words, "pgbouncer", "-q", f"{self.dir}/ini"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise SystemExit("pgbouncer does not listen")

    def environment(self):
        return house.environment(PGHOST="127.0.0.1", PGPORT=str(self.port), PGUSER=self.server.role, PGDATABASE="crm", PGSSLMODE="verify-ca", PGSSLROOTCERT=f"{self.dir}/cert.pem")

    def end(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.dir, True)


class Sekisho:
    def __init__(self, server):
        self.house = house.House(start=False)
        self.house.words = ["--postgres", "127.0.0.1:0"]
        self.house.start()
        service = os.path.join(self.house.top, "service.conf")
        with open(service, "w") as f:
            f.write(f"[crm]\nhost=127.0.0.1\nport={server.port}\ndbname=crm\nuser=postgres\nsslmode=verify-ca\nsslrootcert={server.tls}/cert.pem\n")
        server.onboard("undo")
        self.ok("db", "add", "crm", "--upstream", service)
        self.ok("db", "onboard", "crm", "--tenant-column", "tenant", "--map", "a=acme", "--map", "b=globex", "--apply")
        server.find_role()
        asked = json.loads(self.ok("request", "create", "acme", "db/crm", "--for", "12h", "-o", "json", person="sup1", exit=4))
        self.ok("request", "approve", asked["id"], person="sec1")

    def ok(self, *words, person="adm1", exit=0):
        done = self.house.sekisho(*words, person=person)
        if done.returncode != exit:
            raise SystemExit(f"{words}: {done.stdout}{done.stderr}")
        return done.stdout

    def environment(self):
        return house.environment(PGHOST="127.0.0.1", PGPORT=self.house.ready["postgres"].rsplit(":", 1)[1], PGUSER="sup1", PGDATABASE="crm@acme", PGPASSWORD=self.house.token("sup1"),
                                 PGSSLMODE="verify-ca", PGSSLROOTCERT=os.path.join(self.house.dir, "ca.pem"), PGOPTIONS="-c sekisho.purpose=BENCH")

    def entries(self):
        return int(re.search(r"^sekisho_entries_total (\d+)", self.house.http("GET", "/metrics").body.decode(), re.M).group(1))

    def end(self):
        self.house.__exit__()


def syncs(folder, count=400):
    """p50 and p99 of a 4 KiB append and its fdatasync, in microseconds."""
    times = []
    path = os.path.join(folder, "sync-probe")
    fd = os.open(path, os.O_CREAT | os.O_WRONLY)
    for n in range(count):
        begun = time.perf_counter()
        os.pwrite(fd, b"x" * 4096, 4096 * n)
        os.fdatasync(fd)
        times.append((time.perf_counter() - begun) * 1e6)
    os.close(fd)
    os.unlink(path)
    times.sort()
    return times[count // 2], times[count * 99 // 100]


def pgbench(env, script, mode, clients, seconds):
    done = subprocess.run(["pgbench", "-n", "-M", mode, "-f", script, "-c", str(clients), "-j", "1", "-T", str(seconds)], env=env, capture_output=True, text=True)
    found = re.search(r"^tps = ([\d.]+)", done.stdout, re.M), re.search(r"actually processed: (\d+)", done.stdout)
    if done.returncode or not all(found) or re.search(r"failed transactions: [1-9]", done.stdout):
        raise SystemExit(f"pgbench: {done.stdout}{done.stderr}")
    return float(found[0].group(1)), int(found[1].group(1))


def check_answers(targets, server):
    text = "select md5(string_agg(aid || ':' || balance, ',' order by aid)) from accounts where aid % 97 = 5; select balance from accounts where aid = 4711"
    wanted = server.psql(text)
    for name, target in targets.items():
        done = subprocess.run(["psql", "-X", "-q", "-At", "-c", text], env=target.environment(), capture_output=True, text=True)
        if done.stdout != wanted:
            raise SystemExit(f"{name} answers otherwise than the server: {done.stdout!r} {done.stderr}")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=int, default=4)
    options.add_argument("--only", default="")
    o = options.parse_args()
    ends = []
    try:
        plain, audited = Server(), Server("shared_preload_libraries = 'pgaudit'\npgaudit.log = 'all'\npgaudit.log_parameter = on\nlogging_collector = on\n")
        ends += [plain, audited]
        sekisho = Sekisho(plain)
        ends.append(sekisho)
        targets = {"pgbouncer": Bouncer(plain), "pgbouncer+pgaudit": Bouncer(audited), "sekisho": sekisho}
        ends += [targets["pgbouncer"], targets["pgbouncer+pgaudit"]]
        check_answers(targets, plain)
        run(o, targets, sekisho)
        check_answers(targets, plain)
    finally:
        for thing in reversed(ends):
            thing.end()


def run(o, targets, sekisho):
    print(f"{os.cpu_count()} cores, {o.rounds} interleaved rounds of {o.seconds} s, TLS on both sides, fdatasync p50/p99 {'/'.join(f'{t:.0f}' for t in syncs(sekisho.house.dir))} us")
    print(f"{'':22}{'clients':>8}" + "".join(f"{name:>20}" for name in targets) + f"{'sekisho/pgbouncer':>20}{'aim':>6}{'sekisho/pgaudit':>18}{'entries-statements':>20}")
    for name, text, mode, clients in CASES:
        if o.only not in name:
            continue
        script = os.path.join(sekisho.house.top, "script.sql")
        open(script, "w").write(text)
        found = {target: [] for target in targets}
        over = 0
        for _ in range(o.rounds):
            for target, place in targets.items():
                before = sekisho.entries()
                tps, count = pgbench(place.environment(), script, mode, clients, o.seconds)
                found[target].append(tps)
                if target == "sekisho":
                    over += sekisho.entries() - before - count - clients - 1        # sessions are entries too; pgbench opens one more
        medians = {target: statistics.median(f) for target, f in found.items()}
        print(f"{name:22}{clients:>8}" + "".join(f"{m:>20.0f}" for m in medians.values()) + f"{medians['sekisho'] / medians['pgbouncer']:>20.2f}"
              f"{AIMS.get((name, clients), 0) or '':>6}{medians['sekisho'] / medians['pgbouncer+pgaudit']:>18.2f}{over:>20}", flush=True)
    print(f"fdatasync p50/p99 {'/'.join(f'{t:.0f}' for t in syncs(sekisho.house.dir))} us")


if __name__ == "__main__":
    main()
