#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Sums up the results of "meson test".

count-tests.py [--tally FILE] testlog.json...

Prints what was skipped, by reason, and which programs failed, then one line "N passed, N failed,
N skipped". A CMocka program counts by its cases, any other program as one. A program that failed
without saying which case (it crashed, or ran into its time limit) adds one failure. With --tally
the three numbers are added to a file as one line, for a later sum. The status is 1 if anything
failed.
"""

import argparse
import json
import re
import sys

SUMMARY = re.compile(r"^\[  (PASSED |FAILED |SKIPPED) \] (\d+) test\(s\)", re.MULTILINE)
RUN_CASE = re.compile(r"^\[ RUN      \] ")
SKIPPED_CASE = re.compile(r"^\[  SKIPPED \] (?!\d)(\S+)")
REASON = re.compile(r"^skipped: (.*)")


def read_log(path):
    """Yields the records of one testlog.json, which holds one JSON object a line."""
    with open(path, encoding="utf-8", errors="replace") as log:
        for line in log:
            if line.strip():
                yield json.loads(line)


def count(record):
    """Returns (passed, failed, skipped) for one test program."""
    text = record.get("stdout", "") + "\n" + record.get("stderr", "")
    cases = {"PASSED ": 0, "FAILED ": 0, "SKIPPED": 0}
    for what, number in SUMMARY.findall(text):
        cases[what] += int(number)
    passed, failed, skipped = cases["PASSED "], cases["FAILED "], cases["SKIPPED"]
    result = record["result"]
    if result == "SKIP":
        return passed, failed, max(skipped, 1)
    if result in ("OK", "EXPECTEDFAIL"):
        return (passed, failed, skipped) if passed + skipped else (1, 0, 0)
    return passed, max(failed, 1), skipped


def skipped_cases(record):
    """Returns {case: reason}; the case is "" where a program was skipped as a whole."""
    text = record.get("stdout", "") + "\n" + record.get("stderr", "")
    cases, reason = {}, None
    for line in text.splitlines():
        if RUN_CASE.match(line):
            reason = None
        elif REASON.match(line):
            reason = REASON.match(line).group(1)
        elif SKIPPED_CASE.match(line):
            # CMocka repeats the names at the end; what stood beside the run is the reason.
            cases.setdefault(SKIPPED_CASE.match(line).group(1), reason or "no reason given")
    if record["result"] == "SKIP" and not cases:
        cases[""] = reason or "no reason given"
    return cases


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tally")
    parser.add_argument("logs", nargs="+")
    args = parser.parse_args()

    total, reasons, failures = [0, 0, 0], {}, []
    for path in args.logs:
        for record in read_log(path):
            numbers = count(record)
            total = [a + b for a, b in zip(total, numbers)]
            for case, reason in skipped_cases(record).items():
                reasons.setdefault(reason, {}).setdefault(record["name"], []).append(case)
            if numbers[1]:
                failures.append(f"failed: {record['name']} ({record['result']})")

    for reason, programs in sorted(reasons.items()):
        print(f"skipped: {reason}")
        for program, cases in sorted(programs.items()):
            print(f"  {program}" + "".join(f"\n    {case}" for case in cases if case))
    for failure in failures:
        print(failure)
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    if args.tally:
        with open(args.tally, "a", encoding="ascii") as tally:
            print(*total, file=tally)
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main())
