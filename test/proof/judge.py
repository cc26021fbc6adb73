"""Asks both verifiers: `sekisho bundle verify` (SEKISHO, else build/sekisho) and verifier.py."""
import os, pathlib, subprocess, sys, tempfile

import verifier

HERE = pathlib.Path(__file__).resolve().parent
SEKISHO = os.environ.get("SEKISHO") or str(HERE.parent.parent / "build" / "sekisho")
FOLDER = tempfile.TemporaryDirectory()


def need_sekisho():
    if not os.access(SEKISHO, os.X_OK) or subprocess.run([SEKISHO, "bundle"], capture_output=True).returncode != 2:
        print("skipped: no sekisho with `bundle` (SEKISHO names one)")
        sys.exit(77)


def ours(data, vkey, *options):
    """("OK" or "kind member index", the whole output)"""
    file = os.path.join(FOLDER.name, "bundle")
    with open(file, "wb") as f:
        f.write(data)
    got = subprocess.run([SEKISHO, "bundle", "verify", file, "--key", vkey, *options], capture_output=True,
                         env=os.environ | {"LC_ALL": "C"})
    out = got.stdout.decode()
    if got.returncode == 0 and out.startswith("OK"):
        return "OK", out
    if got.returncode == 7 and out.startswith("FAULT ") and out.count("FAULT ") == 1:
        return out.split(":")[0][6:], out
    return "exit %d" % got.returncode, out + got.stderr.decode()


def theirs(data, vkey, **options):
    fault = verifier.verify(data, vkey, **options)
    return str(fault) if fault else "OK"
