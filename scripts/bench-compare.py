#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Compares two outputs of the benchmarks, ratio by ratio.

bench-compare.py [--of min|mean|p50|p99] [--fail-above PERCENT] OLD NEW

OLD and NEW are each a file that a benchmark wrote with --json, or a directory with some of them
(bench_*.json; "meson test --benchmark" leaves them in the build directory, under bench).

A ratio holds the library against a hand-written way in the same run, so it can be compared across
runs, and with care across machines. Times without such a ratio are compared only if both are from
the same machine and the same kind of build. What one side alone has is named.

With --fail-above the status is 1 if a ratio, or a number of bytes, grew by more than so many
percent.
"""

import argparse
import glob
import json
import os
import sys


def fail(message):
    print(message, file=sys.stderr)
    sys.exit(2)


def load(path):
    """The outputs at `path`, by the name of the benchmark."""
    paths = sorted(glob.glob(os.path.join(path, "bench_*.json"))) if os.path.isdir(path) else [path]
    if not paths:
        fail(f"{path}: no bench_*.json in it")
    found = {}
    for one in paths:
        try:
            with open(one, encoding="utf-8") as source:
                output = json.load(source)
            found[output["benchmark"]] = (output["machine"],
                                          {row["name"]: row for row in output["rows"]})
        except (OSError, ValueError, KeyError, TypeError) as error:
            fail(f"{one}: not the output of a benchmark: {error!r}")
    return found


def change(old, new):
    """By how many percent `new` is above `old`; None if there is nothing to compare with."""
    return (new - old) / old * 100 if old > 0 else None


def compare_row(old, new, of, same_machine):
    """(what is compared, old, new), or None where the numbers say nothing together."""
    ratio = "ratio_" + of
    if ratio in old and ratio in new and old.get("against") == new.get("against"):
        return f"/ {new['against']}", old[ratio], new[ratio]
    if old["unit"] != new["unit"] or (old["unit"] == "ns" and not same_machine):
        return None
    return new["unit"], old[of], new[of]


def lines_of(old_output, new_output, of):
    """Yields (row, what is compared, old, new); a number is None where one side has none."""
    (old_machine, old_rows), (new_machine, new_rows) = old_output, new_output
    for name, new in new_rows.items():
        if name not in old_rows:
            yield name, "", None, new[of]
            continue
        compared = compare_row(old_rows[name], new, of, old_machine == new_machine)
        if compared is not None:
            yield name, *compared
    for name, old in old_rows.items():
        if name not in new_rows:
            yield name, "", old[of], None


def describe(machine):
    return f"{machine['cpus']} x {machine['cpu']}, Linux {machine['kernel']}; {machine['build']}"


def print_benchmark(name, old_output, new_output, args):
    """Prints one benchmark; the rows that grew too much."""
    grown = []
    print(f"{name}, {args.of}")
    if old_output[0] == new_output[0]:
        print(f"  both on {describe(new_output[0])}")
    else:
        print(f"  old on {describe(old_output[0])}\n  new on {describe(new_output[0])}")
        print("  times are not compared: different machines or builds")
    for row, what, old, new in lines_of(old_output, new_output, args.of):
        if old is None or new is None:
            print(f"  {row}: only in the {'new' if old is None else 'old'} output")
            continue
        percent = change(old, new)
        shown = "" if percent is None else f"{percent:+8.1f} %"
        print(f"  {row:<40} {what:<40} {old:>12.3f} {new:>12.3f} {shown}")
        # Times of their own go up and down with what else the machine does.
        if what != "ns" and percent is not None and args.fail_above is not None \
                and percent > args.fail_above:
            grown.append(f"{name}: {row} {what}: {old:.3f} became {new:.3f}")
    return grown


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--of", choices=["min", "mean", "p50", "p99"], default="p50")
    parser.add_argument("--fail-above", type=float, metavar="PERCENT")
    parser.add_argument("old")
    parser.add_argument("new")
    args = parser.parse_args()

    old, new = load(args.old), load(args.new)
    grown = []
    for name in sorted(set(old) & set(new)):
        grown += print_benchmark(name, old[name], new[name], args)
    for name in sorted(set(old) ^ set(new)):
        print(f"{name}: only in the {'new' if name in new else 'old'} output")
    if not set(old) & set(new):
        fail("the two outputs have no benchmark in common")
    for one in grown:
        print("GREW:", one)
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
