//! Who cosigns the log and who is sent it, and what of it is taken away: values beside it, and entries before their time.
//!
//! Invariants: what is taken away is on record in the same write; nothing goes that is younger than the platform's minimum; what was
//! erased is forgotten by the rules and by the index as well, or it is said that it is not.

use std::sync::Arc;

use anyhow::Result;
use async_trait::async_trait;
use portcullis_api::admin::v1::log::{
    Asked, Cut, Disposed, Erased, LogError, NewWitness, Outlet, Upkeep, Values, Witness,
};
use portcullis_audit::WitnessKey;
use portcullis_broker::witness::WitnessUrl;
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    outlet::{self, OutletStore as _},
    time::Timestamp,
};
use portcullis_store::{ErasedValues, LogWitness, Which};

use super::failed;
use crate::{
    host::Host,
    outlet::syslog_to,
    reading::LogReader,
    retention::{self, Order},
    witnessed,
};

/// Looks after the log of a host.
pub(super) struct Keeper {
    pub host: Host,
    pub reader: Arc<LogReader>,
}

impl Keeper {
    fn entry(&self, kind: Kind, by: Actor) -> Entry {
        Entry::new(self.host.clock.now(), kind, by, None)
    }

    /// What the configuration has of outlets, by name: where each leads.
    fn configured(&self) -> Result<Vec<(&'static str, String)>> {
        let audit = &self.host.config.audit;
        let syslog = audit.syslog.as_ref().map(|one| ("syslog", syslog_to(one)));
        let otlp = audit.otlp.as_ref().map(|one| one.endpoint().map(|to| ("otlp", to.template()))).transpose()?;
        Ok(syslog.into_iter().chain(otlp).collect())
    }
}

#[async_trait]
impl Upkeep for Keeper {
    async fn witnesses(&self) -> Result<Vec<Witness>, LogError> {
        let shown = |one: LogWitness| Witness {
            name: one.name,
            url: one.url,
            vkey: one.vkey,
            cosigned: one.known,
            asked: one.asked.map(|at| at.to_string()),
            problem: one.problem,
        };
        Ok(self.host.store.witnesses().await?.into_iter().map(shown).collect())
    }

    fn known_as(&self, new: &NewWitness) -> Result<String, LogError> {
        let key = WitnessKey::parse(&new.vkey).map_err(|error| LogError::Refused(error.to_string()))?;
        WitnessUrl::parse(&new.url).map_err(LogError::Refused)?;
        Ok(key.to_string())
    }

    async fn add_witness(&self, new: &NewWitness, by: Actor) -> Result<bool, LogError> {
        let NewWitness { name, url, vkey } = new.clone();
        let entry = self
            .entry(Kind::LogWitnessAdded, by)
            .with("name", name.as_str())
            .with("url", url.as_str())
            .with("vkey", vkey.as_str());
        let witness = LogWitness { name, url, vkey, known: 0, asked: None, problem: None };
        Ok(self.host.store.add_witness(witness, entry).await?)
    }

    async fn remove_witness(&self, name: &str, by: Actor) -> Result<bool, LogError> {
        let entry = self.entry(Kind::LogWitnessRemoved, by).with("name", name);
        Ok(self.host.store.remove_witness(name.to_owned(), entry).await?)
    }

    async fn ask_witnesses(&self) -> Result<Vec<Asked>, LogError> {
        let asked = witnessed::ask(&self.host, true).await.map_err(failed)?.into_iter();
        Ok(asked.map(|one| Asked { name: one.name, cosigned: one.known, problem: one.problem }).collect())
    }

    async fn outlets(&self) -> Result<Vec<Outlet>, LogError> {
        let store = &self.host.store;
        let (known, end) = (store.outlets().await?, store.entry_count().await?);
        let mut all = Vec::new();
        for one in known {
            let waits = store.entries(one.next, 1).await?.first().map(|entry| entry.time);
            all.push(begun(one, end, waits));
        }
        for (name, to) in self.configured().map_err(failed)? {
            if !all.iter().any(|one: &Outlet| one.name == name) {
                all.push(Outlet { name: name.to_owned(), to, ..Outlet::default() });
            }
        }
        Ok(all)
    }

    async fn erasable(&self, which: &Values) -> Result<Erased, LogError> {
        Ok(told(self.host.store.openings_of(meant(which)).await?))
    }

    async fn erase(&self, which: &Values, reason: &str, by: Actor) -> Result<Erased, LogError> {
        let which = meant(which);
        let entry = self.entry(Kind::AuditErased, by).with("reason", reason);
        let mut erased = self.host.store.erase_openings(which.clone(), entry).await?;
        if let Which::Value(value) = &which {
            crate::detect::forget(&self.host, value).await.map_err(failed)?;
        }
        erased.is_gone &= self.reader.forgets().await;
        Ok(told(erased))
    }

    async fn dispose(&self, cut: &Cut, by: Actor, dry: bool) -> Result<Vec<Disposed>, LogError> {
        if let Some(why) = retention::too_young(&self.host, cut.before) {
            return Err(LogError::Refused(why));
        }
        let views = match &cut.view {
            Some(view) => vec![view.clone()],
            None => self.host.store.log_views().await?.into_iter().map(|view| view.tenant).collect(),
        };
        let order = Order { actor: by, before: cut.before, policy: "by hand".to_owned(), reason: Some(&cut.reason) };
        let mut all = Vec::new();
        for view in views {
            let done = retention::dispose(&self.host, view.as_ref(), &order, dry).await.map_err(failed)?;
            let retention::Disposed { view, from, to, count, is_gone } = done;
            all.push(Disposed { view, from, to, count, is_gone });
        }
        if !dry && all.iter().any(|one| one.count > 0) {
            let forgot = self.reader.forgets().await;
            all.iter_mut().for_each(|one| one.is_gone &= forgot);
        }
        Ok(all)
    }
}

fn begun(one: outlet::Outlet, end: u64, waits: Option<Timestamp>) -> Outlet {
    let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
    Outlet {
        name: one.name,
        to: one.settings,
        begun: true,
        next: Some(one.next),
        entries: Some(end),
        lag: Some(end.saturating_sub(one.next)),
        oldest_waiting: text(waits),
        last_arrived: text(one.sent),
        failing_since: text(one.failing),
        problem: one.problem,
        refused: Some(one.refused),
        missed: Some(one.missed.count),
    }
}

fn meant(which: &Values) -> Which {
    match which {
        Values::Everywhere(value) => Which::Value(value.clone()),
        Values::Entry { index, field } => Which::Entry { index: *index, field: field.clone() },
    }
}

fn told(erased: ErasedValues) -> Erased {
    let ErasedValues { entries, fields, recorded, is_gone } = erased;
    Erased { entries, fields, recorded, is_gone }
}
