//! What importing `random` amounts to, in an admin's words.
//!
//! Invariant: every function of `wit/random.wit` is in it.

use portcullis_model::catalogue::{Ability, Effect, Interface};

pub(super) const INTERFACE: &Interface = &Interface {
    words: "draw random numbers",
    abilities: &[
        Ability {
            words: "draw random numbers fit for secrets",
            functions: &["bytes"],
            actions: &["read"],
            effect: Effect::Tells,
        },
    ],
    openers: &[],
    also: &["wasi:random"],
    in_events: &[],
};
