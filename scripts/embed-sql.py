#!/usr/bin/python3
"""embed-sql.py IN.sql OUT.c OUT.h: named statements of a room as `struct query` constants.

A statement begins with a line `-- name: person_find` and ends before the next; QUERY_PERSON_FIND is its constant.
Parameters are $1, $2, …; each query notes how often it has which, so that both drivers bind by number.
"""
import re
import sys

source, out_c, out_h = sys.argv[1:]
queries = []
for line in open(source, encoding="utf-8"):
    named = re.match(r"-- name: ([a-z_0-9]+)$", line.strip())
    if named:
        queries.append([named.group(1), ""])
    elif queries and not line.startswith("--"):
        queries[-1][1] += line
    elif line.strip() and not line.startswith("--"):
        sys.exit(f"{source}: text before the first name: {line!r}")
if len({name for name, _ in queries}) != len(queries):
    sys.exit(f"{source}: a name is there twice")

room = re.sub(r"\W", "_", out_h.rsplit("/", 1)[-1].rsplit(".", 1)[0])
with open(out_h, "w", encoding="utf-8") as h, open(out_c, "w", encoding="utf-8") as c:
    h.write("#pragma once\n#include \"store/store.h\"\n\n")
    c.write(f"#include \"{out_h.split('src/')[-1]}\"\n\n")
    for name, text in queries:
        text = " ".join(text.split()).rstrip("; ")
        numbers = {int(n) for n in re.findall(r"\$(\d+)", text)}
        if numbers != set(range(1, len(numbers) + 1)):
            sys.exit(f"{source}: {name}: parameters {sorted(numbers)} have a gap")
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        h.write(f"extern const struct query QUERY_{name.upper()}[1];\n")
        c.write(f"const struct query QUERY_{name.upper()}[1] = {{ {{ \"{name}\", \"{quoted}\", {len(numbers)} }} }};\n")
    h.write(f"\nextern const struct query *const {room}_queries[];     /* ends with NULL */\n")
    c.write(f"\nconst struct query *const {room}_queries[] = {{\n")
    for name, _ in queries:
        c.write(f"\tQUERY_{name.upper()},\n")
    c.write("\tNULL,\n};\n")
