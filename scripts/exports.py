#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Holds the export list, src/libzxpager.map, against the public headers and the library.

exports.py --library libzxpager.a [--check | --update]

A name belongs into the list if a public header declares it and the library defines it. --check says
what is missing and what is too much; --update adds what is missing to the newest node (a node of a
release is never changed: add a new, empty one first). Nothing is ever taken out of the list: a name
once exported stays, and if the library no longer defines it the check fails.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MAP = os.path.join(TOP, "src", "libzxpager.map")
INCLUDE = os.path.join(TOP, "include")
NODE = re.compile(r"^(ZXPAGER_[0-9.]+)\s*\{(.*?)^\}", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"^\s+([A-Za-z_]\w*);", re.MULTILINE)


def headers():
    """The public headers, as they are included."""
    found = []
    for folder, _, names in os.walk(INCLUDE):
        found += [os.path.relpath(os.path.join(folder, n), INCLUDE) for n in names if n.endswith(".h")]
    return sorted(found)


def declared():
    """The functions and variables that the public headers declare outside of inline functions."""
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "all.c")
        with open(source, "w", encoding="ascii") as out:
            out.writelines(f"#include <{h}>\n" for h in headers())
        text = subprocess.run(
            [os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE", "-E", "-P", "-I", INCLUDE, source],
            check=True, capture_output=True, text=True).stdout
    # Bodies and aggregates hold no declarations of ours.
    while True:
        text, changed = re.subn(r"\{[^{}]*\}", " ", text)
        if not changed:
            break
    return set(re.findall(r"\b(_?_?zxp?_\w+)\s*\(", text))


def defined(library):
    """The global names that the library's objects define."""
    lines = subprocess.run(["nm", "-g", "--defined-only", "-P", library],
                           check=True, capture_output=True, text=True).stdout.splitlines()
    return {f[0] for f in (line.split() for line in lines) if len(f) > 1 and f[1] in "TDBRVWi"}


def listed():
    """The nodes of the map in order, as (name, set of symbols)."""
    with open(MAP, encoding="ascii") as source:
        text = source.read()
    nodes = []
    for name, body in NODE.findall(text):
        nodes.append((name, set(NAME.findall(body.split("local:")[0]))))
    return nodes


def update(missing):
    """Adds names to the newest node, which is rewritten in sorted order."""
    with open(MAP, encoding="ascii") as source:
        text = source.read()
    last = list(NODE.finditer(text))[-1]
    body = last.group(2)
    head, local, tail = body.partition("  local:")
    names = sorted(set(NAME.findall(head)) | missing, key=lambda n: (n.lstrip("_"), n))
    body = "\n  global:\n" + "".join(f"    {n};\n" for n in names) + local + tail
    with open(MAP, "w", encoding="ascii") as out:
        out.write(text[:last.start(2)] + body + text[last.end(2):])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", required=True)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true")
    mode.add_argument("--update", action="store_true")
    args = parser.parse_args()

    there = defined(args.library)
    public = declared() & there
    nodes = listed()
    names = set().union(*(n for _, n in nodes))
    missing, surplus = public - names, names - there
    if args.update and missing:
        update(missing)
        print(f"added {len(missing)} names")
        missing = set()
    for name in sorted(missing):
        print(f"{name}: declared in a public header and defined, but not exported")
    for name in sorted(surplus):
        print(f"{name}: exported, but not defined")
    for name in sorted(names - surplus - declared()):
        print(f"{name}: exported, but not declared in a public header")
        surplus.add(name)
    return 1 if missing or surplus else 0


if __name__ == "__main__":
    sys.exit(main())
