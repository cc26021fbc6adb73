#!/usr/bin/python3
"""embed-files.py NAME OUT.c FILE…: files as `const struct embedded NAME[]` (name, text, size), ended by a NULL name."""
import os
import sys

name, out, *files = sys.argv[1:]


def quoted(data):
    """As C string literals, a line each 100 bytes; octal escapes, so that no digit after one can join it."""
    for at in range(0, len(data), 100):
        yield "\t\"" + "".join(chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}" for b in data[at:at + 100]) + "\"\n"


with open(out, "w", encoding="utf-8") as c:
    c.write("#include \"base/embedded.h\"\n\n")
    for i, path in enumerate(files):
        data = open(path, "rb").read()
        c.write(f"static const char {name}_{i}[] =\n" + ("".join(quoted(data)) or "\t\"\"\n") + "\t;\n")
    c.write(f"\nextern const struct embedded {name}[];\nconst struct embedded {name}[] = {{\n")
    for i, path in enumerate(files):
        c.write(f"\t{{ \"{os.path.basename(path)}\", {name}_{i}, sizeof {name}_{i} - 1 }},\n")
    c.write("\t{ 0, 0, 0 },\n};\n")
