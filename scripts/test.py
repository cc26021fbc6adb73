#!/usr/bin/python3
"""test.py [--soak] [NAME…]: everything that `make test` runs, and one closing line `N passed, N failed, N skipped`.

Unit and scenario tests under ASan and UBSan with GCC; fuzz corpora replayed with Clang; TSan for what has threads; the
layering. Names choose steps: unit scenario fuzz thread shape cedar. A test that is skipped says why, loudly."""
import os
import re
import subprocess
import sys
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHARED = os.path.abspath(os.environ.get("SEKISHO_SHARED", os.path.join(ROOT, "../shared")))
passed = failed = skipped = 0
chosen = [a for a in sys.argv[1:] if not a.startswith("-")]
soak = "--soak" in sys.argv


def wanted(step):
    return not chosen or step in chosen


def count(good, bad=0, left=0):
    global passed, failed, skipped
    passed, failed, skipped = passed + good, failed + bad, skipped + left


def say(text):
    print(f"--- {text}", flush=True)


def build(folder, *options, cc="gcc"):
    """True if it is built; a build that fails counts as one failure."""
    where = os.path.join(ROOT, folder)
    env = dict(os.environ, CC=cc)
    if not os.path.exists(os.path.join(where, "build.ninja")):
        done = subprocess.run(["meson", "setup", where, *options], cwd=ROOT, env=env, capture_output=True, text=True)
        if done.returncode:
            print(done.stdout[-3000:], done.stderr[-3000:])
            count(0, 1)
            return False
    done = subprocess.run(["ninja", "-C", where, "--quiet"], env=env)
    if done.returncode:
        count(0, 1)
    return done.returncode == 0


def meson_tests(folder, *words, **env):
    done = subprocess.run(["meson", "test", "-C", os.path.join(ROOT, folder), "--no-rebuild", "--print-errorlogs", *words],
                          env=dict(os.environ, **env), capture_output=True, text=True)
    lines = done.stdout.splitlines()
    totals = {k: int(n) for k, n in re.findall(r"^(Ok|Fail|Skipped|Timeout|Unexpected Pass):\s+(\d+)", done.stdout, re.M)}
    bad = totals.get("Fail", 0) + totals.get("Timeout", 0) + totals.get("Unexpected Pass", 0)
    for line in lines:
        if re.search(r"\b(FAIL|TIMEOUT|SKIP|ERROR)\b", line):
            print(line)
    if not totals:
        bad = 1
    if bad:
        print(done.stdout[-12000:], done.stderr[-2000:])
    count(totals.get("Ok", 0), bad, totals.get("Skipped", 0))


class Result(unittest.TextTestResult):
    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        print(f"\nSKIPPED {test.id()}: {reason}", flush=True)


def scenarios(program, sanitized):
    os.environ["SEKISHO"] = program
    os.environ["SEKISHO_GATEWAY"] = os.path.join(os.path.dirname(program), "../test/unit/gateway")
    os.environ["SEKISHO_SHARED"] = SHARED
    if sanitized:
        os.environ["SEKISHO_SANITIZED"] = "1"
    sys.path.insert(0, os.path.join(ROOT, "test/scenario"))
    suite = unittest.defaultTestLoader.discover(os.path.join(ROOT, "test/scenario"), "test_*.py")
    result = unittest.TextTestRunner(resultclass=Result, verbosity=1, warnings="ignore", stream=sys.stdout).run(suite)
    bad = len(result.failures) + len(result.errors)
    count(result.testsRun - bad - len(result.skipped), bad, len(result.skipped))


def programs(folder, env):
    """Tests that are programs of their own: exit 0 passed, 77 skipped, else failed."""
    where = os.path.join(ROOT, folder)
    for name in sorted(os.listdir(where)) if os.path.isdir(where) else []:
        path = os.path.join(where, name)
        if not (name.startswith("test-") and os.access(path, os.X_OK)) or (name.endswith("-soak") and not soak):
            continue
        done = subprocess.run([path], cwd=ROOT, env=dict(os.environ, **env), capture_output=True, text=True)
        out = (done.stdout + done.stderr)[-6000:]
        if done.returncode == 77:
            print(f"SKIPPED {folder}/{name}: {out.strip().splitlines()[-1] if out.strip() else ''}")
        elif done.returncode:
            print(f"FAILED {folder}/{name} (exit {done.returncode})\n{out}")
        count(done.returncode == 0, done.returncode not in (0, 77), done.returncode == 77)


def layering():
    shape = os.path.join(SHARED, "tools/shape")
    if not os.path.exists(shape):
        print(f"SKIPPED layering: needs {shape}")
        count(0, 0, 1)
        return
    done = subprocess.run([shape], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        print(done.stdout[-3000:])
    count(done.returncode == 0, done.returncode != 0)


def main():
    begun = time.monotonic()
    if wanted("shape"):
        say("layering")
        layering()
    if (wanted("unit") or wanted("scenario") or wanted("cedar")) and build(
            "build-asan", "-Db_sanitize=address,undefined", "-Db_lundef=false", "-Dc_args=-fno-sanitize-recover=all"):
        program = os.path.join(ROOT, "build-asan/src/sekisho")
        if wanted("unit"):
            say("unit tests, GCC with ASan and UBSan")
            meson_tests("build-asan", UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1")
        if wanted("cedar"):
            say("Cedar")
            programs("test/cedar", {"SEKISHO": program, "SEKISHO_SHARED": SHARED})
            say("the bundle verifier, beside one in another language")
            programs("test/proof", {"SEKISHO": program, "SEKISHO_SHARED": SHARED, "ASAN_OPTIONS": "detect_leaks=0"})
        if wanted("scenario"):
            say("scenarios, GCC with ASan and UBSan")
            scenarios(program, True)
            programs("test/postgres", {"SEKISHO": program, "SEKISHO_SHARED": SHARED, "SEKISHO_SANITIZED": "1",
                                       "SEKISHO_GATEWAY": os.path.join(os.path.dirname(program), "../test/unit/gateway")})
    if wanted("fuzz") and build("build-fuzz", "-Dfuzz=true", "-Db_lundef=false", cc="clang"):
        say("fuzz corpora and unit tests, Clang")
        meson_tests("build-fuzz")
    if wanted("thread") and build("build-tsan", "-Db_sanitize=thread", "-Db_lundef=false"):
        say("what has threads, TSan")
        meson_tests("build-tsan", "--suite", "thread")
    say(f"{time.monotonic() - begun:.0f} s")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed > 0 or passed == 0


sys.exit(main())
