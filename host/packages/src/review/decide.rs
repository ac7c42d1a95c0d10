//! Making a verdict out of what a reviewer chose.
//!
//! Invariants: what is approved lies within what the manifest asks for, by the catalogue's meet; a refusal approves nothing.

use std::time::Duration;

use portcullis_model::{
    catalogue::Catalogue,
    id::Digest,
    scope::{Risk, ScopeText},
    time::Timestamp,
};

use super::{Case, ReviewError, words};
use crate::{
    coverage::{Coverage, coverage},
    statement::{Decision, Verdict},
};

/// The longest time that a verdict holds, in days (INT-11).
pub const MAX_DAYS: u64 = 365;

/// What a reviewer saw of the release's behaviour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The behaviour report with this SHA-256.
    Report(Digest),
    /// Nothing, for this reason.
    Without(String),
    /// They did not say.
    Unsaid,
}

/// What a reviewer chose.
#[derive(Clone, Debug)]
pub struct Choice {
    /// What to decide.
    pub decision: Decision,
    /// The most that may be granted; `None`: what the manifest asks for. Of no matter unless it is approved.
    pub at_most: Option<Vec<ScopeText>>,
    /// In how many days it must be vetted again.
    pub days: u64,
    /// What they saw.
    pub seen: Seen,
    /// Why.
    pub reason: String,
}

impl Choice {
    /// The verdict as of this time, if it is one that may be given about this release.
    pub fn verdict(&self, case: &Case, issued: Timestamp, catalogue: &dyn Catalogue) -> Result<Verdict, ReviewError> {
        let reason = words("the reason", &self.reason)?;
        if !(1..=MAX_DAYS).contains(&self.days) {
            return Err(ReviewError::Days { found: self.days, most: MAX_DAYS });
        }
        let (report, without) = self.seen(case)?;
        let at_most = match (&self.at_most, self.decision) {
            (_, Decision::RequestChanges | Decision::Reject) => Vec::new(),
            (None, Decision::Approve) => case.manifest.asked(),
            (Some(scopes), Decision::Approve) => {
                within(scopes, &case.manifest.asked(), catalogue)?;
                scopes.clone()
            }
        };
        Ok(Verdict {
            decision: self.decision,
            at_most,
            issued,
            expires: issued.plus(Duration::from_secs(self.days * 24 * 60 * 60)),
            report,
            reason: match without {
                Some(why) => format!("{reason}; without a behaviour report: {why}"),
                None => reason,
            },
        })
    }

    fn seen(&self, case: &Case) -> Result<(Option<Digest>, Option<String>), ReviewError> {
        match &self.seen {
            Seen::Report(digest) if case.reports().contains(digest) => Ok((Some(*digest), None)),
            Seen::Report(digest) => Err(ReviewError::NotAttached(*digest)),
            Seen::Without(why) => Ok((None, Some(words("the reason for doing without a report", why)?))),
            Seen::Unsaid => match case.standing.risk {
                Some(Risk::Medium) if self.decision == Decision::Approve => Err(ReviewError::NoReport("medium")),
                Some(Risk::High) if self.decision == Decision::Approve => Err(ReviewError::NoReport("high")),
                _ => Ok((None, None)),
            },
        }
    }
}

/// Checks that every scope lies within what is asked for.
fn within(scopes: &[ScopeText], asked: &[ScopeText], catalogue: &dyn Catalogue) -> Result<(), ReviewError> {
    for scope in scopes {
        // Says what is wrong with it, where no capability understands it at all.
        catalogue.describe(scope)?;
        let (covered, allowed) = coverage(catalogue, scope, asked)?;
        if covered == Coverage::Whole {
            continue;
        }
        let same: Vec<ScopeText> = match allowed.is_empty() {
            true => asked.iter().filter(|one| one.capability() == scope.capability()).cloned().collect(),
            false => allowed,
        };
        let texts: Vec<String> = same.iter().map(ToString::to_string).collect();
        let at_most = match texts.is_empty() {
            true => format!("it asks for nothing of '{}'", scope.capability()),
            false => format!("approve at most: {}", texts.join("; ")),
        };
        return Err(ReviewError::Beyond { scope: scope.clone(), at_most });
    }
    Ok(())
}
