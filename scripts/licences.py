#!/usr/bin/python3
"""licences.py: the licences of the Debian packages that the program links, read from the packages themselves."""
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
program = os.path.join(ROOT, "build/sekisho")
linked = re.findall(r"=> (/\S+)", subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout)
names = {n for path in linked for n in (path, os.path.realpath(path), "/usr" + path, "/usr" + os.path.realpath(path))}
found = subprocess.run(["dpkg-query", "-S", *sorted(names)], capture_output=True, text=True).stdout
rows = {line.split(":")[0] for line in found.splitlines()}
print(f"{'package':28} {'version':28} licences")
for package in sorted(rows):
    version = subprocess.run(["dpkg-query", "-W", "-f=${Version}", package], capture_output=True, text=True).stdout
    text = ""
    file = f"/usr/share/doc/{package}/copyright"
    if os.path.exists(file):
        text = open(file, encoding="utf-8", errors="replace").read()
    named = sorted(set(re.findall(r"^License: *(\S.*?) *$", text, re.M)))
    print(f"{package:28} {version:28} {', '.join(named) or 'see ' + file}")
