#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# scripts/format.sh [file...]
#
# Brings C and C++ sources, all of the tree's or those named, into the form that lint.sh asks for.
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

if [ $# -eq 0 ]; then
  cd "$top"
  mapfile -t files < <(find . \( -name .git -o -name 'build*' -type d \) -prune -o \
    -type f \( -name '*.[ch]' -o -name '*.cpp' \) -print | sort)
  set -- "${files[@]}"
fi
python3 "$top/scripts/reflow.py" "$@"
clang-format -i "$@"
