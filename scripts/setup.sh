#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# scripts/setup.sh [demo|test|ci|bench]
#
# Makes sure that what a task needs is there. As root on Debian it installs what is missing; as an
# ordinary user it names what is missing and ends with status 1. What is there already is left
# alone, so a second run does nothing and needs no network.
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

has() { command -v "$1" >/dev/null 2>&1; }
pc() { has pkg-config && pkg-config --exists "$1" 2>/dev/null; }
# Whether a C compiler can link a program with the options given.
links() {
  has "$1" || return 1
  local cc=$1 out rc=0
  shift
  out=$(mktemp)
  echo 'int main(void) { return 0; }' | "$cc" -x c "$@" -o "$out" - >/dev/null 2>&1 || rc=1
  rm -f "$out"
  return $rc
}

# need <Debian package> <test that it, or another package in its place, is there>
missing=()
need() {
  local package=$1
  shift
  "$@" || missing+=("$package")
}

need_demo() {
  need gcc has gcc
  need libc6-dev test -e /usr/include/stdio.h
  need meson has meson
  need ninja-build has ninja
  need pkg-config has pkg-config
  need libuv1-dev pc 'libuv >= 1.40'
}

need_test() {
  need_demo
  need g++ has g++
  need python3 has python3
  need libcmocka-dev pc 'cmocka >= 1.1.5'
}

need_ci() {
  need_test
  need clang has clang
  need libclang-rt-dev links clang -fsanitize=address,undefined
  need clang-format has clang-format
  need clang-tidy has clang-tidy
  need cppcheck has cppcheck
  need shellcheck has shellcheck
  need util-linux has setpriv
}

# Two peers and the plots; without them the benchmarks run, too.
need_bench() {
  need_demo
  need python3 has python3
  need libfuse3-dev pc 'fuse3 >= 3.10'
  need fuse3 has fusermount3
  need gnuplot-nox has gnuplot
}

task=${1:-test}
case $task in
  demo | test | ci | bench) ;;
  *) die "no such task: $task (demo, test, ci or bench)" ;;
esac
[ "$(uname -s)" = Linux ] || die "this library needs Linux"

step "What the $task needs"
"need_$task"
if [ ${#missing[@]} -eq 0 ]; then
  echo "everything is there"
  exit 0
fi

echo "missing: ${missing[*]}"
if ! has apt-get; then
  die "install what these Debian packages hold, then run this again"
fi
if [ "$(id -u)" -ne 0 ]; then
  die "run as root:  apt-get install ${missing[*]}  (then run this again)"
fi
export DEBIAN_FRONTEND=noninteractive
show apt-get update -q
show apt-get install -q -y --no-install-recommends "${missing[@]}"

missing=()
"need_$task"
[ ${#missing[@]} -eq 0 ] || die "still missing after the installation: ${missing[*]}"
