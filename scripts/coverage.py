#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes docs/coverage.md: which calls there are, and which tests cover each.

coverage.py --update | --check

What is read, and nothing else, so that the same tree always gives the same page:

 - tests/abi/syscalls.tsv (scope core and likely), tests/abi/own.tsv and the library's own public
   headers say which calls are declared.
 - A call is implemented if a source under src/ defines it. One that src/syscall/unsupported.c
   defines answers ZX_ERR_NOT_SUPPORTED; a chapter of docs/semantics must say so, which is cited.
 - A test covers a call if it calls it. Tests named after the call come first, then those under a
   directory named after it; a file of helpers stands where no test calls it itself.

--check fails if the page in the tree is not true: a call is missing or gone, its state is another,
a test that is named does not call it, or none is named though there is one. A further test does not
make the page untrue. It also fails if a call is not supported and no document says so.
"""

import argparse
import csv
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGE = os.path.join("docs", "coverage.md")
OWN_HEADERS = ["zircon/zxpager.h", "zircon/zxpager-uv.h"]
UNSUPPORTED = os.path.join("src", "syscall", "unsupported.c")

# More would say less: nearly every test closes a handle.
TESTS_SHOWN = 3

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')
DEFINITION = re.compile(r"^ZXP_EXPORT\b[^;{(]*?\b(\w+)\s*\(", re.MULTILINE)
PROTOTYPE = re.compile(r"^(?!typedef\b|static\b|#)[A-Za-z_][\w ]*[ *](zxp_\w+)\s*\(", re.MULTILINE)
CALL = re.compile(r"\b_?(zxp?_\w+)\b")
HEADING = re.compile(r"^#+ (?:(\d+(?:\.\d+)*)\.? )?")
NUMBERED = re.compile(r"^(\d+\.\d+) ")
ROW = re.compile(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", re.MULTILINE)
LINKED = re.compile(r"\[([^\]]+)\]\(")

TITLES = {
    "pager": "Pagers", "vmo": "VMOs", "vmar": "Address regions", "port": "Ports",
    "object": "Objects and handles", "handle": "Handles", "event": "Events", "timer": "Timers",
    "clock": "Clocks", "stream": "Streams", "futex": "Futexes", "process": "Processes",
    "thread": "Threads", "task": "Tasks", "system": "System", "cprng": "Random numbers",
}


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as source:
        return source.read()


def table(path):
    with open(os.path.join(TOP, path), encoding="ascii", newline="") as source:
        return list(csv.DictReader(source, delimiter="\t"))


def files(folder, pattern):
    """Paths of the files under `folder` whose names match, in order."""
    found = []
    for where, _, names in os.walk(os.path.join(TOP, folder)):
        found += [os.path.relpath(os.path.join(where, name), TOP)
                  for name in names if re.fullmatch(pattern, name)]
    return sorted(found)


# ---- What is declared, and by whom it is defined ----

def declared():
    """Title of each part of the page, and its calls, in the order of the tables and headers."""
    parts = {}
    for row in table("tests/abi/syscalls.tsv"):
        if row["scope"] in ("core", "likely"):
            title = TITLES.get(row["category"], row["category"].capitalize())
            parts.setdefault(title, []).append(row["syscall"])
    for row in table("tests/abi/own.tsv"):
        if row["kind"] == "call":
            parts.setdefault("Further calls that the headers declare", []).append(row["name"])
    for header in OWN_HEADERS:
        text = COMMENT.sub(" ", read(os.path.join("include", header)))
        parts[f"`<{header}>`"] = PROTOTYPE.findall(text)
    return parts


def defined():
    """The source that defines each exported call."""
    found = {}
    for path in files("src", r".*\.c"):
        for name in DEFINITION.findall(COMMENT.sub(" ", read(path))):
            found[name] = path
    return found


# ---- What the documents say ----

def paragraphs():
    """Yields (chapter, number of the rule, text of the paragraph, text of its section)."""
    for path in files("docs/semantics", r".*\.md"):
        for section in re.split(r"^(?=#)", read(path), flags=re.MULTILINE):
            heading = HEADING.match(section)
            number = heading.group(1) if heading else None
            for text in section.split("\n\n"):
                rule = NUMBERED.match(text)
                yield os.path.basename(path), rule.group(1) if rule else number, text, section


def document(call):
    """Where it is said that the call is not supported, as (chapter, rule), or None."""
    named = re.compile(r"\b" + call + r"\b")
    loose = None
    for chapter, rule, text, section in paragraphs():
        if named.search(text) and rule is not None:
            if "NOT_SUPPORTED" in text:
                return chapter, rule
            if "NOT_SUPPORTED" in section and loose is None:
                loose = chapter, rule
    return loose


# ---- Which tests call it ----

def users():
    """The files under tests/ that call each name."""
    found = {}
    for path in files("tests", r".*\.(c|cpp|h)"):
        for name in set(CALL.findall(STRING.sub('""', COMMENT.sub(" ", read(path))))):
            found.setdefault(name, []).append(path)
    return found


def words(text):
    """Its words, for comparison; a plural counts as the singular."""
    return {word.rstrip("s") for word in re.split(r"[_\W]+", text)} - {"", "zx", "zxp", "test"}


def is_test(path):
    return os.path.basename(path).startswith("test_")


def ranked(call, paths):
    """The tests among the files, those named after the call first; else the helpers."""
    chosen = [path for path in paths if is_test(path)] or paths
    subject = words(call)

    def key(path):
        folder, name = os.path.split(os.path.splitext(path)[0])
        near = words(name) & subject
        beside = words(name) - subject
        return -len(near), len(beside), -len(words(os.path.basename(folder)) & subject), path

    return sorted(chosen, key=key)


# ---- The page ----

def link(path):
    return f"[{os.path.relpath(path, 'tests')}]({os.path.relpath(path, 'docs')})"


def state(call, sources):
    """The second column, and a complaint or None."""
    source = sources.get(call)
    if source is None:
        return "not yet", None
    if source != UNSUPPORTED:
        return "implemented", None
    rule = document(call)
    if rule is None:
        return "not supported", f"{call}: not supported, and no document says so"
    return f"not supported: [{rule[0]} {rule[1]}](semantics/{rule[0]})", None


def tests(call, callers):
    """The third column."""
    paths = ranked(call, callers)
    if not paths:
        return "none"
    shown = ", ".join(link(path) for path in paths[:TESTS_SHOWN])
    return shown + (" and others" if len(paths) > TESTS_SHOWN else "")


def rows():
    """Title, call, state and callers of each call, and what is wrong with the tree."""
    sources, callers, found, problems = defined(), users(), [], []
    for title, calls in declared().items():
        for call in calls:
            what, problem = state(call, sources)
            found.append((title, call, what, callers.get(call, [])))
            problems += [problem] if problem else []
    return found, problems


def summary(found):
    count = {"implemented": 0, "not supported": 0, "not yet": 0}
    for _, _, what, _ in found:
        count[what.split(":")[0]] += 1
    without = sum(not paths and what != "not yet" for _, _, what, paths in found)
    return (f"{len(found)} calls: {count['implemented']} implemented, "
            f"{count['not supported']} not supported, {count['not yet']} not yet; "
            f"{without} of those that are there are called by no test.")


def page(found):
    lines = [
        "<!-- SPDX-License-Identifier: BSD-3-Clause -->",
        "",
        "# Calls and their tests",
        "",
        "Written by `scripts/coverage.py --update`, which says how; a test fails where it is no",
        "longer true. *Not supported* names the document that says that the call answers",
        "`ZX_ERR_NOT_SUPPORTED`; *not yet* is declared, and does not link.",
        "",
        summary(found),
    ]
    last = None
    for title, call, what, paths in found:
        if title != last:
            lines += ["", f"## {title}", "", "| call | state | tests |", "| --- | --- | --- |"]
            last = title
        lines.append(f"| `{call}` | {what} | {tests(call, paths)} |")
    return "\n".join(lines) + "\n"


def untrue(found, text):
    """What the page says that is not so, one message each."""
    problems = []
    said = {row[0]: row[1:] for row in ROW.findall(text)}
    for _, call, what, paths in found:
        if call not in said:
            problems.append(f"{call}: not on the page")
            continue
        state_said, tests_said = said.pop(call)
        named = [os.path.join("tests", path) for path in LINKED.findall(tests_said)]
        if state_said != what:
            problems.append(f"{call}: {what}; the page says {state_said}")
        problems += [f"{call}: {path} does not call it" for path in named if path not in paths]
        if bool(named) != bool(paths):
            problems.append(f"{call}: called by {len(paths)} files; the page names {len(named)}")
    problems += [f"{call}: on the page, but not declared" for call in sorted(said)]
    if summary(found) not in text:
        problems.append("the numbers at the top are others: " + summary(found))
    return problems


def selftest(found, text):
    """Each kind of untruth must be noticed."""
    name = next(call for _, call, what, paths in found if what == "implemented" and paths)
    line = next(line for line in text.splitlines() if line.startswith(f"| `{name}` "))
    spoiled = [
        text.replace(line + "\n", ""),
        text.replace(line, line + "\n" + line.replace(name, "zx_of_nobody")),
        text.replace(line, line.replace("implemented", "not yet")),
        text.replace(line, LINKED.sub("[no/test.c](", line)),
        text.replace(line, f"| `{name}` | implemented | none |"),
        text.replace(summary(found), ""),
    ]
    problems = [f"the check itself is wrong: case {i}"
                for i, one in enumerate(spoiled) if not untrue(found, one)]
    return problems + untrue(found, text)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--update", action="store_true")
    mode.add_argument("--check", action="store_true")
    args = parser.parse_args()

    found, problems = rows()
    text = page(found)
    if args.update:
        with open(os.path.join(TOP, PAGE), "w", encoding="ascii") as out:
            out.write(text)
    else:
        wrong = untrue(found, read(PAGE) if os.path.exists(os.path.join(TOP, PAGE)) else "")
        problems += selftest(found, text) + wrong
        if wrong:
            problems.append(f"{PAGE} is not true: run scripts/coverage.py --update")
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
