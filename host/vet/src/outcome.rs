//! What is kept of one call.

use std::{sync::Arc, time::Duration};

use portcullis_model::{
    behaviour::Family,
    id::Digest,
    invoke::{CallEnd, CallReport, Usage},
};

use crate::{
    VetError,
    corpus::{Corpus, Input},
    lab::Lab,
    shape::{shape, with_carried},
    stage::{
        Stage, Take,
        tape::{Asked, Request},
    },
};
use portcullis_model::behaviour::Granted;

/// The act under which log lines are counted. It needs no permit.
pub(crate) const LOG: &str = "log.write";

/// The most log lines of a call of which it is said what stands in them.
const LINES: usize = 100;

/// One call that is over.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub number: u64,
    pub family: Family,
    pub input: Digest,
    pub end: CallEnd,
    pub usage: Usage,
    pub asked: Vec<Asked>,
    pub requests: Vec<Request>,
    pub log: Vec<(&'static str, String)>,
    pub stack: Vec<String>,
}

impl Outcome {
    /// Runs an input.
    pub async fn of(lab: &Lab, about: &About<'_>, input: &Input, take: Take) -> Result<Self, VetError> {
        let names = about.names;
        let stage = Stage::new(input, about.seed, take, names, about.spoken);
        let report = lab.call(input, stage.clone(), about.granted).await?;
        Ok(Self::new(input, &stage, report))
    }

    fn new(input: &Input, stage: &Arc<Stage>, report: CallReport) -> Self {
        for (at, (level, line)) in report.log.iter().enumerate() {
            let written = shape([("level", (*level).to_owned())]);
            let searched = (at < LINES).then_some(line.as_str());
            let written = with_carried(written, &stage.inner().known, searched);
            stage.noted(LOG, written);
        }
        let tape = std::mem::take(&mut stage.inner().tape);
        Self {
            number: input.number,
            family: input.family,
            input: input.digest(),
            end: report.end,
            usage: report.usage,
            asked: tape.asked,
            requests: tape.requests,
            log: report.log,
            stack: tape.stack,
        }
    }

    /// Whether time ended it: how far it got until then is chance.
    pub fn cut_off(&self) -> bool {
        matches!(self.end, CallEnd::Limit("cpu-ms" | "wall-ms"))
    }

    /// How much of the run's patience a call takes that time ended.
    pub fn patience(&self, lab: &Lab) -> Duration {
        match self.end {
            CallEnd::Limit("cpu-ms") => lab.limits.cpu(),
            CallEnd::Limit("wall-ms") => lab.limits.wall(),
            _ => Duration::ZERO,
        }
    }

    /// How it ended, as reports name it.
    pub fn ended(&self) -> String {
        match &self.end {
            CallEnd::Ok => "ok".to_owned(),
            CallEnd::Failed { error, .. } => format!("failed {error}"),
            CallEnd::Trapped(_) => "trap".to_owned(),
            CallEnd::Limit(name) => format!("limit {name}"),
            CallEnd::Refused(_) | CallEnd::Untrusted(_) => "refused".to_owned(),
            CallEnd::HostFailed(_) => "host failed".to_owned(),
            CallEnd::Ended(_) => "ended".to_owned(),
            CallEnd::Held { .. } => "held".to_owned(),
        }
    }

    /// Where a panic was, by the line that the SDK logs before it.
    pub fn place(&self) -> Option<String> {
        let line = self.log.iter().rev().find_map(|(_, line)| line.strip_prefix("panicked at "))?;
        let place: String = line.chars().take_while(|c| c.is_ascii_alphanumeric() || "_./-:".contains(*c)).collect();
        let place = place.trim_end_matches(':');
        // A file and a line, and perhaps a column.
        let (file, line) = place.rsplit_once(':')?;
        let fits = !file.is_empty() && line.parse::<u32>().is_ok() && place.len() <= 120;
        fits.then(|| place.to_owned())
    }
}

/// What the calls of a pass have in common.
#[derive(Clone, Copy)]
pub(crate) struct About<'a> {
    pub granted: Granted,
    pub seed: u64,
    pub names: &'a std::collections::BTreeSet<String>,
    /// Whether arguments are kept in words.
    pub spoken: bool,
}

/// The digest over inputs, one after the other.
pub(crate) fn digest_over(inputs: &[Digest]) -> Digest {
    let text: Vec<String> = inputs.iter().map(ToString::to_string).collect();
    Digest::of(text.join("\n").as_bytes())
}

/// The inputs with these numbers.
pub(crate) fn input(corpus: &Corpus, number: u64) -> Result<Input, VetError> {
    corpus.input(number).ok_or(VetError::NoInput(number))
}
