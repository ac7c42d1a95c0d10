//! The attack corpus. The guests lie in `guests/examples/*.rs` (Rust), `components/*.wat` (what Rust cannot say) and
//! `components/*.rs` (what is made by a program); `tests/corpus` runs each of them against the real host.
//!
//! This library is the one thing that the build script and the tests share: the header that each guest begins with.
//!
//! Invariant: the header is the only place of a guest's facts.

pub mod header;
