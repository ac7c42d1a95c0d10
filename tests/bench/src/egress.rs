//! What the one door out costs: requests over connections that are open already, through the door and by plain hyper, to the same
//! server over TLS on loopback, in one process on one runtime.
//!
//! All send the same request and read the same answer. `bare` is hyper's connection and nothing else: each task keeps one for all
//! its requests. `client` adds what nobody goes without who sends to hosts of others: a pool that tasks take a connection out of
//! for each request, and an end to waiting. The door adds lanes, freezes, credentials, headers, limits, and the search for
//! reflected secrets.

mod far;
mod host;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

/// Requests at a time, each over a connection of its own.
const AT_ONCE: [usize; 3] = [1, 32, 256];

/// How often they take turns, so that what else the machine does falls on all.
const TURNS: usize = 15;

/// How many requests one sends in a piece of a turn. Permits for a piece are made before its time begins: with many at once the
/// memory that they lie in would be cold, as it is in no host.
const PIECE: usize = 50;

/// What some requests took.
#[derive(Clone, Copy, Default)]
pub struct Took {
    wall: Duration,
    /// Of all threads, the server's part among it.
    cpu: Duration,
}

impl Took {
    fn add(&mut self, other: Self) {
        self.wall += other.wall;
        self.cpu += other.cpu;
    }
}

/// Measures, over `requests` in each turn.
pub async fn measure(requests: usize) -> Result<Value> {
    let far = far::Far::start().await?;
    let host = Arc::new(host::Host::new(&far).await?);
    let mut rows = Vec::new();
    for at_once in AT_ONCE {
        let each = (requests / at_once).clamp(4, PIECE);
        let pieces = (requests / at_once / each).max(1);
        let plain = Arc::new(far::Plain::open(&far, at_once).await?);
        // Opens the door's connections.
        host.send(at_once, 2).await?;
        plain.send_as_client(2).await?;
        let mut turns = Vec::new();
        for _ in 0..TURNS {
            let mut turn = [Took::default(); 3];
            for _ in 0..pieces {
                turn[0].add(plain.send_bare(each).await?);
                turn[1].add(plain.send_as_client(each).await?);
                turn[2].add(host.send(at_once, each).await?);
            }
            turns.push(turn);
        }
        rows.push(row(at_once, each * pieces, &turns));
    }
    Ok(json!({ "answer-bytes": far::answer().len(), "us-are": "for one request; cpu with the server's", "runs": rows }))
}

fn row(at_once: usize, each: usize, turns: &[[Took; 3]]) -> Value {
    let requests = (each * at_once) as f64;
    let of = |value: &dyn Fn(&[Took; 3]) -> f64| (median(turns.iter().map(value).collect()) * 100.0).round() / 100.0;
    let wall = |by: usize| of(&|turn| turn[by].wall.as_secs_f64() * 1e6 / requests);
    let cpu = |by: usize| of(&|turn| turn[by].cpu.as_secs_f64() * 1e6 / requests);
    let ratio = |by: usize| of(&|turn| turn[2].wall.as_secs_f64() / turn[by].wall.as_secs_f64());
    let cpu_ratio = |by: usize| of(&|turn| turn[2].cpu.as_secs_f64() / turn[by].cpu.as_secs_f64());
    json!({
        "at-once": at_once,
        "requests": each * at_once * turns.len(),
        "bare-us": wall(0), "bare-cpu-us": cpu(0),
        "client-us": wall(1), "client-cpu-us": cpu(1),
        "door-us": wall(2), "door-cpu-us": cpu(2),
        "ratio-to-bare": ratio(0), "cpu-ratio-to-bare": cpu_ratio(0),
        "ratio": ratio(1), "cpu-ratio": cpu_ratio(1),
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// What these take together.
async fn timed(tasks: Vec<impl Future<Output = Result<()>> + Send + 'static>) -> Result<Took> {
    let (start, used) = (Instant::now(), cpu());
    let running: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    for one in running {
        one.await??;
    }
    Ok(Took { wall: start.elapsed(), cpu: cpu().saturating_sub(used) })
}

/// What this process has used so far.
fn cpu() -> Duration {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(used.tv_sec.unsigned_abs(), u32::try_from(used.tv_nsec).unwrap_or_default())
}
