#!/usr/bin/env bash
# Vets the four sample plugins from start to end on a host of its own, and writes walkthrough.md with what was really printed.
#
#   docs/reviewers/walkthrough.sh [OUTPUT]
#
# It needs `portcullis` in PATH and the four samples, built: SAMPLES names a directory with <sample>/plugin.wasm and
# <sample>/portcullis.toml. Without SAMPLES they are built here first, which needs the toolchain of `portcullis plugin build`.
# INPUTS is how many mutated events each behaviour run tries (10,000). It stops at the first command that ends otherwise than
# the page says.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
page=${1:-$here/walkthrough.md}
inputs=${INPUTS:-10000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
text=$work/walkthrough.md
: > "$text"
export PORTCULLIS_HOME=$work/home
export USER=${USER:-reviewer}

if [ -z "${SAMPLES:-}" ]; then
  SAMPLES=$work/built
  for sample in card-guard chat-notifier vip-escalator overreacher; do
    portcullis plugin build "$here/../../sample-plugins/$sample" --out "$SAMPLES/$sample" > /dev/null
  done
fi
cp -r "$SAMPLES" "$work/samples"
cd "$work"
mv samples plugins

say() { cat >> "$text"; }

# An argument as one would type it.
quoted() {
  if [[ $1 =~ ^[A-Za-z0-9_./:=@,+-]+$ ]]; then printf ' %s' "$1"; else printf " '%s'" "$1"; fi
}

# Runs a command, writes it and its output down, and expects this exit code.
expect() {
  local code=$1 found=0
  shift
  "$@" > out 2>&1 || found=$?
  {
    printf '\n```\n$'
    for argument in "$@"; do quoted "$argument"; done
    printf '\n'
    # Only what differs from machine to machine is replaced.
    sed -e "s|$work/||g" -e "s|$HOME|~|g" -e 's/[[:space:]]*$//' out
    if [ "$found" != 0 ]; then printf '(exit code %s)\n' "$found"; fi
    printf '```\n'
  } >> "$text"
  if [ "$found" != "$code" ]; then
    echo "'$*' ended with $found, not $code:" >&2
    cat out >&2
    exit 1
  fi
}
run() { expect 0 "$@"; }

# The SHA-256 of a report.
digest() { sha256sum "$1" | cut -d' ' -f1; }

say <<'TEXT'
# Vetting four plugins, from start to end

Made by [walkthrough.sh](walkthrough.sh), which runs every command below on a new host and writes down what was printed. Run it again to
have it anew.

The platform here asks for no reviewer at low risk, one at medium risk and two at high risk. It has two reviewers, Ann and Bob, each with a
key that nobody else holds. The publisher of the samples has another one.

## Who may say what
TEXT
portcullis init > /dev/null
for name in publisher ann bob; do
  portcullis key new "$name.key" --no-passphrase > /dev/null
done
public() { portcullis key show "$1.key" | grep -o 'portcullis-key-v1:[A-Za-z0-9+/=_-]*' | head -n 1; }
run portcullis trust change --publisher "dev.portcullis=$(public publisher)" \
  --reviewer "$(public ann)=Ann" --reviewer "$(public bob)=Bob" --reviews 0,1,2
for sample in card-guard chat-notifier vip-escalator overreacher; do
  portcullis plugin sign "plugins/$sample" --key publisher.key > /dev/null
done

say <<'TEXT'

## Card guard: approved by two, for less than it asks

### Handed in

Everything is checked that an installation checks, less the reviews: the publisher's signature, the two digests, the scopes, the imports,
secrets. Nothing runs.
TEXT
run portcullis plugin submit plugins/card-guard
say <<'TEXT'

Before anybody approved it, it cannot be installed:
TEXT
expect 3 portcullis plugin install plugins/card-guard --tenant acme --yes
say <<'TEXT'

### What it is

From its bytes alone; the manifest is compared with them.
TEXT
run portcullis plugin inspect plugins/card-guard
say <<'TEXT'

### What it does

A run in a sandbox in which everything that it asks for is answered by a recorder. The report is known by its SHA-256.
TEXT
run portcullis plugin vet plugins/card-guard --inputs "$inputs" --seed 7 -o card-guard.json
run portcullis review attach card-guard@1 card-guard.json
say <<'TEXT'

### What is said about it
TEXT
run portcullis review assign card-guard@1 Ann
run portcullis review comment card-guard@1 "it does its work without tagging tickets: leave tickets:write out?"
say <<'TEXT'

### Approved, with less

Ann leaves out one of the two scopes that the manifest calls optional. What is beyond the manifest is refused, and so is the publisher's own
key:
TEXT
report=$(digest card-guard.json)
expect 1 portcullis review approve card-guard@1 --scope 'tickets:read fields=comments,subject' --report "$report" \
  --reason 'reads comments' --key ann.key
expect 1 portcullis review approve card-guard@1 --as-asked --report "$report" --reason 'it is mine' --key publisher.key
run portcullis review approve card-guard@1 \
  --scope 'events:receive types=zen:event-type:ticket.comment_added' --scope 'tickets:read fields=comments' \
  --scope tickets:redact --scope 'tickets:comment visibility=internal' --scope log:write \
  --report "$report" --reason 'does what it says; no need to tag' --key ann.key
say <<'TEXT'

One key counts once, however often it signs. The release is of high risk, and needs a second reviewer. Bob does without the behaviour report, and
must say why:
TEXT
expect 1 portcullis review approve card-guard@1 --as-asked --reason 'agreed' --key bob.key
run portcullis review approve card-guard@1 --as-asked --without-report 'read its source, revision in the README' \
  --days 20 --reason 'agreed' --key bob.key
say <<'TEXT'

What is left is what both allow. Everything that is known of it, in one place:
TEXT
run portcullis review show card-guard@1
say <<'TEXT'

Now it can be installed. A tag is more than its reviewers allow, whatever the admin grants:
TEXT
run portcullis plugin install plugins/card-guard --tenant acme --yes
run portcullis plugin explain card-guard 'tickets:write fields=tags'
say <<'TEXT'

### Until when

A verdict ends. Thirty days before, whoever runs the host is told; on the day, the release stops wherever it runs (the running host suspends its
installations within a second), until it is vetted again.
TEXT
run portcullis notices
say <<'TEXT'

## Chat notifier: where the data goes
TEXT
run portcullis plugin submit plugins/chat-notifier
run portcullis plugin vet plugins/chat-notifier --inputs "$inputs" --seed 7 -o chat-notifier.json
run portcullis review attach chat-notifier@1 chat-notifier.json
say <<'TEXT'

It reads subjects and sends. Both reviewers allow sending as it asks, and subjects only with what identifies people covered:
TEXT
report=$(digest chat-notifier.json)
for who in ann bob; do
  run portcullis review approve chat-notifier@1 \
    --scope 'events:receive types=zen:event-type:ticket.created,zen:event-type:ticket.priority_changed' \
    --scope 'tickets:read fields=subject,priority mask=personal' \
    --scope 'http:send to=https://chat.example.test/services/* methods=POST' --scope log:write \
    --report "$report" --reason 'sends a line to the room that the admin names' --key "$who.key"
done
say <<'TEXT'

## VIP escalator: changes, and the next release
TEXT
run portcullis plugin submit plugins/vip-escalator
run portcullis review request-changes vip-escalator@1 --key ann.key \
  --reason 'it is never given more than a few hundred records: ask for less than 1 MiB of storage'
expect 3 portcullis plugin install plugins/vip-escalator --tenant acme --yes
say <<'TEXT'

The publisher changes the manifest, and that is another release: another number, another digest, reviewed for itself.
TEXT
cp -r plugins/vip-escalator plugins/vip-escalator-2
sed -i -e 's/^release = 1$/release = 2/' -e 's/^version = "0.1.0"$/version = "0.1.1"/' -e 's/bytes=1MiB/bytes=64KiB/' \
  plugins/vip-escalator-2/portcullis.toml
portcullis plugin sign plugins/vip-escalator-2 --key publisher.key > /dev/null
run portcullis plugin submit plugins/vip-escalator-2
run portcullis plugin diff plugins/vip-escalator plugins/vip-escalator-2
run portcullis plugin vet plugins/vip-escalator-2 --inputs "$inputs" --seed 7 -o vip-escalator.json
run portcullis review attach vip-escalator@2 vip-escalator.json
report=$(digest vip-escalator.json)
for who in ann bob; do
  run portcullis review approve vip-escalator@2 --as-asked --report "$report" --reason 'asks for what it needs' --key "$who.key"
done
say <<'TEXT'

## Overreacher: rejected

Its manifest reads like an analytics plugin's. What it does when it runs is something else:
TEXT
run portcullis plugin submit plugins/overreacher
run portcullis plugin vet plugins/overreacher --inputs "$inputs" --seed 7 -o overreacher.json
run portcullis review attach overreacher@1 overreacher.json
run portcullis review reject overreacher@1 --report "$(digest overreacher.json)" \
  --reason 'sends where it does not ask to, and reads what it does not ask for' --key ann.key
say <<'TEXT'

Nobody else can approve over a rejection; Ann can decide anew.
TEXT
expect 1 portcullis review approve overreacher@1 --as-asked --without-report 'trust me' --reason 'fine' --key bob.key
run portcullis review list
say <<'TEXT'

## When a tenant reports it

An admin of acme sees card guard redact order numbers, reports that, and stops it at home. The platform reads who and why:
TEXT
run portcullis plugin report card-guard --reason 'covers order numbers, not cards' --suspend
run portcullis notices --since 1m
say <<'TEXT'

Every other tenant that runs the release reads that it was reported. It does not read by whom:
TEXT
portcullis plugin install plugins/card-guard --tenant beta --yes > /dev/null
run portcullis notices --tenant beta
id=$(portcullis review list --json | grep -o 'rep_[0-9a-f]*' | head -n 1)
run portcullis review resolve "$id" --note 'a Luhn number by chance; acme is told' \
  --public-note 'numbers that pass the Luhn check are covered, whatever they stand for; this is documented'
run portcullis notices --tenant beta
say <<'TEXT'

## What stands in the log
TEXT
run portcullis audit tail --kind release.reviewed
run portcullis audit verify

mv "$text" "$page"
echo "wrote $page"
