//! How much of the log somebody sees.
//!
//! Invariants: who reaches some tenants only sees entries of those, by every way of reading; what a filter asks for beyond that is
//! as if it were not there.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use portcullis_model::{
    audit::{
        query::Filter,
        reader::{AuditReader, Found, Shown, Window},
    },
    error::StoreError,
    id::TenantId,
};

use crate::{
    admin::{Call, Operation, unknown},
    problem::Problem,
};

/// How many steps one page takes at most where entries are looked at one by one.
const STEPS: usize = 25;

/// How much somebody sees.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sight {
    /// All of it.
    Everything,
    /// Entries of these tenants, and those that are no tenant's where that is said.
    Of {
        /// Of these.
        tenants: BTreeSet<TenantId>,
        /// And those that are no tenant's.
        platform: bool,
    },
}

impl Sight {
    /// What whoever asks sees.
    pub async fn of<O: Operation>(call: &Call<O>) -> Result<Self, Problem> {
        let Some(reached) = call.caller.tenants() else { return Ok(Self::Everything) };
        Ok(Self::Of { tenants: call.seen(reached).await?, platform: call.on_platform().await? })
    }

    /// The filter less what is out of sight; that there is nothing, where it asks for that alone.
    pub fn met(&self, filter: &Filter) -> Result<Filter, Problem> {
        self.narrowed(filter).ok_or_else(|| unknown("Nothing that you may see is of a tenant that the filter names."))
    }

    fn narrowed(&self, filter: &Filter) -> Option<Filter> {
        match self {
            Self::Of { tenants, platform: false } => filter.clone().in_tenants(tenants),
            // No filter means what is no tenant's: entries are looked at one by one.
            Self::Everything | Self::Of { platform: true, .. } => Some(filter.clone()),
        }
    }

    /// Whether an entry is in sight that is of this tenant, of none, or of which that cannot be read.
    pub fn sees(&self, tenant: Option<&Option<TenantId>>) -> bool {
        match (self, tenant) {
            (Self::Everything, _) => true,
            (Self::Of { .. }, None) => false,
            (Self::Of { platform, .. }, Some(None)) => *platform,
            (Self::Of { tenants, .. }, Some(Some(tenant))) => tenants.contains(tenant),
        }
    }

    fn shows(&self, shown: &Shown) -> bool {
        match &shown.entry {
            Some(entry) => self.sees(Some(&entry.tenant)),
            // It was found by its tenant.
            None => !matches!(self, Self::Of { platform: true, .. }),
        }
    }

    /// Entries in sight that a filter means.
    ///
    /// Where entries are looked at one by one, it goes on until there are as many as the window has, or for so many steps: a page is
    /// short only where few of many are in sight.
    pub async fn search(
        &self,
        reader: &dyn AuditReader,
        filter: &Filter,
        mut window: Window,
    ) -> Result<Found, StoreError> {
        let (most, mut entries) = (window.most, Vec::new());
        let Some(filter) = self.narrowed(filter) else { return Ok(Found { entries, next: None }) };
        let mut next = None;
        for _ in 0..STEPS {
            let found = reader.search(&filter, window).await?;
            entries.extend(found.entries.into_iter().filter(|shown| self.shows(shown)));
            next = found.next;
            if entries.len() > most {
                entries.truncate(most);
                let last = entries.last().map_or(0, |shown: &Shown| shown.index);
                next = Some(if window.backwards { last } else { last + 1 });
            }
            let Some(on) = next.filter(|_| entries.len() < most) else { break };
            match window.backwards {
                true => window.to = on,
                false => window.from = on,
            }
        }
        Ok(Found { entries, next })
    }

    /// In whose logs it is written that somebody with this sight reads.
    pub fn tenants(&self) -> Vec<Option<TenantId>> {
        match self {
            Self::Of { tenants, platform: false } if !tenants.is_empty() => tenants.iter().cloned().map(Some).collect(),
            Self::Everything | Self::Of { .. } => vec![None],
        }
    }
}

/// The log, as far as it is in sight.
pub(in crate::admin::v1) struct InSight {
    pub reader: Arc<dyn AuditReader>,
    pub sight: Sight,
}

#[async_trait]
impl AuditReader for InSight {
    async fn written(&self) -> Result<u64, StoreError> {
        self.reader.written().await
    }

    async fn published(&self) -> Result<u64, StoreError> {
        self.reader.published().await
    }

    async fn search(&self, filter: &Filter, window: Window) -> Result<Found, StoreError> {
        self.sight.search(self.reader.as_ref(), filter, window).await
    }

    async fn follow(&self, from: u64, most: usize) -> Result<Vec<Shown>, StoreError> {
        if self.sight == Sight::Everything {
            return self.reader.follow(from, most).await;
        }
        let to = from.saturating_add(most as u64).min(self.reader.written().await?);
        let window = Window { from, to, backwards: false, most };
        self.search(&Filter::default(), window).await.map(|found| found.entries)
    }

    async fn add_leaves(&self, entries: &mut [Shown]) -> Result<(), StoreError> {
        self.reader.add_leaves(entries).await
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::audit::{Actor, Entry, Kind, Recorder as _};
    use portcullis_store::SqliteStore;

    use super::*;
    use crate::admin::testing;

    #[tokio::test]
    async fn whoever_sees_few_of_many_gets_whole_pages_and_each_entry_once() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
        let tenant = |number: usize| (number % 7 != 3).then(|| "acme".parse().unwrap());
        let entry = |number| Entry::new(testing::NOW, Kind::HostStarted, Actor::Host, tenant(number));
        store.record((0..200).map(entry).collect()).await.unwrap();
        let (reader, sight) =
            (testing::Reader::of(dir.path(), &store), Sight::Of { tenants: BTreeSet::new(), platform: true });
        for backwards in [true, false] {
            let (mut seen, mut window) = (Vec::new(), Window { from: 0, to: 200, backwards, most: 5 });
            loop {
                let found = sight.search(&reader, &Filter::default(), window).await.unwrap();
                seen.extend(found.entries.iter().map(|shown| shown.index));
                let Some(next) = found.next else { break };
                assert_eq!(found.entries.len(), 5, "a page is short: {next}");
                if backwards { window.to = next } else { window.from = next }
            }
            let mut all: Vec<u64> = (0..200).filter(|number| number % 7 == 3).collect();
            if backwards {
                all.reverse();
            }
            assert_eq!(seen, all);
        }
    }
}
