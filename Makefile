# Two commands do everything: `make demo` and `make test`. Each sets up what is missing first.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

.PHONY: help setup setup-tests demo test check deny bench attacks tamperings ssrf fuzz clean

help:
	@echo 'make demo    set up, build, and watch four plugins run, act and be refused'
	@echo 'make test    set up, and run every test'
	@echo 'make check   format, lints, unit tests: the quick loop'
	@echo 'make bench   measure'
	@echo 'make attacks run the attack corpus, print its table, and write docs/security/attacks.md'
	@echo 'make tamperings  tamper with releases and all that is signed, and write docs/security/tamperings.md'
	@echo 'make ssrf    judge what leads to addresses that are not public, and write docs/security/ssrf.md'
	@echo 'make fuzz    run each fuzz target for ten minutes (SECONDS_EACH=600)'

setup:
	@bash .ci/setup

setup-tests: setup
	@bash .ci/third-parties
	@bash .ci/log-verifiers

demo: setup
	cargo build --release --locked -p portcullis
	target/release/portcullis demo --repo .

test: setup-tests
	bash .ci/test

check: setup-tests
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo test --workspace --locked --exclude portcullis-e2e --exclude attacks

deny:
	cargo deny --locked check

bench: setup
	cargo run --release --locked -p portcullis-bench
	cargo test --release --locked -p attacks --test corpus -- --ignored --nocapture

attacks: setup
	ATTACKS_DOC=1 cargo test --locked -p attacks -- --nocapture

tamperings:
	TAMPERINGS_DOC=1 cargo test --locked -p portcullis-packages --test tamperings -- --nocapture

ssrf:
	SSRF_DOC=1 cargo test --locked -p portcullis-broker --test ssrf -- --nocapture

fuzz:
	bash tests/fuzz/run.sh $${SECONDS_EACH:-600}

clean:
	cargo clean
