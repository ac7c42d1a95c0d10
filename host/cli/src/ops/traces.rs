//! Sends spans of what the host does to a collector, by OTLP over HTTP.
//!
//! They are made from the audit log, read behind what is going on: a call never waits for them, and of what a collector does not take in
//! time the log is the only queue. Who falls too far behind goes on from the log's end. A receiver that has to have every entry is an
//! outlet of the log, and not this.
//!
//! Invariants: at most a page of the log is in memory; spans are sent at most once; a restart begins at the log's end.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result, anyhow};
use portcullis_broker::{
    outlet::{Collector, Endpoint, Trouble},
    resolve::SystemResolver,
};
use portcullis_evidence::spans::Spans;
use portcullis_model::{
    audit::{plain, reader::AuditReader},
    error::StoreError,
};
use serde::Deserialize;
use tokio::sync::watch;

use crate::{host::Host, log_proof, reading::LogReader};

/// How many entries are read at a time.
const PAGE: usize = 256;
/// How far behind the log's end is too far.
const BEHIND: u64 = 50_000;
/// How often a log in which nothing happens is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How long a collector that takes nothing is left alone, and the longest that it can ask for.
const AGAIN: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(600);

/// `[traces]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Traces {
    /// The collector's whole address, such as `https://collector.example:4318/v1/traces`. Absent: nothing is sent.
    pub endpoint: Option<String>,
    /// Which share of all traces is sent, from 0 to 1.
    pub ratio: f64,
    /// A file with more headers, `Name: value` in each line.
    pub headers_file: Option<PathBuf>,
}

impl Default for Traces {
    fn default() -> Self {
        Self { endpoint: None, ratio: 0.05, headers_file: None }
    }
}

impl Traces {
    pub(crate) fn check(&self) -> Result<()> {
        if let Some(endpoint) = &self.endpoint {
            endpoint.parse::<Endpoint>().map_err(|problem| anyhow!("traces.endpoint: {}", plain(&problem)))?;
        }
        match (0.0..=1.0).contains(&self.ratio) {
            true => Ok(()),
            false => Err(anyhow!("traces.ratio: expected 0 to 1")),
        }
    }
}

/// Sends until it is told to stop; waits for that, where nothing is to be sent.
pub async fn run(host: Arc<Host>, reader: Arc<LogReader>, mut stop: watch::Receiver<bool>) {
    match collector(&host) {
        Ok(Some(collector)) => {
            let sending = send(&host, reader.as_ref(), collector);
            tokio::select! {
                () = sending => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }
        Ok(None) => drop(stop.wait_for(|stop| *stop).await),
        Err(error) => {
            tracing::error!(%error, "no spans are sent");
            drop(stop.wait_for(|stop| *stop).await);
        }
    }
}

fn collector(host: &Host) -> Result<Option<Collector>> {
    let Traces { endpoint, headers_file, .. } = &host.config.traces;
    let Some(endpoint) = endpoint else { return Ok(None) };
    let endpoint = endpoint.parse::<Endpoint>().map_err(|problem| anyhow!(problem))?;
    let key = log_proof::vkey(&host.home)?;
    let origin = key.split('+').next().context("a key without a name")?;
    let (around, resolver) = (Spans::around(origin), Arc::new(SystemResolver::default()));
    Ok(Some(Collector::new(endpoint, headers_file.clone(), around, &host.config.egress()?, resolver)?))
}

async fn send(host: &Host, reader: &dyn AuditReader, mut collector: Collector) {
    let mut spans = Spans::new(host.config.traces.ratio);
    let (mut next, mut failing) = (None, false);
    loop {
        let pause = match page(host, reader, &mut spans, &mut next).await {
            Err(error) => {
                tracing::error!(%error, "spans cannot be made: the log cannot be read");
                AGAIN
            }
            Ok((batch, more)) => match sent(&mut collector, &batch).await {
                Ok(()) => {
                    failing = false;
                    if more { Duration::ZERO } else { LOOK }
                }
                Err(Trouble { problem, pause }) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(problem, "a collector does not take spans");
                    }
                    pause.unwrap_or(AGAIN).clamp(AGAIN, LONGEST)
                }
            },
        };
        tokio::time::sleep(pause).await;
    }
}

async fn sent(collector: &mut Collector, batch: &[Vec<u8>]) -> Result<(), Trouble> {
    match batch.is_empty() {
        true => Ok(()),
        false => collector.send(0, batch).await.map(drop),
    }
}

/// The spans of the next page, and whether there is another one.
async fn page(
    host: &Host,
    reader: &dyn AuditReader,
    spans: &mut Spans,
    next: &mut Option<u64>,
) -> Result<(Vec<Vec<u8>>, bool), StoreError> {
    let entries = host.store.entry_count().await?;
    let from = next.filter(|next| entries.saturating_sub(*next) <= BEHIND).unwrap_or(entries);
    let page = reader.follow(from, PAGE).await?;
    *next = Some(page.last().map_or(from, |last| last.index + 1));
    Ok((page.iter().flat_map(|shown| spans.take(shown)).collect(), page.len() == PAGE))
}
