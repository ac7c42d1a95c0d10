//! Automations and their tokens.

use async_trait::async_trait;
use portcullis_model::{
    error::StoreError,
    id::{ClientId, Digest, TenantId},
    people::{Automation, AutomationChange, AutomationStore, AutomationToken},
    time::Timestamp,
};
use rusqlite::{OptionalExtension as _, params};

use super::{LOST, rows};
use crate::{
    SqliteStore,
    audit::append_all,
    db::{Outcome, Writing, corrupt, failed},
};

fn write(conn: &Writing, change: &AutomationChange) -> Outcome<()> {
    if let Some(put) = &change.row {
        rows::automation(conn, put)?;
    }
    if let Some(token) = &change.token {
        let query = "INSERT INTO automation_tokens (digest, client, key, expires) VALUES (?1, ?2, ?3, ?4)";
        let AutomationToken { digest, client, key, expires } = token;
        conn.execute(query, params![digest.hex(), client.as_str(), key, expires.0]).map_err(failed)?;
    }
    append_all(conn, &change.entries)
}

#[async_trait]
impl AutomationStore for SqliteStore {
    async fn change_automation(&self, change: AutomationChange) -> Result<bool, StoreError> {
        let noted = change.entries.iter().find_map(|entry| entry.tenant.clone());
        let whose = change.row.as_ref().map(|put| put.row.tenant.clone()).or(noted);
        match self.db.write_of(whose, move |conn| write(conn, &change)).await {
            Ok(()) => Ok(true),
            Err(error) if error.0 == LOST => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn automation(&self, id: &ClientId) -> Result<Option<Automation>, StoreError> {
        let id = id.as_str().to_owned();
        self.db.read(move |conn| rows::one(conn, "SELECT body FROM automations WHERE id = ?1", [id])).await
    }

    async fn automations(&self, tenant: &TenantId, most: usize) -> Result<Vec<Automation>, StoreError> {
        let tenant = tenant.as_str().to_owned();
        let query = "SELECT body FROM automations WHERE tenant = ?1 AND live = 1 ORDER BY name LIMIT ?2";
        self.db.read(move |conn| rows::all(conn, query, params![tenant, most])).await
    }

    async fn automation_token(&self, digest: &Digest) -> Result<Option<AutomationToken>, StoreError> {
        let (digest, hex) = (*digest, digest.hex());
        let query = "SELECT client, key, expires FROM automation_tokens WHERE digest = ?1";
        let read = move |conn: &rusqlite::Connection| -> Outcome<Option<AutomationToken>> {
            let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?));
            let found = conn.query_row(query, [hex], row).optional().map_err(failed)?;
            let Some((client, key, expires)) = found else { return Ok(None) };
            let client = client.parse().map_err(corrupt)?;
            Ok(Some(AutomationToken { digest, client, key, expires: Timestamp(expires) }))
        };
        self.db.read(read).await
    }

    async fn sweep_automation(&self, now: Timestamp) -> Result<u64, StoreError> {
        let query = "DELETE FROM automation_tokens WHERE expires <= ?1";
        let gone = move |conn: &Writing| conn.execute(query, [now.0]).map_err(failed);
        Ok(self.db.write(gone).await? as u64)
    }
}
