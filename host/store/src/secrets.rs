//! Sealed secrets. What lies here cannot be read without a key that is not here.

use async_trait::async_trait;
use portcullis_model::{
    audit::Entry,
    error::StoreError,
    secret::{SealedSecret, SecretStore},
};
use rusqlite::params;

use crate::{
    SqliteStore,
    audit::append,
    db::{corrupt, failed},
};

#[async_trait]
impl SecretStore for SqliteStore {
    async fn put_secret(&self, secret: SealedSecret, entry: Entry) -> Result<(), StoreError> {
        self.db
            .write(move |conn| {
                let installation = secret.installation.as_ref().map(|i| i.as_str()).unwrap_or_default();
                conn.execute(
                    "INSERT INTO secrets (tenant, installation, name, generation, place, sealed)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                     ON CONFLICT (tenant, installation, name) DO UPDATE SET
                     generation = excluded.generation, place = excluded.place, sealed = excluded.sealed",
                    params![
                        secret.tenant.as_str(),
                        installation,
                        secret.name,
                        secret.generation,
                        secret.place,
                        secret.sealed
                    ],
                )
                .map_err(failed)?;
                append(conn, &entry)
            })
            .await
    }

    async fn secrets(&self) -> Result<Vec<SealedSecret>, StoreError> {
        self.db
            .read(|conn| {
                let mut query = conn
                    .prepare_cached("SELECT tenant, installation, name, generation, place, sealed FROM secrets")
                    .map_err(failed)?;
                let mut rows = query.query([]).map_err(failed)?;
                let mut secrets = Vec::new();
                while let Some(row) = rows.next().map_err(failed)? {
                    let text = |i| row.get::<_, String>(i).map_err(failed);
                    let installation = text(1)?;
                    secrets.push(SealedSecret {
                        tenant: text(0)?.parse().map_err(corrupt)?,
                        installation: match installation.as_str() {
                            "" => None,
                            id => Some(id.parse().map_err(corrupt)?),
                        },
                        name: text(2)?,
                        generation: row.get(3).map_err(failed)?,
                        place: text(4)?,
                        sealed: row.get(5).map_err(failed)?,
                    });
                }
                Ok(secrets)
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::audit::Kind;

    use super::*;
    use crate::testing::{entry, store};

    #[tokio::test]
    async fn one_row_a_name_and_installation() {
        let (_dir, store) = store();
        let secret = |installation: Option<&str>, generation| SealedSecret {
            tenant: "acme".parse().unwrap(),
            installation: installation.map(|i| i.parse().unwrap()),
            name: "chat".into(),
            generation,
            place: "{}".into(),
            sealed: vec![1, 2, 3],
        };
        for row in [secret(None, 1), secret(Some("ins_1"), 1), secret(Some("ins_1"), 2)] {
            store.put_secret(row, entry(Kind::ConnectionAdded)).await.unwrap();
        }
        assert_eq!(store.secrets().await.unwrap(), vec![secret(None, 1), secret(Some("ins_1"), 2)]);
    }
}
