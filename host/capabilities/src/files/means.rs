//! What importing `files` amounts to, in an admin's words.
//!
//! Invariant: every function of `wit/files.wit` is in it.

use portcullis_model::catalogue::{Ability, Effect, Interface};

pub(super) const INTERFACE: &Interface = &Interface {
    words: "use files of its own",
    abilities: &[
        Ability {
            words: "read its files",
            functions: &["read"],
            actions: &["read"],
            effect: Effect::Tells,
        },
        Ability {
            words: "list its files",
            functions: &["list"],
            actions: &["read"],
            effect: Effect::Tells,
        },
        Ability {
            words: "write or remove its files",
            functions: &["write", "remove"],
            actions: &["write"],
            effect: Effect::Keeps,
        },
    ],
    openers: &[],
    also: &["wasi:filesystem"],
    in_events: &[],
};
