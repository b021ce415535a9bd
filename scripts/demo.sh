#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# scripts/demo.sh [file]
#
# Sets up, builds, and serves a file through a pager: threads read it through a mapping and through
# zx_vmo_read, every page arrives by a page fault or a page request, and the SHA-256 of what they
# saw is compared with the file's. Without a file the example serves one of its own.
# Build directory: builds/demo, or $ZXPAGER_BUILDS/demo.
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

if [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; then
  [ -r "$1" ] || die "$1 cannot be read"
fi

"$top/scripts/setup.sh" demo

dir=$builds/demo
step "Building in $dir"
configure "$dir" --buildtype=release -Dtests=disabled -Dexamples=enabled -Dbench=disabled
show meson compile -C "$dir"

step "What this machine offers"
# Status 77: page faults can't be served here. The threads then read through calls only.
show "$dir/src/tools/zxpager-check" || [ $? -eq 77 ]

step "Serving a file through a pager"
show "$dir/examples/filepager" "$@"
