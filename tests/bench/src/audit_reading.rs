//! Reading the audit log: what a hundred followers cost those who write, and how long a page takes in a long log.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use portcullis_cli::{commands::init, home::Home, serve};
use portcullis_model::{
    audit::{Actor, Entry, Kind, Recorder as _, query::Filter, reader::Window},
    id::Digest,
    time::Timestamp,
};
use portcullis_store::{AuditIndex, SqliteStore};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::{oneshot, watch},
    task::JoinSet,
};

const FOLLOWERS: usize = 100;
const WRITERS: usize = 64;
/// Entries that are handed in at once while a long log is made.
const AT_ONCE: u64 = 1_000;

/// What writing loses to followers, and how long pages take in a log of `entries`.
pub async fn measure(rounds: u32, each: Duration, entries: u64) -> Result<Value> {
    Ok(json!({ "live": live(rounds, each).await?, "search": search(entries).await? }))
}

/// One of many, as a host writes them.
fn entry(n: u64) -> Result<Entry> {
    let kind = [Kind::ActPermitted, Kind::ActOutcome, Kind::ActPermitted, Kind::ActOutcome, Kind::CallEnded];
    let actor = Actor::Plugin {
        installation: format!("ins_{:08x}", n % 50).parse()?,
        plugin: format!("com.example.plugin-{}", n % 20).parse()?,
        release: Digest::of(&(n % 20).to_be_bytes()),
        call: format!("call_{:024x}", n / 5).parse()?,
    };
    let time = Timestamp(1_790_000_000_000 + i64::try_from(n)? * 20);
    let kind = if n.is_multiple_of(1_000) { Kind::ActDenied } else { kind[usize::try_from(n % 5)?] };
    Ok(Entry::new(time, kind, actor, Some(format!("tenant-{}", n % 10).parse()?))
        .about(format!("ticket:{}", n % 5_000))
        .with("act", "tickets.get")
        .with("id", format!("call_{:024x}.{}", n / 5, n % 5 / 2))
        .with("scope", "tickets:read fields=subject,status"))
}

/// The number of the next entry that is written.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Entries a second of writers that wait for each of theirs.
async fn write(store: &Arc<SqliteStore>, time: Duration) -> Result<f64> {
    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let began = Instant::now();
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let (store, stop, count) = (store.clone(), stop.clone(), count.clone());
        writers.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                // An act has an id of its own, over all rounds.
                store.record(vec![entry(NEXT.fetch_add(1, Ordering::Relaxed))?]).await?;
                count.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        });
    }
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = writers.join_next().await {
        ended??;
    }
    Ok(count.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64())
}

/// How long an entry is waited for where one is written each millisecond: median and 99th percentile, in milliseconds.
async fn waits(store: &Arc<SqliteStore>, time: Duration) -> Result<Value> {
    let (began, mut writers, mut took) = (Instant::now(), JoinSet::new(), Vec::new());
    for number in 0..u32::try_from(time.as_millis())? {
        tokio::time::sleep_until((began + Duration::from_millis(1) * number).into()).await;
        let (store, entry) = (store.clone(), entry(NEXT.fetch_add(1, Ordering::Relaxed))?);
        writers.spawn(async move {
            let began = Instant::now();
            store.record(vec![entry]).await.map(|()| began.elapsed().as_secs_f64() * 1e3)
        });
    }
    while let Some(ended) = writers.join_next().await {
        took.push(ended??);
    }
    took.sort_by(f64::total_cmp);
    let at = |part: f64| took.get((took.len() as f64 * part) as usize).copied().unwrap_or_default();
    Ok(json!({ "median-ms": at(0.5), "p99-ms": at(0.99) }))
}

/// Follows until it is aborted; counts bytes.
async fn follow(address: std::net::SocketAddr, token: String, bytes: Arc<AtomicU64>) -> Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /admin/v1/audit/live HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = stream.read(&mut buffer).await?;
        anyhow::ensure!(read > 0, "a follower was cut off");
        bytes.fetch_add(read as u64, Ordering::Relaxed);
    }
}

async fn live(rounds: u32, each: Duration) -> Result<Value> {
    let dir = TempDir::with_prefix("portcullis-bench-")?;
    let host = init::create(Home::at(dir.path().join("home")), "").await?;
    let (store, token) = (host.store.clone(), host.operator_token()?);
    let token = String::from_utf8(token.expose().to_vec())?;
    let (stop, stopped) = watch::channel(false);
    let (ready, address) = oneshot::channel();
    let address_of = move |address| _ = ready.send(address);
    let running = tokio::spawn(serve::serve(host, Some(([127, 0, 0, 1], 0).into()), address_of, stopped));
    let address = address.await.context("the host did not start")?;
    write(&store, each / 4).await?;
    let (mut alone, mut followed, bytes) = (Vec::new(), Vec::new(), Arc::new(AtomicU64::new(0)));
    let (mut waits_alone, mut waits_followed, (mut at_a_thousand, mut at_flood)) = (Vec::new(), Vec::new(), (0, 0));
    for _ in 0..rounds {
        // Alone before and after: whatever else the machine does in the meantime is in both.
        let first = write(&store, each / 2).await?;
        waits_alone.push(waits(&store, each).await?);
        let mut followers = JoinSet::new();
        for _ in 0..FOLLOWERS {
            followers.spawn(follow(address, token.clone(), bytes.clone()));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        let before = bytes.load(Ordering::Relaxed);
        waits_followed.push(waits(&store, each).await?);
        at_a_thousand += bytes.load(Ordering::Relaxed) - before;
        let before = bytes.load(Ordering::Relaxed);
        followed.push(write(&store, each).await?);
        at_flood += bytes.load(Ordering::Relaxed) - before;
        anyhow::ensure!(followers.len() == FOLLOWERS && followers.try_join_next().is_none(), "a follower has ended");
        followers.shutdown().await;
        alone.push(f64::midpoint(first, write(&store, each / 2).await?));
    }
    stop.send_replace(true);
    running.await??;
    let lost: Vec<f64> =
        alone.iter().zip(&followed).map(|(alone, followed)| (1.0 - followed / alone) * 100.0).collect();
    let megabytes_a_second = |bytes: u64| bytes as f64 / 1e6 / (each.as_secs_f64() * f64::from(rounds));
    Ok(json!({
        "writers": WRITERS,
        "followers": FOLLOWERS,
        "flood": {
            "entries-per-s": { "alone": median(&alone), "followed": median(&followed) },
            "lost-percent": { "median": median(&lost), "each-round": lost },
            "megabytes-per-s-to-followers": megabytes_a_second(at_flood),
        },
        "a-thousand-entries-per-s": {
            "waits-alone": waits_alone, "waits-followed": waits_followed,
            "megabytes-per-s-to-followers": megabytes_a_second(at_a_thousand),
        },
    }))
}

fn median(of: &[f64]) -> f64 {
    let mut of = of.to_vec();
    of.sort_by(f64::total_cmp);
    of.get(of.len() / 2).copied().unwrap_or_default()
}

async fn search(entries: u64) -> Result<Value> {
    let dir = TempDir::with_prefix("portcullis-bench-")?;
    let store = SqliteStore::open(&dir.path().join("host.db"))?;
    for start in (0..entries).step_by(usize::try_from(AT_ONCE)?) {
        store.record((start..entries.min(start + AT_ONCE)).map(entry).collect::<Result<_>>()?).await?;
    }
    let file = dir.path().join("audit-index.db");
    let index = AuditIndex::new(&file, store.clone());
    let began = Instant::now();
    index.catch_up().await?;
    let built = began.elapsed();
    let mut pages = serde_json::Map::new();
    for text in [
        "",
        "kind=act.denied",
        "tenant=tenant-3 kind=act.permitted",
        "record=ticket:4242",
        "call=call_000000000000000000000100",
        "plugin=com.example.plugin-7 scope=tickets:read",
        "kind=act.denied tenant=tenant-1",
        "host=nowhere.example",
        "since=2026-09-21T15:00:00Z until=2026-09-21T15:05:00Z actor=plugin",
        "subject status",
        "record=ticket:42*",
    ] {
        let filter: Filter = text.parse()?;
        let mut worst = Duration::ZERO;
        for backwards in [false, true, false, true] {
            let began = Instant::now();
            index.search(&filter, Window { from: 0, to: u64::MAX, backwards, most: 100 }).await?;
            worst = worst.max(began.elapsed());
        }
        pages.insert(text.to_owned(), json!(worst.as_secs_f64() * 1e3));
    }
    Ok(json!({
        "entries": entries,
        "indexed-per-s": entries as f64 / built.as_secs_f64(),
        "index-bytes-per-entry": std::fs::metadata(&file)?.len() / entries,
        "database-bytes-per-entry": std::fs::metadata(dir.path().join("host.db"))?.len() / entries,
        "page-of-100-worst-ms": pages,
    }))
}
