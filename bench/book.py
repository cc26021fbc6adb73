#!/usr/bin/python3
"""book.py [ENTRIES] [SUBSCRIBERS]: what the book costs, in one run over one installation filled by ledger-fill (Zipf-spread).

Prints a table: entries a second through the real writer, with the follower's share of its CPU; bytes on disk; start-up; fsck;
a bundle made and verified; proof.json; inclusion proofs from cold. Answers are checked: fsck and the verifier must agree."""
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("BUILD", os.path.join(ROOT, "build"))
SEKISHO, FILL, COLD = (os.path.join(BUILD, p) for p in ("src/sekisho", "src/ledger-fill", "bench/bench-proof"))
sys.path.insert(0, os.path.join(ROOT, "test/scenario"))
os.environ["SEKISHO"] = SEKISHO
import house  # noqa: E402


def row(name, value, note=""):
    print(f"{name:44} {value:>18}   {note}", flush=True)


def cpu_by_thread(pid):
    times = {}
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            text = open(f"/proc/{pid}/task/{task}/stat").read()
        except FileNotFoundError:
            continue
        name, rest = re.match(r"\d+ \((.*)\) (.*)", text).groups()
        fields = rest.split()
        times[name] = times.get(name, 0) + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return times


def fill(folder, entries, subscribers):
    p = subprocess.Popen([FILL, "--dir", folder, "--entries", str(entries), "--subscribers", str(subscribers), "--seed", "1"],
                         stdout=subprocess.PIPE, text=True)
    last, peak = {}, 0
    while p.poll() is None:
        try:
            for name, seconds in cpu_by_thread(p.pid).items():
                last[name] = max(last.get(name, 0), seconds)
            peak = max(peak, int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{p.pid}/status").read()).group(1)))
        except (FileNotFoundError, AttributeError, ProcessLookupError):
            pass
        time.sleep(0.05)
    return json.loads(p.stdout.read()), last, peak


def size_of(*paths):
    total = 0
    for path in paths:
        for top, _, files in os.walk(path):
            total += sum(os.path.getsize(os.path.join(top, f)) for f in files)
        if os.path.isfile(path):
            total += os.path.getsize(path)
    return total


def main():
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else 1000000
    subscribers = int(sys.argv[2]) if len(sys.argv) > 2 else 100000
    h = house.House(start=False)
    try:
        done, cpu, peak = fill(h.dir, entries, subscribers)
        row("entries", done["entries"], f"{subscribers} subscribers, Zipf")
        row("durable entries/s", f"{done['entries_per_second']:.0f}", "one process making and recording them")
        row("follower's share of CPU", f"{cpu.get('follower', 0) / max(sum(cpu.values()), 0.01):.0%}", str({k: round(v, 2) for k, v in cpu.items()}))
        db = sqlite3.connect(os.path.join(h.dir, "store/store.db"))
        signed = db.execute("SELECT count(*) FROM checkpoint").fetchone()[0]
        db.close()
        row("checkpoints signed while filling, /s", f"{signed / done['seconds']:.2f}", f"{signed} in {done['seconds']:.1f} s; aim 1")
        row("peak memory of the filler, MB", f"{peak / 1024:.0f}")
        begun = time.monotonic()
        h.start()
        row("start-up, s", f"{time.monotonic() - begun:.2f}", "serve to ready")
        pid = h.processes()["serve"]
        resident = int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{pid}/status").read()).group(1))
        row("memory after start, MB", f"{resident / 1024:.0f}")
        h.http("GET", "/livez")
        begun = time.monotonic()
        path = os.path.join(h.top, "bundle")
        made = h.sekisho("bundle", "create", "--subscriber", "acme", path, person="aud1", timeout=600)
        assert made.returncode == 0, made.stderr
        took = time.monotonic() - begun
        count = int(re.search(r"(\d+) entries", made.stdout).group(1))
        row("bundle create, entries/s", f"{count / took:.0f}", f"{count} entries, {os.path.getsize(path) / 1e6:.1f} MB")
        key = h.sekisho("ledger", "key").stdout.strip()
        begun = time.monotonic()
        verified = subprocess.run([SEKISHO, "bundle", "verify", path, "--key", key], capture_output=True, text=True)
        assert verified.returncode == 0, verified.stdout
        row("bundle verify, entries/s", f"{count / (time.monotonic() - begun):.0f}", "details opened")
        proof = h.http("POST", "/v1/subscribers/made-7/bundle", "aud1", body={}).json["proof"]
        row("proof.json of a small log, bytes", len(json.dumps(proof, separators=(",", ":"))))
        h.stop(signal.SIGTERM, 60)
        begun = time.monotonic()
        checked = subprocess.run([SEKISHO, "ledger", "fsck", "--dir", h.dir], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stdout
        row("fsck, entries/s", f"{int(checked.stdout.split()[0]) / (time.monotonic() - begun):.0f}", "all cores")
        folder = os.path.join(h.dir, "ledger")
        book = size_of(os.path.join(folder, "sealed"), *[os.path.join(folder, f) for f in os.listdir(folder) if f.startswith("hashes")],
                       os.path.join(h.dir, "store"))
        plain = int(subprocess.run([COLD, h.dir, "bytes"], capture_output=True, text=True).stdout or 0)
        if plain:
            row("bytes on disk / bytes of entries", f"{book / plain:.2f}", f"{book / 1e6:.0f} MB of {plain / 1e6:.0f}; with the store, without search")
        cold = subprocess.run([COLD, h.dir, "proofs"], capture_output=True, text=True)
        row("inclusion proof from cold, ms", cold.stdout.strip(), "p50 and p99 of 200, page cache dropped for the hashes")
    finally:
        h.__exit__()


main()
