//! What became of tokens, and the search for every secret that there was: the account of it, and what must be true of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::Result;
use portcullis_model::audit::{Entry, Kind};
use serde::Serialize;

use super::{
    account::Account,
    back_end,
    expect::{Expectation, expect},
    issued::random_text,
    search::{Place, Search, control},
    stage::{DUMPS, Stage},
};

/// Core dumps, as a sort of place.
const CORE_DUMPS: &str = "core dumps of guests";
/// Databases.
const DATABASES: &str = "files of the databases";
/// The published log.
const LOG: &str = "files of the audit log";
/// Entries as they are stored.
const ENTRIES: &str = "audit entries";
/// Output.
const PRINTED: &str = "logs of the host's process";
/// Where the planted value must be found, or the search has not seen what it should. The published log has no content.
const PLANTED_IN: [&str; 3] = [CORE_DUMPS, DATABASES, ENTRIES];

/// Tokens, and the search for secrets.
#[derive(Debug, Serialize)]
pub struct SecretsAccount {
    /// Renewals by connection.
    pub renewed: BTreeMap<String, u64>,
    /// Renewals that failed.
    pub not_renewed: u64,
    /// Requests for tokens that the provider refused.
    pub refused_by_provider: u64,
    /// Requests of plugins that arrived, and those of them without a good token.
    pub requests: u64,
    /// Those without a good token.
    pub unauthorized: u64,
    /// What the back end did.
    pub back_end: back_end::Done,
    /// Secrets that were looked for, by what they are.
    pub values: BTreeMap<String, u64>,
    /// Where they were looked for.
    pub places: BTreeMap<&'static str, Place>,
    /// Calls after which the host searched guest memory for what it knows.
    pub memory_scans: u64,
    /// Calls in all.
    pub calls: u64,
    /// Of the searched, in how many a secret was found. The planted one does not count.
    pub found_in_memory: u64,
    /// Calls for the event with the planted value.
    pub planted_calls: u64,
    /// Those of them in which it was found.
    pub planted_found: u64,
    /// Of how many values that the provider issued the search finds one in what arrived there.
    pub seen_at_provider: u64,
    /// Ways of hiding a value, of which the search found it in the first number.
    pub hidden: (u64, u64),
}

/// Draws it up. Reads everything that the demo has left behind.
pub fn draw_up(stage: &Stage, entries: &[Entry]) -> Result<SecretsAccount> {
    let scanned = |entry: &Entry| entry.detail.get("secret-in-memory").and_then(serde_json::Value::as_bool);
    let planted = |entry: &&Entry| entry.resource.as_ref().is_some_and(|event| event.ends_with(&stage.planted));
    let calls: Vec<&Entry> = entries.iter().filter(|entry| entry.kind == Kind::CallEnded).collect();
    let (on_planted, others): (Vec<&Entry>, Vec<&Entry>) = calls.iter().copied().partition(planted);
    let found = |calls: &[&Entry]| calls.iter().filter(|entry| scanned(entry) == Some(true)).count() as u64;
    let mut renewed = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.kind == Kind::ConnectionRenewed) {
        *renewed.entry(entry.text("name").unwrap_or_default().to_owned()).or_default() += 1;
    }
    let failed = |entry: &&Entry| matches!(entry.kind, Kind::ConnectionRenewalFailed | Kind::ConnectionConsentNeeded);
    let received = stage.chat.received();
    Ok(SecretsAccount {
        renewed,
        not_renewed: entries.iter().filter(failed).count() as u64,
        refused_by_provider: stage.chat.provider.errors(),
        requests: received.len() as u64,
        unauthorized: received.iter().filter(|one| one.status == 401).count() as u64,
        back_end: stage.back_end.clone(),
        values: stage.issued.counts(),
        places: search(stage, entries)?,
        memory_scans: calls.iter().filter(|entry| scanned(entry).is_some()).count() as u64,
        calls: calls.len() as u64,
        found_in_memory: found(&others),
        planted_calls: on_planted.len() as u64,
        planted_found: found(&on_planted),
        seen_at_provider: seen(stage)?,
        hidden: control(&format!("{}+/~\"{}", random_text(), random_text()))?,
    })
}

fn search(stage: &Stage, entries: &[Entry]) -> Result<BTreeMap<&'static str, Place>> {
    let mut search = Search::new(&stage.issued.all(), &stage.planted)?;
    let (all, home) = (stage.dir.path(), stage.host.home.dir());
    let (dumps, log) = (all.join(DUMPS), stage.host.home.log());
    let home_of = &stage.host.home;
    let databases = [home_of.database(), home_of.helpdesk(), home_of.audit_index()];
    // Beside a database lie its write-ahead log and the index of that: the same name, and something after it.
    let is_of = |path: &Path, database: &Path| path.to_string_lossy().starts_with(&*database.to_string_lossy());
    let sort = |path: &Path| match path {
        _ if path.starts_with(&dumps) => CORE_DUMPS,
        _ if path.starts_with(&log) => LOG,
        _ if databases.iter().any(|database| is_of(path, database)) => DATABASES,
        _ if path.starts_with(home) => "other files of the host",
        _ if path.extension().is_some_and(|end| end == "stderr" || end == "stdout") => PRINTED,
        _ => "files of the plugins",
    };
    search.files(all, &sort)?;
    for (name, bytes) in stage.child.shown() {
        search.bytes("arguments and environment of the host's process", name, &bytes);
    }
    for (number, entry) in entries.iter().enumerate() {
        search.bytes(ENTRIES, &format!("entry {number}"), &serde_json::to_vec(entry)?);
    }
    Ok(search.places)
}

/// A search that finds nothing anywhere would prove nothing: each token that plugins' requests carried is found in what arrived.
fn seen(stage: &Stage) -> Result<u64> {
    let arrived: BTreeSet<String> = stage.chat.received().into_iter().filter_map(|one| one.authorization).collect();
    let mut search = Search::new(&stage.issued.all(), &stage.planted)?;
    arrived.iter().for_each(|header| search.bytes("arrived", "a token", header.as_bytes()));
    Ok(search.places.values().map(|place| place.found.len() as u64).sum())
}

/// What must be true of it.
pub fn expectations(stage: &Stage, account: &Account) -> [Expectation; 4] {
    let secrets = &account.secrets;
    [renewals(account), back_end(secrets), memory(secrets), everywhere(stage, secrets)]
}

fn renewals(account: &Account) -> Expectation {
    let secrets = &account.secrets;
    let acts = account.plugins.values().filter_map(|plugin| plugin.acts.get("http.send"));
    // What met a limit, or was under way when its call did, says nothing about tokens.
    let of_tokens = |outcome: &str| !["ok", "limited", "unknown"].contains(&outcome);
    let failed: u64 = acts.flatten().filter(|(outcome, _)| of_tokens(outcome)).map(|(_, count)| count).sum();
    let often = ["chat", "metrics"].iter().all(|name| secrets.renewed.get(*name).is_some_and(|times| *times >= 2));
    let none = [secrets.not_renewed, secrets.refused_by_provider, secrets.unauthorized, failed] == [0; 4];
    let times: Vec<String> = secrets.renewed.iter().map(|(name, times)| format!("'{name}' {times} times")).collect();
    expect(
        "tokens that last seconds are renewed by the host, by client credentials and by refresh tokens that work once; no request fails",
        often && none,
        format!(
            "renewed: {}, {} failures; {} requests arrived, {} without a good token, {failed} failed",
            times.join(", "),
            secrets.not_renewed + secrets.refused_by_provider,
            secrets.requests,
            secrets.unauthorized
        ),
    )
}

fn back_end(secrets: &SecretsAccount) -> Expectation {
    let done = &secrets.back_end;
    expect(
        "a back end outside of the sandbox gets tokens by signed assertions, and the platform API takes them and no others",
        done.tokens == 3 && done.answered == 4 && done.requests == 4,
        format!("{} tokens, {} of {} requests answered as they must be", done.tokens, done.answered, done.requests),
    )
}

fn memory(secrets: &SecretsAccount) -> Expectation {
    let complete = secrets.memory_scans > 0 && secrets.memory_scans == secrets.calls;
    let works = secrets.planted_calls > 0 && secrets.planted_found == secrets.planted_calls;
    expect(
        "no secret was in guest memory after any call",
        complete && works && secrets.found_in_memory == 0,
        format!(
            "all memory searched after {} of {} calls, {} with a find; what was planted was found in {} of {} calls",
            secrets.memory_scans, secrets.calls, secrets.found_in_memory, secrets.planted_found, secrets.planted_calls
        ),
    )
}

fn everywhere(stage: &Stage, secrets: &SecretsAccount) -> Expectation {
    let found: Vec<&String> = secrets.places.values().flat_map(|place| &place.found).collect();
    let searched = |sort: &str| secrets.places.get(sort).map_or(0, |place| place.searched);
    let planted =
        PLANTED_IN.iter().filter(|sort| secrets.places.get(**sort).is_some_and(|place| place.planted > 0)).count();
    let values: u64 = secrets.values.values().sum();
    let said = secrets.places.get(PRINTED).map_or(0, |place| place.bytes);
    let complete = searched(CORE_DUMPS) == secrets.calls && searched(PRINTED) == 2 && said > 0;
    let works = planted == PLANTED_IN.len() && secrets.hidden.0 == secrets.hidden.1 && secrets.seen_at_provider > 0;
    let saw = match found.as_slice() {
        [] => format!(
            "{values} values in {} places: nothing found; what was planted was found in {planted} of {} sorts, and in {} of {} encodings",
            secrets.places.values().map(|place| place.searched).sum::<u64>(),
            PLANTED_IN.len(),
            secrets.hidden.0,
            secrets.hidden.1
        ),
        all => format!("found in {} places in {}, such as {}", all.len(), stage.dir.path().display(), all[0]),
    };
    expect(
        "no secret that anybody issued is in a core dump of a guest, a database, a log or any other file, in any encoding",
        values > 0 && complete && works && found.is_empty(),
        saw,
    )
}
