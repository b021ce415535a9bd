#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# scripts/test.sh [arguments of "meson test"]
#
# Sets up, builds and runs all tests. Build directory: builds/test, or $ZXPAGER_BUILDS/test.
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

"$top/scripts/setup.sh" test

dir=$builds/test
step "Building in $dir"
configure "$dir" -Dtests=enabled -Dexamples=enabled -Dbench=enabled
show meson compile -C "$dir"

if [ -x "$dir/src/tools/zxpager-check" ]; then
  step "What this machine offers"
  # Status 77 means that page faults can't be served here; the tests that need them are skipped.
  show "$dir/src/tools/zxpager-check" || [ $? -eq 77 ]
fi

step "Testing"
status=0
rm -f "$dir/meson-logs/testlog.json"
show meson test -C "$dir" --no-rebuild --print-errorlogs "$@" || status=$?

step "Result"
python3 "$top/scripts/count-tests.py" "$dir/meson-logs/testlog.json"
exit $status
