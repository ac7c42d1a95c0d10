//! Looking on while plugins run: for whoever vets a release, and wants to know of what comes to nothing as well.
//!
//! Invariant: an observer is told, and changes nothing; what it is told may hold data, and is its own to keep or drop.

use portcullis_model::call::Call;

/// A request to the outside that could not even be judged.
#[derive(Clone, Copy, Debug)]
pub struct Unfit<'a> {
    /// The method, as the plugin gave it.
    pub method: &'a str,
    /// The URL, as the plugin gave it.
    pub url: &'a str,
    /// What is wrong with it.
    pub problem: &'a str,
}

/// Is told what the audit log has no entry for.
pub trait Observer: Send + Sync {
    /// A request was refused before anybody looked at the grant.
    fn unfit(&self, call: &Call, request: Unfit<'_>);

    /// The engine ended a call; these are the guest's functions at that moment, innermost first: names are
    /// the guest's own word, cut and escaped.
    fn broke(&self, call: &Call, stack: &[String]);
}
