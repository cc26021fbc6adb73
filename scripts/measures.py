#!/usr/bin/python3
"""measures.py: duty -> check -> sabotage, generated: duties of catalogue/measures.json, checks of src/assure/checks.c with grade and
source, and the tests that break each for real (marked @breaks("…") in test/scenario).

Exit 1 if a check that runs has no sabotage, a duty no check, or a check no duty."""
import json
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def read(path):
    return open(os.path.join(ROOT, path), encoding="utf-8").read()


def files(folder, ends):
    for where, _, names in os.walk(os.path.join(ROOT, folder)):
        for name in sorted(names):
            if name.endswith(ends):
                path = os.path.relpath(os.path.join(where, name), ROOT)
                yield path, read(path)


def checks():
    table = read("src/assure/checks.c")
    sources = {name: path for path, text in files("src/assure", ".c") for name in re.findall(r"^(check_\w+)\(struct look", text, re.M)}
    found = {}
    for macro, name, function in re.findall(r'^\s(ENFORCED|WATCHED|RECORDED)\("([^"]+)", "[^"]*", (\w+)\)', table, re.M):
        found[name] = ("attested" if macro == "RECORDED" else "measured", macro.lower(), sources[function])
    for name, function in re.findall(r'\.id = "([^"]+)".*\.run = (\w+)', table):
        found[name] = ("measured", "enforced", sources[function])
    absent = {name: issue for name, issue in re.findall(r'NOT_BUILT\("([^"]+)", \w+, (\d+)\)', table)}
    return found, absent


def sabotages():
    found = {}
    for path, text in files("test/scenario", ".py"):
        lists = {name: re.findall(r'"([^"]+)"', body) for name, body in re.findall(r"^\s+([A-Z]+) = \(([^)]*)\)", text, re.M)}
        for marks, test in re.findall(r"@breaks\(([^)]*)\)\s+def (test_\w+)", text):
            names = re.findall(r'"([^"]+)"', marks) + [n for each in re.findall(r"\*(\w+)", marks) for n in lists.get(each, [])]
            for name in names:
                found.setdefault(name, []).append(f"{os.path.basename(path)}:{test}")
    return found


def main():
    found, absent = checks()
    broken = sabotages()
    bad = 0
    duties = [d for g in json.loads(read("catalogue/measures.json"))["groups"] for d in g["duties"]]
    for duty in duties:
        print(f"{duty['id']}  {duty['says'][0]}")
        mine = [c for c in list(found) + list(absent) if c.startswith(duty["id"] + ".")]
        for name in mine:
            if name in absent:
                print(f"  absent    {name} (issue {absent[name]})")
                continue
            grade, kind, source = found[name]
            tests = broken.get(name, [])
            bad += not tests
            print(f"  {grade:9} {name} ({kind}, {source}): {', '.join(tests) or 'NO SABOTAGE'}")
        if not mine:
            bad += 1
            print("  NO CHECK")
    for name in found:
        if not any(name.startswith(d["id"] + ".") for d in duties):
            bad += 1
            print(f"{name}: NO DUTY")
    print(f"{len(duties)} duties, {len(found)} checks, {len(absent)} absent, {bad} lacking")
    return bad > 0


sys.exit(main())
