//! Outlets of the audit log: made of the configuration, turned on and off on record, and run beside everything else.
//!
//! Invariants: what is unfit ends the start of the host and not a message later; the log says who is sent it, from which entry to which,
//! and with or without personal values; an outlet that waits holds up nothing else.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use portcullis_audit::LogVerifier;
use portcullis_broker::{
    egress::Config as EgressConfig,
    outlet::{Collector, Follower, Form, Line, Pace, SyslogTarget, Way},
    resolve::SystemResolver,
};
use portcullis_evidence::outlet::{Sender, otlp::Otlp, syslog::Syslog};
use portcullis_model::{
    audit::{Actor, Entry, Kind, reader::Shown},
    error::StoreError,
    outlet::{Outlet, OutletStore as _},
};
use tokio::{sync::watch, task::JoinSet};

use crate::{
    config::{OtlpOutlet, SyslogOutlet},
    host::Host,
    log_proof,
    reading::LogReader,
};

/// An outlet that the configuration has.
struct Ready {
    follower: Follower,
    to: String,
    personal: bool,
}

/// All that the configuration has.
pub struct Outlets {
    host: Arc<Host>,
    ready: Vec<Ready>,
}

/// Where a receiver of syslog is, as the log and people are told.
pub fn syslog_to(outlet: &SyslogOutlet) -> String {
    format!("{}:{} facility={}", outlet.host, outlet.port, outlet.facility)
}

/// Makes the outlets that the configuration has.
pub fn prepare(host: &Arc<Host>, reader: &Arc<LogReader>) -> Result<Outlets> {
    let (audit, mut ready) = (&host.config.audit, Vec::new());
    if audit.syslog.is_some() || audit.otlp.is_some() {
        let origin = LogVerifier::parse(&log_proof::vkey(&host.home)?)?.origin().to_owned();
        let egress = host.config.egress()?;
        let follower = |name, (way, form): (Way, Form)| Follower {
            name,
            way,
            form,
            reader: reader.clone(),
            store: host.store.clone(),
            clock: host.clock.clone(),
            rng: host.rng.clone(),
            pace: Pace::default(),
        };
        if let Some(one) = &audit.syslog {
            let made = syslog(one, &origin, &egress).context("audit.syslog")?;
            ready.push(Ready { follower: follower("syslog", made), to: syslog_to(one), personal: one.personal });
        }
        if let Some(one) = &audit.otlp {
            let made = otlp(one, &origin, &egress).context("audit.otlp")?;
            ready.push(Ready {
                follower: follower("otlp", made),
                to: one.endpoint()?.template(),
                personal: one.personal,
            });
        }
    }
    Ok(Outlets { host: host.clone(), ready })
}

fn syslog(one: &SyslogOutlet, origin: &str, egress: &EgressConfig) -> Result<(Way, Form)> {
    let read = |path: &std::path::PathBuf| {
        std::fs::read_to_string(path).with_context(|| format!("ca: cannot read {}", path.display()))
    };
    let ca_pem = one.ca.as_ref().map(read).transpose()?;
    let target = SyslogTarget { host: one.host.clone(), port: one.port, ca_pem };
    let line = Line::new(target, egress, Arc::new(SystemResolver::default()))?;
    let first = || origin.split('/').next().unwrap_or(origin).to_owned();
    let form = Syslog {
        sender: Sender { origin: origin.to_owned(), personal: one.personal },
        facility: one.facility_number()?,
        hostname: one.hostname.clone().unwrap_or_else(first),
        enterprise: one.enterprise,
    };
    Ok((Way::Line(line), Arc::new(move |shown: &Shown| form.message(shown))))
}

fn otlp(one: &OtlpOutlet, origin: &str, egress: &EgressConfig) -> Result<(Way, Form)> {
    let form = Otlp { sender: Sender { origin: origin.to_owned(), personal: one.personal } };
    let resolver = Arc::new(SystemResolver::default());
    let collector = Collector::new(one.endpoint()?, one.headers_file.clone(), form.around(), egress, resolver)?;
    Ok((Way::Collector(collector), Arc::new(move |shown: &Shown| form.record(shown))))
}

impl Outlets {
    /// Turns on what the configuration has and off what it has not any more, and sends until `stop` turns true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let Self { host, ready } = self;
        let pace = Pace::default();
        let begun = loop {
            match settle(&host, &ready).await {
                Ok(begun) => break begun,
                Err(error) => tracing::error!(%error, "outlets of the audit log cannot be turned on"),
            }
            tokio::select! {
                () = tokio::time::sleep(pace.first) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        };
        let mut running = JoinSet::new();
        for (one, outlet) in ready.into_iter().zip(begun) {
            running.spawn(one.follower.run(outlet, stop.clone()));
        }
        while let Some(ended) = running.join_next().await {
            if let Err(error) = ended
                && error.is_panic()
            {
                std::panic::resume_unwind(error.into_panic());
            }
        }
        // Where there is none, it still ends with all others.
        let _ = stop.wait_for(|stop| *stop).await;
    }
}

/// What the store then says of each that is ready, in their order.
async fn settle(host: &Host, ready: &[Ready]) -> Result<Vec<Outlet>, StoreError> {
    let entry = |kind, name: &str| Entry::new(host.clock.now(), kind, Actor::Host, None).with("outlet", name);
    for known in host.store.outlets().await? {
        if !ready.iter().any(|one| one.follower.name == known.name) {
            let entry = entry(Kind::OutletStopped, &known.name).with("to", known.settings).with("next", known.next);
            host.store.outlet_off(&known.name, entry).await?;
        }
    }
    let mut begun = Vec::with_capacity(ready.len());
    for one in ready {
        let personal = if one.personal { "with personal values" } else { "without personal values" };
        let settings = format!("{} {personal}", one.to);
        let entry =
            entry(Kind::OutletStarted, one.follower.name).with("to", one.to.as_str()).with("personal", one.personal);
        begun.push(host.store.outlet_on(one.follower.name, &settings, entry).await?);
    }
    Ok(begun)
}
