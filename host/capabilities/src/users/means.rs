//! What importing `users` amounts to, in an admin's words.
//!
//! Invariant: every function of `wit/users.wit` is in it.

use portcullis_model::catalogue::{Ability, Effect, Interface};

pub(super) const INTERFACE: &Interface = &Interface {
    words: "look up people or organizations",
    abilities: &[
        Ability {
            words: "read fields of a person",
            functions: &["get", "find"],
            actions: &["read"],
            effect: Effect::Tells,
        },
        Ability {
            words: "find people by e-mail address, telephone number or organization",
            functions: &["find"],
            actions: &["read"],
            effect: Effect::Tells,
        },
        Ability {
            words: "read fields of an organization",
            functions: &["get-organization"],
            actions: &["organizations"],
            effect: Effect::Tells,
        },
    ],
    openers: &[],
    also: &[],
    in_events: &[],
};
