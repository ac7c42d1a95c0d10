//! Manifests: what is read is what stands there. See `portcullis_fuzz::manifest`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| portcullis_fuzz::manifest::check(data));
