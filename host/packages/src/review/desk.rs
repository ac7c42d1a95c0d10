//! Where releases are handed in, looked at and decided about, on behalf of one actor.
//!
//! Invariants: what is done is checked against the case as it is, and appended to just that, or not at all; what is said by one root is
//! read by that root alone.

use portcullis_model::{
    audit::{Actor, Entry, Kind},
    behaviour::Report,
    id::Digest,
    release::{ReleaseError, ReleaseId, StoredRelease},
    review::{Note, ReviewStore, Step, Submission},
    time::Clock,
    trust::RootScope,
};

use super::{Act, Case, ReviewError, words};
use crate::{
    check::Registry,
    dsse::{Envelope, PayloadType},
    manifest::Manifest,
    release_dir::ReleaseFiles,
    trust::Subject,
};

/// The desk.
pub struct Desk<'a> {
    /// Where releases and statements lie.
    pub registry: &'a Registry,
    /// Where reviews lie.
    pub reviews: &'a dyn ReviewStore,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Who asks for it.
    pub actor: Actor,
    /// By whose root: the platform's, or a tenant's own.
    pub scope: RootScope,
    /// Whether what is said and decided is rehearsed: everything is checked, what would be is given, and nothing is written.
    pub trial: bool,
}

impl Desk<'_> {
    /// Hands a release in: everything is checked that is checked when it is installed, but for reviews; then it is stored, unless this is a
    /// rehearsal.
    pub async fn submit(&self, files: &ReleaseFiles) -> Result<Case, ReviewError> {
        let id = files.stored.id();
        let known = self.registry.statements().statements(&id).await?;
        let (manifest, _) = self.registry.admit(&files.stored, &known, &files.component).await?;
        let submission = submission(&id, &manifest);
        if let Some(other) = self.same_number(&submission).await? {
            return Err(ReviewError::Release(ReleaseError::Refused {
                digest: id.component,
                reason: format!(
                    "release {} of {} is another one already ({}): a change needs a new release number",
                    other.number,
                    other.plugin,
                    other.component.short()
                ),
            }));
        }
        let mut case = self.case_of(&submission, &files.stored).await?;
        case.may(Act::Submit)?;
        if self.trial {
            let note = self.append(&case, Step::Submitted).await?;
            case.notes.push(note);
            return Ok(case);
        }
        self.registry.store().put_release(files.stored.clone(), files.component.clone()).await?;
        self.append(&case, Step::Submitted).await?;
        self.case(&submission).await
    }

    /// A submission as it is now.
    pub async fn case(&self, submission: &Submission) -> Result<Case, ReviewError> {
        let id = submission.release();
        let Some(stored) = self.registry.store().release(&id).await? else {
            return Err(ReleaseError::Missing(id.component).into());
        };
        self.case_of(submission, &stored).await
    }

    /// The same, of a release that need not lie here yet.
    async fn case_of(&self, submission: &Submission, stored: &StoredRelease) -> Result<Case, ReviewError> {
        let id = submission.release();
        let mut notes = self.reviews.notes(&id).await?;
        let written = notes.len();
        notes.retain(|note| note.is_for(&self.scope));
        let refused = |reason: String| ReleaseError::Refused { digest: id.component, reason };
        if stored.id() != id {
            return Err(refused("manifest digest mismatch: it is another release's".to_owned()).into());
        }
        let manifest = Manifest::parse(&stored.manifest).map_err(|error| refused(error.to_string()))?;
        let envelope =
            Envelope::parse(PayloadType::Statement, &stored.envelope).map_err(|error| refused(error.to_string()))?;
        let statements = self.registry.statements().statements(&id).await?;
        let trust = self.registry.trust().await??;
        let subject = Subject { id, manifest: &manifest, envelope: &envelope, statements: &statements };
        let now = self.clock.now();
        let standing = trust.standing(&subject, &self.scope, now, self.registry.rules().catalogue)?;
        Ok(Case { submission: submission.clone(), manifest, notes, written, standing, now })
    }

    /// Takes a submission back.
    pub async fn withdraw(&self, submission: &Submission, reason: &str) -> Result<Case, ReviewError> {
        let reason = words("the reason", reason)?;
        let by = self.by();
        self.note(submission, Act::Withdraw { by: &by }, |_| Ok(Step::Withdrawn { reason })).await
    }

    /// Has a reviewer look at it: by the owner's name as the root has it, or by the beginning of the key's id.
    pub async fn assign(&self, submission: &Submission, reviewer: &str) -> Result<Case, ReviewError> {
        let case = self.case(submission).await?;
        let (key, owner) = reviewer_of(&case, reviewer)?;
        self.note(submission, Act::Assign { key: &key }, |_| Ok(Step::Assigned { key: key.clone(), owner })).await
    }

    /// Says something about it.
    pub async fn comment(&self, submission: &Submission, text: &str) -> Result<Case, ReviewError> {
        let text = words("the comment", text)?;
        self.note(submission, Act::Comment, |_| Ok(Step::Commented { text })).await
    }

    /// Attaches a behaviour report, which must be about this very release. Gives its digest.
    pub async fn attach(&self, submission: &Submission, bytes: &[u8]) -> Result<Digest, ReviewError> {
        let report = Report::read(bytes)?;
        let about = ReleaseId { component: report.release.component, manifest: report.release.manifest };
        if about != submission.release() {
            let name = |id: ReleaseId| format!("{} under {}", id.component.short(), id.manifest.short());
            return Err(ReviewError::OtherRelease { found: name(about), expected: name(submission.release()) });
        }
        let digest = Digest::of(bytes);
        let case = self.case(submission).await?;
        case.may(Act::Attach)?;
        if !self.trial {
            self.reviews.put_report(digest, bytes.to_vec()).await?;
        }
        if !case.reports().contains(&digest) {
            self.append(&case, Step::Attached { report: digest }).await?;
        }
        Ok(digest)
    }

    /// An attached behaviour report.
    pub async fn report(&self, digest: &Digest) -> Result<Report, ReviewError> {
        let bytes = self.reviews.report(digest).await?.ok_or(ReviewError::NotAttached(*digest))?;
        match Digest::of(&bytes) == *digest {
            true => Ok(Report::read(&bytes)?),
            false => Err(ReviewError::Damaged(*digest)),
        }
    }

    /// Another release of the same plugin under the same number that is handed in already.
    async fn same_number(&self, new: &Submission) -> Result<Option<Submission>, ReviewError> {
        let all = self.reviews.submissions().await?.into_iter();
        let mut others =
            all.filter(|one| one.plugin == new.plugin && one.number == new.number && one.release() != new.release());
        Ok(others.next())
    }

    async fn note(
        &self,
        submission: &Submission,
        act: Act<'_>,
        step: impl FnOnce(&Case) -> Result<Step, ReviewError>,
    ) -> Result<Case, ReviewError> {
        let mut case = self.case(submission).await?;
        case.may(act)?;
        let step = step(&case)?;
        let note = self.append(&case, step).await?;
        if self.trial {
            case.notes.push(note);
            return Ok(case);
        }
        self.case(submission).await
    }

    /// Writes a step down, unless this is a rehearsal. Gives the note.
    pub(super) async fn append(&self, case: &Case, step: Step) -> Result<Note, ReviewError> {
        let (of, note) = (&case.submission, Note { at: case.now, by: self.by(), root: self.scope.clone(), step });
        let entry = self.entry(of, &note.step);
        if self.trial {
            return Ok(note);
        }
        match self.reviews.put_note(of.clone(), case.written, note.clone(), entry).await? {
            true => Ok(note),
            false => Err(ReviewError::Conflict),
        }
    }

    fn entry(&self, of: &Submission, step: &Step) -> Entry {
        let (kind, details): (Kind, Vec<(&str, String)>) = match step {
            Step::Submitted => (Kind::ReviewSubmitted, Vec::new()),
            Step::Withdrawn { reason } => (Kind::ReviewWithdrawn, vec![("reason", reason.clone())]),
            Step::Assigned { key, owner } => {
                (Kind::ReviewAssigned, vec![("reviewer", owner.clone()), ("key", key.clone())])
            }
            Step::Commented { text } => (Kind::ReviewCommented, vec![("comment", text.clone())]),
            Step::Attached { report } => (Kind::ReviewAttached, vec![("report", report.to_string())]),
            Step::Waived { key, reason } => {
                (Kind::ReviewWaived, vec![("key", key.clone()), ("reason", reason.clone())])
            }
        };
        let entry = Entry::new(self.clock.now(), kind, self.actor.clone(), self.scope.tenant().cloned())
            .about(format!("release:{}", of.component))
            .with("manifest-digest", of.manifest.to_string())
            .with("plugin", of.plugin.as_str())
            .with("version", of.version.as_str())
            .with("release-number", of.number);
        details.into_iter().fold(entry, |entry, (name, value)| match name {
            // Whose key it is.
            "reviewer" => entry.with_personal(name, value),
            _ => entry.with(name, value),
        })
    }

    /// Who says or does it. Two people can have one name, and what one of them handed in the other does not take back.
    fn by(&self) -> String {
        match &self.actor {
            Actor::Person { name } => name.clone(),
            Actor::Account { person, name, .. } => format!("{name} ({person})"),
            Actor::Automation { client } => client.to_string(),
            _ => "host".to_owned(),
        }
    }
}

/// A release as a submission, whether or not it was handed in.
pub(super) fn submission(id: &ReleaseId, manifest: &Manifest) -> Submission {
    Submission {
        component: id.component,
        manifest: id.manifest,
        plugin: manifest.id.clone(),
        publisher: manifest.publisher.clone(),
        version: manifest.version.clone(),
        number: manifest.release,
    }
}

/// The reviewer that a text means.
fn reviewer_of(case: &Case, text: &str) -> Result<(String, String), ReviewError> {
    let key = |id: &str| text.len() >= 8 && id.starts_with(text);
    let found: Vec<_> = case.standing.reviewers.iter().filter(|(id, owner)| *owner == text || key(id)).collect();
    match found.as_slice() {
        [(id, owner)] => Ok(((*id).clone(), (*owner).clone())),
        [] => {
            // Says why, where it is a key that is known.
            let publisher = case.standing.publishers.iter().find(|id| key(id));
            case.may(Act::Assign { key: publisher.map_or(text, String::as_str) })?;
            Err(ReviewError::ManyReviewers(text.to_owned()))
        }
        _ => Err(ReviewError::ManyReviewers(portcullis_model::audit::plain(text))),
    }
}
