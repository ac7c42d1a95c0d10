//! What it costs to verify a release when it is loaded: three statements (the publisher's and two reviewers'), a real store, warm.

use std::time::{Duration, Instant};

use anyhow::Result;
use portcullis_model::{release::Releases as _, trust::RootScope};
use portcullis_packages::{
    keys::SecretKey,
    statement::{Decision, Statement, Verdict},
    trust::root::Needed,
};
use serde_json::{Value, json};

use crate::lab::{Lab, percentiles};

/// Measures.
pub async fn measure(rounds: usize) -> Result<Value> {
    let lab = Lab::set_up().await?;
    let host = &lab.host;
    let reviewers = [SecretKey::generate(host.rng.as_ref()), SecretKey::generate(host.rng.as_ref())];
    host.change_root(&RootScope::Platform, |root| {
        for key in &reviewers {
            let id = root.know(&key.public(), "a reviewer");
            root.reviewers.insert(id);
        }
        root.reviews = Needed { low: 2, medium: 2, high: 2 };
    })
    .await?;
    let (id, now) = (lab.echo.release_id(), host.clock.now());
    for key in &reviewers {
        let verdict = Verdict {
            decision: Decision::Approve,
            at_most: vec!["events:receive types=* data=full".parse()?],
            issued: now,
            expires: now.plus(Duration::from_secs(3_600)),
            report: None,
            reason: "measured".to_owned(),
        };
        let envelope = Statement::about(&id, verdict).signed(key)?;
        host.keeper().state(&id, &envelope.to_json()).await?;
    }
    let mut times = Vec::new();
    for round in 0..rounds + rounds / 10 {
        let began = Instant::now();
        host.registry.verified(&id, &lab.echo.tenant).await?;
        if round >= rounds / 10 {
            times.push(began.elapsed().as_secs_f64() * 1e6);
        }
    }
    let (p50, p99) = percentiles(times);
    Ok(json!({ "rounds": rounds, "statements": 3, "us": { "p50": p50, "p99": p99 }, "target-us": 1_000 }))
}
