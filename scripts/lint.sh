#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# scripts/lint.sh [text|format|tidy|cppcheck|shell|exports]...
#
# Checks the sources without running them; without arguments, every check. Status 1 if one of them
# has something to say. Build directory (for the compiler flags): builds/lint, or
# $ZXPAGER_BUILDS/lint.
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
cd "$top"

dir=$builds/lint

# Lists the files of the tree, one a line, whose names match one of the patterns.
files() {
  local pattern args=()
  for pattern; do
    args+=(-o -name "$pattern")
  done
  find . \( -name .git -o -name 'build*' -type d -o -name __pycache__ \) -prune -o \
    -type f \( "${args[@]:1}" \) -print | sort
}

prepare() {
  CC=clang CXX=clang++ configure "$dir" -Dtests=enabled -Dexamples=enabled -Dbench=enabled \
    >"$dir.log" 2>&1 || { cat "$dir.log" && return 1; }
  # Generated sources are compiled too, so they must exist.
  meson compile -C "$dir" >"$dir.log" 2>&1 || { cat "$dir.log" && return 1; }
}

# Every file names its license in its first line (its second, after "#!"), has no trailing space,
# leaves nothing for later and names no place on somebody's machine; what a page links to is there.
# A table of tab-separated values has no comments: the README beside it speaks for it.
check_text() {
  local bad=0
  files '*' | grep -v '\.tsv$' | xargs awk '
    FNR == 1 { hashbang = /^#!/ }
    FNR == (hashbang ? 2 : 1) && !/SPDX-License-Identifier: BSD-3-Clause/ {
      print FILENAME ": no license line"
      bad = 1
    }
    FILENAME ~ /\.[ch]$/ && length($0) > 100 {
      print FILENAME ":" FNR ": longer than 100 columns"
      bad = 1
    }
    /[ \t]$/ { print FILENAME ":" FNR ": trailing space"; bad = 1 }
    /(^|[^A-Za-z])(TO[D]O|FIXM[E])([^A-Za-z]|$)/ { print FILENAME ":" FNR ": left for later"; bad = 1 }
    /(^|[^A-Za-z0-9_.$}])\/(ho[m]e|roo[t]|wor[k])\// {
      print FILENAME ":" FNR ": a path of one machine"
      bad = 1
    }
    END { exit bad }' || bad=1

  local page target
  while IFS=: read -r page target; do
    target=${target#](}
    target=${target%)}
    case $target in
      http*:* | '#'*) continue ;;
    esac
    if [ ! -e "$(dirname "$page")/${target%%#*}" ]; then
      echo "$page: links to $target, which is not there"
      bad=1
    fi
  done < <(files '*.md' | xargs grep -oE '\]\([^) ]+\)')
  return "$bad"
}

check_format() {
  files '*.c' '*.h' '*.cc' | xargs clang-format --dry-run -Werror
}

check_tidy() {
  prepare
  # tests/install is built by its own script, with flags of its own; fuse_file only with libfuse3.
  local unbuilt='^\./tests/install/'
  grep -q fuse_file.c "$dir/compile_commands.json" || unbuilt="$unbuilt|/fuse_file\.c$"
  files '*.c' | grep -E '^\./(src|examples|bench|tests)/' | grep -vE "$unbuilt" |
    xargs -P "$(nproc)" -n 1 clang-tidy --quiet -p "$dir" 2>&1 |
    { grep -vE '^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -header-filter' || true; }
}

check_cppcheck() {
  local includes=(-I include -I src)
  files '*.c' | grep -E '^\./(src|examples|bench)/' |
    xargs cppcheck --quiet --std=c11 --language=c --enable=warning,performance,portability \
      --inline-suppr --error-exitcode=1 -j "$(nproc)" -D__linux__ -D__x86_64__ -D__STDC_VERSION__=201112L \
      "${includes[@]}" --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches
}

check_shell() {
  # SC2317 takes functions called by a computed name for unreachable code; SC2016 is about awk.
  files '*.sh' run | xargs shellcheck --exclude=SC2016,SC2317 -x -P SCRIPTDIR
  files '*.py' | xargs -n 1 python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])'
}

check_exports() {
  prepare
  python3 scripts/exports.py --library "$dir/src/libzxpager.a" --check
}

[ $# -gt 0 ] || set -- text format tidy cppcheck shell exports
status=0
mkdir -p "$builds"
for check; do
  declare -F "check_$check" >/dev/null || die "no such check: $check"
  step "$check"
  # Not "if (...)": inside a condition the shell would go on after a command that fails.
  set +e
  (set -e; "check_$check")
  rc=$?
  set -e
  if [ $rc -eq 0 ]; then
    echo "$check: fine"
  else
    echo "$check: FAILED"
    status=1
  fi
done
exit $status
