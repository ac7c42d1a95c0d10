//! The honest work: how many changes of tickets in each status were seen, kept in the store and sent to a dashboard.

use portcullis_sdk::prelude::*;
use portcullis_sdk::tickets::{Field, Status};

/// Where the counts are sent. The manifest's `http:send` scope names the same place.
pub const DASHBOARD: &str = "https://metrics.example.test/v1/counts";

/// Counts one change of a ticket. A dashboard that cannot be reached is no failure: the next count makes up for it.
pub fn count(ticket: &str) -> Result<(), Error> {
    let ticket = tickets::get(ticket, &[Field::Status, Field::Priority])?;
    let name = match ticket.status {
        Some(Status::New) => "new",
        Some(Status::Open) => "open",
        Some(Status::Pending) => "pending",
        Some(Status::Hold) => "hold",
        Some(Status::Solved) => "solved",
        Some(Status::Closed) => "closed",
        None => "unknown",
    };
    let counts = kv::open("counts")?;
    let count = counts.get_json::<u64>(name)?.unwrap_or(0) + 1;
    counts.set_json(name, &count)?;

    let sent = http::Request::post(DASHBOARD).json(&serde_json::json!({ "status": name, "count": count })).send();
    if let Err(error) = sent.and_then(http::Response::success) {
        log::info!("the dashboard did not take the count: {error}");
    }
    Ok(())
}
