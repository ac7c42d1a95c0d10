//! What whoever decides about a submission has before them: what it asks for and can do, what is different from the release that was
//! approved last, what was found when it was run, and what is known of its dependencies.
//!
//! Invariant: all of it is computed from the release's bytes and from what others found out, and decides nothing.

use portcullis_model::{
    behaviour::{Finding, Report},
    catalogue::Catalogue,
    id::Digest,
    release::{ReleaseError, ReleaseId},
    review::Vulnerability,
    scope::ScopeText,
};
use serde::Serialize;

use super::{Case, Desk, ReviewError, State, desk::submission};
use crate::{
    diff::{Diff, Side},
    inspect::Inspection,
    manifest::Manifest,
    plan::InstallPlan,
};

/// An attached behaviour report.
#[derive(Clone, Debug, Serialize)]
pub struct Attached {
    /// What it is known by.
    pub digest: Digest,
    /// What of it should be read first, the gravest first.
    pub findings: Vec<Finding>,
    /// Why it cannot be read, where it cannot.
    pub unreadable: Option<String>,
}

/// All that there is to look at.
#[derive(Clone, Debug)]
pub struct Look {
    /// What an installation would mean.
    pub plan: InstallPlan,
    /// What is different from the release that was approved last; `None`: none was.
    pub diff: Option<Diff>,
    /// The behaviour reports, oldest first.
    pub reports: Vec<Attached>,
    /// What was found at the last scan; `None`: it was not looked at yet.
    pub vulnerabilities: Option<Vec<Vulnerability>>,
}

impl Desk<'_> {
    /// The release before a submission that was approved last, as it is now; `None`: none was.
    pub async fn before(&self, case: &Case) -> Result<Option<Case>, ReviewError> {
        let of = &case.submission;
        let mut earlier = self.reviews.submissions().await?;
        earlier.retain(|one| one.plugin == of.plugin && one.number < of.number);
        earlier.sort_by_key(|one| std::cmp::Reverse(one.number));
        for one in earlier {
            match self.case(&one).await {
                Ok(old) if matches!(old.state(), Some(State::Approved | State::Expired)) => return Ok(Some(old)),
                Err(ReviewError::Store(error)) => return Err(error.into()),
                // One that does not pass its checks any more is nothing to compare with.
                Ok(_) | Err(_) => {}
            }
        }
        Ok(None)
    }

    /// What there is to look at; `before`: the release that it is compared with.
    pub async fn look(&self, case: &Case, before: Option<&Case>) -> Result<Look, ReviewError> {
        let id = case.submission.release();
        let inspection = self.registry.inspection(&id).await?;
        let diff = match before {
            Some(old) => Some(self.since(old, case, &inspection).await?),
            None => None,
        };
        let mut reports = Vec::new();
        for digest in case.reports() {
            let read = self.report(&digest).await;
            let unreadable = read.as_ref().err().map(ToString::to_string);
            let findings = read.map(|report| report.findings()).unwrap_or_default();
            reports.push(Attached { digest, findings, unreadable });
        }
        let found = self.reviews.vulnerabilities().await?.into_iter().find(|(of, _)| *of == id);
        let asked = case.manifest.asked();
        let plan = InstallPlan::new(&case.manifest, &inspection, self.registry.rules(), &asked)
            .map_err(|error| ReleaseError::Refused { digest: id.component, reason: error.to_string() })?;
        Ok(Look { plan, diff, reports, vulnerabilities: found.map(|(_, found)| found) })
    }

    async fn since(&self, old: &Case, case: &Case, inspection: &Inspection) -> Result<Diff, ReviewError> {
        let was = self.registry.inspection(&old.submission.release()).await?;
        let (old_report, report) = (self.last_report(old).await, self.last_report(case).await);
        let old_side = Side { behaviour: old_report.as_ref(), ..Side::new(&old.manifest, &was) };
        let side = Side { behaviour: report.as_ref(), ..Side::new(&case.manifest, inspection) };
        Ok(Diff::between(&old_side, &side, self.registry.rules().catalogue)?)
    }

    /// The newest behaviour report that reviewers have of a release, where there is one.
    ///
    /// # Errors
    /// The report cannot be read, or the store failed.
    pub async fn behaviour(&self, id: &ReleaseId, manifest: &Manifest) -> Result<Option<Report>, ReviewError> {
        let case = match self.case(&submission(id, manifest)).await {
            Ok(case) => case,
            Err(ReviewError::Store(error)) => return Err(error.into()),
            // One that nobody may publish any more has no case.
            Err(_) => return Ok(None),
        };
        match case.reports().last() {
            Some(digest) => Ok(Some(self.report(digest).await?)),
            None => Ok(None),
        }
    }

    /// The behaviour report that was attached last, if it can be read.
    async fn last_report(&self, case: &Case) -> Option<Report> {
        self.report(case.reports().last()?).await.ok()
    }
}

/// Which capabilities a component imports that an approval of these scopes leaves nothing of: it would not load.
pub fn left_without(inspection: &Inspection, scopes: &[ScopeText], catalogue: &dyn Catalogue) -> Vec<String> {
    let known: Vec<&str> = catalogue.names().to_vec();
    let left = |name: &&str| known.contains(name) && !scopes.iter().any(|scope| scope.capability() == *name);
    inspection.capabilities().into_iter().filter(left).map(str::to_owned).collect()
}
