//! Answers for what follows from a renewal that gave nothing.
//!
//! - The provider says that the grant is gone, or refuses the client: a person is needed.
//! - It was not reached, or says that it did nothing: nothing is lost; it is asked again after a pause.
//! - Nobody knows what it did: it is asked once more after a pause, with the credential as it is. Where refresh tokens work
//!   once only and the second end is not known either, a person is needed; where they work often, it is asked on and on.

use portcullis_model::{
    connection::Standing,
    time::{Rng, Timestamp},
};

use super::pace;
use crate::issue::{Conduct, IssueError};

/// Why consent is needed after two ends that nobody knows.
pub(super) const UNKNOWN_TWICE: &str =
    "twice nobody knows what became of a request for a new token, and the provider takes a refresh token only once";

/// How a connection stands after a failure.
pub(super) struct Ended {
    pub(super) standing: Standing,
    pub(super) unknown: u32,
}

/// Whether so many unknown ends use up a refresh token.
pub(super) fn is_spent(conduct: Conduct, unknown: u32) -> bool {
    conduct.refresh_once && unknown >= 2
}

/// What follows. `before`: failures in a row and unknown ends before this one.
pub(super) fn of(
    error: &IssueError,
    conduct: Conduct,
    (failures, unknown): (u32, u32),
    why: String,
    now: Timestamp,
    rng: &dyn Rng,
) -> Ended {
    let failures = failures.saturating_add(1);
    let cooling = |asked, why| Standing::Cooling { failures, until: now.plus(pace::pause(failures, asked, rng)), why };
    let consent = |why| Standing::ConsentNeeded { since: now, why };
    match error {
        IssueError::GrantGone(_) | IssueError::Refused(_) => Ended { standing: consent(why), unknown },
        IssueError::NotReached { retry_after, .. } => Ended { standing: cooling(*retry_after, why), unknown },
        IssueError::Unknown(_) => {
            let unknown = unknown.saturating_add(1);
            let spent = is_spent(conduct, unknown);
            Ended { standing: if spent { consent(UNKNOWN_TWICE.into()) } else { cooling(None, why) }, unknown }
        }
    }
}
