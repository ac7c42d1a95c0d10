//! One call with all guards beside raw wasmtime: the same component, engine, event, memory limit and epochs, a fresh store and
//! instance each, in one process, in turn.

use std::{sync::Arc, time::Instant};

use anyhow::Result;
use portcullis_cli::serve;
use portcullis_model::{
    event::{Event, EventForm},
    invoke::{CallEnd, Invoke as _},
    time::Timestamp,
};
use portcullis_runtime::{Sandbox, SandboxConfig, wit::events};
use serde_json::{Value, json};
use wasmtime::{
    Store, StoreLimits, StoreLimitsBuilder, UpdateDeadline,
    component::{Component, InstancePre, Linker},
};

use crate::lab::{Lab, percentiles};

/// Raw wasmtime, with the limits that nobody should run without.
struct Raw {
    sandbox: Sandbox,
    pre: InstancePre<StoreLimits>,
    events: events::GuestIndices,
}

impl Raw {
    fn new(component: &[u8]) -> wasmtime::Result<Self> {
        let sandbox = Sandbox::new(SandboxConfig { concurrent_calls: 4, ..SandboxConfig::default() })?;
        let component = Component::from_binary(sandbox.engine(), component)?;
        let pre = Linker::new(sandbox.engine()).instantiate_pre(&component)?;
        let events = events::GuestIndices::new(&pre)?;
        Ok(Self { sandbox, pre, events })
    }

    async fn call(&self, event: &events::Event) -> wasmtime::Result<()> {
        let limits = StoreLimitsBuilder::new().memory_size(16 << 20).build();
        let mut store = Store::new(self.sandbox.engine(), limits);
        store.limiter(|limits| limits);
        store.set_epoch_deadline(100);
        store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Yield(100)));
        let instance = self.pre.instantiate_async(&mut store).await?;
        let guest = self.events.load(&mut store, &instance)?;
        match guest.call_handle(store, event).await? {
            Ok(()) => Ok(()),
            Err(error) => Err(wasmtime::Error::msg(format!("the guest failed: {error:?}"))),
        }
    }
}

/// A JSON object of about so many bytes.
fn payload(bytes: usize) -> Value {
    let item =
        json!({ "id": "1042", "subject": "Printer on fire", "tags": ["vip", "hardware"], "count": 3, "open": true });
    let each = item.to_string().len() + 1;
    json!({ "items": vec![item; bytes.div_ceil(each)] })
}

/// Measures, for 1 KiB and 64 KiB.
pub async fn measure(rounds: usize) -> Result<Value> {
    let lab = Lab::set_up().await?;
    let runtime = serve::runtime(&lab.host)?;
    let raw = Raw::new(&lab.component).map_err(|e| anyhow::anyhow!("{e:#}"))?;
    let mut results = serde_json::Map::new();
    for (name, bytes, rounds) in [("1-KiB", 1024, rounds), ("64-KiB", 64 * 1024, rounds / 10)] {
        let ours = Event {
            tenant: "demo".parse()?,
            origin: "bench".parse()?,
            id: "1".into(),
            kind: "test.event".into(),
            source: "/bench".into(),
            subject: None,
            time: Timestamp(0),
            form: EventForm::CloudEvents,
            trace: None,
            data: payload(bytes),
        };
        let theirs = events::Event {
            id: ours.id.clone(),
            kind: ours.kind.clone(),
            source: ours.source.clone(),
            subject: None,
            time: ours.time.to_string(),
            data: ours.data.to_string(),
            attempt: 1,
        };
        let (mut guarded, mut plain) = (Vec::new(), Vec::new());
        for round in 0..rounds + rounds / 10 {
            let began = Instant::now();
            raw.call(&theirs).await.map_err(|e| anyhow::anyhow!("{e:#}"))?;
            let between = Instant::now();
            let report = runtime.handle(&lab.echo, &ours, 1).await;
            let end = between.elapsed();
            anyhow::ensure!(report.end == CallEnd::Ok, "{}", report.end);
            if round >= rounds / 10 {
                plain.push((between - began).as_secs_f64() * 1e6);
                guarded.push(end.as_secs_f64() * 1e6);
            }
        }
        let ((guarded, guarded99), (plain, plain99)) = (percentiles(guarded), percentiles(plain));
        let value = json!({
            "rounds": rounds,
            "all-guards-us": { "p50": guarded, "p99": guarded99 },
            "raw-wasmtime-us": { "p50": plain, "p99": plain99 },
            "ratio-of-medians": guarded / plain,
        });
        results.insert(name.into(), value);
    }
    drop(Arc::try_unwrap(runtime));
    Ok(Value::Object(results))
}
