//! What importing `attachments` amounts to, in an admin's words.
//!
//! Invariant: every function of `wit/attachments.wit` is in it.

use portcullis_model::catalogue::{Ability, Effect, Interface};

pub(super) const INTERFACE: &Interface = &Interface {
    words: "list or open attachments",
    abilities: &[
        Ability {
            words: "list a ticket's attachments",
            functions: &["list"],
            actions: &["read"],
            effect: Effect::Tells,
        },
        Ability {
            words: "read what is in an attachment",
            functions: &["open", "[method]reader.read"],
            actions: &["read"],
            effect: Effect::Tells,
        },
    ],
    openers: &[],
    also: &[],
    in_events: &[],
};
