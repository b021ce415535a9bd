#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Where the time of one page fault goes, from the kernel's tracepoints.

bench-timeline.py [--json FILE] [--way NAME]... BENCH_FAULT

Runs the program bench_fault (docs/performance.md) for one way after the other, all threads on one
core, while perf records faults, wake-ups, switches and system calls on that core. Faults follow one
another, so what comes from one fault to the next is one fault's work; the median of each step over
thousands of them is printed, as a Markdown table.

Recording takes time itself, for each event alike: what is printed adds up to more than a fault takes
without it. Which step is how large, and how the ways differ, is what can be read from it.

Needs root, perf, and tracefs mounted (mount -t tracefs none /sys/kernel/tracing). Status 77 where
that is missing.
"""

import argparse
import collections
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

WAYS = ["raw poll loop", "zx_port_wait", "raw uv_poll_t loop", "libuv callback",
        "library's loop thread"]
EVENTS = ["exceptions:page_fault_user", "sched:sched_switch", "sched:sched_waking",
          "raw_syscalls:sys_enter", "raw_syscalls:sys_exit"]
READ, IOCTL = 0, 16
WAITS = {7, 232, 281, 441}  # poll, epoll_wait, epoll_pwait, epoll_pwait2 (x86-64)

FAULT = "fault, message to the userfaultfd"
WAIT = "the pager's waiting call; switch from thread to thread"
MESSAGE = "`read` of the message"
CODE = "code of the library and of the pager"
COPY = "`UFFDIO_COPY`: page, bytes, mapping, wake-up"
GO_ON = "switch back; the thread goes on to its next fault"
STEPS = [FAULT, WAIT, MESSAGE, CODE, COPY, GO_ON]

LINE = re.compile(r"\s(\d+)\s+\[(\d+)\]\s+(\d+)\.(\d{9}):\s+([a-z_]+:[a-z_]+):\s*(.*)")


def unavailable(why):
    print(f"skipped: {why}", file=sys.stderr)
    sys.exit(77)


def kind_of(event, text):
    """A letter for what happened, and the number of a system call."""
    if event.endswith("page_fault_user"):
        return "F", None
    if event.endswith("sched_waking"):
        return "W", None
    if event.endswith("sched_switch"):
        return "S", None
    number = int(re.match(r"NR (-?\d+)", text).group(1))
    return ("E" if event.endswith("sys_enter") else "X"), number


def step_between(before, after):
    """Which of STEPS the time between two events belongs to."""
    (old, old_call), (new, new_call) = before, after
    if old == "F":
        return FAULT
    if new == "F":
        return GO_ON
    if (old == "E" and old_call == IOCTL) or (old == "W" and new_call == IOCTL):
        return COPY
    if old == "E" and old_call == READ:
        return MESSAGE
    if old in "WS" or new == "S" or (old == "E" and old_call in WAITS):
        return WAIT
    return CODE


def record(program, way, rounds):
    """The events of core 0 while the way runs, as (nanoseconds, kind, call)."""
    with tempfile.TemporaryDirectory() as scratch:
        data = os.path.join(scratch, "perf.data")
        command = ["perf", "record", "-q", "-m", "32M", "-a", "-C", "0", "-o", data]
        for event in EVENTS:
            command += ["-e", event]
        command += [program, "--place", "one", "--way", way, "--rounds", str(rounds)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            unavailable((done.stderr or done.stdout).strip().splitlines()[-1:])
        shown = subprocess.run(["perf", "script", "-i", data, "--ns", "-F",
                                "comm,tid,cpu,time,event,trace"],
                               capture_output=True, text=True, check=True).stdout
    for line in shown.splitlines():
        match = LINE.search(line)
        if match:
            _, _, seconds, nanoseconds, event, text = match.groups()
            yield (int(seconds) * 10**9 + int(nanoseconds), *kind_of(event, text))


def timeline(events):
    """The median of each step, over those faults that went the most usual way."""
    faults, current = collections.defaultdict(list), []
    for time, kind, call in events:
        if kind == "F" and current:
            shape = tuple(event[1:] for event in current)
            faults[shape].append([event[0] for event in current] + [time])
            current = []
        if kind == "F" or current:
            current.append((time, kind, call))
    # What takes the pager in has its calls; other faults of the process don't.
    served = {shape: times for shape, times in faults.items() if ("E", IOCTL) in shape}
    if not served:
        unavailable("no fault was recorded: is the first core free to be used?")
    shape, cycles = max(served.items(), key=lambda item: len(item[1]))
    steps = dict.fromkeys(STEPS, 0.0)
    for i in range(len(shape)):
        after = shape[i + 1] if i + 1 < len(shape) else ("F", None)
        steps[step_between(shape[i], after)] += statistics.median(
            times[i + 1] - times[i] for times in cycles)
    return {"faults": len(cycles), "events": len(shape),
            "calls": sum(1 for kind, _ in shape if kind == "E"), "steps": steps}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--way", action="append", metavar="NAME", choices=WAYS)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("program", metavar="BENCH_FAULT")
    args = parser.parse_args()
    if os.geteuid() != 0 or not os.path.exists("/sys/kernel/tracing/events/raw_syscalls"):
        unavailable("needs root and a mounted tracefs")

    ways = args.way or WAYS
    try:
        lines = {way: timeline(record(args.program, way, args.rounds)) for way in ways}
    except FileNotFoundError as error:
        unavailable(f"{error.filename} is not there")
    print("| us, with recording | " + " | ".join(ways) + " |")
    print("| --- |" + " ---: |" * len(ways))
    for step in STEPS:
        print(f"| {step} | " +
              " | ".join(f"{lines[way]['steps'][step] / 1000:.2f}" for way in ways) + " |")
    print("| together | " +
          " | ".join(f"{sum(lines[way]['steps'].values()) / 1000:.2f}" for way in ways) + " |")
    print("| system calls | " + " | ".join(str(lines[way]["calls"]) for way in ways) + " |")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as out:
            json.dump({"benchmark": "timeline", "ways": lines}, out, indent=1)
            out.write("\n")


if __name__ == "__main__":
    main()
