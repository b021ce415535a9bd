#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Breaks comment lines that are longer than 100 columns: reflow.py file...

What clang-format's own ReflowComments gets wrong is why this exists: the words that no longer fit go
to the next line at the indentation of the paragraph, which for an item of a list is that of its text,
and for a table that of its last column. Lines that fit are left as they are.
"""

import re
import sys

WIDTH = 100
ITEM = re.compile(r"\s*(?:[-*]|\d+\.)\s+")
COLUMN_GAP = re.compile(r"\S\s{2,}(?=\S)")


def hanging_indent(text):
    """The column of `text` at which what continues it starts."""
    item = ITEM.match(text)
    if item:
        return item.end()
    gaps = list(COLUMN_GAP.finditer(text))
    return gaps[-1].end() if gaps else len(text) - len(text.lstrip())


def continues(text, indent):
    """Whether `text` is a further line of a paragraph with this hanging indent."""
    if not text.strip() or ITEM.match(text) or COLUMN_GAP.search(text):
        return False
    return len(text) - len(text.lstrip()) == indent


def split(text, room):
    """Splits at the last blank that leaves `room`: (what fits, the rest)."""
    cut = text.rfind(" ", 0, room + 1)
    if cut <= len(text) - len(text.lstrip()):
        return text, ""
    return text[:cut].rstrip(), text[cut:].strip()


def break_line(lines, at, head, star):
    """Breaks lines[at], whose comment text begins after `head`; further lines begin with `star`."""
    text = lines[at][len(head):].rstrip()
    closed = text.endswith("*/")
    if closed:
        text = text[:-2].rstrip()
    fits, rest = split(text, WIDTH - len(head))
    if not rest and closed:
        fits, rest = split(text, WIDTH - len(head) - len(" */"))
    if not rest:
        return
    indent = hanging_indent(text)
    following = lines[at + 1] if at + 1 < len(lines) else ""
    tail = following[len(star):] if following.startswith(star) else ""
    if closed:
        lines[at:at + 1] = [head + fits, star + " " * indent + rest + " */"]
    elif tail.strip() != "/" and continues(tail, indent):
        lines[at:at + 2] = [head + fits, star + " " * indent + rest + " " + tail.strip()]
    else:
        lines[at:at + 1] = [head + fits, star + " " * indent + rest]


def reflow(lines):
    """Goes through the lines of a C file and breaks the long ones inside of comments."""
    star = None  # inside a block comment: what its lines begin with
    at = 0
    while at < len(lines):
        line = lines[at]
        if star is None:
            opening = re.match(r"([^\"]*?|(?:[^\"]*\"[^\"]*\")*[^\"]*?)/\*", line)
            if opening:
                head = line[:opening.end()]
                star = " " * (len(head) - 2) + " *"
                rest = line[len(head):]
                if len(line) > WIDTH and ("*/" not in rest or rest.rstrip().endswith("*/")):
                    break_line(lines, at, head, star)
                if "*/" in lines[at][len(head):]:
                    star = None
        else:
            if len(line) > WIDTH and line.startswith(star):
                break_line(lines, at, star, star)
            if "*/" in lines[at]:
                star = None
        at += 1
    return lines


def main():
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as source:
            before = source.read()
        after = "\n".join(reflow(before.split("\n")))
        if after != before:
            with open(path, "w", encoding="utf-8") as out:
                out.write(after)
            print(f"{path}: comments broken to {WIDTH} columns")


if __name__ == "__main__":
    main()
