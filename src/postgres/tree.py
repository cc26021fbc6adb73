#!/usr/bin/python3
"""tree.py pg_query.proto OUT.c OUT.h: which field of which parse node holds what, from libpg_query's own description.

OUT.h: TREE_SELECT_STMT and so on, and TREE_SELECT_STMT_INTO_CLAUSE, its fields' numbers.
"""
import re
import sys

source, out_c, out_h = sys.argv[1:]
messages, enums, name = {}, set(), None
depth = 0
for line in open(source, encoding="utf-8"):
    if found := re.match(r"(message|enum)\s+(\w+)", line):
        kind, name = found.groups()
        if kind == "enum":
            enums.add(name)
        else:
            messages[name] = []
    elif name in messages and (found := re.match(r"\s*(repeated\s+)?(\w+)\s+(\w+)\s*=\s*(\d+)", line)):
        messages[name].append((found.group(2), found.group(3), int(found.group(4))))


def upper(text):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text).replace("__", "_").upper()


names = list(messages)
with open(out_h, "w", encoding="utf-8") as h, open(out_c, "w", encoding="utf-8") as c:
    h.write("#pragma once\n\nenum {\n" + "".join(f"\tTREE_{upper(n)},\n" for n in names) + "\tTREE_TYPES,\n};\n\nenum {\n")
    for n in names:
        for _, field, number in messages[n]:
            h.write(f"\tTREE_{upper(n)}_F_{field.upper()} = {number},\n")
    h.write("};\n")
    c.write('#include "postgres/tree.h"\n\n')
    for n in names:
        c.write(f"static const struct tree_field fields_of_{n}[] = {{\n")
        for kind, field, number in messages[n]:
            held = f"TREE_{upper(kind)}" if kind in messages else "TREE_TEXT" if kind == "string" else "TREE_NUMBER"
            c.write(f"\t{{ {number}, {held} }},\n")
        c.write("\t{ 0, 0 },\n};\n")
    c.write("\nconst struct tree_type tree_types[TREE_TYPES] = {\n")
    for n in names:
        c.write(f'\t[TREE_{upper(n)}] = {{ "{n}", fields_of_{n} }},\n')
    c.write("};\n")
