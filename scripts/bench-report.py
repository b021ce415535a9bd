#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Tables and plots from what the benchmarks measured.

bench-report.py [--update DOCS] [--busy PERCENT] RESULTS

RESULTS is a directory with bench_*.json and, if it was recorded, timeline.json. Prints tables in
Markdown. With --update, the parts of DOCS/performance.md between "<!-- measured: NAME -->" and
"<!-- end -->" become these tables, and the plots are drawn into DOCS/plots by gnuplot. --busy says by
how much the machine was busy with other things.
"""

import argparse
import glob
import json
import os
import re
import subprocess
import sys

# Ways of the library, by hand, and of others, by how their rows' names begin.
LIBRARY, BY_HAND, OTHERS = "#3465a4", "#888a85", "#c4a000"
STEP_COLORS = ["#babdb6", "#729fcf", "#ad7fa8", "#cc0000", "#73d216", "#e9b96e"]
BY_HAND_NAMES = ("raw", "memcpy", "pread", "pwrite", "mmap", "64 KiB by", "2 MiB by")
PLACED = (", one core", ", two cores")
OTHER_NAMES = ("SIGSEGV", "mapped FUSE", "FUSE")


def load(directory):
    """Outputs by the name of the benchmark."""
    outputs = {}
    for path in sorted(glob.glob(os.path.join(directory, "bench_*.json"))):
        with open(path, encoding="utf-8") as source:
            output = json.load(source)
        outputs[output["benchmark"]] = output
    if not outputs:
        sys.exit(f"{directory}: no bench_*.json in it")
    timeline = os.path.join(directory, "timeline.json")
    if os.path.exists(timeline):
        with open(timeline, encoding="utf-8") as source:
            outputs["timeline"] = json.load(source)
    return outputs


def machine_of(outputs):
    """One line; the kernel by its version alone, not by who built it."""
    machine = next(output["machine"] for output in outputs.values() if "machine" in output)
    kernel = re.match(r"[0-9.]+", machine["kernel"]).group(0)
    return f"{machine['cpus']} x {machine['cpu']}, Linux {kernel}, {machine['build']}"


# ---- Tables ----

def table(head, rows, right=()):
    lines = ["| " + " | ".join(head) + " |",
             "|" + "|".join(" ---: " if i in right else " --- " for i in range(len(head))) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def bars_table(outputs):
    rows = []
    for output in outputs.values():
        for bar in output.get("bars", []):
            sign = "-" if bar["bar"].endswith("more") else "/"
            row = [str(bar["item"]), f"{bar['row']} {sign} {bar['against']}"]
            if bar["met"] is None:
                row += ["", "", bar["bar"], "not measured"]
            else:
                mean = " (mean)" if bar["of"] == "mean" else ""
                row += [f"{bar['figure']:.2f}{mean}", f"{bar['p99']:.2f}", bar["bar"],
                        "met" if bar["met"] else "**missed**"]
            rows.append(row)
    rows.sort(key=lambda row: int(row[0]))
    return table(["", "what", "measured", "p99", "bar", ""], rows, right=(2, 3))


def distance(bar):
    """How far beyond its limit a bar is, in parts of it; below 0, it is met."""
    limit = float(re.search(r"[0-9.]+", bar["bar"]).group(0))
    beyond = (bar["figure"] - limit) / limit
    return -beyond if bar["bar"].startswith("at least") else beyond


def summary_table(outputs):
    """A row for each bar: how many of its rows meet it, and the one that is worst off."""
    rows = []
    bars = [bar for output in outputs.values() for bar in output.get("bars", [])]
    for item in sorted({bar["item"] for bar in bars}):
        measured = [bar for bar in bars if bar["item"] == item and bar["met"] is not None]
        if not measured:
            rows.append([str(item), "not measured", "", "", ""])
            continue
        worst = max(measured, key=distance)
        met = sum(bar["met"] for bar in measured)
        rows.append([str(item), f"{met} of {len(measured)}", worst["row"],
                     f"{worst['figure']:.2f}", worst["bar"]])
    return table(["bar", "met", "the worst of them", "measured", "to be"], rows, right=(3,))


def times_table(output, microseconds=True):
    """Rows of one benchmark; the ratio stands beside those that are compared."""
    scale, unit = (1000, "us") if microseconds else (1, "ns")
    rows = []
    for row in output["rows"]:
        if row["unit"] != "ns":
            continue
        compared = f"{row['ratio_p50']:.2f} x {row['against']}" if "against" in row else ""
        rows.append([row["name"], f"{row['p50'] / scale:.2f}", f"{row['mean'] / scale:.2f}",
                     f"{row['p99'] / scale:.2f}", compared])
    return table([unit, "p50", "mean", "p99", "p50 against"], rows, right=(1, 2, 3))


def calls_table(output):
    return table(["", "system calls a fault"],
                 [[row["name"], f"{row['p50']:.2f}"] for row in output["rows"]], right=(1,))


def timeline_table(output):
    ways = output["ways"]
    steps = list(next(iter(ways.values()))["steps"])
    rows = [[step] + [f"{ways[way]['steps'][step] / 1000:.2f}" for way in ways] for step in steps]
    rows.append(["together"] + [f"{sum(way['steps'].values()) / 1000:.2f}"
                                for way in ways.values()])
    return table(["us, with recording"] + list(ways), rows, right=range(1, len(ways) + 1))


def tables(outputs, busy):
    note = "" if busy < 10 else (f" **The machine was busy by {busy} % with other things**, so these"
                                 " are not the ratios that it gives when left alone.")
    yield "machine", f"Measured on {machine_of(outputs)}.{note}"
    yield "summary", summary_table(outputs)
    yield "bars", bars_table(outputs)
    for name, output in outputs.items():
        if name == "timeline":
            yield name, timeline_table(output)
        elif name == "syscalls":
            yield name, calls_table(output)
        else:
            yield name, times_table(output)


# ---- Plots ----

def color_of(name):
    name = name.removeprefix("fill and supply ").removeprefix("2 threads, ")
    if name.startswith(BY_HAND_NAMES):
        return BY_HAND
    return OTHERS if name.startswith(OTHER_NAMES) else LIBRARY


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def block(name, rows):
    return [f"${name} << END"] + [" ".join(str(field) for field in row) for row in rows] + ["END"]


def panel(name, title, axis, bars):
    """A horizontal bar for each (label, value, text behind it, color), the first on top."""
    count = len(bars)
    rows = [(value, count - i, quoted(text), int(color[1:], 16))
            for i, (_, value, text, color) in enumerate(bars)]
    tics = ", ".join(f"{quoted(label)} {count - i}" for i, (label, *_) in enumerate(bars))
    right = max(value for _, value, *_ in bars) * 1.35
    return block(name, rows) + [
        f"set title {quoted(title)}", f"set xlabel {quoted(axis)}",
        f"set ytics ({tics}) scale 0", f"set xrange [0:{right:.3f}]",
        f"set yrange [0.4:{count + 0.6}]",
        f"plot ${name} using ($1/2.0):2:($1/2.0):(0.34):4 with boxxyerror fs solid lc rgb variable, "
        f"${name} using 1:2:3 with labels left offset 0.6,0"]


def draw(path, height, title, machine, panels):
    """Has gnuplot draw panels one below the other, `height` high in all, and the machine."""
    script = [f"set terminal svg size 900,{height} font 'sans-serif,12' background '#ffffff'",
              f"set output {quoted(path)}", "unset key", "set grid xtics lc rgb '#dddddd'",
              "set border 3", f"set multiplot layout {len(panels)},1 "
              f"title {quoted(title)} noenhanced font ',14'",
              f"set label 1 {quoted(machine)} at screen 0.01,0.02 font ',10' noenhanced",
              "set lmargin 36", "set rmargin 4", "set bmargin 4", "set xtics nomirror",
              "set ytics noenhanced", "set title noenhanced"]
    for lines in panels:
        script += lines + ["unset label 1"]
    script.append("unset multiplot")
    subprocess.run(["gnuplot"], input="\n".join(script) + "\n", text=True, check=True)
    with open(path, encoding="utf-8") as source:
        text = source.read()
    # The license comes first; an XML declaration, which would have to, is not needed for UTF-8.
    text = re.sub(r"^<\?xml[^>]*\?>\s*", "", text)
    text = re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)
    with open(path, "w", encoding="utf-8") as out:
        out.write("<!-- SPDX-License-Identifier: BSD-3-Clause -->\n" + text)


def time_bars(output, keep, strip="", pages=False, of="p50"):
    """Bars of the rows that `keep` accepts, with the p50 or mean, and the p99 in words."""
    for row in output["rows"]:
        if row["unit"] != "ns" or not keep(row["name"]):
            continue
        scale = 1000 * (row["pages"] if pages else 1)
        shown, p99 = row[of] / scale, row["p99"] / scale
        yield (row["name"].removesuffix(strip), round(shown, 3),
               f"{shown:.2f} (p99 {p99:.{0 if p99 >= 100 else 2}f})",
               color_of(row["name"]))


def plot_by_place(name, output, title, height, last, machine, plots):
    """`last`, a panel of its own below: its title, mean or p50, and whether a row is of it."""
    panels = []
    for ending in PLACED:
        bars = list(time_bars(output, lambda row, e=ending: row.endswith(e), strip=ending))
        if bars:
            panels.append(panel(f"p{len(panels)}", "threads on" + ending[1:], "us, p50", bars))
    last_title, last_of, of_last = last
    bars = list(time_bars(output, of_last, of=last_of))
    if bars:
        panels.append(panel(f"p{len(panels)}", last_title, f"us, {last_of}", bars))
    if panels:
        draw(os.path.join(plots, f"{name}.svg"), height, title, machine, panels)


def plot_supply(output, machine, plots):
    panels = []
    for size in ("64 KiB", "2 MiB"):
        bars = [(label.removeprefix(size).lstrip(" ,"), *rest) for label, *rest in
                time_bars(output, lambda row, s=size: row.startswith(s), pages=True)]
        panels.append(panel(f"p{len(panels)}", f"{size} at once", "us a page, p50", bars))
    draw(os.path.join(plots, "supply.svg"), 580, "Supplying pages", machine, panels)


def plot_scan(output, machine, plots):
    bars = []
    for row in output["rows"]:
        throughput = row["pages"] * 4096 / 2**20 / (row["p50"] / 1e9)
        bars.append((row["name"], round(throughput), f"{throughput:.0f}", color_of(row["name"])))
    draw(os.path.join(plots, "scan.svg"), 340, "Sequential scan, 256 KiB an answer", machine,
         [panel("p0", "", "MiB/s, more is better", bars)])


def plot_io(output, machine, plots):
    panels = []
    for size in ("64 KiB", "8 bytes"):
        bars = [(label.removesuffix(size).strip(), *rest) for label, *rest in
                time_bars(output, lambda row, s=size: row.endswith(s))]
        if bars:
            panels.append(panel(f"p{len(panels)}", size, "us for 1000, p50", bars))
    if panels:
        draw(os.path.join(plots, "io.svg"), 560, "Reading and writing pages that are there", machine,
             panels)


def plot_timeline(output, machine, plots):
    ways = list(output["ways"].items())
    steps = list(ways[0][1]["steps"])
    script, curves = [], []
    for s, step in enumerate(steps):
        rows = []
        for i, (_, way) in enumerate(ways):
            before = sum(way["steps"][earlier] for earlier in steps[:s]) / 1000
            rows.append((before, before + way["steps"][step] / 1000, len(ways) - i))
        script += block(f"s{s}", rows)
        curves.append(f"$s{s} using (($1+$2)/2):3:(($2-$1)/2):(0.34) with boxxyerror fs solid "
                      f"lc rgb '{STEP_COLORS[s % len(STEP_COLORS)]}' title "
                      f"{quoted(step.replace('`', ''))}")
    tics = ", ".join(f"{quoted(name)} {len(ways) - i}" for i, (name, _) in enumerate(ways))
    script += ["set key outside bottom center maxcols 2 width -4 noenhanced", "set bmargin 10",
               "set xlabel 'us, recording included'", f"set ytics ({tics}) scale 0",
               f"set yrange [0.4:{len(ways) + 0.6}]", "set xrange [0:*]",
               "plot " + ", ".join(curves)]
    draw(os.path.join(plots, "timeline.svg"), 400, "Where the time of a fault goes, one core",
         machine, [script])


def plot_all(outputs, plots):
    os.makedirs(plots, exist_ok=True)
    machine = machine_of(outputs)
    if "fault" in outputs:
        plot_by_place("fault", outputs["fault"], "A load from an absent page", 980,
                      ("where the scheduler puts them", "mean",
                       lambda row: not row.endswith(PLACED)), machine, plots)
    if "dirty" in outputs:
        plot_by_place("dirty", outputs["dirty"], "The first store into a clean page", 640,
                      ("that nobody is asked about", "p50",
                       lambda row: row in ("raw WP_ASYNC", "no trap")), machine, plots)
    for name, plot in (("supply", plot_supply), ("scan", plot_scan),
                       ("vmo_io", plot_io), ("timeline", plot_timeline)):
        if name in outputs:
            plot(outputs[name], machine, plots)


# ---- The page ----

def update(docs, named):
    path = os.path.join(docs, "performance.md")
    with open(path, encoding="utf-8") as source:
        page = source.read()
    for name, text in named.items():
        marked = re.compile(rf"(<!-- measured: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        page = marked.sub(lambda match, t=text: match.group(1) + t + "\n" + match.group(2), page)
    with open(path, "w", encoding="utf-8") as out:
        out.write(page)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", metavar="DOCS")
    parser.add_argument("--busy", metavar="PERCENT", type=int, default=0)
    parser.add_argument("results", metavar="RESULTS")
    args = parser.parse_args()
    outputs = load(args.results)
    named = dict(tables(outputs, args.busy))
    for name, text in named.items():
        print(f"\n{name}\n\n{text}")
    if args.update:
        update(args.update, named)
        try:
            plot_all(outputs, os.path.join(args.update, "plots"))
        except FileNotFoundError:
            print("no plots: gnuplot is not there", file=sys.stderr)


if __name__ == "__main__":
    main()
