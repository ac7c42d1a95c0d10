//! Measures what the guards cost and what the queue carries. Prints JSON; asserts nothing.
//!
//! `cargo run --release -p portcullis-bench`, or `make bench`.

mod audit;
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
        let audit = audit::measure(if quick { 2_000 } else { 40_000 }).await?;
        let calls = call::measure(if quick { 200 } else { 5_000 }).await?;
        let events = events::measure(if quick { 500 } else { 10_000 }).await?;
        let limits = limits::measure(if quick { 10 } else { 100 }).await?;
        let egress = egress::measure(if quick { 2_000 } else { 20_000 }).await?;
        let verified = verify::measure(if quick { 200 } else { 10_000 }).await?;
        anyhow::Ok(json!({ "audit": audit, "one-call": calls, "events": events, "limits": limits, "egress": egress, "verified-at-load": verified }))
    })?;
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}
