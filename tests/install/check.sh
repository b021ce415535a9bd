#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# tests/install/check.sh [shared|static|subproject|quickstart]...
#
# Installs the library into a scratch prefix and uses it as a stranger would: through pkg-config
# with the shared library, through pkg-config with the static one, as a Meson subproject, and by
# following the quick start of README.md to the letter. Without arguments, all four.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../../scripts/common.sh
. "$here/../../scripts/common.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
warnings=(-Wall -Wextra -Wpedantic -Werror)

# install_into <prefix> <kind of library>: once for each prefix.
install_into() {
  local prefix=$1 kind=$2
  [ ! -d "$prefix" ] || return 0
  meson setup "$prefix.build" "$top" --prefix="$prefix" --libdir=lib --buildtype=release \
    -Ddefault_library="$kind" -Dtests=disabled -Dexamples=disabled -Dbench=disabled >"$work/log" ||
    { cat "$work/log" && return 1; }
  meson install -C "$prefix.build" >"$work/log" || { cat "$work/log" && return 1; }
}

# The shared objects that a program or library asks for.
needed() { readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }

# flags <prefix> <pkg-config options...>: one argument a line, for mapfile.
flags() {
  local prefix=$1
  shift
  PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config "$@" zxpager | xargs -n 1
}

check_shared() {
  local prefix=$work/shared args
  install_into "$prefix" both
  mapfile -t args < <(flags "$prefix" --cflags --libs)
  show cc -std=c11 "${warnings[@]}" "$here/consumer.c" -o "$work/c-shared" "${args[@]}"
  show env LD_LIBRARY_PATH="$prefix/lib" "$work/c-shared"
  show c++ -std=c++17 "${warnings[@]}" -x c++ "$here/consumer.c" -x none -o "$work/cc-shared" \
    "${args[@]}"
  show env LD_LIBRARY_PATH="$prefix/lib" "$work/cc-shared"

  needed "$work/c-shared" | grep -qx 'libzxpager\.so\.0' ||
    die "the consumer is not linked with libzxpager.so.0"
  local others
  others=$(needed "$prefix/lib/libzxpager.so" |
    grep -vE '^(libc|libuv|libpthread|ld-linux-[a-z0-9-]+)\.so' || true)
  [ -z "$others" ] || die "the library needs more than libc and libuv: $others"
  local version
  version=$(PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config --modversion zxpager)
  [ -e "$prefix/lib/libzxpager.so.$version" ] || die "zxpager.pc and the library differ in version"
}

check_static() {
  local prefix=$work/static args
  install_into "$prefix" static
  mapfile -t args < <(flags "$prefix" --static --cflags --libs)
  show cc -std=c11 "${warnings[@]}" "$here/consumer.c" -o "$work/c-static" "${args[@]}"
  show "$work/c-static"
  if needed "$work/c-static" | grep zxpager; then
    die "the static consumer asks for the shared library"
  fi
}

check_subproject() {
  local project=$work/subproject tests
  cp -r "$here/subproject" "$project"
  cp "$here/consumer.c" "$project"
  mkdir "$project/subprojects"
  ln -s "$top" "$project/subprojects/zxpager"
  show meson setup "$project/build" "$project" --werror >"$work/log" ||
    { cat "$work/log" && return 1; }
  show meson test -C "$project/build"
  tests=$(meson introspect "$project/build" --tests | python3 -c '
import json, sys
print(" ".join(test["name"] for test in json.load(sys.stdin)))')
  [ "$tests" = consumer ] || die "a subproject build has tests of the library: $tests"
}

# Prints the first block of a language under a heading of README.md.
readme_block() {
  awk -v heading="## $1" -v fence="\`\`\`$2" '
    $0 == heading { here = 1; next }
    /^## / { here = 0 }
    block && /^```$/ { exit }
    block { print }
    here && $0 == fence { block = 1 }' "$top/README.md"
}

check_quickstart() {
  local prefix=$work/shared dir=$work/quickstart
  install_into "$prefix" both
  mkdir "$dir"
  readme_block 'Quick start' c >"$dir/hello_pager.c"
  readme_block 'Quick start' sh >"$dir/commands"
  [ -s "$dir/hello_pager.c" ] || die "README.md has no quick start in C"
  [ -s "$dir/commands" ] || die "README.md does not say how to build the quick start"
  diff -u "$top/examples/hello_pager.c" "$dir/hello_pager.c" ||
    die "the quick start of README.md is not examples/hello_pager.c"
  cd "$dir"
  cat commands
  env PKG_CONFIG_PATH="$prefix/lib/pkgconfig" LD_LIBRARY_PATH="$prefix/lib" bash -eu commands ||
    { [ $? -eq 77 ] && echo "page faults can't be served on this machine"; }
}

[ $# -gt 0 ] || set -- shared static subproject quickstart
for check; do
  declare -F "check_$check" >/dev/null || die "no such check: $check"
  step "$check"
  (set -e; "check_$check")
done
