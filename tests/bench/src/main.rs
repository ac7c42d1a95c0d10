//! Measures what the guards cost and what the queue carries. Prints JSON; asserts nothing.
//!
//! `cargo run --release -p portcullis-bench`, or `make bench`. With `--quick` a tenth or less of it, with `--egress` the door out alone, with
//! `--proofs` only the proofs of the audit log.

mod audit_proof;
mod call;
mod egress;
mod events;
mod lab;
mod limits;
mod verify;

use anyhow::Result;
use serde_json::json;

fn main() -> Result<()> {
    let asked = |option: &str| std::env::args().any(|arg| arg == option);
    let (quick, requests) = (asked("--quick"), if asked("--quick") { 2_000 } else { 20_000 });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(async {
        if asked("--egress") {
            return anyhow::Ok(json!({ "egress": egress::measure(requests).await? }));
        }
        if asked("--proofs") {
            return audit_proof::measure(if quick { 100_000 } else { 10_000_000 }, 1_000).await;
        }
        let calls = call::measure(if quick { 200 } else { 5_000 }).await?;
        let events = events::measure(if quick { 500 } else { 10_000 }).await?;
        let limits = limits::measure(if quick { 10 } else { 100 }).await?;
        let egress = egress::measure(requests).await?;
        let verified = verify::measure(if quick { 200 } else { 10_000 }).await?;
        let proofs = audit_proof::measure(if quick { 100_000 } else { 10_000_000 }, 1_000).await?;
        anyhow::Ok(json!({ "audit-proofs": proofs, "one-call": calls, "events": events, "limits": limits, "egress": egress, "verified-at-load": verified }))
    })?;
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}
