//! One input again: with everything that a report leaves out. For the reviewer's own eyes, and for nobody's files.

use portcullis_model::{
    audit::plain,
    behaviour::{Difference, Family, Granted},
};
use serde::Serialize;

use crate::{
    Options, Release, VetError,
    compare::differences,
    outcome::{Outcome, input},
    run::Run,
    stage::{
        Take,
        tape::{Request, What},
    },
};

/// An input and what the plugin made of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Replay {
    /// Its number.
    pub input: u64,
    /// Where it comes from.
    pub family: Family,
    /// What was done to a sample event to make it; cut and escaped.
    pub made: String,
    /// The event's type.
    pub kind: String,
    /// What it is about.
    pub subject: Option<String>,
    /// The event's data.
    pub data: serde_json::Value,
    /// How the help desk and far servers answered.
    pub scene: String,
    /// With all that it asks for.
    pub all: Played,
    /// With what it requires; absent where it does not load then.
    pub required: Option<Played>,
    /// What a second run did otherwise, with all that it asks for, at another time and with other random bytes.
    pub differences: Vec<Difference>,
}

/// One call.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Played {
    /// How it ended.
    pub end: String,
    /// What it asked for, in its order.
    pub acts: Vec<PlayedAct>,
    /// Requests that were refused before they could be judged.
    pub refused: Vec<String>,
    /// What it logged: level and line.
    pub log: Vec<(String, String)>,
    /// The guest's functions where the engine ended it, innermost first; empty where it did not.
    pub stack: Vec<String>,
    /// CPU time, in microseconds.
    pub cpu_us: u64,
    /// The most linear memory, in bytes.
    pub memory: u64,
    /// Calls into the host.
    pub host_calls: u32,
}

/// One act.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PlayedAct {
    /// Its name.
    pub act: String,
    /// Its arguments in words; cut and escaped.
    pub arguments: String,
    /// The scope that would have covered it, where it was denied.
    pub needed: Option<String>,
    /// How it ended.
    pub outcome: Option<String>,
}

/// Runs the input with this number again. Release and options must be those of the run; how many mutated inputs there are does not
/// matter.
///
/// # Errors
/// As for [`vet`](crate::vet), and where there is no such input.
pub async fn replay(release: &Release, options: &Options, number: u64) -> Result<Replay, VetError> {
    let run = Run::new(release, options)?;
    if let Err(error) = run.lab.prepare(Granted::All).await? {
        return Err(VetError::Load(plain(&error.to_string())));
    }
    let input = input(&run.corpus, number)?;
    let play = |granted, take| {
        let (run, input) = (&run, &input);
        async move { Outcome::of(&run.lab, &run.about(granted, true), input, take).await }
    };
    let first = play(Granted::All, Take::First).await?;
    let second = play(Granted::All, Take::Second).await?;
    let differences = if first.cut_off() || second.cut_off() { Vec::new() } else { differences(&first, &second) };
    let required = match run.lab.prepare(Granted::Required).await? {
        Ok(()) => Some(played(play(Granted::Required, Take::First).await?)),
        Err(_) => None,
    };
    Ok(Replay {
        input: number,
        family: input.family,
        made: plain(&input.made),
        kind: input.event.kind.clone(),
        subject: input.event.subject.clone(),
        data: input.event.data.clone(),
        scene: format!("help desk {:?}, far servers {:?}", input.scene.desk, input.scene.far).to_lowercase(),
        all: played(first),
        required,
        differences,
    })
}

fn played(outcome: Outcome) -> Played {
    let acts = outcome.asked.into_iter().filter(|asked| asked.act != crate::outcome::LOG);
    let act = |asked: crate::stage::tape::Asked| PlayedAct {
        act: asked.act,
        arguments: asked.words.unwrap_or_default(),
        needed: match asked.what {
            What::Denied(scope) => Some(scope.to_string()),
            What::Permitted(_) => None,
        },
        outcome: asked.outcome,
    };
    let refused = |request: &Request| {
        let problem = request.problem.as_ref()?;
        Some(format!("{} {}: {problem}", request.method, request.host))
    };
    Played {
        end: outcome.end.to_string(),
        acts: acts.map(act).collect(),
        refused: outcome.requests.iter().filter_map(refused).collect(),
        log: outcome.log.into_iter().map(|(level, line)| (level.to_owned(), line)).collect(),
        stack: outcome.stack,
        cpu_us: u64::try_from(outcome.usage.cpu.as_micros()).unwrap_or(u64::MAX),
        memory: outcome.usage.memory,
        host_calls: outcome.usage.host_calls,
    }
}
