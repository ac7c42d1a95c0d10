//! Measures what the guards cost and what the queue and the audit log carry. Prints JSON; asserts nothing.
//!
//! `cargo run --release -p portcullis-bench`, or `make bench`. With `--quick` a tenth or less of it; with `--egress`, `--proofs`,
//! `--audit-reading` that part alone. `--pages` is the console and the admin API of a large home, which is no part of the whole; with
//! `--only TEXT` the paths that have it.

mod audit;
mod audit_proof;
mod audit_reading;
mod call;
mod egress;
mod events;
mod lab;
mod limits;
mod pages;
mod verify;

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

/// As in the host that is measured.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let asked = |option: &str| std::env::args().any(|arg| arg == option);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let quick = asked("--quick");
    let report = runtime.block_on(async {
        match () {
            () if asked("--egress") => Ok(json!({ "egress": requests_out(quick).await? })),
            () if asked("--audit-writing") => Ok(json!({ "audit-writing": writing(quick).await? })),
            () if asked("--proofs") => proofs(quick).await,
            () if asked("--audit-reading") => reading(quick).await,
            () if asked("--pages") => pages_of(quick).await,
            () => all(quick).await,
        }
    })?;
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

async fn all(quick: bool) -> Result<Value> {
    let reading = reading(quick).await?;
    let calls = call::measure(if quick { 200 } else { 5_000 }).await?;
    let events = events::measure(if quick { 500 } else { 10_000 }).await?;
    let limits = limits::measure(if quick { 10 } else { 100 }).await?;
    let egress = requests_out(quick).await?;
    let verified = verify::measure(if quick { 200 } else { 10_000 }).await?;
    Ok(json!({
        "one-call": calls, "events": events, "limits": limits, "egress": egress, "verified-at-load": verified,
        "audit-writing": writing(quick).await?, "audit-proofs": proofs(quick).await?, "audit-reading": reading,
    }))
}

async fn requests_out(quick: bool) -> Result<Value> {
    egress::measure(if quick { 2_000 } else { 20_000 }).await
}

async fn writing(quick: bool) -> Result<Value> {
    audit::measure(if quick { 2_000 } else { 40_000 }).await
}

async fn proofs(quick: bool) -> Result<Value> {
    audit_proof::measure(if quick { 100_000 } else { 10_000_000 }, 1_000).await
}

async fn reading(quick: bool) -> Result<Value> {
    match quick {
        true => audit_reading::measure(1, Duration::from_secs(2), 50_000).await,
        false => audit_reading::measure(7, Duration::from_secs(10), 1_000_000).await,
    }
}

async fn pages_of(quick: bool) -> Result<Value> {
    match quick {
        true => pages::measure(100, 20_000).await,
        false => pages::measure(1_000, 1_000_000).await,
    }
}
