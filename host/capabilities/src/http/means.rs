//! What importing `http` amounts to, in an admin's words.
//!
//! Invariant: every function of `wit/http.wit` is in it.

use portcullis_model::catalogue::{Ability, Effect, Interface};

pub(super) const INTERFACE: &Interface = &Interface {
    words: "reach the network",
    abilities: &[
        Ability {
            words: "send requests over the network",
            functions: &["send"],
            actions: &["send"],
            effect: Effect::Sends,
        },
    ],
    openers: &[],
    also: &["wasi:http"],
    in_events: &[],
};
