# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2034
#
# Shared by the scripts; to be sourced from bash. Defines:
#   top      the source tree
#   builds   where build directories go: $ZXPAGER_BUILDS, or builds/ in the source tree
#   step     prints a headline
#   show     prints a command, then runs it
#   die      prints why and ends with status 1
#   configure <dir> <meson options...>   sets up a build directory, or brings an old one up to date

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
builds=${ZXPAGER_BUILDS:-$top/builds}

step() { printf '\n== %s\n' "$*"; }

show() {
  printf '+'
  printf ' %q' "$@"
  printf '\n'
  "$@"
}

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

configure() {
  local dir=$1
  shift
  mkdir -p "$dir" 2>/dev/null || true
  [ -w "$dir" ] ||
    die "$dir cannot be written to; name another place with ZXPAGER_BUILDS=<directory>"
  # A directory set up by an interrupted run, for another source tree or by another Meson is
  # started afresh: --wipe alone refuses some of these.
  if [ -f "$dir/build.ninja" ] &&
    grep -qsF "\"$top/meson.build\"" "$dir/meson-info/intro-buildsystem_files.json" &&
    meson configure "$dir" "$@" >/dev/null 2>&1; then
    return 0
  fi
  rm -rf "$dir"
  show meson setup "$dir" "$top" "$@"
}
