//! A whole run: both passes over the corpus, each input of the first one twice, then the mutated inputs.
//!
//! Inputs are run in rounds of a growing size that depends on nothing but the outcomes before, and added up in the order of their
//! numbers, so that the report does not depend on which task was faster.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use portcullis_model::{
    audit::plain,
    behaviour::{Corpus as CorpusPart, Determinism, Difference, FORMAT, Granted, Measured, Report, Subject},
    id::Digest,
};
use tokio::task::JoinSet;

use crate::{
    Options, Release, VetError, Vetted,
    compare::differences,
    corpus::{Corpus, Order},
    lab::Lab,
    outcome::{About, Outcome, digest_over, input},
    stage::Take,
    tally::{Tally, families},
};

/// Inputs of the first round, and of the largest.
const ROUNDS: Range<u64> = 4..512;

/// Everything that a run's tasks share.
pub(crate) struct Run {
    pub lab: Lab,
    pub corpus: Corpus,
    pub names: BTreeSet<String>,
    pub seed: u64,
    workers: usize,
    patience: Duration,
}

impl Run {
    pub fn new(release: &Release, options: &Options) -> Result<Self, VetError> {
        options.check()?;
        let workers = options.workers.clamp(1, 64);
        let lab = Lab::new(release, options.seed, workers)?;
        let asked: Vec<_> = release.asked.iter().map(|asked| asked.scope.clone()).collect();
        let order = Order {
            asked: &asked,
            given: &options.events,
            seed: options.seed,
            mutated: options.inputs,
            statuses: &options.statuses,
            shown: &|event| lab.shown(event),
        };
        let corpus = Corpus::new(&order)?;
        let names = corpus.names();
        Ok(Self { lab, corpus, names, seed: options.seed, workers, patience: options.patience })
    }

    pub fn about(&self, granted: Granted, spoken: bool) -> About<'_> {
        About { granted, seed: self.seed, names: &self.names, spoken }
    }
}

/// One input that was run, and what a second run of it showed.
struct Done {
    outcome: Outcome,
    again: Option<Again>,
}

struct Again {
    differences: Vec<Difference>,
    /// Whether it did the same as at first, given the same time and random bytes.
    explained: bool,
}

/// Runs a release and reports what it did. `progress` is told how many calls of how many are done.
///
/// # Errors
/// Where options are out of range, the component cannot be loaded with all that it asks for, or the sandbox cannot start. What it
/// does wrong is no error: it is in the report.
pub async fn vet(release: &Release, options: &Options, progress: impl Fn(u64, u64)) -> Result<Vetted, VetError> {
    let began = Instant::now();
    let run = Arc::new(Run::new(release, options)?);
    if let Err(error) = run.lab.prepare(Granted::All).await? {
        return Err(VetError::Load(plain(&error.to_string())));
    }
    let total = run.corpus.len() + run.corpus.fixed();
    let mut sum = Sum::default();
    let all = run.clone().pass(Granted::All, 0..run.corpus.len(), &mut sum, |done| progress(done, total)).await?;
    let required = match run.lab.prepare(Granted::Required).await? {
        Err(why) => Tally::unloadable(Granted::Required, run.lab.scopes(Granted::Required), plain(&why.to_string())),
        Ok(()) => {
            let before = run.corpus.len();
            let told = |done| progress(before + done, total);
            run.clone().pass(Granted::Required, 0..run.corpus.fixed(), &mut sum, told).await?
        }
    };
    let Sum { inputs, determinism, mut measured } = sum;
    measured.elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let report = Report {
        format: FORMAT.to_owned(),
        release: Subject {
            plugin: release.plugin.clone(),
            version: release.version.clone(),
            release: release.number,
            component: Digest::of(&release.component),
            manifest: release.manifest,
        },
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        seed: options.seed,
        corpus: CorpusPart {
            digest: digest_over(&inputs),
            inputs: families(|family| run.corpus.count(family)),
            kinds: run.corpus.kinds(),
            statuses: options.statuses.clone(),
        },
        passes: vec![all, required],
        determinism,
    };
    Ok(Vetted { report, measured })
}

/// What is added up beside the passes.
#[derive(Default)]
struct Sum {
    inputs: Vec<Digest>,
    determinism: Determinism,
    measured: Measured,
}

impl Sum {
    fn add(&mut self, done: &Done, granted: Granted) {
        let Done { outcome, again } = done;
        self.measured.see(outcome.usage.cpu, outcome.number);
        if granted == Granted::All {
            self.inputs.push(outcome.input);
        }
        let Some(Again { differences, explained }) = again else { return };
        let all = &mut self.determinism;
        all.inputs += 1;
        if let Some(first) = differences.first() {
            all.differing += 1;
            all.by_time_or_chance += u64::from(*explained);
            all.first.get_or_insert_with(|| first.clone());
            differences.iter().for_each(|one| *all.aspects.entry(one.aspect).or_default() += 1);
        }
    }
}

impl Run {
    async fn pass(
        self: Arc<Self>,
        granted: Granted,
        inputs: Range<u64>,
        sum: &mut Sum,
        progress: impl Fn(u64),
    ) -> Result<portcullis_model::behaviour::Pass, VetError> {
        let mut tally = Tally::new(granted, self.lab.scopes(granted));
        let (mut next, mut size, mut spent) = (inputs.start, ROUNDS.start, Duration::ZERO);
        while next < inputs.end && spent < self.patience {
            let round = next..inputs.end.min(next + size);
            (next, size) = (round.end, ROUNDS.end.min(size * 2));
            for done in self.round(granted, round).await?.values() {
                tally.add(&done.outcome);
                sum.add(done, granted);
                spent += done.outcome.patience(&self.lab);
            }
            progress(next - inputs.start);
        }
        Ok(tally.end(inputs.end - next))
    }

    /// Runs some inputs, at most so many at once as there are workers.
    async fn round(self: &Arc<Self>, granted: Granted, inputs: Range<u64>) -> Result<BTreeMap<u64, Done>, VetError> {
        let next = Arc::new(AtomicU64::new(inputs.start));
        let mut workers = JoinSet::new();
        for _ in 0..self.workers {
            let (run, next, end) = (self.clone(), next.clone(), inputs.end);
            workers.spawn(async move {
                let mut all = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= end {
                        return Ok::<_, VetError>(all);
                    }
                    all.push((number, run.one(granted, number).await?));
                }
            });
        }
        let mut all = BTreeMap::new();
        while let Some(done) = workers.join_next().await {
            all.extend(done.map_err(|error| VetError::CutOff(error.to_string()))??);
        }
        Ok(all)
    }

    async fn one(&self, granted: Granted, number: u64) -> Result<Done, VetError> {
        let input = input(&self.corpus, number)?;
        let about = self.about(granted, false);
        let outcome = Outcome::of(&self.lab, &about, &input, Take::First).await?;
        let twice = granted == Granted::All && number < self.corpus.fixed() && !outcome.cut_off();
        if !twice {
            return Ok(Done { outcome, again: None });
        }
        let second = Outcome::of(&self.lab, &about, &input, Take::Second).await?;
        if second.cut_off() {
            return Ok(Done { outcome, again: None });
        }
        let differences = differences(&outcome, &second);
        let explained = match differences.is_empty() {
            true => false,
            false => {
                let third = Outcome::of(&self.lab, &about, &input, Take::First).await?;
                crate::compare::differences(&outcome, &third).is_empty()
            }
        };
        Ok(Done { outcome, again: Some(Again { differences, explained }) })
    }
}
