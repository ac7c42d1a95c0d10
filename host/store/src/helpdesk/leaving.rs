//! A tenant that left: all of its records go from the embedded help desk.
//!
//! Invariant: one transaction for all of them, and nothing of them is left in the write-ahead log where nobody reads it at that moment.

use portcullis_model::{error::ServiceError, id::TenantId};

use super::SqliteHelpDesk;

/// Its tables, those first that refer to others.
const TABLES: [&str; 7] =
    ["attachment_parts", "attachments", "comments", "tickets", "users", "organizations", "retired_ids"];

impl SqliteHelpDesk {
    /// How many records of a tenant there are.
    pub async fn records_of(&self, tenant: &TenantId) -> Result<u64, ServiceError> {
        let tenant = tenant.to_string();
        self.read(move |db| {
            let mut all = 0;
            for table in TABLES {
                let sql = format!("SELECT count(*) FROM {table} WHERE tenant = ?1");
                all += db.query_row(&sql, [&tenant], |row| row.get::<_, u64>(0))?;
            }
            Ok(all)
        })
        .await
    }

    /// Deletes all records of a tenant. Gives how many there were.
    pub async fn delete_tenant(&self, tenant: &TenantId) -> Result<u64, ServiceError> {
        let tenant = tenant.to_string();
        let gone = self.write(move |db| {
            let mut gone = 0;
            for table in TABLES {
                gone += db.execute(&format!("DELETE FROM {table} WHERE tenant = ?1"), [&tenant])? as u64;
            }
            Ok(gone)
        });
        let gone = gone.await?;
        self.forget_old_pages().await?;
        Ok(gone)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use portcullis_model::time::{Clock, Timestamp};

    use super::*;

    struct Zero;

    impl Clock for Zero {
        fn now(&self) -> Timestamp {
            Timestamp(0)
        }
    }

    #[tokio::test]
    async fn all_of_a_tenant_goes_and_nothing_of_another() {
        let dir = tempfile::tempdir().unwrap();
        let desk = SqliteHelpDesk::open(&dir.path().join("helpdesk.db"), Arc::new(Zero)).unwrap();
        let (acme, other): (TenantId, TenantId) = ("acme".parse().unwrap(), "other".parse().unwrap());
        desk.seed(&acme).await.unwrap();
        desk.seed(&other).await.unwrap();
        let before = desk.records_of(&other).await.unwrap();
        assert!(before > 10 && desk.records_of(&acme).await.unwrap() == before);
        assert_eq!(desk.delete_tenant(&acme).await.unwrap(), before);
        assert_eq!((desk.records_of(&acme).await.unwrap(), desk.records_of(&other).await.unwrap()), (0, before));
        assert_eq!(desk.delete_tenant(&acme).await.unwrap(), 0, "again");
    }
}
