//! What was found in a bundle so far, and what may come next.

use std::sync::Arc;

use portcullis_model::{id::Digest, release::StoredRelease};

use super::{BundleError, within};
use crate::release_dir::{FORMAT, MAX_REPORTS, MAX_STATEMENTS, Part, ReleaseFiles};

/// The parts that every bundle has.
const ALWAYS: [Part; 4] = [Part::Format, Part::Component, Part::Manifest, Part::Envelope];

/// What was found so far.
#[derive(Default)]
pub(super) struct Found {
    last: Option<Part>,
    component: Arc<[u8]>,
    manifest: String,
    envelope: String,
    statements: Vec<String>,
    reports: Vec<Vec<u8>>,
}

impl Found {
    /// Whether this part may come next.
    pub(super) fn expects(&self, part: Part) -> Result<(), BundleError> {
        let Some(last) = self.last else {
            return if part == Part::Format { Ok(()) } else { Err(BundleError::Missing(Part::Format.name())) };
        };
        match part {
            Part::Statement(_) => within("statements", self.statements.len() + 1, MAX_STATEMENTS)?,
            Part::Report(_) => within("reports", self.reports.len() + 1, MAX_REPORTS)?,
            _ => {}
        }
        match follows(last, part) {
            true => Ok(()),
            false if self.has(part) => Err(BundleError::Twice(part.name())),
            false => Err(BundleError::Order { name: part.name(), after: last.name() }),
        }
    }

    /// Whether it was there before.
    fn has(&self, part: Part) -> bool {
        match part {
            Part::Statement(number) => usize::from(number) <= self.statements.len(),
            Part::Report(digest) => self.reports.iter().any(|report| Digest::of(report) == digest),
            // These stand at the beginning, one after the other.
            always => Some(always) <= self.last,
        }
    }

    /// Takes a part that was expected.
    pub(super) fn put(&mut self, part: Part, content: &[u8]) -> Result<(), BundleError> {
        let text = || match std::str::from_utf8(content) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(BundleError::NotText(part.name())),
        };
        match part {
            Part::Format if content == FORMAT => {}
            Part::Format => return Err(BundleError::Format),
            Part::Component => self.component = content.into(),
            Part::Manifest => self.manifest = text()?,
            Part::Envelope => self.envelope = text()?,
            Part::Statement(_) => self.statements.push(text()?),
            Part::Report(named) => {
                let found = Digest::of(content);
                if found != named {
                    return Err(BundleError::OtherReport { name: part.name(), found });
                }
                self.reports.push(content.to_vec());
            }
        }
        self.last = Some(part);
        Ok(())
    }

    /// All of it, once nothing more comes.
    pub(super) fn whole(self) -> Result<ReleaseFiles, BundleError> {
        let missing = ALWAYS.into_iter().find(|part| self.last < Some(*part));
        if let Some(part) = missing {
            return Err(BundleError::Missing(part.name()));
        }
        let digest = Digest::of(&self.component);
        let stored = StoredRelease { digest, manifest: self.manifest, envelope: self.envelope };
        Ok(ReleaseFiles { component: self.component, stored, statements: self.statements, reports: self.reports })
    }

    /// Where reading is, for people. `entry` is counted from 1.
    pub(super) fn place(&self, entry: usize) -> String {
        match self.last {
            Some(last) => format!("entry {entry}, after '{}'", last.name()),
            None => format!("entry {entry}, if it is a bundle at all"),
        }
    }
}

/// Whether `next` can stand right after `last`.
fn follows(last: Part, next: Part) -> bool {
    match (last, next) {
        (Part::Format, Part::Component) | (Part::Component, Part::Manifest) | (Part::Manifest, Part::Envelope) => true,
        (Part::Envelope, Part::Statement(number)) => number == 1,
        (Part::Statement(last), Part::Statement(number)) => number == last + 1,
        (Part::Envelope | Part::Statement(_), Part::Report(_)) => true,
        (Part::Report(last), Part::Report(next)) => last < next,
        _ => false,
    }
}
