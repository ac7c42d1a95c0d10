//! Components: what is reported is what an independent walk finds. See `portcullis_fuzz::inspect`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| portcullis_fuzz::inspect::check(data));
