//! Answers for nothing by itself: each file in `examples/` is a plugin with one behaviour, and its first lines say what
//! it tries and what must happen. Each is built as a component of its own and run against the real host.
//!
//! What a guest sees, it logs at level `info`, one fact a line, so that a test can compare the log.

#![forbid(unsafe_code)]
