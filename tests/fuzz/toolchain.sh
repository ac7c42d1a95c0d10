# Sets `fuzz`, the command, and `flags` for run.sh and keep.sh. The properties need no sanitizer to be seen broken, and are
# checked twice as often without one; FUZZ_SANITIZER=address looks at the memory of what is below the host as well.
if ! command -v cargo-fuzz >/dev/null; then
  echo "cargo-fuzz is not installed: cargo install cargo-fuzz --locked" >&2
  exit 1
fi
fuzz=(cargo fuzz)
if rustc --version | grep -q nightly; then
  :
elif rustup toolchain list 2>/dev/null | grep -q '^nightly'; then
  fuzz=(cargo +nightly fuzz)
else
  export RUSTC_BOOTSTRAP=1
fi
flags=(--sanitizer "${FUZZ_SANITIZER:-none}")
