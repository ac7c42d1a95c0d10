//! Where an outbound request goes: one canonical form, and patterns that mean what they say. See `portcullis_fuzz::target`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| portcullis_fuzz::target::check(data));
