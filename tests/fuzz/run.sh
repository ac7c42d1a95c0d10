#!/usr/bin/env bash
# Fuzzes each target for so many seconds, one after the other.
#
#   tests/fuzz/run.sh <seconds> [target...]
#
# What is found on the way lies in $CARGO_TARGET_DIR (or tests/fuzz/target)/found/<target>; keep.sh takes the useful part of it
# over into corpus/. A broken property stops the run: its input lies in artifacts/<target>.
set -eu -o pipefail
cd "$(dirname "$0")"

seconds=${1:-}
case $seconds in
'' | *[!0-9]*)
  echo "usage: tests/fuzz/run.sh <seconds> [target...]" >&2
  exit 2
  ;;
esac
shift
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then targets=(target webhook manifest inspect scope_text); fi

. ./toolchain.sh

found=${CARGO_TARGET_DIR:-target}/found
for target in "${targets[@]}"; do
  printf '\n== %s, %s s\n' "$target" "$seconds"
  mkdir -p "$found/$target" "corpus/$target"
  case $target in
  webhook) longest=6000 ;;
  *) longest=4096 ;;
  esac
  "${fuzz[@]}" run --fuzz-dir . "${flags[@]}" "$target" "$found/$target" "corpus/$target" "seeds/$target" -- \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len="$longest" -dict="dict/$target.dict" \
    -print_final_stats=1
done
