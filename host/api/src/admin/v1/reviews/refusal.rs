//! What becomes of a refusal by whoever keeps reviews.

use portcullis_model::{audit::plain, release::ReleaseError};
use portcullis_packages::{review::ReviewError, trust::keeper::KeeperError};

use crate::{
    admin::{unavailable, unknown},
    problem::{Problem, Reason},
};

/// What can be wrong with what is said or done, beside its form.
pub(super) const REFUSES: &[Reason] = &[Reason::Unknown, Reason::Conflict, Reason::Refused, Reason::ReleaseRefused];

/// The same as a problem.
pub(super) fn refused(error: ReviewError) -> Problem {
    let reason = match &error {
        ReviewError::Store(_)
        | ReviewError::Release(ReleaseError::Store(_))
        | ReviewError::Keeper(KeeperError::Store(_)) => return unavailable(&error),
        ReviewError::NoMisbehaviour(_) => {
            return unknown("There is no report with this id; see GET /admin/v1/misbehaviour.");
        }
        ReviewError::Text { .. }
        | ReviewError::Days { .. }
        | ReviewError::Scope(_)
        | ReviewError::Report(_)
        | ReviewError::ManyReviewers(_) => Reason::WrongBody,
        ReviewError::NotSubmitted
        | ReviewError::State { .. }
        | ReviewError::NotTheirs(_)
        | ReviewError::Clock(_)
        | ReviewError::Stale(_)
        | ReviewError::Later(_)
        | ReviewError::Damaged(_)
        | ReviewError::TooMany { .. }
        | ReviewError::Resolved(_)
        | ReviewError::Conflict => Reason::Conflict,
        ReviewError::Release(_) => Reason::ReleaseRefused,
        _ => Reason::Refused,
    };
    Problem::new(reason, format!("{}.", plain(&error.to_string())))
}
