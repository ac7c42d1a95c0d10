//! Sealed secrets: slots, their generations, and the keys that these are sealed under. What lies here cannot be read without a
//! key that is not here.
//!
//! Invariants: a slot's current generation is the one that its head names, so there is exactly one; a head is changed only by
//! whoever names the head that it was made from; a generation is added only under the tenant's current data key, a data key only
//! under the current key-encryption key, both looked up in the same transaction, as is that the installation was not
//! uninstalled; what is deleted is overwritten in the file.

pub(crate) mod endings;
mod keys;
mod rows;
#[cfg(test)]
pub(crate) mod tests;

use async_trait::async_trait;
use portcullis_model::{
    audit::Entry,
    error::StoreError,
    id::TenantId,
    secret::{Head, SealedSecret, SecretChange, SecretPut, SecretStore, Slot, SlotRows, Swap, VaultRows, WrappedKey},
    time::Timestamp,
};
use rusqlite::{Connection, params};

use crate::{
    SqliteStore,
    audit::append,
    db::{Outcome, Writing, failed},
    installations,
};
use endings::NOT_ENDING;

/// As the column holds it: a source's secret belongs to no installation.
fn installation(slot: &Slot) -> &str {
    slot.installation.as_ref().map_or("", |installation| installation.as_str())
}

/// Adds a generation as the current one. Says nothing to the log.
fn put(
    conn: &Writing,
    row: &SealedSecret,
    expected: Option<&Head>,
    retired: Timestamp,
    keep: Timestamp,
) -> Outcome<Swap> {
    let slot = row.slot();
    if let Some(id) = &slot.installation
        && installations::is_gone(conn, &slot.tenant, id)?
    {
        return Ok(Swap::Gone);
    }
    if rows::head(conn, &slot)?.as_ref() != expected {
        return Ok(Swap::Stale);
    }
    if keys::current(conn, &row.tenant)? != Some(row.data_key) {
        return Ok(Swap::OtherKey);
    }
    rows::write_head(conn, &slot, &Head::ready(row.generation))?;
    let (tenant, installation) = (slot.tenant.as_str(), installation(&slot));
    conn.execute(
        "UPDATE secret_generations SET retired = ?4
         WHERE tenant = ?1 AND installation = ?2 AND name = ?3 AND retired IS NULL",
        params![tenant, installation, slot.name, retired.0],
    )
    .map_err(failed)?;
    // What has just ceased to be current stays, whatever the clock says.
    conn.execute(
        &format!(
            "DELETE FROM secret_generations WHERE tenant = ?1 AND installation = ?2 AND name = ?3 AND retired < ?4
             AND (expires IS NULL OR expires < ?4) AND {NOT_ENDING}"
        ),
        params![tenant, installation, slot.name, retired.min(keep).0],
    )
    .map_err(failed)?;
    rows::insert(conn, row)?;
    Ok(Swap::Done)
}

/// Stores a secret inside of another change, which is to be taken back where this is not [`Swap::Done`].
pub(crate) fn put_with(conn: &Writing, new: &SecretPut) -> Outcome<Swap> {
    let put = put(conn, &new.row, new.expected.as_ref(), new.entry.time, new.keep_since)?;
    if put == Swap::Done {
        append(conn, &new.entry)?;
    }
    Ok(put)
}

/// The same of whatever becomes of it.
pub(crate) fn change(conn: &Writing, change: &SecretChange) -> Outcome<Swap> {
    match change {
        SecretChange::Put(new) => put_with(conn, new),
        SecretChange::Forget(slot) => forget(conn, slot).map(|_| Swap::Done),
    }
}

/// Deletes a slot. False where there is none.
pub(crate) fn forget(conn: &Writing, slot: &Slot) -> Outcome<bool> {
    let which = [slot.tenant.as_str(), installation(slot), slot.name.as_str()];
    let sql = "DELETE FROM secrets WHERE tenant = ?1 AND installation = ?2 AND name = ?3";
    conn.execute(sql, which).map(|rows| rows == 1).map_err(failed)
}

#[async_trait]
impl SecretStore for SqliteStore {
    async fn put_secret(
        &self,
        secret: SealedSecret,
        expected: Option<Head>,
        keep_since: Timestamp,
        entry: Entry,
    ) -> Result<Swap, StoreError> {
        let new = SecretPut { row: secret, expected, keep_since, entry };
        self.db.write(move |conn| put_with(conn, &new)).await
    }

    async fn set_head(&self, slot: &Slot, expected: Head, head: Head, entry: Entry) -> Result<bool, StoreError> {
        let slot = slot.clone();
        self.db
            .write(move |conn| {
                let fits = head.generation == expected.generation && rows::head(conn, &slot)? == Some(expected);
                if fits {
                    rows::write_head(conn, &slot, &head)?;
                    append(conn, &entry)?;
                }
                Ok(fits)
            })
            .await
    }

    async fn remove_slot(&self, slot: &Slot) -> Result<bool, StoreError> {
        let slot = slot.clone();
        self.db.write(move |conn| forget(conn, &slot)).await
    }

    async fn forget_retired(&self, before: Timestamp) -> Result<u64, StoreError> {
        let any = self.db.read(move |conn| {
            let sql = format!(
                "SELECT EXISTS (SELECT 1 FROM secret_generations
                 WHERE retired IS NOT NULL AND retired < ?1 AND (expires IS NULL OR expires < ?1) AND {NOT_ENDING})"
            );
            conn.query_row(&sql, [before.0], |row| row.get::<_, bool>(0)).map_err(failed)
        });
        if !any.await? {
            return Ok(0);
        }
        let forget = move |conn: &Writing| {
            let sql = format!(
                "DELETE FROM secret_generations
                 WHERE retired IS NOT NULL AND retired < ?1 AND (expires IS NULL OR expires < ?1) AND {NOT_ENDING}"
            );
            conn.execute(&sql, [before.0]).map(|rows| rows as u64).map_err(failed)
        };
        self.db.write(forget).await
    }

    async fn secrets(&self) -> Result<Vec<SealedSecret>, StoreError> {
        self.db.read(rows::current).await
    }

    async fn slot(&self, slot: &Slot) -> Result<Option<SlotRows>, StoreError> {
        let slot = slot.clone();
        self.db.read(move |conn| rows::snapshot(conn, |conn| rows::one(conn, &slot))).await
    }

    async fn vault(&self) -> Result<VaultRows, StoreError> {
        let all = |conn: &Connection| {
            Ok(VaultRows { revision: rows::revision(conn)?, slots: rows::all(conn)?, keys: keys::all(conn)? })
        };
        self.db.read(move |conn| rows::snapshot(conn, all)).await
    }

    async fn secrets_revision(&self) -> Result<u64, StoreError> {
        self.db.read(rows::revision).await
    }

    async fn reseal(&self, old: SealedSecret, new: SealedSecret) -> Result<bool, StoreError> {
        self.db
            .write(move |conn| {
                let same = SealedSecret { data_key: new.data_key, sealed: new.sealed.clone(), ..old.clone() } == new;
                Ok(same && keys::current(conn, &new.tenant)? == Some(new.data_key) && rows::reseal(conn, &old, &new)?)
            })
            .await
    }

    async fn add_data_key(&self, key: WrappedKey, expected: Option<u64>, entry: Entry) -> Result<Swap, StoreError> {
        self.db.write(move |conn| keys::add(conn, &key, expected, &entry)).await
    }

    async fn rewrap(&self, old: WrappedKey, new: WrappedKey) -> Result<Swap, StoreError> {
        self.db.write(move |conn| keys::rewrap(conn, &old, &new)).await
    }

    async fn drop_data_key(&self, tenant: &TenantId, number: u64, entry: Entry) -> Result<bool, StoreError> {
        let tenant = tenant.clone();
        self.db.write(move |conn| keys::drop_one(conn, &tenant, number, &entry)).await
    }

    async fn wrapping_keys(&self) -> Result<Vec<String>, StoreError> {
        self.db.read(keys::wrapping).await
    }

    async fn set_wrapping_key(
        &self,
        name: &str,
        expected: Option<&str>,
        entry: Option<Entry>,
    ) -> Result<bool, StoreError> {
        let (name, expected) = (name.to_owned(), expected.map(str::to_owned));
        self.db.write(move |conn| keys::set_wrapping(conn, &name, expected.as_deref(), entry.as_ref())).await
    }

    async fn drop_wrapping_key(&self, name: &str, entry: Entry) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.db.write(move |conn| keys::drop_wrapping(conn, &name, &entry)).await
    }
}
