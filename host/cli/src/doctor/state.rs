//! What a host's state says: the log, keys and credentials, trust, backups, the clock.

use anyhow::Result;
use portcullis_audit::{Log, LogVerifier};
use portcullis_model::time::Timestamp;

use super::{AHEAD, Finding};
use crate::{backup, host::Host, log_proof};

/// How far an entry may be ahead of the clock, in milliseconds.
const AHEAD_OF_CLOCK: i64 = 60_000;

/// All of it.
pub(super) async fn of(host: &Host, now: Timestamp) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(said("log", log(host).await));
    found.extend(said("clock", clock(host, now).await));
    found.extend(said("vault", vault(host).await));
    found.extend(said("trust", trust(host, now).await));
    found.extend(said("backups", backups(host, now).await));
    found.extend(said("witnesses", witnesses(host).await));
    found
}

fn said(check: &'static str, found: Result<Vec<Finding>>) -> Vec<Finding> {
    found.unwrap_or_else(|error| vec![Finding::bad(check, format!("{error:#}"), "See what it says, and try again.")])
}

async fn log(host: &Host) -> Result<Vec<Finding>> {
    const CHECK: &str = "log";
    let key = LogVerifier::parse(&log_proof::vkey(&host.home)?)?;
    let size = tokio::task::block_in_place(|| Log::open(&host.home.log(), &key).map(|log| log.head().size()))?;
    let (state, entries) = (host.store.log_state().await?, host.store.entry_count().await?);
    let todo = "See 'portcullis audit verify'; a home is restored whole, with 'portcullis restore'.";
    Ok(vec![match () {
        () if entries < size => {
            Finding::bad(CHECK, format!("{size} entries are published, and the database has {entries}"), todo)
        }
        () if state.advanced > size.max(state.leaves_from) => Finding::bad(
            CHECK,
            format!("{size} entries are published, and the database knows of {}", state.advanced),
            todo,
        ),
        () => Finding::ok(CHECK, format!("{size} entries are published, {} wait", entries - size)),
    }])
}

async fn clock(host: &Host, now: Timestamp) -> Result<Vec<Finding>> {
    let entries = host.store.entry_count().await?;
    let last = host.store.entries(entries.saturating_sub(1), 1).await?.first().map(|entry| entry.time);
    Ok(vec![match last {
        Some(last) if last.0 > now.0 + AHEAD_OF_CLOCK => Finding::bad(
            "clock",
            format!("the newest audit entry is of {last}, and the clock says {now}"),
            "Set the machine's clock by NTP: what is due, and what has expired, is decided by it.",
        ),
        _ => Finding::ok("clock", format!("{now}, after all that was recorded")),
    }])
}

async fn vault(host: &Host) -> Result<Vec<Finding>> {
    const CHECK: &str = "vault";
    let status = host.vault().status().await?;
    let mut found = Vec::new();
    if status.wrapping_keys.iter().any(|key| !key.at_hand && key.wraps > 0) {
        let todo = "Put the key back from a copy, or see 'portcullis vault give-up --help'.";
        found.push(Finding::bad(CHECK, "a key-encryption key is not at hand", todo));
    }
    if !status.unopened.is_empty() {
        let says = format!("{} stored secrets do not open", status.unopened.len());
        found.push(Finding::bad(CHECK, says, "See 'portcullis vault status'."));
    }
    let waiting: usize = status.tenants.values().filter_map(|one| one.standing.get("consent-needed")).sum();
    if waiting > 0 {
        let says = format!("{waiting} connections need a person's consent");
        found.push(Finding::warn(CHECK, says, "See 'portcullis connection list'."));
    }
    if found.is_empty() {
        found.push(Finding::ok(CHECK, "keys are at hand, and every stored secret opens"));
    }
    Ok(found)
}

async fn trust(host: &Host, now: Timestamp) -> Result<Vec<Finding>> {
    const CHECK: &str = "trust";
    let trust = host.registry.trust().await??;
    let todo = "Sign its next version: 'portcullis trust change --help'.";
    let mut found = Vec::new();
    for scope in trust.scopes() {
        let until = host.root(&scope).await?.expires;
        let says = format!("the root of '{scope}' holds until {until}");
        found.push(match until {
            until if until <= now => Finding::bad(CHECK, format!("{says}: nothing runs"), todo),
            until if until <= now.plus(AHEAD) => Finding::warn(CHECK, says, todo),
            _ => Finding::ok(CHECK, says),
        });
    }
    Ok(found)
}

async fn backups(host: &Host, now: Timestamp) -> Result<Vec<Finding>> {
    let state = backup::state(&host.store, &host.config.backup, now).await?;
    Ok(match state.open.is_empty() {
        true => vec![Finding::ok("backups", "are made, and were restored as a test")],
        false => {
            state.open.iter().map(|open| Finding::warn("backups", open, "See docs/operators/backup.md.")).collect()
        }
    })
}

async fn witnesses(host: &Host) -> Result<Vec<Finding>> {
    const CHECK: &str = "witnesses";
    let all = host.store.witnesses().await?;
    let failing: Vec<_> =
        all.iter().filter_map(|one| Some(format!("{}: {}", one.name, one.problem.as_ref()?))).collect();
    Ok(vec![match (all.is_empty(), failing.is_empty()) {
        (true, _) => Finding::warn(
            CHECK,
            "nobody cosigns the audit log",
            "Name one: 'portcullis audit witness add --help'. Without, keep checkpoints elsewhere yourself.",
        ),
        (_, true) => Finding::ok(CHECK, format!("{} cosign the audit log", all.len())),
        (_, false) => Finding::warn(CHECK, failing.join("; "), "See 'portcullis audit witness list'."),
    }])
}
