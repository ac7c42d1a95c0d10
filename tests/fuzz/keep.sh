#!/usr/bin/env bash
# Takes over into corpus/<target> what a run found: the least set of inputs with the same coverage, smallest first, up to 300
# files and 200 KiB (of `inspect`, whose inputs are partly binary, 100 files of at most 1 KiB).
#
#   tests/fuzz/keep.sh <target...>
set -eu -o pipefail
cd "$(dirname "$0")"
. ./toolchain.sh

found=${CARGO_TARGET_DIR:-target}/found
for target in "$@"; do
  all=$(mktemp -d)
  cp -r "$found/$target/." "corpus/$target/." "$all" 2>/dev/null || true
  "${fuzz[@]}" cmin --fuzz-dir . "${flags[@]}" "$target" "$all"
  files=300 bytes=204800 longest=4096
  if [ "$target" = inspect ]; then files=100 longest=1024; fi
  rm -rf "corpus/$target"
  mkdir -p "corpus/$target"
  find "$all" -type f -printf '%s %f\n' | sort -n | while read -r size name; do
    if [ "$target" != inspect ] && { ! iconv -f utf-8 -t utf-8 "$all/$name" >/dev/null 2>&1 || grep -qP '\x00' "$all/$name"; }; then
      continue # Kept as text, or not at all.
    fi
    bytes=$((bytes - size)) files=$((files - 1))
    if [ "$bytes" -lt 0 ] || [ "$files" -lt 0 ] || [ "$size" -gt "$longest" ]; then break; fi
    cp "$all/$name" "corpus/$target/"
  done
  rm -rf "$all"
  printf '%s: %s inputs, %s bytes\n' "$target" "$(find "corpus/$target" -type f | wc -l)" \
    "$(find "corpus/$target" -type f -printf '%s\n' | awk '{ n += $1 } END { print n + 0 }')"
done
