//! Scopes as text, and what the catalogue makes of them. See `portcullis_fuzz::scope_text`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| portcullis_fuzz::scope_text::check(data));
