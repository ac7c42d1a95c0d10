//! Uses of the last hour, suspensions, and what of the log an admin should see.
//!
//! Invariants: a suspension and its audit entry are written together, and so are its lifting and that entry; an amount that an
//! admin has forgiven stays in its row, since it counts for the tenant.

use async_trait::async_trait;
use portcullis_model::{
    audit::Entry,
    budget::{BudgetStore, Budgets, Flush, Resource, Suspension, Use},
    error::StoreError,
    id::{InstallationId, TenantId},
    time::Timestamp,
};
use rusqlite::{Connection, Row, params};

use crate::{
    SqliteStore,
    audit::{COLUMNS, StoredEntry, append, select},
    db::{Outcome, Writing, corrupt, failed},
    schema::IS_NOTICE,
};

fn put_use(conn: &Connection, used: &Use) -> Outcome<()> {
    conn.prepare_cached(
        "INSERT INTO budget_use (tenant, installation, resource, minute, amount) VALUES (?1, ?2, ?3, ?4, max(?5, 0))
         ON CONFLICT (tenant, installation, resource, minute)
         DO UPDATE SET amount = max(amount + ?5, 0), forgiven = min(forgiven, max(amount + ?5, 0))",
    )
    .and_then(|mut s| {
        let (tenant, installation) = (used.tenant.as_str(), used.installation.as_str());
        s.execute(params![tenant, installation, used.resource.name(), used.minute, used.amount])
    })
    .map(drop)
    .map_err(failed)
}

fn put_suspension(conn: &Connection, suspension: &Suspension) -> Outcome<()> {
    let Suspension { tenant, installation, capability, resource, whose, since, until, reason } = suspension;
    conn.prepare_cached(
        "INSERT OR REPLACE INTO suspensions (tenant, installation, capability, resource, whose, since, until, reason)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )
    .and_then(|mut s| {
        let (tenant, installation) = (tenant.as_str(), installation.as_str());
        s.execute(params![tenant, installation, capability, resource.name(), whose.name(), since.0, until.0, reason])
    })
    .map(drop)
    .map_err(failed)
}

/// What the installation used until now of what ran out no longer counts for it.
fn forgive(conn: &Connection, suspension: &Suspension) -> Outcome<()> {
    let (tenant, installation) = (suspension.tenant.as_str(), suspension.installation.as_str());
    conn.prepare_cached(
        "UPDATE budget_use SET forgiven = amount WHERE tenant = ?1 AND installation = ?2 AND resource = ?3",
    )
    .and_then(|mut s| s.execute(params![tenant, installation, suspension.resource.name()]))
    .map(drop)
    .map_err(failed)
}

fn read_use(row: &Row<'_>) -> Outcome<Use> {
    let text = |i| row.get::<_, String>(i).map_err(failed);
    let number = |i| row.get::<_, i64>(i).map_err(failed);
    Ok(Use {
        tenant: text(0)?.parse().map_err(corrupt)?,
        installation: text(1)?.parse().map_err(corrupt)?,
        resource: text(2)?.parse().map_err(corrupt)?,
        minute: number(3)?,
        amount: number(4)?,
        forgiven: number(5)?,
    })
}

fn read_suspension(row: &Row<'_>) -> Outcome<Suspension> {
    let text = |i| row.get::<_, String>(i).map_err(failed);
    let time = |i| row.get::<_, i64>(i).map(Timestamp).map_err(failed);
    Ok(Suspension {
        tenant: text(0)?.parse().map_err(corrupt)?,
        installation: text(1)?.parse().map_err(corrupt)?,
        capability: text(2)?,
        resource: text(3)?.parse().map_err(corrupt)?,
        whose: text(4)?.parse().map_err(corrupt)?,
        since: time(5)?,
        until: time(6)?,
        reason: text(7)?,
    })
}

fn uses(conn: &Connection, since_minute: i64) -> Outcome<Vec<Use>> {
    // Oldest first: that is the order in which they are counted again.
    let mut query = conn
        .prepare_cached(
            "SELECT tenant, installation, resource, minute, amount, forgiven FROM budget_use WHERE minute >= ?1
             ORDER BY minute",
        )
        .map_err(failed)?;
    let mut rows = query.query([since_minute]).map_err(failed)?;
    let mut uses = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        uses.push(read_use(row)?);
    }
    Ok(uses)
}

fn used_by(
    conn: &Connection,
    tenant: &TenantId,
    installation: &InstallationId,
    since_minute: i64,
) -> Outcome<Vec<(Resource, u64)>> {
    let mut query = conn
        .prepare_cached(
            "SELECT resource, sum(amount - forgiven) FROM budget_use
             WHERE tenant = ?1 AND installation = ?2 AND minute >= ?3 GROUP BY resource ORDER BY resource",
        )
        .map_err(failed)?;
    let mut rows = query.query(params![tenant.as_str(), installation.as_str(), since_minute]).map_err(failed)?;
    let mut used = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let name: String = row.get(0).map_err(failed)?;
        let amount: i64 = row.get(1).map_err(failed)?;
        used.push((name.parse().map_err(corrupt)?, u64::try_from(amount).unwrap_or(0)));
    }
    Ok(used)
}

fn suspensions(conn: &Connection, now: Timestamp) -> Outcome<Vec<Suspension>> {
    let mut query = conn
        .prepare_cached(
            "SELECT tenant, installation, capability, resource, whose, since, until, reason FROM suspensions
             WHERE until > ?1 ORDER BY since, tenant, installation, capability",
        )
        .map_err(failed)?;
    let mut rows = query.query([now.0]).map_err(failed)?;
    let mut suspensions = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        suspensions.push(read_suspension(row)?);
    }
    Ok(suspensions)
}

fn flush(conn: &Writing, flush: &Flush, since_minute: i64, now: Timestamp) -> Outcome<Vec<Suspension>> {
    flush.lifted.iter().try_for_each(|lifted| forgive(conn, lifted))?;
    flush.uses.iter().try_for_each(|used| put_use(conn, used))?;
    for (suspension, entry) in &flush.suspended {
        put_suspension(conn, suspension)?;
        append(conn, entry)?;
    }
    // Minutes far ahead come from a clock that was set back since.
    conn.prepare_cached("DELETE FROM budget_use WHERE minute < ?1 OR minute > ?1 + 1440")
        .and_then(|mut s| s.execute([since_minute]))
        .map_err(failed)?;
    conn.prepare_cached("DELETE FROM suspensions WHERE until <= ?1")
        .and_then(|mut s| s.execute([now.0]))
        .map_err(failed)?;
    suspensions(conn, now)
}

fn lift(conn: &Writing, suspension: &Suspension, entry: &Entry) -> Outcome<bool> {
    let Suspension { tenant, installation, capability, since, .. } = suspension;
    let gone = conn
        .execute(
            "DELETE FROM suspensions WHERE tenant = ?1 AND installation = ?2 AND capability = ?3 AND since = ?4",
            params![tenant.as_str(), installation.as_str(), capability, since.0],
        )
        .map_err(failed)?;
    if gone == 0 {
        return Ok(false);
    }
    forgive(conn, suspension)?;
    append(conn, entry)?;
    Ok(true)
}

#[async_trait]
impl BudgetStore for SqliteStore {
    async fn load_budgets(&self, since_minute: i64, now: Timestamp) -> Result<Budgets, StoreError> {
        self.db
            .read(move |conn| Ok(Budgets { uses: uses(conn, since_minute)?, suspensions: suspensions(conn, now)? }))
            .await
    }

    async fn flush_budgets(
        &self,
        changes: Flush,
        since_minute: i64,
        now: Timestamp,
    ) -> Result<Vec<Suspension>, StoreError> {
        self.db.write(move |conn| flush(conn, &changes, since_minute, now)).await
    }

    async fn used_by(
        &self,
        tenant: &TenantId,
        installation: &InstallationId,
        since_minute: i64,
    ) -> Result<Vec<(Resource, u64)>, StoreError> {
        let (tenant, installation) = (tenant.clone(), installation.clone());
        self.db.read(move |conn| used_by(conn, &tenant, &installation, since_minute)).await
    }

    async fn suspensions(&self, now: Timestamp) -> Result<Vec<Suspension>, StoreError> {
        self.db.read(move |conn| suspensions(conn, now)).await
    }

    async fn lift_suspension(&self, suspension: &Suspension, entry: Entry) -> Result<bool, StoreError> {
        let suspension = suspension.clone();
        self.db.write(move |conn| lift(conn, &suspension, &entry)).await
    }
}

impl SqliteStore {
    /// The entries since a moment that may need an admin, newest first, at most so many: all of them, or those of a tenant, or those
    /// that are no tenant's.
    pub async fn notices(
        &self,
        of: Option<Option<TenantId>>,
        since: Timestamp,
        most: usize,
    ) -> Outcome<Vec<StoredEntry>> {
        self.db
            .read(move |conn| {
                let sql = format!(
                    "SELECT {COLUMNS} FROM audit a
                     WHERE {IS_NOTICE} AND time >= ?1 AND disposed IS NULL AND (?3 OR tenant IS ?4) ORDER BY idx DESC LIMIT ?2"
                );
                let tenant = of.as_ref().and_then(Option::as_ref).map(TenantId::as_str);
                select(conn, &sql, params![since.0, most, of.is_none(), tenant])
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::{
        audit::Kind,
        budget::{Resource, Whose},
    };

    use super::*;
    use crate::testing::{entry, store};

    const MINUTE: i64 = 1_000;
    const NOW: Timestamp = Timestamp(MINUTE * 60_000);

    fn used(installation: &str, minute: i64, amount: i64) -> Use {
        let (tenant, installation) = ("acme".parse().unwrap(), installation.parse().unwrap());
        Use { tenant, installation, resource: Resource::RecordsRead, minute, amount, forgiven: 0 }
    }

    fn suspension(capability: &str) -> Suspension {
        Suspension {
            tenant: "acme".parse().unwrap(),
            installation: "a".parse().unwrap(),
            capability: capability.to_owned(),
            resource: Resource::RecordsRead,
            whose: Whose::Installation,
            since: NOW,
            until: Timestamp(NOW.0 + 3_600_000),
            reason: "records-read-per-hour".into(),
        }
    }

    fn suspended(capability: &str) -> Flush {
        let entry = entry(Kind::CapabilitySuspended).with("capability", capability);
        Flush { suspended: vec![(suspension(capability), entry)], ..Flush::default() }
    }

    fn uses_of(uses: Vec<Use>) -> Flush {
        Flush { uses, ..Flush::default() }
    }

    #[tokio::test]
    async fn uses_add_up_and_are_gone_after_the_hour() {
        let (_dir, store) = store();
        store.flush_budgets(uses_of(vec![used("a", 1_000, 7), used("b", 1_000, 1)]), 940, NOW).await.unwrap();
        store.flush_budgets(uses_of(vec![used("a", 1_000, -2), used("a", 1_001, 4)]), 940, NOW).await.unwrap();
        let loaded = store.load_budgets(940, NOW).await.unwrap();
        assert_eq!(loaded.uses, [used("a", 1_000, 5), used("b", 1_000, 1), used("a", 1_001, 4)]);
        assert_eq!(store.load_budgets(1_001, NOW).await.unwrap().uses, [used("a", 1_001, 4)]);
        let of = used("a", 1_000, 0);
        let by = store.used_by(&of.tenant, &of.installation, 940).await.unwrap();
        assert_eq!(by, [(of.resource, 9)], "and nobody else's");
        store.flush_budgets(Flush::default(), 1_001, NOW).await.unwrap();
        assert_eq!(store.load_budgets(0, NOW).await.unwrap().uses, [used("a", 1_001, 4)], "deleted");
    }

    #[tokio::test]
    async fn a_suspension_is_on_record_until_it_is_lifted_or_over() {
        let (_dir, store) = store();
        store.flush_budgets(uses_of(vec![used("a", 1_000, 50), used("b", 1_000, 3)]), 940, NOW).await.unwrap();
        let holding = store.flush_budgets(suspended("tickets"), 940, NOW).await.unwrap();
        assert_eq!(holding, [suspension("tickets")]);
        assert_eq!(store.load_budgets(940, NOW).await.unwrap().suspensions, [suspension("tickets")]);
        assert!(store.lift_suspension(&suspension("tickets"), entry(Kind::CapabilityResumed)).await.unwrap());
        assert!(!store.lift_suspension(&suspension("tickets"), entry(Kind::CapabilityResumed)).await.unwrap());
        assert_eq!(store.suspensions(NOW).await.unwrap(), []);
        let uses = store.load_budgets(940, NOW).await.unwrap().uses;
        assert_eq!(uses, [Use { forgiven: 50, ..used("a", 1_000, 50) }, used("b", 1_000, 3)], "and nobody else's");
        assert_eq!(store.entry_count().await.unwrap(), 2);
        store.flush_budgets(suspended("users"), 940, NOW).await.unwrap();
        let end = suspension("users").until;
        assert_eq!(store.flush_budgets(Flush::default(), 940, end).await.unwrap(), []);
    }

    #[tokio::test]
    async fn notices_of_one_do_not_crowd_out_those_of_another() {
        let (_dir, store) = store();
        let of = |tenant: Option<&str>| {
            let mut one = entry(Kind::DeliveryDead);
            one.tenant = tenant.map(|name| name.parse().unwrap());
            one
        };
        let entries = [None, Some("globex"), Some("acme"), Some("acme"), Some("acme")].map(of);
        portcullis_model::audit::Recorder::record(&store, entries.to_vec()).await.unwrap();
        for (whose, expected) in [
            (None, vec![4, 3]),
            (Some(None), vec![0]),
            (Some(Some("globex")), vec![1]),
            (Some(Some("acme")), vec![4, 3]),
            (Some(Some("umbrella")), vec![]),
        ] {
            let of = whose.map(|tenant: Option<&str>| tenant.map(|name| name.parse().unwrap()));
            let found = store.notices(of, Timestamp(0), 2).await.unwrap();
            assert_eq!(found.iter().map(|one| one.index).collect::<Vec<u64>>(), expected, "{whose:?}");
        }
    }

    #[tokio::test]
    async fn notices_are_found_without_a_walk_through_the_log() {
        let (_dir, store) = store();
        let entries = [Kind::CallEnded, Kind::DeliveryDead, Kind::ActDenied, Kind::CapabilitySuspended].map(entry);
        portcullis_model::audit::Recorder::record(&store, entries.to_vec()).await.unwrap();
        let found: Vec<u64> = store.notices(None, Timestamp(0), 10).await.unwrap().iter().map(|e| e.index).collect();
        assert_eq!(found, [3, 1]);
        assert!(store.notices(None, Timestamp(1), 10).await.unwrap().is_empty());
        let plan = store.db.read(|conn| {
            let plan = format!(
                "EXPLAIN QUERY PLAN SELECT idx, body FROM audit WHERE {IS_NOTICE} AND time >= 0 ORDER BY idx DESC"
            );
            conn.query_row(&plan, [], |row| row.get::<_, String>(3)).map_err(failed)
        });
        let plan = plan.await.unwrap();
        assert!(plan.contains("audit_notices"), "{plan}");
    }

    #[tokio::test]
    async fn no_index_makes_a_tree_of_its_own_for_each_entry() {
        let (_dir, store) = store();
        let steps = store.db.read(|conn| {
            let insert = "EXPLAIN INSERT INTO audit (idx, time, kind, tenant, body) VALUES (0, 0, '', NULL, x'')";
            let mut query = conn.prepare(insert).map_err(failed)?;
            let steps = query.query_map([], |row| row.get(1)).and_then(Iterator::collect::<Result<Vec<String>, _>>);
            steps.map_err(failed)
        });
        let steps = steps.await.unwrap();
        assert!(steps.iter().any(|step| step == "IdxInsert"), "{steps:?}");
        assert!(!steps.iter().any(|step| step == "OpenEphemeral"), "{steps:?}");
    }
}
