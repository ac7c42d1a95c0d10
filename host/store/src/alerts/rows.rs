//! Alerts and mutes, as people see and change them.
//!
//! Invariant: whether a mute holds is asked of the moment, never stored, so that it lapses by itself.

use async_trait::async_trait;
use portcullis_model::{
    alert::{
        Alert, AlertChange, AlertId, AlertList, AlertQuery, AlertSeverity, AlertState, Alerts, ChangeError, Learning,
        MOST_ENTRIES, Mute, MuteScope, Party,
    },
    audit::{Actor, ERASED, Entry, WITHHELD},
    error::StoreError,
    id::{InstallationId, TenantId},
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};

use crate::{
    SqliteStore,
    audit::{COLUMNS, append, append_one, select},
    db::{Outcome, Writing, corrupt, failed},
};

/// The state of an alert that somebody looks at.
pub(super) const ACKNOWLEDGED: u8 = 1;
/// The state of an alert that is done with.
pub(super) const CLOSED: u8 = 2;
/// The most that an alert keeps of what hits found after the first.
const MOST_WHYS: usize = 20;
/// The most alerts of one page.
const LARGEST_PAGE: usize = 1_000;
/// The most subjects that are named which are only learnt.
const MOST_LEARNING: usize = 100;

/// What of an alert never decides anything.
#[derive(Serialize, Deserialize)]
pub(super) struct Body {
    pub title: String,
    pub party: Party,
    /// What the first hit found.
    pub why: String,
    /// What others found beside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<String>,
    pub entries: Vec<u64>,
}

impl Body {
    /// Takes in what one more hit found. Says whether that was never there before, as far as it is kept.
    pub fn add(&mut self, why: &str, entries: &[u64]) -> bool {
        self.entries.extend(entries);
        ends(&mut self.entries, MOST_ENTRIES);
        let is_other = self.why != why && self.more.iter().all(|known| known != why);
        if is_other {
            self.more.push(why.to_owned());
            ends(&mut self.more, MOST_WHYS);
        }
        is_other
    }

    fn words(self) -> String {
        std::iter::once(self.why).chain(self.more).collect::<Vec<_>>().join("; ")
    }
}

/// Keeps the first and the last of a list, so many in all: whoever makes much noise buries neither how it began nor how it goes on.
pub(super) fn ends<T>(list: &mut Vec<T>, most: usize) {
    if let Some(over) = list.len().checked_sub(most) {
        list.drain(most / 2..most / 2 + over);
    }
}

const ALERT: &str = "SELECT number, rule, subject, severity, tenant, installation, first, last, count, state, changed, body FROM alerts";

/// The mute that holds over a rule and a subject at a moment: the narrower one first.
pub(super) fn mute_over(
    conn: &Connection,
    rule: &str,
    tenant: Option<&str>,
    installation: Option<&str>,
    at: Timestamp,
) -> Outcome<Option<i64>> {
    conn.prepare_cached(
        "SELECT number FROM alert_mutes WHERE rule = ?1 AND ended = 0 AND until > ?4 AND tenant IS ?2
         AND (installation IS NULL OR installation IS ?3) ORDER BY installation IS NULL, number DESC LIMIT 1",
    )
    .and_then(|mut query| query.query_row(params![rule, tenant, installation, at.0], |row| row.get(0)).optional())
    .map_err(failed)
}

fn tenant(text: Option<String>) -> Outcome<Option<TenantId>> {
    text.map(|text| text.parse().map_err(corrupt)).transpose()
}

fn installation(text: Option<String>) -> Outcome<Option<InstallationId>> {
    text.map(|text| text.parse().map_err(corrupt)).transpose()
}

/// A row of [`ALERT`], and then with the mute that holds over it.
fn alert(conn: &Connection, row: &Row<'_>, now: Timestamp) -> Outcome<Alert> {
    let state = match row.get::<_, u8>(9).map_err(failed)? {
        0 => AlertState::Open,
        ACKNOWLEDGED => AlertState::Acknowledged,
        CLOSED => AlertState::Closed,
        other => return Err(corrupt(format!("an alert in the state {other}"))),
    };
    let text = |at: usize| row.get::<_, String>(at).map_err(failed);
    let perhaps = |at: usize| row.get::<_, Option<String>>(at).map_err(failed);
    let body: Body = serde_json::from_str(&text(11)?).map_err(corrupt)?;
    let (rule, whose, of) = (text(1)?, perhaps(4)?, perhaps(5)?);
    let muted = match mute_over(conn, &rule, whose.as_deref(), of.as_deref(), now)? {
        Some(number) => mutes(conn, "number = ?1", params![number])?.pop(),
        None => None,
    };
    let severity: AlertSeverity = text(3)?.parse().map_err(corrupt)?;
    let time = |at: usize| row.get(at).map(Timestamp).map_err(failed);
    Ok(Alert {
        id: AlertId(row.get(0).map_err(failed)?),
        rule,
        title: body.title.clone(),
        severity,
        party: body.party,
        subject: text(2)?,
        tenant: tenant(whose)?,
        installation: installation(of)?,
        entries: body.entries.clone(),
        why: body.words(),
        first: time(6)?,
        last: time(7)?,
        count: row.get(8).map_err(failed)?,
        state,
        changed: row.get(10).map_err(failed)?,
        muted,
    })
}

fn one(conn: &Connection, id: AlertId, now: Timestamp) -> Outcome<Option<Alert>> {
    let mut query = conn.prepare_cached(&format!("{ALERT} WHERE number = ?1")).map_err(failed)?;
    // No number of a row is as large.
    let number = i64::try_from(id.0).unwrap_or(-1);
    let mut rows = query.query([number]).map_err(failed)?;
    rows.next().map_err(failed)?.map(|row| alert(conn, row, now)).transpose()
}

/// Mutes, with who and why as far as that is left.
fn mutes(conn: &Connection, which: &str, with: impl rusqlite::Params) -> Outcome<Vec<Mute>> {
    let mut query = conn
        .prepare_cached(&format!(
            "SELECT rule, tenant, installation, until, entry, hidden, hidden_last FROM alert_mutes WHERE {which} ORDER BY number"
        ))
        .map_err(failed)?;
    let mut rows = query.query(with).map_err(failed)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let entry: u64 = row.get(4).map_err(failed)?;
        let (by, reason) = said(conn, entry)?;
        all.push(Mute {
            rule: row.get(0).map_err(failed)?,
            tenant: tenant(row.get(1).map_err(failed)?)?,
            installation: installation(row.get(2).map_err(failed)?)?,
            until: Timestamp(row.get(3).map_err(failed)?),
            by,
            reason,
            entry,
            hidden: row.get(5).map_err(failed)?,
            hidden_last: row.get(6).map_err(failed)?,
        });
    }
    Ok(all)
}

/// Who did it and why, as the entry of an act says.
fn said(conn: &Connection, index: u64) -> Outcome<(Option<String>, Option<String>)> {
    let stored = select(conn, &format!("SELECT {COLUMNS} FROM audit a WHERE idx = ?1"), [index])?.pop();
    let Some(Ok(entry)) = stored.map(|stored| stored.read()) else { return Ok((None, None)) };
    let left = |text: &str| (text != ERASED && text != WITHHELD).then(|| text.to_owned());
    let reason = entry.text("reason").and_then(left);
    let by = match &entry.actor {
        Actor::Person { name } | Actor::Account { name, .. } => left(name),
        _ => None,
    };
    Ok((by, reason))
}

fn list(conn: &Connection, query: &AlertQuery, now: Timestamp) -> Outcome<AlertList> {
    let most = query.most.clamp(1, LARGEST_PAGE);
    let mut select = conn
        .prepare_cached(&format!(
            "{ALERT} WHERE (?1 OR state < 2) AND (?2 IS NULL OR tenant = ?2) AND (?3 IS NULL OR installation = ?3)
             AND (?4 IS NULL OR rule = ?4) AND number < ?5 ORDER BY number DESC LIMIT ?6"
        ))
        .map_err(failed)?;
    let before = query.before.map_or(i64::MAX, |id| i64::try_from(id.0).unwrap_or(i64::MAX));
    let (whose, of) = (query.tenant.as_ref().map(TenantId::as_str), query.installation.as_ref().map(|id| id.as_str()));
    let mut rows = select.query(params![query.closed, whose, of, query.rule, before, most + 1]).map_err(failed)?;
    let mut alerts = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        alerts.push(alert(conn, row, now)?);
    }
    let more = alerts.len() > most;
    alerts.truncate(most);
    let next = alerts.last().map(|last| last.id).filter(|_| more);
    let mutes = mutes(
        conn,
        "ended = 0 AND until > ?1 AND (?2 IS NULL OR tenant = ?2) AND (?3 IS NULL OR installation IS NULL OR installation = ?3)",
        params![now.0, whose, of],
    )?;
    let (learning, learning_count) = learning(conn, whose, now)?;
    let counts = "SELECT (SELECT next FROM detect_cursor), (SELECT coalesce(max(idx) + 1, 0) FROM audit)";
    let (looked_at, written) = conn.query_row(counts, [], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
    Ok(AlertList { alerts, next, mutes, learning, learning_count, looked_at, written })
}

fn learning(conn: &Connection, whose: Option<&str>, now: Timestamp) -> Outcome<(Vec<Learning>, u64)> {
    let what = "FROM detect_memory WHERE item = '' AND count > ?1 AND (?2 IS NULL OR subject = ?2 OR substr(subject, 1, length(?2) + 1) = ?2 || '/')";
    let mut query = conn
        .prepare_cached(&format!("SELECT rule, subject, count {what} ORDER BY rule, subject LIMIT {MOST_LEARNING}"))
        .map_err(failed)?;
    let row = |row: &Row<'_>| Ok(Learning { rule: row.get(0)?, subject: row.get(1)?, until: Timestamp(row.get(2)?) });
    let named: Vec<Learning> =
        query.query_map(params![now.0, whose], row).and_then(Iterator::collect).map_err(failed)?;
    let count = conn.query_row(&format!("SELECT count(*) {what}"), params![now.0, whose], |row| row.get(0));
    Ok((named, count.map_err(failed)?))
}

fn change(conn: &Writing, id: AlertId, change: AlertChange, entry: Entry) -> Outcome<Result<Alert, ChangeError>> {
    let now = entry.time;
    let Some(before) = one(conn, id, now)? else { return Ok(Err(ChangeError::Unknown(id))) };
    let (state, fits) = match change {
        AlertChange::Acknowledge => (ACKNOWLEDGED, before.state == AlertState::Open),
        AlertChange::Close => (CLOSED, before.state != AlertState::Closed),
    };
    if !fits {
        return Ok(Err(ChangeError::Unfit(format!("alert {id} is {} already", before.state.name()))));
    }
    let mut entry = entry.about(format!("alert:{id}")).with("rule", before.rule.as_str());
    entry.tenant.clone_from(&before.tenant);
    if let Some(installation) = &before.installation {
        entry = entry.with("installation", installation.as_str());
    }
    let index = append_one(conn, &entry)?;
    conn.execute("UPDATE alerts SET state = ?2, changed = ?3 WHERE number = ?1", params![id.0, state, index])
        .map_err(failed)?;
    one(conn, id, now)?.map(Ok).ok_or_else(|| corrupt("an alert that is gone"))
}

/// Ends the mutes of exactly this scope. Gives how many, and how much they hid.
fn end(conn: &Connection, scope: &MuteScope, now: Timestamp) -> Outcome<(usize, u64)> {
    let whose = scope.tenant.as_ref().map(TenantId::as_str);
    let of = scope.installation.as_ref().map(|id| id.as_str());
    let which = "rule = ?1 AND tenant IS ?2 AND installation IS ?3 AND ended = 0 AND until > ?4";
    let with = params![scope.rule, whose, of, now.0];
    let hidden = conn
        .query_row(&format!("SELECT coalesce(sum(hidden), 0) FROM alert_mutes WHERE {which}"), with, |row| row.get(0))
        .map_err(failed)?;
    let ended = conn.execute(&format!("UPDATE alert_mutes SET ended = 1 WHERE {which}"), with).map_err(failed)?;
    Ok((ended, hidden))
}

fn of_scope(entry: Entry, scope: &MuteScope) -> Entry {
    let entry = entry.about(format!("rule:{}", scope.rule)).with("rule", scope.rule.as_str());
    match &scope.installation {
        Some(installation) => entry.with("installation", installation.as_str()),
        None => entry,
    }
}

#[async_trait]
impl Alerts for SqliteStore {
    async fn alerts(&self, query: AlertQuery, now: Timestamp) -> Result<AlertList, StoreError> {
        self.db.read(move |conn| list(conn, &query, now)).await
    }

    async fn alert(&self, id: AlertId, now: Timestamp) -> Result<Option<Alert>, StoreError> {
        self.db.read(move |conn| one(conn, id, now)).await
    }

    async fn change_alert(&self, id: AlertId, what: AlertChange, entry: Entry) -> Result<Alert, ChangeError> {
        self.db.write(move |conn| change(conn, id, what, entry)).await?
    }

    async fn mute(&self, scope: MuteScope, until: Timestamp, entry: Entry) -> Result<(), StoreError> {
        self.db
            .write(move |conn| {
                let (_, hidden) = end(conn, &scope, entry.time)?;
                let entry = of_scope(entry, &scope).with("until", until.to_string());
                let entry = if hidden > 0 { entry.with("hidden-before", hidden) } else { entry };
                let index = append_one(conn, &entry)?;
                conn.execute(
                    "INSERT INTO alert_mutes (rule, tenant, installation, until, entry, ended, hidden) VALUES (?1, ?2, ?3, ?4, ?5, 0, 0)",
                    params![
                        scope.rule,
                        scope.tenant.as_ref().map(TenantId::as_str),
                        scope.installation.as_ref().map(|id| id.as_str()),
                        until.0,
                        index
                    ],
                )
                .map(drop)
                .map_err(failed)
            })
            .await
    }

    async fn unmute(&self, scope: MuteScope, entry: Entry) -> Result<bool, StoreError> {
        self.db
            .write(move |conn| {
                let (ended, hidden) = end(conn, &scope, entry.time)?;
                if ended > 0 {
                    append(conn, &of_scope(entry, &scope).with("hidden", hidden))?;
                }
                Ok(ended > 0)
            })
            .await
    }
}
