#!/usr/bin/env bash
# Checks the entries of an evidence bundle with a tool that is not ours: PyPI aics-tlog 0.2 (needs Python 3.12), and openssl, sed and jq.
#
#     bundle_check.sh <directory of the bundle> <the log's vkey>
#
# For each line of proofs.ndjson: the signatures of the log's and the view's checkpoints, and both inclusion proofs; that all lead to
# the bundle's checkpoint; that the readable line is of the same body. AICS_TLOG: where the tool is, if not on the PATH.
set -eu -o pipefail
bundle=$1 key=$2
tlog=${AICS_TLOG:-aics-tlog}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
refuse() { echo "REFUSED: $*" >&2; exit 1; }

# view_key: vkey of the log, view. The same Ed25519 key under the view's name; the identifier is of both (C2SP signed-note).
view_key() {
  local name=${1%%+*}/$2 public=${1#*+*+}
  local id
  id=$( (printf '%s\n' "$name"; printf '%s' "$public" | base64 -d) | openssl dgst -sha256 -r | cut -c 1-8)
  printf '%s+%s+%s' "$name" "$id" "$public"
}

# proof: leaf, key, place. The file 'tlog-proof' is C2SP's: two lines, hashes, an empty line, the signed checkpoint.
proof() {
  [ "$(sed -n 1p "$work/tlog-proof")" = c2sp.org/tlog-proof@v1 ] || refuse "no tlog-proof"
  [ "$(sed -n 2p "$work/tlog-proof")" = "index $3" ] || refuse "a proof of another place"
  sed -n '3,/^$/{/^$/!p}' "$work/tlog-proof" > "$work/path"
  sed '1,/^$/d' "$work/tlog-proof" > "$work/signed"
  "$tlog" verify-checkpoint --note "$work/signed" --log-key "$2" --origin "${2%%+*}" > /dev/null || refuse "the checkpoint"
  "$tlog" verify-inclusion --leaf "$1" --index "$3" --size "$(sed -n 2p "$work/signed")" --root "$(sed -n 3p "$work/signed")" \
    --proof "$work/path" > /dev/null || refuse "the inclusion of entry $3"
}

"$tlog" verify-checkpoint --note "$bundle/checkpoint" --log-key "$key" --origin "${key%%+*}" > /dev/null || refuse "checkpoint"
count=0
while IFS= read -r line && IFS= read -r readable <&3; do
  printf '%s' "$line" > "$work/line"
  jq -j .entry "$work/line" > "$work/entry"
  jq -j .leaf "$work/line" > "$work/leaf"
  jq -j .proof "$work/line" > "$work/tlog-proof"
  index=$(jq .index "$work/line")
  proof "$work/leaf" "$key" "$index"
  [ "$(sed -n 1,3p "$work/signed")" = "$(sed -n 1,3p "$bundle/checkpoint")" ] || refuse "entry $index leads to another checkpoint"
  hash=$(printf '\0' | cat - "$work/entry" | openssl dgst -sha256 -binary | base64)
  [ "$(jq -r .entry "$work/leaf")" = "$hash" ] || refuse "the leaf of entry $index is not of its body"
  [ "$(jq .index "$work/leaf")" = "$index" ] || refuse "the leaf of entry $index is another's"
  tag=$(jq -r .view "$work/leaf")
  jq -j .view.proof "$work/line" > "$work/tlog-proof"
  proof "$work/entry" "$(view_key "$key" "$tag")" "$(( $(jq .size "$work/leaf") - 1 ))"
  printf '%s' "$readable" | jq -j .body | cmp -s - "$work/entry" || refuse "the readable line of entry $index is of another body"
  count=$((count + 1))
done < "$bundle/proofs.ndjson" 3< "$bundle/entries.ndjson"
[ "$count" = "$(wc -l < "$bundle/entries.ndjson")" ] || refuse "fewer proofs than entries"
echo "ok: $count entries are proven at $(sed -n 2p "$bundle/checkpoint") entries, root $(sed -n 3p "$bundle/checkpoint")"
