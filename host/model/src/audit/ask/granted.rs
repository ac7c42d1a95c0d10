//! Who granted this scope, and when was it last used?

use std::collections::BTreeMap;

use serde_json::json;

use super::{Entry, Field, Finding, Found, StoreError, Walk, by, list, of_kinds, single};
use crate::audit::Kind;

const KINDS: [&str; 4] = ["plugin.installed", "plugin.granted", "plugin.upgraded", "plugin.rolled-back"];

pub(super) async fn answer(walk: &mut Walk<'_>, scope: &str, installation: &str) -> Result<Found, StoreError> {
    let filter = of_kinds(&KINDS).and(Field::Installation, installation);
    let (mut findings, mut before) = (Vec::new(), Vec::new());
    walk.each(&filter, |index, entry| {
        let now: Vec<String> = list(entry, "scopes").into_iter().filter(|granted| means(scope, granted)).collect();
        if now != before {
            findings.push(changed(index, entry, &now));
        }
        before = now;
    })
    .await?;
    let name = scope.split_whitespace().next().unwrap_or(scope);
    for (kind, what) in [("act.permitted", "last used"), ("act.denied", "last denied")] {
        let filter = of_kinds(&[kind]).and(Field::Installation, installation).and(Field::Scope, name);
        findings.extend(walk.newest(&filter).await?.map(|(index, entry)| used(index, &entry, what)));
    }
    let mut notes = Vec::new();
    if findings.is_empty() {
        notes.push(format!("The log has no grant of {} to {}.", plain(scope), plain(installation)));
    } else if !findings.iter().any(|one| one.facts.contains_key("act")) {
        notes.push("It was never used.".into());
    }
    if scope != name {
        notes.push(format!("Uses are those of {}: an act names the least scope that covers it.", plain(name)));
    }
    Ok((findings, notes))
}

fn plain(text: &str) -> String {
    crate::audit::plain(text)
}

/// Whether a granted scope is the one that is asked about: its text, or its name.
fn means(asked: &str, granted: &str) -> bool {
    granted == asked || granted.split_whitespace().next() == Some(asked)
}

fn changed(index: u64, entry: &Entry, now: &[String]) -> Finding {
    let how = match (now.is_empty(), entry.kind) {
        (true, _) => "taken away",
        (false, Kind::PluginInstalled) => "granted at the install",
        (false, _) => "granted",
    };
    let who = by(entry);
    let what =
        format!("{how} by {who} ({}): {}", entry.kind.name(), if now.is_empty() { "-".into() } else { now.join("; ") });
    let facts = BTreeMap::from([("by", json!(who)), ("how", json!(how)), ("scopes", json!(now))]);
    single(index, entry, what, facts)
}

fn used(index: u64, entry: &Entry, what: &'static str) -> Finding {
    let (act, record) = (entry.text("act").unwrap_or("-"), entry.resource.as_deref().unwrap_or("-"));
    let facts = BTreeMap::from([("how", json!(what)), ("act", json!(act)), ("record", json!(record))]);
    single(index, entry, format!("{what}: {act} on {record}"), facts)
}
