//! What importing `clocks` amounts to, in an admin's words.
//!
//! Invariant: every function of `wit/clocks.wit` is in it.

use portcullis_model::catalogue::{Ability, Effect, Interface};

pub(super) const INTERFACE: &Interface = &Interface {
    words: "read a clock",
    abilities: &[
        Ability {
            words: "tell what time it is",
            functions: &["now"],
            actions: &["read"],
            effect: Effect::Tells,
        },
        Ability {
            words: "measure how long something takes",
            functions: &["elapsed", "now"],
            actions: &["read"],
            effect: Effect::Tells,
        },
    ],
    openers: &[],
    also: &["wasi:clocks"],
    in_events: &[],
};
