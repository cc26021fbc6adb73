#!/usr/bin/python3
"""operation-table.py OUT.c NAME FILE.c…: the table NAME of all rows, from `const struct operation NAME_operation` in each file."""
import re
import sys

out, name, *files = sys.argv[1:]
rows = []
for path in files:
    rows += re.findall(r"^const struct operation (\w+_operation) = \{", open(path, encoding="utf-8").read(), re.M)
with open(out, "w", encoding="utf-8") as c:
    c.write("#include \"gate/gate.h\"\n\n")
    for row in rows:
        c.write(f"extern const struct operation {row};\n")
    c.write(f"\nextern const struct operation *const {name}[];\nconst struct operation *const {name}[] = {{\n")
    for row in rows:
        c.write(f"\t&{row},\n")
    c.write("\tNULL,\n};\n")
