#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Holds the public headers against the tables of tests/abi (see the README there).

abi-check.py compile --compiler "gcc" --language c --standard c11
    Compiles one generated source per header: the header first and alone, then an assertion for each
    row of the tables that names the header. Warnings are errors.
abi-check.py names --compiler "gcc"
    The other direction: what the headers define or declare must be in the tables, what they are
    said to include they must include, and the library's own headers keep to their prefix.
abi-check.py selftest --compiler "gcc"
    Spoils one row at a time, and demands that the checks above notice.

A compiler that is not there ends with status 77 (skipped).
"""

import argparse
import csv
import fnmatch
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
INCLUDE = os.path.join(TOP, "include")
TABLES = os.path.join(TOP, "tests", "abi")
SKIPPED = 77

# The library's extensions. They are not in the tables; their names must start with one of these.
OWN_HEADER = re.compile(r"zircon/zxpager.*\.h$")
OWN_PREFIXES = ("zxp_", "ZXP_", "ZIRCON_ZXPAGER_")

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]


class Tables:
    """The tables as lists of dictionaries."""

    def __init__(self, folder=TABLES):
        def read(name):
            with open(os.path.join(folder, name), encoding="utf-8", newline="") as source:
                return list(csv.DictReader(source, delimiter="\t", quoting=csv.QUOTE_NONE))

        self.constants = read("constants.tsv")
        self.structs = read("structs.tsv")
        self.syscalls = read("syscalls.tsv")
        self.macros = read("macros.tsv")
        self.own = read("own.tsv")

    def declared_calls(self):
        """The calls that must be declared."""
        extra = {row["name"] for row in self.own if row["kind"] == "call"}
        return [row for row in self.syscalls
                if row["scope"] in ("core", "likely") or row["syscall"] in extra]


def headers():
    """The public headers, as programs include them."""
    found = []
    for folder, _, names in os.walk(INCLUDE):
        found += [os.path.relpath(os.path.join(folder, name), INCLUDE)
                  for name in names if name.endswith(".h")]
    return sorted(found)


# ---- The generated sources ----


class Source:
    """A source file that includes one header and asserts what the tables say of it."""

    def __init__(self, header, language):
        self.cxx = language == "c++"
        self.lines = [f"#include <{header}>", ""]
        if self.cxx:
            self.lines += ["#include <cstddef>", "#include <type_traits>", "#include <utility>", ""]
        # A file that only defines macros would be an empty translation unit otherwise.
        self.lines.append("extern int abi_check_not_empty;")

    def text(self):
        return "\n".join(self.lines) + "\n"

    def assertion(self, condition, message):
        keyword = "static_assert" if self.cxx else "_Static_assert"
        self.lines.append(f'{keyword}({condition}, "{message}");')

    def expression_type(self, expression, wanted):
        """The type of the value of an expression, without conversions."""
        if self.cxx:
            return f"std::is_same<decltype({expression}), {wanted}>::value"
        return f"_Generic(({expression}), {wanted}: 1, default: 0)"

    def same_type(self, first, second):
        """Whether two types are one."""
        if self.cxx:
            return f"std::is_same<{first}, {second}>::value"
        return f"__builtin_types_compatible_p({first}, {second})"

    def member_type(self, type_name, field):
        if self.cxx:
            return f"decltype(std::declval<{type_name}&>().{field})"
        return f"__typeof__((({type_name}*)0)->{field})"

    # One method a kind of row.

    def constant(self, row):
        name, underlying = row["name"], row["underlying"]
        value = int(row["value"], 0)
        if value < 0:
            # The most negative number has no literal of its own.
            literal = f"(-{-(value + 1)}LL - 1)"
        else:
            literal = f"{row['value']}ULL" if value > 0x7FFFFFFF else row["value"]
        self.assertion(f"({name}) == ({underlying}){literal}", f"value of {name}")
        self.assertion(self.expression_type(name, underlying), f"type of {name}")

    def structure(self, rows):
        typedef, tag = rows[0]["typedef"], rows[0]["struct"]
        self.assertion(f"sizeof({typedef}) == {rows[0]['struct_size']}", f"size of {typedef}")
        align = "alignof" if self.cxx else "_Alignof"
        self.assertion(f"{align}({typedef}) == {rows[0]['struct_align']}",
                       f"alignment of {typedef}")
        if tag != "(none)":
            self.assertion(self.same_type(typedef, tag), f"tag of {typedef}")
        for row in rows:
            field = row["field"]
            what = f"{typedef}, {field}"
            self.assertion(f"__builtin_offsetof({typedef}, {field}) == {row['offset']}",
                           f"offset of {what}")
            self.assertion(f"sizeof((({typedef}*)0)->{field}) == {row['size']}", f"size of {what}")
            self.assertion(self.same_type(self.member_type(typedef, field), row["c_type"]),
                           f"type of {what}")

    def function(self, name, returns, parameters, linkage=True):
        if self.cxx and linkage:
            # A second declaration is an error unless it is the same, C linkage included.
            self.assertion(f"sizeof(&{name}) != 0", f"{name} is declared")
            self.lines.append(f'extern "C" {returns} {name}({parameters});')
            return
        # The type of the function, not of a pointer to it: gcc makes noreturn a part of the latter.
        first = f"decltype({name})" if self.cxx else f"__typeof__({name})"
        self.assertion(self.same_type(first, f"{returns}({parameters})"), f"type of {name}")

    def macro(self, row):
        """A row of macros.tsv; False where it holds nothing that a compiler can check."""
        kind, name, expands = row["kind"], row["macro"], row["expands_to"]
        if kind == "typedef":
            wanted = expands
            match = re.fullmatch(r"(\w+) in C; (\w+) in C\+\+", expands)
            if match:
                wanted = match[2] if self.cxx else match[1]
            self.assertion(self.same_type(name, wanted), f"type {name}")
        elif kind in ("inline", "function"):
            match = re.match(r"(.*?)\((.*?)\)", expands)
            self.function(name, match[1], match[2], linkage=kind == "function")
        elif kind == "macro":
            if ("absent" in expands or "absent" in row["meaning"] or "defined by" in expands or
                    "defined by" in row["meaning"]):
                return False
            if "C++ only" in expands and not self.cxx:
                return False
            for one in re.split(r",\s+(?![^(]*\))", name):
                plain = one.split("(")[0]
                if not plain.endswith("*"):
                    self.lines += [f"#ifndef {plain}", f"#error {plain} is not defined", "#endif"]
        else:
            return False
        return True


def generate(tables, header, language):
    """The source that checks one header, and the number of rows that it checks."""
    source = Source(header, language)
    rows = 0
    for row in tables.constants:
        if row["header"] == header:
            source.constant(row)
            rows += 1
    structs = {}
    for row in tables.structs:
        if row["header"] == header:
            structs.setdefault(row["typedef"], []).append(row)
            rows += 1
    for group in structs.values():
        source.structure(group)
    for row in tables.declared_calls():
        if row["header"] == header:
            for name in (row["syscall"], "_" + row["syscall"]):
                source.function(name, row["returns"], row["parameters"])
            rows += 1
    for row in tables.macros:
        if row["header"] == header and source.macro(row):
            rows += 1
    return source.text(), rows


# ---- Compilers ----


def command_of(compiler):
    """The compiler's command line; ends the program where there is no such compiler."""
    command = shlex.split(compiler)
    if shutil.which(command[0]) is None:
        print(f"skipped: there is no {command[0]} here")
        sys.exit(SKIPPED)
    return command


def include_flags(flags):
    """Where our headers are, and those of libraries that they include."""
    return ["-I", INCLUDE, *flags]


def compile_all(tables, command, language, standard, flags, only=None):
    """Compiles the check of every header. Gives the failures as text, and the rows checked."""
    total, jobs = 0, []
    suffix = "cpp" if language == "c++" else "c"
    with tempfile.TemporaryDirectory() as folder:
        for header in only or headers():
            text, rows = generate(tables, header, language)
            path = os.path.join(folder, "check_" + re.sub(r"\W", "_", header) + "." + suffix)
            with open(path, "w", encoding="ascii") as out:
                out.write(text)
            jobs.append((header, path))
            total += rows

        def run(job):
            header, path = job
            done = subprocess.run(
                [*command, f"-std={standard}", *WARNINGS, *include_flags(flags), "-fsyntax-only",
                 path],
                capture_output=True, text=True, check=False)
            return f"{header}:\n{done.stdout}{done.stderr}" if done.returncode else None

        with ThreadPoolExecutor(max_workers=2) as pool:
            failures = [text for text in pool.map(run, jobs) if text]
    return failures, total


def preprocess(command, flags, names, *options):
    """The headers called `names`, preprocessed as C, as (file, line) pairs of our own files."""
    text = "".join(f"#include <{name}>\n" for name in names)
    out = subprocess.run(
        [*command, "-std=c11", "-D_GNU_SOURCE", "-E", *options, *include_flags(flags),
         "-x", "c", "-"],
        input=text, capture_output=True, text=True, check=True).stdout
    lines, header = [], None
    for line in out.splitlines():
        marker = re.match(r'#\s+\d+\s+"(.*?)"', line)
        if marker:
            path = os.path.relpath(os.path.join(INCLUDE, marker[1]), INCLUDE)
            header = None if path.startswith("..") or "<" in path else path
        elif header:
            lines.append((header, line))
    return lines


# ---- The other direction ----


def defined_macros(command, flags):
    """(header, name) of each macro that our headers define."""
    found = set()
    for header, line in preprocess(command, flags, headers(), "-dD"):
        match = re.match(r"#define (\w+)", line)
        if match:
            found.add((header, match[1]))
    return found


def declarations(command, flags):
    """(header, kind, name) of each function and type that our headers declare."""
    by_header = {}
    for header, line in preprocess(command, flags, headers()):
        by_header.setdefault(header, []).append(line)
    found = set()
    for header, lines in by_header.items():
        text = re.sub(r"^#.*$", "", "\n".join(lines), flags=re.MULTILINE)
        while True:
            # A body becomes a mark, so that only the outermost level is left.
            text, changed = re.subn(r"\{[^{}]*\}", "\x01", text)
            if not changed:
                break
        text = re.sub(r"\)\s*\x01", ");", text)
        for statement in text.split(";"):
            statement = " ".join(statement.split())
            statement = re.sub(r"__attribute__\s*\(\(.*?\)\)\s*(?=$|\w)", " ", statement)
            if statement.startswith("typedef"):
                match = re.search(r"\(\*\s*(\w+)\)|(\w+)\s*(?:\[[^\]]*\])*$", statement.strip())
                found.add((header, "typedef", match[1] or match[2]))
            else:
                match = re.search(r"(\w+)\s*\(", statement)
                if match:
                    found.add((header, "function", match[1]))
    return found


def known_names(tables):
    """The names that the tables allow, as (kind, pattern)."""
    known = {("macro", row["name"]) for row in tables.constants}
    known |= {("typedef", row["typedef"]) for row in tables.structs}
    for row in tables.declared_calls():
        known |= {("function", row["syscall"]), ("function", "_" + row["syscall"])}
    for row in tables.macros:
        kind = {"inline": "function", "function": "function",
                "typedef": "typedef"}.get(row["kind"], "macro")
        known |= {(kind, one.split("(")[0]) for one in re.split(r",\s+(?![^(]*\))", row["macro"])}
    known |= {(row["kind"], row["name"]) for row in tables.own}
    return known


def unknown_names(tables, command, flags):
    """What our headers have and the tables have not, one message each."""
    problems = []
    known = known_names(tables)
    exact = set(known)
    patterns = [(kind, name) for kind, name in known if "*" in name]
    names = {(header, "macro", name) for header, name in defined_macros(command, flags)}
    names |= declarations(command, flags)
    for header, kind, name in sorted(names):
        own = OWN_HEADER.match(header)
        if own and name.startswith(OWN_PREFIXES):
            continue
        guard = re.sub(r"\W", "_", header).upper() + "_"
        if (kind, name) in exact or (kind == "macro" and name == guard):
            continue
        if any(kind == k and fnmatch.fnmatchcase(name, pattern) for k, pattern in patterns):
            continue
        problems.append(f"{header}: {kind} {name} does not start with {OWN_PREFIXES[0]}" if own else
                        f"{header}: {kind} {name} is in no table")
    return problems


def unused_exceptions(tables, command, flags):
    """Rows of own.tsv that nothing in our headers needs."""
    names = {("macro", name) for _, name in defined_macros(command, flags)}
    names |= {(kind, name) for _, kind, name in declarations(command, flags)}
    problems = []
    for row in tables.own:
        kind = "function" if row["kind"] == "call" else row["kind"]
        if not any(kind == k and fnmatch.fnmatchcase(name, row["name"]) for k, name in names):
            problems.append(f"own.tsv: {row['name']} is not in the headers")
    return problems


def missing_inclusions(tables, command, flags):
    """Headers that another one is said to include, and does not."""
    problems = []
    for row in tables.macros:
        if row["kind"] != "includes":
            continue
        header = re.fullmatch(r"#include <(.*)>", row["macro"])[1]
        depends = subprocess.run(
            [*command, "-std=c11", "-M", *include_flags(flags), "-x", "c", "-"],
            input=f"#include <{header}>\n",
            capture_output=True, text=True, check=True).stdout.split()
        for wanted in re.findall(r"[\w/-]+\.h", row["expands_to"]):
            if not any(path.endswith("/" + wanted) for path in depends):
                problems.append(f"{header}: does not include {wanted}")
    return problems


def missing_headers(tables):
    """Headers that the tables name, and that we do not have. Their rows would go unchecked."""
    wanted = {row["header"]
              for rows in (tables.constants, tables.structs, tables.macros, tables.own,
                           tables.declared_calls())
              for row in rows}
    return [f"{name}: is in the tables, but not in include"
            for name in sorted(wanted - set(headers()) - {"(none)"})]


def check_names(tables, command, flags):
    return (missing_headers(tables) + unknown_names(tables, command, flags) +
            unused_exceptions(tables, command, flags) + missing_inclusions(tables, command, flags))


# ---- Whether the checks can fail ----


def selftest(command, flags):
    """Spoils rows and expects each to be noticed. Gives the ones that were not."""
    problems = []

    def expect_failure(what, header, spoil, language="c"):
        tables = Tables()
        spoil(tables)
        # The C compilers take C++ sources too, by their suffix.
        standard = "c11" if language == "c" else "c++17"
        failures, _ = compile_all(tables, command, language, standard, flags, only=[header])
        print(f"{'noticed' if failures else 'NOT NOTICED'}: {what}")
        if not failures:
            problems.append(what)

    def expect_problem(what, function, spoil):
        tables = Tables()
        spoil(tables)
        found = function(tables, command, flags)
        print(f"{'noticed' if found else 'NOT NOTICED'}: {what}")
        if not found:
            problems.append(what)

    def change(rows, key, name, column, value, extra=lambda row: True):
        for row in rows:
            if row[key] == name and extra(row):
                row[column] = value

    types, port, calls = "zircon/types.h", "zircon/syscalls/port.h", "zircon/syscalls.h"
    expect_failure("value of a constant", types,
                   lambda t: change(t.constants, "name", "ZX_PAGER_OP_FAIL", "value", "2"))
    expect_failure("type of a constant", port,
                   lambda t: change(t.constants, "name", "ZX_PAGER_VMO_READ",
                                    "underlying", "uint32_t"))
    expect_failure("sign of a constant", "zircon/errors.h",
                   lambda t: change(t.constants, "name", "ZX_ERR_IO", "value", "40"))
    expect_failure("offset of a field", port,
                   lambda t: change(t.structs, "typedef", "zx_port_packet_t", "offset", "12",
                                    lambda row: row["field"] == "type"))
    expect_failure("type of a field", port,
                   lambda t: change(t.structs, "typedef", "zx_packet_page_request_t",
                                    "c_type", "int64_t",
                                    lambda row: row["field"] == "offset"))
    expect_failure("size of a structure", port,
                   lambda t: change(t.structs, "typedef", "zx_port_packet_t", "struct_size", "40"))
    expect_failure("tag of a structure", types,
                   lambda t: change(t.structs, "typedef", "zx_iovec_t", "struct", "struct iovec"))
    expect_failure("parameter of a call", calls,
                   lambda t: change(t.syscalls, "syscall", "zx_vmo_create", "parameters",
                                    "uint32_t size, uint32_t options, zx_handle_t* out"))
    expect_failure("parameter of a call, in C++", calls,
                   lambda t: change(t.syscalls, "syscall", "zx_vmo_create", "parameters",
                                    "uint32_t size, uint32_t options, zx_handle_t* out"), "c++")
    expect_failure("result of a call", calls,
                   lambda t: change(t.syscalls, "syscall", "zx_clock_get_boot",
                                    "returns", "uint64_t"))
    expect_failure("a call that is not declared", calls,
                   lambda t: change(t.syscalls, "syscall", "zx_channel_create", "scope", "core"))
    expect_failure("a type", types,
                   lambda t: change(t.macros, "macro", "zx_koid_t", "expands_to", "int64_t"))
    expect_failure("a macro that is not defined", types,
                   lambda t: t.macros.append({"macro": "ZX_NO_SUCH(x)", "kind": "macro",
                                              "expands_to": "x", "meaning": "", "header": types}))
    expect_problem("a constant that the tables do not have", unknown_names,
                   lambda t: setattr(t, "constants",
                                     [r for r in t.constants if r["name"] != "ZX_PAGER_OP_DIRTY"]))
    expect_problem("a call that the tables do not have", unknown_names,
                   lambda t: setattr(t, "syscalls",
                                     [r for r in t.syscalls if r["syscall"] != "zx_vmo_read"]))
    expect_problem("a type that the tables do not have", unknown_names,
                   lambda t: setattr(t, "structs",
                                     [r for r in t.structs if r["typedef"] != "zx_iovec_t"]))
    expect_problem("an exception that nothing needs", unused_exceptions,
                   lambda t: t.own.append({"name": "ZX_NO_SUCH", "kind": "macro"}))
    expect_problem("an inclusion that is missing", missing_inclusions,
                   lambda t: t.macros.append({"macro": "#include <zircon/errors.h>",
                                              "kind": "includes",
                                              "expands_to": "zircon/types.h"}))
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["compile", "names", "selftest", "print"])
    parser.add_argument("--compiler", default="cc", help="the command, with its options")
    parser.add_argument("--language", choices=["c", "c++"], default="c")
    parser.add_argument("--standard", default="c11")
    parser.add_argument("--header", help="for print: the header whose check is wanted")
    parser.add_argument("--flag", action="append", default=[],
                        help="a further option for the compiler")
    args = parser.parse_args()

    if args.what == "print":
        print(generate(Tables(), args.header, args.language)[0], end="")
        return 0
    command = command_of(args.compiler)
    if args.what == "compile":
        problems, rows = compile_all(Tables(), command, args.language, args.standard, args.flag)
        print(f"{rows} rows of the tables, {len(headers())} headers")
    elif args.what == "names":
        problems = check_names(Tables(), command, args.flag)
    else:
        problems = selftest(command, args.flag)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
