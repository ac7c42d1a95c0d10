//! What a proof costs in a long log, and what an entry takes on disk. The log is built once, below the target directory, and kept.
//!
//! An entry's proof is two: of its leaf in the host's log, from files, and of its body in its tenant's view, from tiles in the database.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use portcullis_audit::{Checkpoint, Leaf, Log, LogKey, Publisher, View};
use portcullis_cli::{log_proof, system::SystemRng};
use portcullis_model::{id::TenantId, time::Rng as _};
use portcullis_store::{SqliteStore, StoredTile, ViewChange};
use serde_json::{Value, json};

use crate::lab::percentiles;

/// Entries of one checkpoint while it is built.
const BATCH: u64 = 65_536;
/// How many tenants share the log.
const TENANTS: u64 = 100;
/// Written last: a log without it is built anew.
const DONE: &str = "whole";

/// Measures, in a log of so many entries and in one of a thousandth.
pub async fn measure(entries: u64, rounds: usize) -> Result<Value> {
    let mut logs = Vec::new();
    for size in [entries / 1_000, entries] {
        logs.push(one(size.max(1_000), rounds).await?);
    }
    Ok(json!({ "logs": logs, "tenants": TENANTS }))
}

async fn one(size: u64, rounds: usize) -> Result<Value> {
    let dir = target().join(format!("audit-proof-{size}"));
    let began = Instant::now();
    let built = if dir.join(DONE).is_file() { None } else { Some(build(&dir, size).await?) };
    let key = LogKey::read(&dir.join("log.key"))?.verifier();
    let store = SqliteStore::open(&dir.join("host.db"))?;
    let views = store.log_views().await?;
    let log = Log::open(&dir.join("log"), &key)?;
    let (mut in_log, mut in_view, mut since) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds + rounds / 10 {
        let index = random(size);
        let of = &views[usize::try_from(index)? % views.len()];
        let (_, view) = log_proof::view(&store, &key, of)?;
        let position = random(of.size);
        let times = tokio::task::block_in_place(|| -> Result<[Duration; 3]> {
            let began = Instant::now();
            log.proof_text(index)?;
            let logged = began.elapsed();
            view.proof_text(position)?;
            let viewed = began.elapsed() - logged;
            log.consistency_from(index + 1)?;
            Ok([logged, viewed, began.elapsed() - logged - viewed])
        })?;
        if round >= rounds / 10 {
            let us = |time: Duration| time.as_secs_f64() * 1e6;
            in_log.push(us(times[0]));
            in_view.push(us(times[1]));
            since.push(us(times[2]));
        }
    }
    let us = |times: Vec<f64>| {
        let (p50, p99) = percentiles(times);
        json!({ "p50": p50, "p99": p99 })
    };
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let each = |bytes: u64| (bytes as f64 / size as f64 * 10.0).round() / 10.0;
    Ok(json!({
        "entries": size,
        "proof-in-the-log-us": us(in_log),
        "proof-in-its-view-us": us(in_view),
        "consistency-us": us(since),
        "bytes-an-entry": { "log": each(bytes(&dir.join("log"))?), "tiles-of-views": each(fs::metadata(dir.join("host.db"))?.len()) },
        "built-in-s": built.map(|()| began.elapsed().as_secs()),
    }))
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from)
}

fn random(below: u64) -> u64 {
    let mut bytes = [0; 8];
    SystemRng.fill(&mut bytes);
    u64::from_be_bytes(bytes) % below.max(1)
}

async fn build(dir: &Path, size: u64) -> Result<()> {
    if dir.exists() {
        fs::remove_dir_all(dir)?;
    }
    fs::create_dir_all(dir)?;
    let key = LogKey::create(&dir.join("log.key"), &dir.join("log.vkey"), &SystemRng)?;
    let store = SqliteStore::open(&dir.join("host.db"))?;
    let mut publisher = Publisher::create(&dir.join("log"), key)?;
    let tenants = (0..TENANTS).map(|n| Ok((Some(format!("tenant-{n}").parse::<TenantId>()?), format!("{n:032x}"))));
    let made = store.make_views(tenants.collect::<Result<_>>()?).await?;
    let mut views: Vec<View> = made.into_iter().map(|view| View::new(view.tag)).collect();
    let mut from = 0;
    while from < size {
        let to = size.min(from + BATCH);
        let mut leaves = Vec::with_capacity(usize::try_from(to - from)?);
        for index in from..to {
            let of = views.get_mut(usize::try_from(index % TENANTS)?).context("a tenant's view")?;
            leaves.push(Leaf::encode(&of.push(index, &index.to_be_bytes())));
        }
        tokio::task::block_in_place(|| publisher.append(&leaves))?;
        let mut changes = Vec::with_capacity(views.len());
        for view in &mut views {
            let head: Checkpoint = publisher.sign_view(view)?;
            let stored = |tile: portcullis_audit::ViewTile| StoredTile {
                level: tile.level,
                n: tile.n,
                hashes: tile.hashes,
                indices: tile.indices,
            };
            let tiles = view.take_tiles().into_iter().map(stored).collect();
            changes.push(ViewChange {
                tag: view.tag().to_owned(),
                size: view.size(),
                checkpoint: head.note().to_vec(),
                tiles,
            });
        }
        store.advance_views(from, to, changes).await?;
        from = to;
    }
    fs::write(dir.join(DONE), b"")?;
    Ok(())
}

fn bytes(dir: &Path) -> Result<u64> {
    let mut sum = 0;
    for item in fs::read_dir(dir)? {
        let item = item?;
        sum += if item.file_type()?.is_dir() { bytes(&item.path())? } else { item.metadata()?.len() };
    }
    Ok(sum)
}
