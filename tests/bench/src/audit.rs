//! What it costs to write the audit log: entries a second, durable, beside the database by itself with as many rows a commit; what a call
//! waits for at a thousand calls a second; bytes on the disk.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use portcullis_model::{
    audit::{Actor, Entry, Kind, Recorder as _},
    id::Digest,
    time::Timestamp,
};
use portcullis_store::SqliteStore;
use rusqlite::{Connection, params};
use serde_json::{Value, json};

/// One permit of a plugin's, as it stands in the log. One in four is about a person.
fn permit(number: u64) -> Result<Entry> {
    let actor = Actor::Plugin {
        installation: "ins_01hf7yat00000000000000000".parse()?,
        plugin: "com.example.chat-notifier".parse()?,
        release: Digest::of(b"release"),
        call: format!("call_{number:026}").parse()?,
    };
    let about = if number.is_multiple_of(4) { format!("user:{number}") } else { format!("ticket:{number}") };
    Ok(Entry::new(Timestamp(1_790_000_000_000), Kind::ActDenied, actor, Some("acme".parse()?))
        .about(about)
        .with("act", "tickets.get")
        .with("id", format!("call_{number:026}.1"))
        .with("scope", "tickets:read fields=subject,priority")
        .with("layer", "granted")
        .with("reason", "reading priority of tickets is not granted"))
}

/// Entries a second, with so many that each wait for their own. What an entry says is there before, how it is sealed is not.
async fn entries(dir: &Path, writers: u64, count: u64) -> Result<f64> {
    let store = Arc::new(SqliteStore::open(&dir.join(format!("{writers}.db")))?);
    store.record(vec![permit(0)?]).await?;
    let own = |writer| (writer..count).step_by(writers as usize).map(permit).collect::<Result<Vec<_>>>();
    let all = (0..writers).map(own).collect::<Result<Vec<_>>>()?;
    let began = Instant::now();
    let tasks: Vec<_> = all
        .into_iter()
        .map(|own| {
            let store = store.clone();
            tokio::spawn(async move {
                for entry in own {
                    store.record(vec![entry]).await?;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(count as f64 / began.elapsed().as_secs_f64())
}

/// The same rows by the database alone: one thread, WAL, `synchronous=FULL`, so many rows a commit, bodies made before.
fn raw(dir: &Path, batch: u64, count: u64) -> Result<f64> {
    let conn = Connection::open(dir.join(format!("raw-{batch}.db")))?;
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE audit (idx INTEGER PRIMARY KEY, time INTEGER, kind TEXT, tenant TEXT, body BLOB) STRICT;
         CREATE TABLE openings (idx INTEGER, field TEXT, salt BLOB, value TEXT, PRIMARY KEY (idx, field)) STRICT, WITHOUT ROWID;
         CREATE INDEX openings_value ON openings (value);",
    )?;
    let salts = || std::iter::repeat([7; 32]);
    let mut sealed = Vec::new();
    for number in 0..count {
        let mut all = salts();
        sealed.push(permit(number)?.seal(|| all.next().unwrap_or_default())?);
    }
    let began = Instant::now();
    for (part, rows) in (0..).zip(sealed.chunks(usize::try_from(batch)?)) {
        conn.execute_batch("BEGIN IMMEDIATE")?;
        for (index, one) in (part * batch..).zip(rows) {
            conn.prepare_cached("INSERT INTO audit VALUES (?1, ?2, 'act.denied', 'acme', ?3)")?.execute(params![
                index,
                1_790_000_000_000_i64,
                one.body
            ])?;
            for opening in &one.openings {
                conn.prepare_cached("INSERT INTO openings VALUES (?1, ?2, ?3, ?4)")?.execute(params![
                    index,
                    opening.field,
                    opening.salt,
                    opening.value
                ])?;
            }
        }
        conn.execute_batch("COMMIT")?;
    }
    Ok(count as f64 / began.elapsed().as_secs_f64())
}

/// How long an entry is waited for where a thousand calls a second each write one: median and 99th percentile, in milliseconds.
async fn waits(dir: &Path, calls: u64) -> Result<(f64, f64)> {
    let store = Arc::new(SqliteStore::open(&dir.join("waits.db"))?);
    store.record(vec![permit(0)?]).await?;
    let began = Instant::now();
    let mut tasks = Vec::new();
    for number in 0..calls {
        let due = began + Duration::from_millis(number);
        tokio::time::sleep_until(due.into()).await;
        let (store, entry) = (store.clone(), permit(number)?);
        tasks.push(tokio::spawn(async move {
            let began = Instant::now();
            store.record(vec![entry]).await.map(|()| began.elapsed().as_secs_f64() * 1_000.0)
        }));
    }
    let mut took = Vec::new();
    for task in tasks {
        took.push(task.await??);
    }
    took.sort_by(f64::total_cmp);
    Ok((took[took.len() / 2], took[took.len() * 99 / 100]))
}

/// Bytes on the disk an entry, everything beside it included.
fn size(dir: &Path, count: u64) -> Result<f64> {
    let file = dir.join("64.db");
    Connection::open(&file)?.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(std::fs::metadata(file)?.len() as f64 / count as f64)
}

/// Measures all of that.
pub async fn measure(count: u64) -> Result<Value> {
    let dir = tempfile::tempdir()?;
    let mut report = json!({ "entries": count });
    for writers in [1, 64] {
        // One writer waits for each commit: fewer are enough.
        let count = if writers == 1 { count / 10 } else { count };
        let ours = entries(dir.path(), writers, count).await?;
        let raw = tokio::task::block_in_place(|| raw(dir.path(), writers, count))?;
        report[format!("writers-{writers}")] = json!({
            "entries-a-second": ours.round(), "raw-rows-a-second": raw.round(), "of-raw": (ours / raw * 100.0).round() / 100.0,
        });
    }
    let (median, most) = waits(dir.path(), (count / 10).max(1_000)).await?;
    report["at-1000-calls-a-second"] = json!({ "median-ms": median, "p99-ms": most });
    report["bytes-an-entry"] = json!(size(dir.path(), count)?.round());
    Ok(report)
}
