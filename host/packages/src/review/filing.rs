//! What a reviewer signs, and how it is filed: the key stays with the reviewer.
//!
//! Invariants: what is filed is, byte for byte, what the same choice says of the release as it is now; it has one signature, by the key
//! in whose name it was made, and which no other root that comes first has; it is filed within an hour, and not after a later decision by
//! that key.

use portcullis_model::{
    review::{Step, Submission},
    time::Timestamp,
    trust::RootScope,
};

use super::{Act, Case, Choice, Desk, ReviewError, Seen, words};
use crate::{
    dsse::Envelope,
    keys::PublicKey,
    statement::{Statement, Verdict},
    trust::keeper::{Keeper, KeeperError},
};

/// How long after it was made a statement may be filed, in milliseconds.
pub const MAX_AGE: i64 = 60 * 60 * 1000;

/// What a reviewer is to sign.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The submission as it is now.
    pub case: Case,
    /// What it states.
    pub statement: Statement<Verdict>,
}

impl Desk<'_> {
    /// What a reviewer with this key signs for this choice. Nothing is written.
    ///
    /// # Errors
    /// It may not be decided so, or not by that key.
    pub async fn prepare(&self, submission: &Submission, choice: &Choice, key: &str) -> Result<Prepared, ReviewError> {
        let case = self.case(submission).await?;
        let issued = case.now;
        self.stated(case, choice, key, issued).await
    }

    /// Files what the reviewer with this key signed for this choice; in a rehearsal, checks it.
    ///
    /// # Errors
    /// As for [`Desk::prepare`]; or it says something else, is not signed by that key, or is too old.
    pub async fn file(
        &self,
        submission: &Submission,
        choice: &Choice,
        key: &str,
        signed: &Envelope,
    ) -> Result<(Case, Verdict), ReviewError> {
        let (case, id) = (self.case(submission).await?, submission.release());
        let said = Statement::<Verdict>::parse(signed.unverified()).map_err(KeeperError::from)?;
        let issued = said.predicate().issued;
        let keeper = Keeper { registry: self.registry, clock: self.clock, actor: self.actor.clone() };
        let text = signed.to_json();
        // Sent once more, after an answer that was lost or a host that stopped in between: what is left of it is done.
        if !self.trial && self.registry.statements().statements(&id).await?.contains(&text) {
            keeper.state(&id, &text).await?;
            return Ok((case, said.predicate().clone()));
        }
        timely(&case, key, issued)?;
        let Prepared { case, statement } = self.stated(case, choice, key, issued).await?;
        if signed.unverified() != statement.to_bytes().as_slice() {
            return Err(ReviewError::OtherStatement);
        }
        let own = signed.only_by(&self.reviewer(key).await?).ok_or_else(|| not_signed(key))?.to_json();
        // Before the waiver is written down: what would not be kept is not waived either.
        keeper.read(&id, &own).await?;
        let verdict = statement.predicate().clone();
        if self.trial {
            return Ok((case, verdict));
        }
        if let Seen::Without(reason) = &choice.seen {
            self.append(&case, Step::Waived { key: key.to_owned(), reason: words("the reason", reason)? }).await?;
        }
        keeper.state(&id, &own).await?;
        Ok((self.case(submission).await?, verdict))
    }

    /// What this choice says of a case, if it may be decided so by this key.
    async fn stated(&self, case: Case, choice: &Choice, key: &str, issued: Timestamp) -> Result<Prepared, ReviewError> {
        case.may(Act::Decide { decision: choice.decision, key })?;
        let verdict = choice.verdict(&case, issued, self.registry.rules().catalogue)?;
        if let Some(digest) = &verdict.report {
            self.report(digest).await?;
        }
        let statement = Statement::about(&case.submission.release(), verdict);
        Ok(Prepared { case, statement })
    }

    /// The key with this id, as the root has it.
    async fn reviewer(&self, key: &str) -> Result<PublicKey, ReviewError> {
        let trust = self.registry.trust().await??;
        let id = key.to_owned();
        // A verdict names no root: what such a key signs counts with each that has it, and the platform's comes first.
        let platforms = trust.root(&RootScope::Platform).is_some_and(|root| root.reviewers.contains(&id));
        if self.scope != RootScope::Platform && platforms {
            return Err(ReviewError::OtherRoot(self.scope.clone()));
        }
        let found = trust.root(&self.scope).and_then(|root| root.active([&id]).pop());
        found.ok_or_else(|| not_signed(key))
    }
}

/// Fails where a statement of this time comes too late for this key, or too early.
fn timely(case: &Case, key: &str, issued: Timestamp) -> Result<(), ReviewError> {
    fresh(issued, case.now)?;
    match case.standing.by(key).map(|own| own.verdict.issued).filter(|own| *own >= issued) {
        Some(own) => Err(ReviewError::Later(own)),
        None => Ok(()),
    }
}

/// Fails where what was made at this time is not to be filed now.
pub(super) fn fresh(issued: Timestamp, now: Timestamp) -> Result<(), ReviewError> {
    if issued > now {
        return Err(KeeperError::Early { issued, now }.into());
    }
    match issued.0 < now.0.saturating_sub(MAX_AGE) {
        true => Err(ReviewError::Stale(issued)),
        false => Ok(()),
    }
}

fn not_signed(key: &str) -> ReviewError {
    ReviewError::NotSigned(portcullis_model::audit::plain(&key.chars().take(12).collect::<String>()))
}
