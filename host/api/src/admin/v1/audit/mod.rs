//! The audit log: in pages, one by one, as a stream that ends (NDJSON) and as one that does not (SSE), and answers to questions.
//!
//! Invariants: nobody sees an entry of a tenant that they have nothing to do with ([`sight`]); whatever is read is in the log before
//! it is answered, in the name of who reads (MON-1); who reads slowly holds up nobody but themselves.

mod export;
mod follow;
mod get;
mod list;
mod live;
mod pace;
mod questions;
mod sight;
pub(in crate::admin) mod stream;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use portcullis_model::{
    audit::{Entry, Kind, Recorder, query::Filter, reader::AuditReader},
    people::Resource,
};

use self::questions::{Ask, Granted, Left, SinceReview, Token, Touched};
pub(in crate::admin::v1) use self::sight::InSight;
pub use self::{
    live::{Live, LiveSettings},
    sight::Sight,
};
use crate::{
    admin::{Call, Group, Operation, given::wrong, unavailable},
    problem::Problem,
};

/// What the log is read with.
pub struct Ports {
    /// Reads the log.
    pub reader: Arc<dyn AuditReader>,
    /// Fans new entries out.
    pub live: Arc<Live>,
    /// Where it is written down that somebody reads.
    pub recorder: Arc<dyn Recorder>,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new()
        .with::<list::List>()
        .with::<get::Get>()
        .with::<export::Take>()
        .with::<follow::Follow>()
        .with::<Ask<Touched>>()
        .with::<Ask<Left>>()
        .with::<Ask<Granted>>()
        .with::<Ask<Token>>()
        .with::<Ask<SinceReview>>()
}

/// What all of them are about: the log, of which each sees their part.
fn log() -> Resource {
    Resource::of_platform("log")
}

fn filter(text: Option<&str>) -> Result<Filter, Problem> {
    text.unwrap_or_default().parse().map_err(|error| wrong(format!("filter: {error}.")))
}

/// What somebody does with the log.
pub(in crate::admin::v1) struct Reading<'a> {
    kind: Kind,
    way: &'static str,
    /// What they look for.
    what: &'a str,
    more: &'a [(&'static str, u64)],
}

impl<'a> Reading<'a> {
    /// That they read something by this way.
    pub fn by(way: &'static str, what: &'a str) -> Self {
        Self { kind: Kind::AuditRead, way, what, more: &[] }
    }

    /// Writes it down, durably, before anything of it is shown; in the log of each tenant of which it is.
    pub async fn note<O: Operation>(
        self,
        recorder: &dyn Recorder,
        call: &Call<O>,
        sight: &Sight,
    ) -> Result<(), Problem> {
        let Self { kind, way, what, more } = self;
        let note = |tenant| {
            let mut entry = Entry::new(call.now(), kind, call.actor(), tenant).with("way", way);
            entry = entry.in_trace(call.trace.as_ref().map(|sender| sender.child("admin", way)));
            if !what.is_empty() {
                // What somebody looks for can name a person.
                entry = entry.with_personal("filter", what);
            }
            more.iter().fold(entry, |entry, (name, value)| entry.with(name, *value))
        };
        let notes = sight.tenants().into_iter().map(note).collect();
        recorder.record(notes).await.map_err(|error| unavailable(&error))
    }
}

impl Ports {
    /// The log as far as somebody sees it.
    fn seen(&self, sight: Sight) -> Arc<InSight> {
        Arc::new(InSight { reader: self.reader.clone(), sight })
    }

    async fn note<O: Operation>(&self, call: &Call<O>, sight: &Sight, reading: Reading<'_>) -> Result<(), Problem> {
        reading.note(self.recorder.as_ref(), call, sight).await
    }
}
