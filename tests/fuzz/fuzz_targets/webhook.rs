//! Events in: nothing unsigned, nothing unreadable, and each accepted one can be read back. See `portcullis_fuzz::webhook`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| portcullis_fuzz::webhook::check(data));
