#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Holds the symbols of the built shared library against its map and the public headers.

abi-symbols.py LIBRARY MAP [--compiler cc]

 - What the library exports is what the map lists, no more and no less.
 - What it exports is declared in a public header, except for what only the linker sees.
 - A call zx_name is exported under _zx_name too, and both are one address. The same the other way.

Calls that are declared but not defined yet are counted, not complained of: they do not link.
"""

import argparse
import fnmatch
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys

SKIPPED = 77


def load_abi_check():
    """abi-check.py as a module; its name is one that import cannot spell."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "abi-check.py")
    spec = importlib.util.spec_from_file_location("abi_check", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def listed(map_file):
    """The patterns that the map exports."""
    with open(map_file, encoding="ascii") as source:
        text = re.sub(r"/\*.*?\*/|#[^\n]*", " ", source.read(), flags=re.DOTALL)
    names = set()
    for body in re.findall(r"\{(.*?)\}", text, flags=re.DOTALL):
        exported = body.split("local:")[0].replace("global:", " ")
        names |= {name.strip() for name in exported.split(";") if name.strip()}
    return names


def exported(library):
    """Address of each function and variable that the library exports, by name."""
    lines = subprocess.run(["nm", "-D", "--defined-only", "-P", library],
                           check=True, capture_output=True, text=True).stdout.splitlines()
    found = {}
    for line in lines:
        name, kind, address = line.split()[:3]
        # "A" is the name of a version.
        if kind != "A":
            found[name.split("@")[0]] = int(address, 16)
    return found


def twin(name):
    """The other name of a call, or None."""
    if name.startswith("_zx_"):
        return name[1:]
    return "_" + name if name.startswith("zx_") else None


def check(exports, patterns, declared):
    """What is wrong, one message each."""
    problems = []
    for name in sorted(exports):
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            problems.append(f"{name}: exported, but not in the map")
        if name not in declared:
            problems.append(f"{name}: exported, but in no public header")
    for pattern in sorted(patterns):
        # A pattern may match nothing; it promises no name.
        if "*" not in pattern and not any(fnmatch.fnmatchcase(name, pattern) for name in exports):
            problems.append(f"{pattern}: in the map, but not exported")
    for name, address in sorted(exports.items()):
        other = twin(name)
        if other is None:
            continue
        if other not in exports:
            problems.append(f"{name}: exported without {other}")
        elif exports[other] != address:
            problems.append(f"{name}: not at the address of {other}")
    return problems


def selftest():
    """Each kind of mistake must be noticed."""
    good = {"zx_a": 1, "_zx_a": 1, "zxp_b": 2}
    declared = set(good) | {"zx_c"}
    cases = [
        ({**good, "stray": 3}, set(good) | set(), declared | {"stray"}),
        ({**good, "stray": 3}, set(good) | {"stray"}, declared),
        (good, set(good) | {"zx_c"}, declared),
        ({"zx_a": 1, "zxp_b": 2}, {"zx_a", "zxp_b"}, declared),
        ({"_zx_a": 1}, {"_zx_a"}, declared),
        ({"zx_a": 1, "_zx_a": 5}, {"zx_a", "_zx_a"}, declared),
    ]
    missed = [str(case) for case in cases if not check(*case)]
    return missed + check(good, set(good), declared)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library")
    parser.add_argument("map")
    parser.add_argument("--compiler", default="cc")
    parser.add_argument("--flag", action="append", default=[], help="an option for the compiler")
    args = parser.parse_args()
    if shutil.which("nm") is None:
        print("skipped: there is no nm here")
        return SKIPPED

    missed = selftest()
    for problem in missed:
        print("the check itself is wrong:", problem)
    abi_check = load_abi_check()
    declared = {name for _, kind, name in
                abi_check.declarations(shlex.split(args.compiler), args.flag) if kind == "function"}
    exports = exported(args.library)
    problems = check(exports, listed(args.map), declared)
    for problem in problems:
        print(problem)
    calls = {row["syscall"] for row in abi_check.Tables().declared_calls()}
    print(f"{len(exports)} symbols; {len(calls & set(exports))} of {len(calls)} calls are there")
    return 1 if missed or problems else 0


if __name__ == "__main__":
    sys.exit(main())
