//! The neighbour: a plugin that behaves, in a tenant of its own, and is called again and again while the others attack.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use portcullis_e2e::Package;
use portcullis_model::{
    installation::Installation,
    invoke::{CallEnd, Invoke as _},
};
use serde_json::json;

use crate::world::{World, event_for};

const SCOPES: [&str; 4] = ["tickets:read fields=subject,status", "kv:read", "kv:write bytes=4KiB", "log:write"];
/// More than it needs: on a loaded machine it may wait, and must be right all the same; and it is called very often.
const LIMITS: &str = "wall-ms = 60000\ncpu-ms = 5000\nrecords-read-per-hour = 10000000\ncalls-per-hour = 10000000\n\
                      host-calls-per-hour = 100000000\ncpu-ms-per-hour = 100000000\nlog-kib-per-hour = 10000000";

/// The neighbour, installed.
pub struct Neighbour {
    installation: Installation,
    turns: Arc<AtomicUsize>,
}

impl Neighbour {
    /// Installs it in a tenant of its own.
    pub async fn new(world: &World) -> Self {
        let package = Package::of(world.base.guest("neighbour"), "neighbour", &SCOPES, LIMITS);
        world.lab.seed("neighbour").await;
        let installation = world.install("neighbour", &package, None).await.unwrap();
        Self { installation, turns: Arc::default() }
    }

    /// How often it was called.
    pub fn turns(&self) -> usize {
        self.turns.load(Ordering::Relaxed)
    }

    /// Calls it until it is told to stop, once at the least. Gives the first call that was wrong.
    pub async fn live(&self, world: &World, stop: Arc<AtomicBool>) -> Result<(), String> {
        loop {
            let turn = self.turns.fetch_add(1, Ordering::Relaxed) + 1;
            let event = event_for(&self.installation, false, json!({ "call": turn }));
            let runtime = world.lab.runtime.clone();
            let installation = self.installation.clone();
            // On a task of its own, as the host's worker does.
            let report = tokio::spawn(async move { runtime.handle(&installation, &event, 1).await }).await;
            let report = report.map_err(|error| format!("the neighbour's call {turn}: {error}"))?;
            let before = if turn == 1 { "none".to_owned() } else { (turn - 1).to_string() };
            let right = format!("Gift voucher is rejected at checkout Some(Status::Open) after {before}");
            let said: Vec<&str> = report.log.iter().map(|(_, line)| line.as_str()).collect();
            if report.end != CallEnd::Ok || said != [right.as_str()] {
                return Err(format!("the neighbour's call {turn} is wrong: {} {said:?}", report.end));
            }
            if stop.load(Ordering::Relaxed) {
                return Ok(());
            }
        }
    }
}
