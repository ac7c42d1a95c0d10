//! Measures what the guards cost and what the queue carries. Prints JSON; asserts nothing.
//!
//! `cargo run --release -p portcullis-bench`, or `make bench`. With `--quick` a tenth or less of it, with `--proofs 10000000` only the proofs
//! of the audit log, in one of so many entries.

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
    let quick = std::env::args().any(|arg| arg == "--quick");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(async {
        if let Some(entries) = std::env::args().skip_while(|arg| arg != "--proofs").nth(1) {
            return audit_proof::measure(entries.parse()?, 1_000).await;
        }
        let calls = call::measure(if quick { 200 } else { 5_000 }).await?;
        let events = events::measure(if quick { 500 } else { 10_000 }).await?;
        let limits = limits::measure(if quick { 10 } else { 100 }).await?;
        let egress = egress::measure(if quick { 2_000 } else { 20_000 }).await?;
        let verified = verify::measure(if quick { 200 } else { 10_000 }).await?;
        let proofs = audit_proof::measure(if quick { 100_000 } else { 10_000_000 }, 1_000).await?;
        anyhow::Ok(json!({ "audit-proofs": proofs, "one-call": calls, "events": events, "limits": limits, "egress": egress, "verified-at-load": verified }))
    })?;
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}
