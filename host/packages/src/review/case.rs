//! One submission, its state, and what may happen next.
//!
//! Invariants: the state follows from notes, verdicts and the time, and from nothing else; what a verdict says counts whoever
//! takes the submission back and hands it in again.

use std::fmt;

use portcullis_model::{
    id::Digest,
    review::{Note, Step, Submission},
    time::Timestamp,
};
use serde::Serialize;

use super::ReviewError;
use crate::{manifest::Manifest, statement::Decision, trust::Standing};

/// The state of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Handed in; nobody looks at it yet.
    Submitted,
    /// Somebody looks at it, or too few have approved it yet.
    InReview,
    /// A reviewer wants something changed.
    ChangesRequested,
    /// As many as must have approved it.
    Approved,
    /// A reviewer rejected it.
    Rejected,
    /// Approvals are over, and what is left is too few: it must be vetted again (INT-11).
    Expired,
    /// Whoever handed it in took it back.
    Withdrawn,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Submitted,
        Self::InReview,
        Self::ChangesRequested,
        Self::Approved,
        Self::Rejected,
        Self::Expired,
        Self::Withdrawn,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::InReview => "in-review",
            Self::ChangesRequested => "changes-requested",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act<'a> {
    /// Hand it in.
    Submit,
    /// Take it back.
    Withdraw {
        /// Who.
        by: &'a str,
    },
    /// Have a reviewer look at it.
    Assign {
        /// The reviewer's key.
        key: &'a str,
    },
    /// Say something.
    Comment,
    /// Attach a behaviour report.
    Attach,
    /// Decide.
    Decide {
        /// What.
        decision: Decision,
        /// The reviewer's key.
        key: &'a str,
    },
}

/// One submission, as of one moment.
#[derive(Clone, Debug)]
pub struct Case {
    /// Which release.
    pub submission: Submission,
    /// What it asks for.
    pub manifest: Manifest,
    /// What was said and done by this root, oldest first; and that it was handed in and taken back.
    pub notes: Vec<Note>,
    /// How many notes there are, those of other roots with them.
    pub written: usize,
    /// How it stands with its reviewers.
    pub standing: Standing,
    /// As of when.
    pub now: Timestamp,
}

impl Case {
    /// Its state; `None`: it was never handed in.
    pub fn state(&self) -> Option<State> {
        state(&self.notes, &self.standing, self.now)
    }

    /// How many approvals hold.
    pub fn approvals(&self) -> usize {
        self.standing.live(self.now).count()
    }

    /// The state for people, with how many approved it of how many who must.
    pub fn state_words(&self) -> String {
        let state = self.state().map_or("not submitted", State::name);
        match (self.approvals(), self.standing.needed) {
            (0, 0) => state.to_owned(),
            (approvals, needed) => format!("{state} ({approvals} of {needed} approved)"),
        }
    }

    /// The behaviour reports that are attached, oldest first.
    pub fn reports(&self) -> Vec<Digest> {
        let attached = self.notes.iter().filter_map(|note| match note.step {
            Step::Attached { report } => Some(report),
            _ => None,
        });
        attached.collect()
    }

    /// Who is to look at it: the latest of each key.
    pub fn assigned(&self) -> Vec<(&str, &str)> {
        let mut all: Vec<(&str, &str)> = Vec::new();
        for note in &self.notes {
            if let Step::Assigned { key, owner } = &note.step
                && !all.iter().any(|(known, _)| known == key)
            {
                all.push((key, owner));
            }
        }
        all
    }

    /// What stands between it and running: sentences without a full stop.
    pub fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        if let Some(against) = &self.standing.against {
            missing.push(format!("it may not run whatever reviewers say: {against}"));
        }
        for (decision, words) in [(Decision::Reject, "rejected it"), (Decision::RequestChanges, "wants it changed")] {
            let who = self.standing.decided(decision).map(|one| format!("{} {words}", one.owner));
            missing.extend(who);
        }
        let (found, needed) = (self.approvals(), self.standing.needed);
        if found < needed {
            let expired = match self.standing.expired(self.now).count() {
                0 => String::new(),
                n => format!(" ({n} approved it and that has expired: it must be vetted again)"),
            };
            missing.push(format!("{} more of {needed} reviewers must approve it{expired}", needed - found));
        }
        missing
    }

    /// Fails where that may not happen now.
    pub fn may(&self, act: Act<'_>) -> Result<(), ReviewError> {
        let state = self.state();
        if act == Act::Submit {
            return submit(state);
        }
        let state = state.ok_or(ReviewError::NotSubmitted)?;
        if state == State::Withdrawn {
            return refuse(state, "hand it in again first, with 'portcullis plugin submit'");
        }
        match act {
            Act::Submit | Act::Comment | Act::Attach => Ok(()),
            Act::Withdraw { by } => self.withdraw(state, by),
            Act::Assign { key } => self.assign(state, key),
            Act::Decide { decision, key } => self.decide(state, decision, key),
        }
    }

    fn withdraw(&self, state: State, by: &str) -> Result<(), ReviewError> {
        let submitted = self.notes.iter().rev().find(|note| note.step == Step::Submitted);
        if let Some(note) = submitted.filter(|note| note.by != by) {
            return Err(ReviewError::NotTheirs(note.by.clone()));
        }
        match state {
            State::Approved => {
                refuse(state, "it may run, and taking it back here would not stop that; its publisher can yank it")
            }
            State::Rejected => refuse(state, "that stands; hand in another release"),
            _ => Ok(()),
        }
    }

    fn assign(&self, state: State, key: &str) -> Result<(), ReviewError> {
        self.reviews(key)?;
        match state {
            State::Rejected => refuse(state, "whoever rejected it decides anew, or another release is handed in"),
            _ => Ok(()),
        }
    }

    fn decide(&self, state: State, decision: Decision, key: &str) -> Result<(), ReviewError> {
        self.reviews(key)?;
        let own = self.standing.by(key);
        if let Some(own) = own.filter(|own| own.verdict.issued >= self.now) {
            return Err(ReviewError::Clock(own.verdict.issued));
        }
        let theirs = own.is_some_and(|own| own.verdict.decision == Decision::Reject);
        if state == State::Rejected && decision != Decision::Reject && !theirs {
            return refuse(state, "whoever rejected it decides anew first, or another release is handed in");
        }
        match &self.standing.against {
            Some(against) if decision == Decision::Approve => Err(ReviewError::Against(against.clone())),
            _ => Ok(()),
        }
    }

    /// Fails unless this key may review it.
    fn reviews(&self, key: &str) -> Result<(), ReviewError> {
        let standing = &self.standing;
        if standing.reviewers.contains_key(key) {
            return Ok(());
        }
        if standing.publishers.contains(key) {
            return Err(ReviewError::FourEyes(key.chars().take(12).collect()));
        }
        let known: Vec<&str> = standing.reviewers.values().map(String::as_str).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let key = portcullis_model::audit::plain(&format!("key {}", key.chars().take(12).collect::<String>()));
        Err(ReviewError::NoReviewer { key, scope: standing.scope.to_string(), known })
    }
}

/// The state that follows; `None`: it was never handed in.
pub(super) fn state(notes: &[Note], standing: &Standing, now: Timestamp) -> Option<State> {
    let last = notes.iter().rev().find(|note| matches!(note.step, Step::Submitted | Step::Withdrawn { .. }))?;
    if last.step != Step::Submitted {
        return Some(State::Withdrawn);
    }
    let any = |decision: Decision| standing.decided(decision).next().is_some();
    let live = standing.live(now).count();
    let assigned = notes.iter().any(|note| matches!(note.step, Step::Assigned { .. }));
    Some(match () {
        () if any(Decision::Reject) => State::Rejected,
        () if any(Decision::RequestChanges) => State::ChangesRequested,
        () if live >= standing.needed.max(1) => State::Approved,
        () if standing.expired(now).next().is_some() => State::Expired,
        () if live > 0 || assigned => State::InReview,
        () => State::Submitted,
    })
}

fn submit(state: Option<State>) -> Result<(), ReviewError> {
    match state {
        None | Some(State::Withdrawn) => Ok(()),
        Some(state) => refuse(state, "it was handed in already; a change is another release"),
    }
}

fn refuse(state: State, advice: &'static str) -> Result<(), ReviewError> {
    Err(ReviewError::State { state, advice })
}
