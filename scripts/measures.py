#!/usr/bin/python3
"""measures.py: each measure, the code that is marked with its id, the checks registered for it and the tests that name them.

Exit 1 if a check that runs is named by no test."""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
GROUPS = [f"E{i}" for i in range(1, 8)] + [f"P{i}" for i in range(8)] + ["W"]


def files(folder, ends):
    for where, folders, names in os.walk(os.path.join(ROOT, folder)):
        folders[:] = [f for f in folders if f not in ("node_modules", "corpus")]
        for name in sorted(names):
            if name.endswith(ends):
                path = os.path.join(where, name)
                yield os.path.relpath(path, ROOT), open(path, encoding="utf-8", errors="replace").read()


def main():
    code = list(files("src", (".c", ".h"))) + list(files("policies", ".cedar"))
    tests = list(files("test", (".c", ".py")))
    table = dict(code)["src/operations/measure.c"]
    checks = re.findall(r'(ENFORCED|NOT_BUILT)\("([A-Z]\d?\.[\w.-]+)"(?:, [^,]+, (\d+))?|\.id = "([A-Z]\d?\.[\w.-]+)"', table)
    bad = 0
    for group in GROUPS:
        print(group)
        for path, text in code:
            for n, line in enumerate(text.splitlines(), 1):
                if re.search(rf"[(,; ]{group}[),;. ]", line) and re.search(r"/\*|^ \*|//", line) and "measure.c" not in path:
                    print(f"  code   {path}:{n}")
        for kind, name, issue, other in checks:
            name = name or other
            if not name.startswith(group + "."):
                continue
            if kind == "NOT_BUILT":
                print(f"  absent {name} (issue {issue})")
                continue
            where = [path for path, text in tests if name in text]
            bad += not where
            print(f"  check  {name}: {', '.join(where) or 'NO TEST NAMES IT'}")
    return bad > 0


sys.exit(main())
