//! What did this plugin touch?

use std::collections::BTreeMap;

use serde_json::json;

use super::{Entry, Found, Span, StoreError, Tally, Walk, Whose, of_kinds};
use crate::audit::Kind;

const KINDS: [&str; 3] = ["act.outcome", "act.denied", "act.unknown"];

pub(super) async fn answer(walk: &mut Walk<'_>, whose: &Whose, span: Span) -> Result<Found, StoreError> {
    let filter = whose.narrow(of_kinds(&KINDS)).within(span.since, span.until);
    let mut tally = Tally::new();
    walk.each(&filter, |index, entry| count(&mut tally, index, entry)).await?;
    Ok((findings(tally), Vec::new()))
}

/// Counts an act under what it was about, and how it ended.
pub(super) fn count(tally: &mut Tally<(String, String)>, index: u64, entry: &Entry) {
    let act = entry.text("act").unwrap_or("-").to_owned();
    let record = entry.resource.clone().unwrap_or_else(|| "-".into());
    let ended = match entry.kind {
        Kind::ActDenied => "denied",
        Kind::ActUnknown => "unknown",
        _ => entry.text("outcome").unwrap_or("unknown"),
    };
    tally.add((record, act), index, entry.time, ended);
}

pub(super) fn findings(tally: Tally<(String, String)>) -> Vec<super::Finding> {
    let finding = |((record, act), counted): ((String, String), super::Counted)| {
        let what = format!("{record}: {act} ({})", counted.words());
        let facts = BTreeMap::from([("record", json!(record)), ("act", json!(act)), ("outcomes", json!(counted.by))]);
        counted.finding(what, facts)
    };
    tally.0.into_iter().map(finding).collect()
}
