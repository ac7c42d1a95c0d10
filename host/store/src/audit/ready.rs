//! What the writer needs of an entry, and nothing else of it: made by whoever hands the entry in, on a thread of their own.
//!
//! Invariants: it says the same as the entry that it was made of; it can be written more than once, where what was written is taken back.

use portcullis_model::{
    audit::{Actor, Entry, Kind, Sealed},
    meter::METER,
    time::Timestamp,
    webhook::Notice,
};

use crate::db::{Outcome, Salts};

/// An entry that is ready to be written.
pub(super) struct Ready {
    pub time: Timestamp,
    /// The kind's name.
    pub kind: String,
    pub tenant: Option<String>,
    pub sealed: Sealed,
    pub then: Then,
    /// What a back end is told of it.
    pub notice: Option<Notice>,
}

/// What an entry does to the acts that are under way.
pub(super) enum Then {
    Nothing,
    /// A permit: this act is under way.
    Open(String),
    /// This act is not under way any more.
    Close(String),
    /// No act of this call is.
    EndCall(String),
}

impl Ready {
    pub fn new(entry: &Entry, salts: &Salts) -> Outcome<Self> {
        let kind = entry.kind.name();
        METER.entry(entry, &kind);
        let notice = Notice::of(entry, &kind);
        let tenant = entry.tenant.as_ref().map(|tenant| tenant.as_str().to_owned());
        Ok(Self { time: entry.time, kind, tenant, sealed: salts.seal(entry)?, then: Then::of(entry), notice })
    }
}

impl Then {
    fn of(entry: &Entry) -> Self {
        match (entry.kind, entry.text("id"), &entry.actor) {
            (Kind::CallEnded | Kind::VisitEnded, _, Actor::Plugin { call, .. }) => Self::EndCall(call.to_string()),
            (Kind::ActPermitted, Some(id), _) => Self::Open(id.to_owned()),
            (Kind::ActOutcome | Kind::ActUnknown, Some(id), _) => Self::Close(id.to_owned()),
            _ => Self::Nothing,
        }
    }
}
