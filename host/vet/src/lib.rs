//! The behaviour run: a release in the real sandbox with the real capabilities, every service behind them played by a recorder, on
//! events of every kind (MNT-6). What it did is a [`Report`] for its review.
//!
//! [`vet`] runs everything; [`replay`] runs one input again and shows what the report leaves out: arguments, log, stack.
//!
//! What is ABSENT: a database, files, a network, the machine's clock and random source, and any judgement.
//!
//! Invariants:
//! - nothing leaves the machine, and nothing is left on it;
//! - the same release, options and version give the same report, byte for byte, however many tasks run it; only a call that uses
//!   up nearly all of its CPU limit, or asks for the time that has passed, can fall out otherwise;
//! - an input is run on a stage of its own: no call sees what another left.
#![forbid(unsafe_code)]

mod compare;
mod corpus;
mod dice;
mod lab;
mod outcome;
mod ports;
mod replay;
mod run;
mod shape;
mod stage;
mod tally;

use std::{sync::Arc, time::Duration};

pub use corpus::{EventsError, MAX_EVENTS, MAX_GIVEN, read_events};
use portcullis_model::{
    behaviour::{MAX_SEED, Measured, Report},
    event::Event,
    id::{Digest, PluginId, PublisherId},
    limits::Limits,
    scope::{ScopeError, ScopeText},
};
pub use replay::{Played, PlayedAct, Replay, replay};
pub use run::vet;

/// The most mutated inputs of one run.
pub const MAX_INPUTS: u64 = 10_000_000;

/// The statuses that requests are answered with, where nobody names others.
pub const STATUSES: [u16; 8] = [200, 204, 302, 401, 404, 429, 500, 503];

/// How long calls that time ends may take together, where nobody says otherwise.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is to be run. Whether it is signed and whether its imports lie within its manifest is for the caller to know.
#[derive(Clone, Debug)]
pub struct Release {
    /// Which plugin.
    pub plugin: PluginId,
    /// Who publishes it.
    pub publisher: PublisherId,
    /// Its version, for people.
    pub version: String,
    /// Its number.
    pub number: u64,
    /// The component's bytes.
    pub component: Arc<[u8]>,
    /// Digest of the manifest's text.
    pub manifest: Digest,
    /// The scopes that it asks for, and whether it works without each.
    pub asked: Vec<Asked>,
    /// The limits that it asks for.
    pub limits: Limits,
}

/// A scope that a release asks for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Which.
    pub scope: ScopeText,
    /// Whether the plugin works without it, by its manifest.
    pub optional: bool,
}

/// How to run it.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many mutated inputs: at most [`MAX_INPUTS`].
    pub inputs: u64,
    /// What everything is made from: at most [`MAX_SEED`]. A publisher who knows it beforehand can prepare for it.
    pub seed: u64,
    /// Events to run it on beside the bundled ones.
    pub events: Vec<Event>,
    /// The statuses that requests are answered with.
    pub statuses: Vec<u16>,
    /// How many calls run at once. Changes nothing but the time that it takes.
    pub workers: usize,
    /// How long calls that time ends may take together under one grant; then the other inputs are left out.
    pub patience: Duration,
}

impl Options {
    /// The usual options, with this seed.
    pub fn seeded(seed: u64) -> Self {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        Self { inputs: 10_000, seed, events: Vec::new(), statuses: STATUSES.to_vec(), workers, patience: PATIENCE }
    }

    fn check(&self) -> Result<(), VetError> {
        let wrong = |what: String| Err(VetError::Options(what));
        if self.inputs > MAX_INPUTS {
            return wrong(format!("{} inputs; the most is {MAX_INPUTS}", self.inputs));
        }
        if self.seed > MAX_SEED {
            return wrong(format!("the seed {}; the largest is {MAX_SEED}", self.seed));
        }
        if self.events.len() > MAX_GIVEN {
            return wrong(format!("{} events; the most is {MAX_GIVEN}", self.events.len()));
        }
        match self.statuses.iter().find(|status| !(200..600).contains(*status)) {
            Some(status) => wrong(format!("the status {status}: expected 200 to 599")),
            None if self.statuses.len() > 100 => wrong("more than 100 statuses".to_owned()),
            None => Ok(()),
        }
    }
}

/// A run that is over.
#[derive(Clone, Debug)]
pub struct Vetted {
    /// What was seen.
    pub report: Report,
    /// What it took on this machine.
    pub measured: Measured,
}

/// Why a release could not be run.
#[derive(Debug, thiserror::Error)]
pub enum VetError {
    /// An option is out of its range.
    #[error("cannot run it with {0}")]
    Options(String),
    /// A scope cannot be read.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// An event cannot be used.
    #[error(transparent)]
    Events(#[from] EventsError),
    /// A name of the sandbox's own does not hold.
    #[error(transparent)]
    Name(#[from] portcullis_model::id::IdError),
    /// The component cannot be loaded with all that it asks for.
    #[error("the release cannot be run: {0}")]
    Load(String),
    /// The sandbox cannot start.
    #[error("the sandbox cannot start: {0}")]
    Sandbox(String),
    /// There is no such input.
    #[error("there is no input {0}: the release asks for no event that could be made")]
    NoInput(u64),
    /// A task ended in the middle.
    #[error("a task of the run was cut off: {0}")]
    CutOff(String),
}
