//! How long a call that has reached a limit still lives: a tight loop at its CPU limit, and one that waits in host calls at its
//! wall-clock limit.

use std::{sync::Arc, time::Instant};

use anyhow::{Result, ensure};
use portcullis_cli::serve;
use portcullis_model::{
    event::{Event, EventForm},
    installation::Installation,
    invoke::{CallEnd, Invoke},
    time::Timestamp,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

use crate::lab::{Lab, percentiles};

const HOST: &str = "silent.bench.test";
/// Sleepers at once: they wait, and need no processor.
const AT_ONCE: usize = 10;

/// Measures, over `rounds` calls each.
pub async fn measure(rounds: usize) -> Result<Value> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    // Accepts, and never says a word.
    let silent = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok(connection) = listener.accept().await {
            held.push(connection);
        }
    });
    // The circuit stays closed: each call is to wait for itself.
    let config = format!(
        "[egress]\ncircuit-failures = 1000000\n[[egress.private]]\nhost = \"{HOST}\"\naddress = \"{address}\"\n"
    );
    let lab = Lab::with(&config).await?;
    let runtime: Arc<dyn Invoke> = serve::runtime(&lab.host)?;
    let loops = lab.install("loops", &["log:write"], "cpu-ms = 100\nwall-ms = 10000\n").await?;
    let send = format!("http:send to=https://{HOST}/* methods=GET");
    let sleeps = lab.install("sleeps_in_http", &[&send, "log:write"], "cpu-ms = 1000\nwall-ms = 1000\n").await?;
    let url = json!({ "url": format!("https://{HOST}/") });
    let cpu = lived(&runtime, loops, json!({}), "cpu-ms", rounds, 1).await?;
    let wall = lived(&runtime, sleeps, url, "wall-ms", rounds, AT_ONCE).await?;
    silent.abort();
    Ok(json!({ "rounds": rounds, "tight-loop-at-100-ms-cpu": cpu, "sleeper-at-1000-ms-wall": wall }))
}

fn event(number: usize, data: Value) -> Result<Event> {
    Ok(Event {
        tenant: "demo".parse()?,
        origin: "bench".parse()?,
        id: number.to_string(),
        kind: "test.event".into(),
        source: "/bench".into(),
        subject: None,
        time: Timestamp(0),
        form: EventForm::CloudEvents,
        trace: None,
        data,
    })
}

async fn lived(
    runtime: &Arc<dyn Invoke>,
    installation: Installation,
    data: Value,
    limit: &'static str,
    rounds: usize,
    at_once: usize,
) -> Result<Value> {
    let (mut calls, mut times) = (JoinSet::new(), Vec::with_capacity(rounds));
    for number in 0..rounds {
        if calls.len() == at_once {
            times.extend(calls.join_next().await.transpose()?.transpose()?);
        }
        let (runtime, installation, event) = (runtime.clone(), installation.clone(), event(number, data.clone())?);
        calls.spawn(async move {
            let began = Instant::now();
            let report = runtime.handle(&installation, &event, 1).await;
            let lived = began.elapsed().as_secs_f64() * 1e3;
            ensure!(report.end == CallEnd::Limit(limit), "it ended otherwise: {}", report.end);
            Ok(lived)
        });
    }
    while let Some(ended) = calls.join_next().await {
        times.push(ended??);
    }
    let (p50, p99) = percentiles(times);
    Ok(json!({ "lived-ms": { "p50": p50, "p99": p99 } }))
}
