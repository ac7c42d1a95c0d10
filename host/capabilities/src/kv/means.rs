//! What importing `kv` amounts to, in an admin's words.
//!
//! Invariant: every function of `wit/kv.wit` is in it.

use portcullis_model::catalogue::{Ability, Effect, Interface};

pub(super) const INTERFACE: &Interface = &Interface {
    words: "use a key-value store of its own",
    abilities: &[
        Ability {
            words: "read back values that it stored",
            functions: &["[method]bucket.get", "[method]bucket.compare-and-set"],
            actions: &["read"],
            effect: Effect::Tells,
        },
        Ability {
            words: "list the keys that it stored",
            functions: &["[method]bucket.list-keys"],
            actions: &["read"],
            effect: Effect::Tells,
        },
        Ability {
            words: "store, replace or remove values",
            functions: &["[method]bucket.set", "[method]bucket.compare-and-set", "[method]bucket.delete"],
            actions: &["write"],
            effect: Effect::Keeps,
        },
    ],
    openers: &["open"],
    also: &[],
    in_events: &[],
};
