//! What a bundle is about: a filter, an incident, or an alert with what its subject did around it.
//!
//! Invariant: the entries that an alert was raised for are always in its bundle, whatever its subject is.

use std::{collections::BTreeSet, time::Duration};

use anyhow::Result;
use portcullis_duties::incident::{Trail, since};
use portcullis_model::{
    alert::Alert,
    audit::{
        query::{Field, Filter},
        reader::{AuditReader, Shown, Window},
    },
    id::PersonId,
    incident::Incident,
    installation::InstallationStore as _,
    time::Timestamp,
};

use crate::{host::Host, incident};

/// Which entries are put into a bundle.
#[derive(Debug, Default)]
pub struct About {
    /// Whatever any of these means.
    pub filters: Vec<Filter>,
    /// And these, by their indices.
    pub entries: BTreeSet<u64>,
    /// What was asked for beside the filters, such as an alert.
    of: Option<String>,
}

impl From<Filter> for About {
    fn from(filter: Filter) -> Self {
        Self { filters: vec![filter], ..Self::default() }
    }
}

impl About {
    /// What is about this incident, from so many hours before it was opened.
    pub async fn incident(host: &Host, found: &Incident, hours: u64) -> Result<Self> {
        let since = Some(since(found, hours));
        let surveyor = incident::Surveyor::of(host);
        let filters = Trail { survey: &surveyor, installations: host.store.as_ref() }.filters(found).await?;
        Ok(Self { filters: filters.into_iter().map(|filter| filter.within(since, None)).collect(), ..Self::default() })
    }

    /// The entries that this alert was raised for, what became of it, and what its subject did: from so many hours before the first
    /// of these entries to so many after the last.
    pub async fn alert(host: &Host, reader: &dyn AuditReader, alert: &Alert, hours: u64) -> Result<Self> {
        let mut first = alert.first;
        for index in &alert.entries {
            let times = read_one(reader, *index).await?.and_then(|shown| shown.entry).map(|entry| entry.time);
            first = times.map_or(first, |time| first.min(time));
        }
        let (since, until) = (back(first, hours), alert.last.plus(span(hours)));
        let mut filters: Vec<Filter> = subject(host, alert).await?;
        filters.iter_mut().for_each(|filter| *filter = std::mem::take(filter).within(Some(since), Some(until)));
        filters.push(Filter::default().and(Field::Record, format!("alert:{}", alert.id)));
        Ok(Self { filters, entries: alert.entries.iter().copied().collect(), of: Some(format!("alert {}", alert.id)) })
    }

    /// In a line.
    pub fn words(&self) -> String {
        let filters: Vec<String> = self.filters.iter().map(ToString::to_string).collect();
        let filters = filters.join(" OR ");
        match &self.of {
            Some(of) => format!("{of}: its entries OR {filters}"),
            None => filters,
        }
    }
}

fn span(hours: u64) -> Duration {
    Duration::from_secs(hours.saturating_mul(3_600))
}

fn back(from: Timestamp, hours: u64) -> Timestamp {
    Timestamp(from.0.saturating_sub(i64::try_from(span(hours).as_millis()).unwrap_or(i64::MAX)))
}

/// What an alert's subject did: an installation and its plugin in that tenant, a tenant, or a person. None of what is the host's own:
/// there is always everything in it.
async fn subject(host: &Host, alert: &Alert) -> Result<Vec<Filter>> {
    let of_tenant = |filter: Filter| match &alert.tenant {
        Some(tenant) => filter.and(Field::Tenant, tenant.as_str()),
        None => filter,
    };
    if let Some(id) = &alert.installation {
        let mut all = vec![Filter::default().and(Field::Installation, id.as_str())];
        if let Some(one) = host.store.installations().await?.into_iter().find(|one| one.id == *id) {
            all.push(of_tenant(Filter::default().and(Field::Plugin, one.plugin.as_str())));
        }
        return Ok(all);
    }
    let account = alert.subject.strip_prefix("person:").and_then(|id| id.parse::<PersonId>().ok());
    Ok(match (account, &alert.tenant) {
        (Some(account), _) => vec![of_tenant(Filter::default().and(Field::Person, account.as_str()))],
        (None, Some(_)) => vec![of_tenant(Filter::default())],
        (None, None) => Vec::new(),
    })
}

/// The entry of that index; none where there is none.
pub async fn read_one(reader: &dyn AuditReader, index: u64) -> Result<Option<Shown>> {
    let window = Window { from: index, to: index.saturating_add(1), backwards: false, most: 1 };
    Ok(reader.search(&Filter::default(), window).await?.entries.into_iter().next())
}
