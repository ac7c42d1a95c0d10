//! Has the published log cosigned by its witnesses, and keeps what they cosigned beside it.
//!
//! Invariants: a witness that does not answer holds up nothing, and is asked again; one is asked at most twice in a round, the second
//! time from the size that it named itself; a refusal stands in the host's log output once, until it changes.

use std::{collections::HashMap, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use portcullis_audit::{Answer, Log, LogVerifier, WitnessKey, add_checkpoint, answer, put_cosigned};
use portcullis_broker::{
    resolve::SystemResolver,
    witness::{WitnessClient, WitnessUrl},
};
use portcullis_model::audit::plain;
use portcullis_store::LogWitness;
use tokio::sync::watch;

use crate::{host::Host, log_proof};

/// What came of asking one.
#[derive(Debug)]
pub struct Asked {
    /// Which.
    pub name: String,
    /// How many entries it has cosigned now.
    pub known: u64,
    /// Why it did not cosign.
    pub problem: Option<String>,
}

/// Asks in turns until `stop` turns true.
pub async fn run(host: Arc<Host>, mut stop: watch::Receiver<bool>) {
    let every = Duration::from_secs(host.config.log.witness_interval_s.max(1));
    let mut said: HashMap<String, String> = HashMap::new();
    loop {
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let round = tokio::select! {
            round = ask(&host, false) => round,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        match round {
            Ok(asked) => asked.into_iter().for_each(|one| match one.problem {
                Some(problem) if said.get(&one.name) != Some(&problem) => {
                    tracing::warn!(witness = %one.name, %problem, "a witness does not cosign the audit log");
                    said.insert(one.name, problem);
                }
                Some(_) => {}
                None => drop(said.remove(&one.name)),
            }),
            Err(error) => tracing::error!(%error, "the audit log's witnesses cannot be asked"),
        }
    }
}

/// Asks each witness that has not cosigned the log's head; all of them where `again`.
pub async fn ask(host: &Host, again: bool) -> Result<Vec<Asked>> {
    let witnesses = host.store.witnesses().await?;
    if witnesses.is_empty() {
        return Ok(Vec::new());
    }
    let key = LogVerifier::parse(&log_proof::vkey(&host.home)?)?;
    let log = Log::open(&host.home.log(), &key)?;
    let client = WitnessClient::new(&host.config.egress()?, Arc::new(SystemResolver::default()))?;
    let mut asked = Vec::new();
    for witness in witnesses {
        if !again && witness.known == log.head().size() {
            continue;
        }
        let mut known = witness.known;
        let problem =
            one(host, &client, &log, &witness, &mut known).await.err().map(|error| plain(&format!("{error:#}")));
        host.store.witness_asked(witness.name.clone(), known, host.clock.now(), problem.clone()).await?;
        asked.push(Asked { name: witness.name, known, problem });
    }
    Ok(asked)
}

async fn one(host: &Host, client: &WitnessClient, log: &Log, witness: &LogWitness, known: &mut u64) -> Result<()> {
    let (key, url) = (WitnessKey::parse(&witness.vkey)?, WitnessUrl::parse(&witness.url).map_err(anyhow::Error::msg)?);
    for _ in 0..2 {
        let from = (*known).min(log.head().size());
        let request = tokio::task::block_in_place(|| add_checkpoint(log, from))?;
        let (status, body) = client.post(&url, request).await.map_err(anyhow::Error::msg)?;
        let now = u64::try_from(host.clock.now().0 / 1_000).context("a clock before 1970")?;
        match answer(&key, log.head(), now, status, &body) {
            Answer::Cosigned(line) => {
                tokio::task::block_in_place(|| put_cosigned(&host.home.log(), log.head(), &[line]))?;
                *known = log.head().size();
                return Ok(());
            }
            Answer::Knows(size) => *known = size,
            Answer::Refused(why) => anyhow::bail!(why),
        }
    }
    anyhow::bail!("it names another size each time")
}
