//! What importing `tickets` amounts to, in an admin's words.
//!
//! Invariant: every function of `wit/tickets.wit` is in it.

use portcullis_model::catalogue::{Ability, Effect, Interface};

pub(super) const INTERFACE: &Interface = &Interface {
    words: "look up or change tickets",
    abilities: &[
        Ability {
            words: "read fields of a ticket",
            functions: &["get", "search"],
            actions: &["read"],
            effect: Effect::Tells,
        },
        Ability {
            words: "search for tickets",
            functions: &["search"],
            actions: &["read"],
            effect: Effect::Tells,
        },
        Ability {
            words: "list a ticket's comments",
            functions: &["comments"],
            actions: &["read"],
            effect: Effect::Tells,
        },
        Ability {
            words: "add comments to tickets",
            functions: &["add-comment"],
            actions: &["comment"],
            effect: Effect::Changes,
        },
        Ability {
            words: "change a ticket's status, priority or tags",
            functions: &["update"],
            actions: &["write"],
            effect: Effect::Changes,
        },
        Ability {
            words: "black out parts of comments",
            functions: &["redact"],
            actions: &["redact"],
            effect: Effect::Changes,
        },
        Ability {
            words: "delete tickets",
            functions: &["delete"],
            actions: &["delete"],
            effect: Effect::Changes,
        },
    ],
    openers: &[],
    also: &[],
    in_events: &["read"],
};
