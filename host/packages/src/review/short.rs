//! The short way to a verdict: the most that a release may do, whether or not anybody handed it in.
//!
//! Invariants: what is taken is, byte for byte, what the request says of the release, and was made within the hour; it names no behaviour
//! report. A scope beyond the manifest is taken, and adds nothing: what a call may do is what all layers have in common.

use std::time::Duration;

use portcullis_model::{catalogue::Catalogue, release::ReleaseId, scope::ScopeText, time::Timestamp};

use super::{ReviewError, decide::MAX_DAYS, filing::fresh, words};
use crate::{
    dsse::Envelope,
    statement::{Decision, Statement, Verdict},
    trust::keeper::KeeperError,
};

/// The most that a release may do.
#[derive(Clone, Debug)]
pub struct Bound {
    /// All that it may do at most; nothing, where there is none.
    pub at_most: Vec<ScopeText>,
    /// In how many days it must be vetted again.
    pub days: u64,
    /// Why.
    pub reason: String,
}

impl Bound {
    /// What a reviewer signs for this, as of this time.
    ///
    /// # Errors
    /// The reason, the days, or a scope that no capability understands.
    pub fn statement(
        &self,
        release: &ReleaseId,
        issued: Timestamp,
        catalogue: &dyn Catalogue,
    ) -> Result<Statement<Verdict>, ReviewError> {
        let reason = words("the reason", &self.reason)?;
        if !(1..=MAX_DAYS).contains(&self.days) {
            return Err(ReviewError::Days { found: self.days, most: MAX_DAYS });
        }
        for scope in &self.at_most {
            catalogue.describe(scope)?;
        }
        let verdict = Verdict {
            decision: Decision::Approve,
            at_most: self.at_most.clone(),
            issued,
            expires: issued.plus(Duration::from_secs(self.days * 24 * 60 * 60)),
            report: None,
            reason,
        };
        Ok(Statement::about(release, verdict))
    }

    /// What was signed for this, whoever signed it.
    ///
    /// # Errors
    /// As for [`Self::statement`]; or it says something else, or is too old.
    pub fn said(
        &self,
        release: &ReleaseId,
        signed: &Envelope,
        now: Timestamp,
        catalogue: &dyn Catalogue,
    ) -> Result<Statement<Verdict>, ReviewError> {
        let said = Statement::<Verdict>::parse(signed.unverified()).map_err(KeeperError::from)?;
        let issued = said.predicate().issued;
        fresh(issued, now)?;
        match signed.unverified() == self.statement(release, issued, catalogue)?.to_bytes().as_slice() {
            true => Ok(said),
            false => Err(ReviewError::OtherStatement),
        }
    }
}
