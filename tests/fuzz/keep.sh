#!/usr/bin/env bash
# Takes over into corpus/<target> what runs found: a least set of inputs that reaches what the seeds do not, of those that are
# text and small, up to 300 files and 200 KiB (of `inspect`, whose inputs are partly binary, 100 files of at most 1 KiB).
#
#   tests/fuzz/keep.sh <target...>
set -eu -o pipefail
cd "$(dirname "$0")"
. ./toolchain.sh

fit() { # <target> <folder...>: the names of the files that may be kept
  local target=$1
  shift
  if [ "$target" = inspect ]; then
    find "$@" -type f -size -1025c
  else # UTF-8 without zero bytes. What grep exits with says nothing here.
    { find "$@" -type f -print0 | LC_ALL=C.UTF-8 xargs -0r grep -Laxv '.*' | xargs -r grep -LaP '\x00'; } || true
  fi
}

found=${CARGO_TARGET_DIR:-target}/found
for target in "$@"; do
  all=$(mktemp -d) least=$(mktemp -d)
  mkdir -p "$found/$target" "corpus/$target"
  fit "$target" "$found/$target" "corpus/$target" | xargs -r cp -t "$all"
  cp "seeds/$target"/* "$least"
  # What `cargo fuzz cmin` does, but greedy (inputs that reach much come before those that are short), on top of the seeds, and
  # by edges alone: counting how often each was taken would make the set ten times as large.
  "${fuzz[@]}" run --fuzz-dir . "${flags[@]}" "$target" "$least" "$all" -- -set_cover_merge=1 -use_counters=0
  for seed in "seeds/$target"/*; do rm "$least/${seed##*/}"; done
  files=300 bytes=204800
  if [ "$target" = inspect ]; then files=100; fi
  # Where they are too many: every second or third by size, so that not only the shortest stay.
  step=$((($(find "$least" -type f | wc -l) + files - 1) / files))
  rm -rf "corpus/$target"
  mkdir -p "corpus/$target"
  while read -r size name; do
    bytes=$((bytes - size)) files=$((files - 1))
    if [ "$bytes" -lt 0 ] || [ "$files" -lt 0 ]; then break; fi
    cp "$least/$name" "corpus/$target/"
  done < <(find "$least" -type f -printf '%s %f\n' | sort -n | awk -v step="$step" 'NR % step == 0')
  rm -rf "$all" "$least"
  printf '%s: %s inputs, %s bytes\n' "$target" "$(find "corpus/$target" -type f | wc -l)" \
    "$(find "corpus/$target" -type f -printf '%s\n' | awk '{ n += $1 } END { print n + 0 }')"
done
