//! What importing `log` amounts to, in an admin's words.
//!
//! Invariant: every function of `wit/log.wit` is in it.

use portcullis_model::catalogue::{Ability, Effect, Interface};

pub(super) const INTERFACE: &Interface = &Interface {
    words: "write to its log",
    abilities: &[
        Ability {
            words: "write lines to its log, which admins and its developer read",
            functions: &["write"],
            actions: &["write"],
            effect: Effect::Tells,
        },
    ],
    openers: &[],
    also: &["wasi:cli/stdout", "wasi:cli/stderr"],
    in_events: &[],
};
