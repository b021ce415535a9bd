#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# scripts/bench.sh [--update]
#
# Sets up, builds the benchmarks for release, runs them one after the other, and prints what came
# out of it with the bars beside it, in Markdown. With --update the tables of docs/performance.md
# and the plots beside it become those of this run. Takes some minutes; let the machine do nothing
# else meanwhile.
#
# What is measured is left in builds/bench/bench, or $ZXPAGER_BUILDS/bench/bench.
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
cd "$top"

update=()
case ${1:-} in
  '') ;;
  --update) update=(--update docs) ;;
  *) die "no such option: $1 (--update)" ;;
esac

# What only some peers and the plots need is no reason to stop.
scripts/setup.sh bench || scripts/setup.sh demo

dir=$builds/bench
configure "$dir" --buildtype=release -Dtests=disabled -Dexamples=disabled -Dbench=enabled
# Peers that have been installed since the directory was set up are only seen then.
meson setup --reconfigure "$dir" >/dev/null
show meson compile -C "$dir"

# Without it, system calls are counted by ptrace, and there is no timeline of a fault.
if [ "$(id -u)" -eq 0 ] && [ ! -d /sys/kernel/tracing/events ]; then
  mount -t tracefs none /sys/kernel/tracing 2>/dev/null || true
fi

# Ratios of a busy machine are those of its scheduler. Fields of /proc/stat: user, nice, system, idle.
busy=$( (head -1 /proc/stat && sleep 3 && head -1 /proc/stat) |
  awk '{ used = $2 + $3 + $4 - used; idle = $5 - idle } END { print int(100 * used / (used + idle)) }')
[ "$busy" -lt 10 ] || echo "the machine is busy by $busy %: do not trust what follows"

rm -f "$dir"/bench/*.json
show meson test -C "$dir" --benchmark --no-rebuild --verbose
step "Where the time of a fault goes"
scripts/bench-timeline.py --json "$dir/bench/timeline.json" "$dir/bench/bench_fault" || true

step "Bars"
scripts/bench-report.py "${update[@]}" --busy "$busy" "$dir/bench"
