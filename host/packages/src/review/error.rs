//! Why something about a review did not happen.

use portcullis_model::{
    behaviour::ReportError,
    error::StoreError,
    id::{Digest, ReportId},
    release::ReleaseError,
    scope::{ScopeError, ScopeText},
};

use super::State;
use crate::{
    keys::KeyError,
    trust::{Distrust, TrustError, keeper::KeeperError},
};

/// Nothing was changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReviewError {
    /// Nobody handed it in.
    #[error("this release was not handed in for review; hand it in with 'portcullis plugin submit'")]
    NotSubmitted,
    /// The state of the submission does not let that happen.
    #[error("the submission is {state}: {advice}")]
    State {
        /// Which state.
        state: State,
        /// What to do instead.
        advice: &'static str,
    },
    /// Somebody else handed it in.
    #[error("{0} handed it in; nobody else takes it back")]
    NotTheirs(String),
    /// The publisher's own key.
    #[error("the key {0} is the publisher's own: somebody else must review this release")]
    FourEyes(String),
    /// No reviewer.
    #[error("{key} is no reviewer by the root of '{scope}'; its reviewers: {known}")]
    NoReviewer {
        /// The key, or what was given for it.
        key: String,
        /// Whose root.
        scope: String,
        /// Who is.
        known: String,
    },
    /// Two reviewers that the text means.
    #[error("'{0}' means more than one reviewer; give more of the key's id")]
    ManyReviewers(String),
    /// The reviewer's last verdict is not older than this one would be.
    #[error("your verdict of {0} is not older than the present moment by this host's clock; set the clock right")]
    Clock(portcullis_model::time::Timestamp),
    /// What was signed is not what this choice says.
    #[error(
        "what was signed is not what this says of the release as it is now; ask anew what to sign, and sign just that"
    )]
    OtherStatement,
    /// Somebody else signed it, or nobody.
    #[error("the key {0}, in whose name this is, did not sign it; sign what the rehearsal answered, with that key")]
    NotSigned(String),
    /// The key counts with another root as well.
    #[error(
        "this key is a reviewer's by the platform's root, too, and what it signs counts there: decide by that root, or use a key that '{0}' alone has"
    )]
    OtherRoot(portcullis_model::trust::RootScope),
    /// What was signed is old.
    #[error("this was made at {0}, and is filed within an hour or not at all; ask anew what to sign")]
    Stale(portcullis_model::time::Timestamp),
    /// The reviewer has decided since.
    #[error("you decided at {0}, and this was made no later than that; ask anew what to sign")]
    Later(portcullis_model::time::Timestamp),
    /// It would not run even where it is approved.
    #[error("it may not run whatever reviewers say, so it cannot be approved: {0}")]
    Against(Distrust),
    /// A text.
    #[error("{what} must be one line of 1 to {most} characters, and none that cannot be seen")]
    Text {
        /// Which.
        what: &'static str,
        /// In characters.
        most: usize,
    },
    /// How long it holds.
    #[error("an approval holds for 1 to {most} days, not for {found}")]
    Days {
        /// What was asked for.
        found: u64,
        /// The most.
        most: u64,
    },
    /// A maximum that cannot be understood.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// A maximum beyond what is asked for.
    #[error("'{scope}' goes beyond what the manifest asks for; {at_most}")]
    Beyond {
        /// Which scope.
        scope: ScopeText,
        /// What would lie within.
        at_most: String,
    },
    /// No report where one is needed.
    #[error(
        "a release of {0} risk is approved on a behaviour report: attach one with 'portcullis review attach' and name it with \
         --report, or say with --without-report why you do without"
    )]
    NoReport(&'static str),
    /// A report that is not there.
    #[error("no behaviour report {0} is attached to this release; see 'portcullis review show'")]
    NotAttached(Digest),
    /// A report about something else.
    #[error("the behaviour report is about {found}, this release is {expected}")]
    OtherRelease {
        /// What it is about.
        found: String,
        /// This release.
        expected: String,
    },
    /// A report that cannot be read.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A report that is not what its digest says.
    #[error("the stored behaviour report is not {0}: the store was damaged; attach it again")]
    Damaged(Digest),
    /// Evidence that shows nothing.
    #[error("{0} is no act of this installation; see 'portcullis audit tail' for the ids of its acts")]
    Evidence(String),
    /// Too much of something.
    #[error("{what}: {most} at most")]
    TooMany {
        /// What.
        what: &'static str,
        /// How many there may be.
        most: usize,
    },
    /// No such report of misbehaviour.
    #[error("there is no report {0}; see 'portcullis review list'")]
    NoMisbehaviour(ReportId),
    /// Somebody looked into it already.
    #[error("report {0} is resolved already")]
    Resolved(ReportId),
    /// It tells who reported.
    #[error("the public note names '{0}', who reported it: every tenant that runs the release reads that note")]
    Names(String),
    /// Somebody else was faster.
    #[error("somebody else said or did something about this just now; look at it again before you repeat this")]
    Conflict,
    /// The release.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// The roots.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The statement was not kept.
    #[error(transparent)]
    Keeper(#[from] KeeperError),
    /// The key.
    #[error("{0}")]
    Key(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<KeyError> for ReviewError {
    fn from(error: KeyError) -> Self {
        Self::Key(error.to_string())
    }
}
