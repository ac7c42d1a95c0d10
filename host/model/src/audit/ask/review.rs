//! What has changed for an installation since its release was last reviewed?

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{Entry, Field, Finding, Found, StoreError, Walk, by, list, of_kinds, single};
use crate::{
    audit::{
        Kind,
        query::{Terms, kinds},
    },
    time::Timestamp,
};

/// What is done all day, and is no change.
const DAILY: [&str; 9] =
    ["act.", "call.", "visit.", "event.", "delivery.", "token.", "code.", "backend.delivery", "connection.renew"];

pub(super) async fn answer(
    walk: &mut Walk<'_>,
    installation: &str,
    since: Option<Timestamp>,
) -> Result<Found, StoreError> {
    let newest =
        of_kinds(&["plugin.installed", "plugin.upgraded", "plugin.granted"]).and(Field::Installation, installation);
    let Some((_, known)) = walk.newest(&newest).await? else {
        let note = format!("The log has no installation {}.", crate::audit::plain(installation));
        return Ok((Vec::new(), vec![note]));
    };
    let plugin = known.text("plugin").unwrap_or_default().to_owned();
    let of_plugin = |kinds: &[&str]| of_kinds(kinds).and(Field::Plugin, &plugin);
    let review = match since {
        Some(_) => None,
        None => walk.newest(&of_plugin(&["release.reviewed"])).await?,
    };
    let (after, note) = match (&review, since) {
        (Some((index, entry)), _) => {
            (*index, format!("Last reviewed at {} by {} (entry {index}).", entry.time, by(entry)))
        }
        (None, Some(since)) => (0, format!("Since {since}.")),
        (None, None) => (0, format!("No release of {plugin} was ever reviewed: this is everything.")),
    };
    let mut changes = BTreeMap::new();
    let mut take = |index: u64, entry: &Entry| {
        if review.is_none() || index > after {
            changes.insert(index, changed(index, entry));
        }
    };
    let kinds: Vec<&str> = kinds().iter().copied().filter(|kind| !is_daily(kind)).collect();
    let of_installation = of_kinds(&kinds).and(Field::Installation, installation);
    walk.each(&of_installation.within(since, None), &mut take).await?;
    let releases = [
        "release.reviewed",
        "release.vulnerable",
        "release.withdrawn",
        "release.reinstated",
        "release.overridden",
        "plugin.reported",
    ];
    walk.each(&of_plugin(&releases).within(since, None), &mut take).await?;
    let mut findings: Vec<Finding> = changes.into_values().collect();
    let is_new = |index: u64, entry: &Entry| match since {
        Some(since) => entry.time >= since,
        None => review.is_none() || index > after,
    };
    findings.extend(first_uses(walk, installation, is_new).await?);
    Ok((findings, vec![note]))
}

fn is_daily(kind: &str) -> bool {
    DAILY.iter().any(|start| kind.starts_with(start))
}

/// Destinations and scopes that were used for the first time since.
async fn first_uses(
    walk: &mut Walk<'_>,
    installation: &str,
    is_new: impl Fn(u64, &Entry) -> bool + Send + Sync,
) -> Result<Vec<Finding>, StoreError> {
    let filter = of_kinds(&["act.permitted"]).and(Field::Installation, installation);
    let (mut known, mut found) = (BTreeSet::new(), Vec::new());
    walk.each(&filter, |index, entry| {
        let terms = Terms::of(entry);
        let hosts = terms.all(Field::Host).map(|host| ("destination", host.to_owned()));
        let name = entry.text("scope").and_then(|scope| scope.split_whitespace().next());
        for (what, value) in hosts.chain(name.map(|name| ("scope", name.to_owned()))) {
            if known.insert((what, value.clone())) && is_new(index, entry) {
                let facts = BTreeMap::from([(what, json!(value))]);
                found.push(single(index, entry, format!("first use of the {what} {value}"), facts));
            }
        }
    })
    .await?;
    Ok(found)
}

fn changed(index: u64, entry: &Entry) -> Finding {
    let (kind, who) = (entry.kind.name(), by(entry));
    let mut what = format!("{kind} by {who}");
    let mut facts = BTreeMap::from([("kind", json!(kind)), ("by", json!(who))]);
    if entry.kind == Kind::PluginGranted {
        let (before, now) = (list(entry, "before"), list(entry, "scopes"));
        let beyond = |some: &[String], others: &[String]| -> Vec<String> {
            some.iter().filter(|scope| !others.contains(scope)).cloned().collect()
        };
        let (added, dropped) = (beyond(&now, &before), beyond(&before, &now));
        for (name, scopes) in [("added", added), ("dropped", dropped)] {
            if !scopes.is_empty() {
                what.push_str(&format!(", {name}: {}", scopes.join("; ")));
            }
            facts.insert(name, json!(scopes));
        }
    }
    for name in ["version", "reason", "name", "decision", "policy"] {
        if let Some(text) = entry.text(name) {
            what.push_str(&format!(", {name} {text}"));
            facts.insert(name, json!(text));
        }
    }
    single(index, entry, what, facts)
}
