//! What the one door out costs: requests over connections that are open already, through the door and by plain hyper, to the same
//! server over TLS on loopback. Both send the same request and read the same answer; what differs is all that the door does:
//! lanes, credentials, headers, pool, limits, and the search for reflected secrets.

mod far;
mod host;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use serde_json::{Value, json};

/// Requests at a time, each over a connection of its own.
const AT_ONCE: [usize; 3] = [1, 32, 256];

/// How often the two take turns, so that what else the machine does falls on both.
const TURNS: usize = 5;

/// Measures, over `requests` in each turn.
pub async fn measure(requests: usize) -> Result<Value> {
    let far = far::Far::start().await?;
    let host = Arc::new(host::Host::new(&far).await?);
    let mut rows = Vec::new();
    for at_once in AT_ONCE {
        let each = (requests / at_once).max(4);
        let plain = far::Plain::open(&far, at_once).await?;
        // Opens the door's connections.
        host.send(at_once, 2).await?;
        plain.send(2).await?;
        let (mut by_plain, mut by_door) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            by_plain.push(plain.send(each).await? / each as u32);
            by_door.push(host.send(at_once, each).await? / each as u32);
        }
        let (plain, door) = (median(by_plain, at_once), median(by_door, at_once));
        rows.push(json!({
            "at-once": at_once,
            "requests": each * at_once * TURNS,
            "plain-hyper-us": plain,
            "door-us": door,
            "ratio": (door / plain * 100.0).round() / 100.0,
        }));
    }
    Ok(json!({ "answer-bytes": far::ANSWER, "us-are": "time over all requests, for one", "runs": rows }))
}

/// Of the times in which each of so many sent one, the time for one of all, in microseconds.
fn median(mut times: Vec<Duration>, at_once: usize) -> f64 {
    times.sort();
    let micros = times[times.len() / 2].as_secs_f64() * 1e6 / at_once as f64;
    (micros * 100.0).round() / 100.0
}

/// How long these take together.
async fn timed(tasks: Vec<impl Future<Output = Result<()>> + Send + 'static>) -> Result<Duration> {
    let start = Instant::now();
    let running: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    for one in running {
        one.await??;
    }
    Ok(start.elapsed())
}
