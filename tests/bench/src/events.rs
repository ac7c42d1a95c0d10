//! Events end to end: signed webhook over HTTP, durable before the answer, handled by a plugin in a fresh sandbox, settled.

use std::{sync::Arc, time::Instant};

use anyhow::{Context, Result};
use portcullis_broker::loopback::Loopback;
use portcullis_cli::{commands::events, serve, system::SystemClock};
use portcullis_model::{
    id::SourceName,
    queue::{DeliveryState, Queue as _},
    secret::Secret,
};
use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};

use crate::lab::{Lab, SECRET, percentiles};

/// Senders at once.
const SENDERS: usize = 32;

fn event(number: usize) -> String {
    json!({
        "account_id": 1, "id": format!("bench-{number}"), "type": "zen:event-type:ticket.created",
        "subject": format!("zen:ticket:{number}"), "time": "2026-11-01T00:00:00Z", "zendesk_event_version": "2022-11-06",
        "detail": { "id": number.to_string(), "subject": "Printer on fire", "status": "NEW", "priority": "HIGH",
            "description": "x".repeat(600) },
        "event": {},
    })
    .to_string()
}

/// Sends `count` events and waits until all of them are handled.
pub async fn measure(count: usize) -> Result<Value> {
    let lab = Lab::set_up().await?;
    let store = lab.host.store.clone();
    let (stop, stopped) = watch::channel(false);
    let (ready, address) = oneshot::channel();
    let running = tokio::spawn(serve::serve(
        lab.host,
        Some(([127, 0, 0, 1], 0).into()),
        move |address| _ = ready.send(address),
        stopped,
    ));
    let to = Arc::new(Loopback::new(address.await.context("the host did not start")?)?);
    let began = Instant::now();
    let senders: Vec<_> = (0..SENDERS).map(|first| tokio::spawn(send(to.clone(), first, count))).collect();
    let mut waits = Vec::with_capacity(count);
    for sender in senders {
        waits.extend(sender.await??);
    }
    let accepted = began.elapsed();
    loop {
        let open = store.depth().await?;
        let open = open.iter().filter(|(s, _)| matches!(s, DeliveryState::Pending | DeliveryState::Leased));
        if open.map(|(_, n)| n).sum::<u64>() == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let handled = began.elapsed();
    stop.send_replace(true);
    running.await??;
    let (p50, p99) = percentiles(waits);
    Ok(json!({
        "events": count,
        "senders": SENDERS,
        "accepted-per-s": count as f64 / accepted.as_secs_f64(),
        "answer-us": { "p50": p50, "p99": p99 },
        "handled-per-s": count as f64 / handled.as_secs_f64(),
        "audit-entries": store.entry_count().await?,
    }))
}

async fn send(to: Arc<Loopback>, first: usize, count: usize) -> Result<Vec<f64>> {
    let (name, secret): (SourceName, _) = ("bench".parse()?, Secret::new(SECRET.to_vec()));
    let mut waits = Vec::new();
    for number in (first..count).step_by(SENDERS) {
        let began = Instant::now();
        let (status, body) = events::send(&to, &SystemClock, &name, &secret, &event(number)).await?;
        anyhow::ensure!(status == 202, "{status}: {}", String::from_utf8_lossy(&body));
        waits.push(began.elapsed().as_secs_f64() * 1e6);
    }
    Ok(waits)
}
