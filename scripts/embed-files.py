#!/usr/bin/python3
"""embed-files.py NAME OUT.c FILE…: files as `const struct embedded NAME[]` (name, text, size), ended by a NULL name."""
import os
import sys

name, out, *files = sys.argv[1:]
with open(out, "w", encoding="utf-8") as c:
    c.write(f"#include \"base/embedded.h\"\n\n")
    for i, path in enumerate(files):
        data = open(path, "rb").read()
        c.write(f"static const unsigned char {name}_{i}[] = {{\n")
        for at in range(0, len(data), 24):
            c.write("\t" + ",".join(str(b) for b in data[at:at + 24]) + ",\n")
        c.write("\t0,\n};\n")
    c.write(f"\nextern const struct embedded {name}[];\nconst struct embedded {name}[] = {{\n")
    for i, path in enumerate(files):
        c.write(f"\t{{ \"{os.path.basename(path)}\", (const char *){name}_{i}, sizeof {name}_{i} - 1 }},\n")
    c.write("\t{ 0, 0, 0 },\n};\n")
