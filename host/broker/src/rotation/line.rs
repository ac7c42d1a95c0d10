//! Answers for one item's way through an act: its steps in order, each stored as done before the next begins.
//!
//! Invariants: what fails because the issuer cannot be asked is tried some times, and then the line has failed with that step before it;
//! what the issuer may have done is asked once more, and then the worst is assumed; a refused revocation is in the line and does not
//! keep the rest from going on, for a new credential is better than none.

use std::time::Duration;

use portcullis_model::{
    audit::{Entry, Kind, plain},
    rotation::{Act, Line, Mode, Outcome, Renewal, Revocation, Step},
};

use super::{
    act::{Releases, RotateError, Rotator},
    credentials::StepError,
    steps,
};
use crate::issue::Revoked;

/// Works on one line.
pub(super) struct Runner {
    pub(super) rotator: Rotator,
    pub(super) act: Act,
}

/// What a step gave.
enum Done {
    Revoked(Revoked),
    Minted(u64),
    Told,
}

impl Runner {
    /// Takes all steps that are left, and stores the outcome with what is released for it.
    pub(super) async fn run(&self, mut line: Line, releases: &Releases) -> Result<Line, RotateError> {
        line.started = line.started.or_else(|| Some(self.rotator.clock.now()));
        (line.outcome, line.why) = (Outcome::Open, line.why.filter(|_| line.revocation == Revocation::Failed));
        while let Some(step) = line.left.first().copied() {
            match self.try_step(step, &mut line).await {
                Ok(done) => self.took(step, &done, &mut line),
                Err(error) => {
                    if self.missed(step, &error, &mut line) {
                        break;
                    }
                }
            }
            if !line.left.is_empty() {
                self.rotator.store.put_line(&self.act.id, line.clone(), Vec::new(), Vec::new()).await?;
            }
        }
        if line.outcome == Outcome::Open {
            line.outcome = ending(&line);
        }
        line.ended = Some(self.rotator.clock.now());
        let (released, entry) = (releases.with(&line), self.entry(&line));
        self.rotator.store.put_line(&self.act.id, line.clone(), released, vec![entry]).await?;
        Ok(line)
    }

    /// Takes a step, again where that makes sense.
    async fn try_step(&self, step: Step, line: &mut Line) -> Result<Done, StepError> {
        let pace = self.rotator.pace;
        let (mut tries, mut doubts, mut pause) = (0, 0, pace.pause);
        loop {
            line.tries += 1;
            match self.step(step, line).await {
                Err(StepError::NotReached { retry_after, why }) => {
                    tries += 1;
                    if tries >= pace.tries {
                        return Err(StepError::NotReached { why, retry_after });
                    }
                    tokio::time::sleep(retry_after.unwrap_or(pause).min(pace.longest_pause)).await;
                    pause = pause.saturating_mul(2);
                }
                Err(StepError::Unknown(_)) if doubts == 0 => doubts += 1,
                done => return done,
            }
        }
    }

    async fn step(&self, step: Step, line: &Line) -> Result<Done, StepError> {
        let keeper = self.rotator.families.of(line.item.family)?;
        let overlap = Duration::from_secs(self.act.overlap);
        match step {
            Step::Revoke => keeper.revoke_now(&line.item, line.old_generation, false).await.map(Done::Revoked),
            Step::RevokeOld => keeper.revoke_now(&line.item, line.old_generation, true).await.map(Done::Revoked),
            Step::Mint => keeper.renew_now(&line.item, line.old_generation, overlap).await.map(Done::Minted),
            Step::Person => {
                let why = line.why.as_deref().unwrap_or(self.act.reason.as_str());
                keeper.person_needed(&line.item, line.old_generation, why).await.map(|()| Done::Told)
            }
        }
    }

    fn took(&self, step: Step, done: &Done, line: &mut Line) {
        match done {
            Done::Revoked(Revoked::Confirmed) => line.revocation = Revocation::Confirmed,
            Done::Revoked(Revoked::NotOffered) => line.revocation = Revocation::NotOffered,
            Done::Minted(generation) => {
                line.new_generation = Some(*generation);
                line.revocation = steps::after_mint(self.act.mode, line.nature, line.revocation);
            }
            Done::Told => {
                line.outcome = Outcome::PersonNeeded;
                self.nobody_revoked(line);
            }
        }
        line.left.retain(|left| *left != step);
    }

    /// For a line that is through: where no revocation was among its steps, somebody must do it by hand.
    fn nobody_revoked(&self, line: &mut Line) {
        if line.revocation == Revocation::Not && self.act.mode != Mode::Planned {
            line.revocation = Revocation::NotOffered;
        }
    }

    /// A step that could not be taken. True where the line has its outcome.
    fn missed(&self, step: Step, error: &StepError, line: &mut Line) -> bool {
        if *error == StepError::Gone {
            (line.outcome, line.left) = (Outcome::Gone, Vec::new());
            return true;
        }
        if let StepError::Replaced(generation) = error {
            (line.outcome, line.new_generation, line.left) = (Outcome::Renewed, Some(*generation), Vec::new());
            self.nobody_revoked(line);
            return true;
        }
        let why = plain(&error.to_string());
        let lasting = matches!(error, StepError::GrantGone(_) | StepError::Refused(_) | StepError::Unknown(_));
        match step {
            Step::Revoke | Step::RevokeOld if lasting => {
                // The issuer that does not know it any more has revoked it.
                let gone = matches!(error, StepError::GrantGone(_));
                line.revocation = if gone { Revocation::Confirmed } else { Revocation::Failed };
                line.why = (!gone).then_some(why).or(line.why.take());
                line.left.retain(|left| *left != step);
                false
            }
            // In good order nothing is taken out of use: what is there goes on while it lasts.
            Step::Mint if self.act.mode == Mode::Planned && matches!(error, StepError::GrantGone(_)) => {
                (line.outcome, line.why, line.left) = (Outcome::PersonNeeded, Some(why), Vec::new());
                true
            }
            Step::Mint if lasting && self.act.mode != Mode::Planned => {
                line.why = Some(why);
                line.left = steps::by_person(line.nature);
                if line.revocation != Revocation::Not {
                    line.left.retain(|left| *left != Step::Revoke);
                }
                false
            }
            _ => {
                (line.outcome, line.why) = (Outcome::Failed, Some(why));
                true
            }
        }
    }

    fn entry(&self, line: &Line) -> Entry {
        let mut entry = self.rotator.entry(Kind::CredentialRotated, &self.act);
        entry.tenant = line.item.owner().cloned();
        entry = entry
            .about(line.item.to_string())
            .with("act", self.act.id.as_str())
            .with("outcome", serde_json::json!(line.outcome))
            .with("revocation", serde_json::json!(line.revocation))
            .with("old-generation", line.old_generation);
        if let Some(installation) = &line.item.installation {
            entry = entry.with("installation", installation.as_str());
        }
        if let Some(generation) = line.new_generation {
            entry = entry.with("new-generation", generation);
        }
        match &line.why {
            Some(why) => entry.with("why", why.as_str()),
            None => entry,
        }
    }
}

/// The outcome of a line whose steps are all done.
fn ending(line: &Line) -> Outcome {
    match (line.new_generation, line.nature.renewal) {
        (Some(_), _) => Outcome::Renewed,
        (None, Renewal::Holder) => Outcome::Ended,
        (None, _) => Outcome::LeftAsItWas,
    }
}
