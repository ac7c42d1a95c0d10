//! OAuth clients, grants, and digests of tokens.
//!
//! Invariants: what a [`Change`] holds is written together with its audit entries or not at all, and only over the versions that
//! it was made from; an installation has one live client at most; a row's body is as it was handed in.

mod rows;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use portcullis_model::{
    audit::{Entry, Kind},
    error::StoreError,
    id::{ClientId, Digest, GrantId, TenantId},
    installation::Installation,
    oauth::{AccessToken, Change, Client, Grant, OAuthStore, Pending, Put, Standing},
    time::Timestamp,
};
use rusqlite::{Connection, params};

use crate::{
    SqliteStore,
    audit::{append, append_all},
    db::{Outcome, Writing, failed},
};

/// Says, inside of a transaction, that it must be taken back because somebody else was faster.
const LOST: &str = "another version is there";

fn lost() -> StoreError {
    StoreError(LOST.into())
}

/// Whose a change is: a tenant whose clients ask for much waits for itself.
fn whose(change: &Change) -> Option<TenantId> {
    let rows = [
        change.client.as_ref().map(|put| &put.row.tenant),
        change.grant.as_ref().map(|put| &put.row.tenant),
        change.access.as_ref().map(|token| &token.tenant),
        change.pending.as_ref().map(|put| &put.row.tenant),
    ];
    let noted = change.entries.iter().find_map(|entry| entry.tenant.as_ref());
    rows.into_iter().flatten().next().or(noted).cloned()
}

fn write(conn: &Writing, change: &Change) -> Outcome<()> {
    if let Some(put) = &change.client {
        rows::put_client(conn, put)?;
    }
    if let Some(put) = &change.grant {
        rows::put_grant(conn, put)?;
    }
    if let Some(key) = &change.key {
        rows::add_key(conn, key)?;
    }
    if let Some(token) = &change.access {
        rows::put_token(conn, token)?;
    }
    if let Some((digest, at)) = &change.revoked
        && let Some(token) = rows::token(conn, digest)?
    {
        rows::put_token(conn, &AccessToken { revoked: token.revoked.or(Some(*at)), ..token })?;
    }
    if let Some(put) = &change.pending {
        rows::put_pending(conn, put)?;
    }
    append_all(conn, &change.entries)
}

/// Revokes the client of an installation that is taken out, and with it every token and grant that it has.
pub(crate) fn end(conn: &Writing, one: &Installation, because: &Entry) -> Outcome<()> {
    let query = "SELECT body FROM oauth_clients WHERE tenant = ?1 AND installation = ?2 AND live = 1";
    for client in rows::all::<Client>(conn, query, params![one.tenant.as_str(), one.id.as_str()])? {
        let entry = Entry::new(because.time, Kind::ClientRevoked, because.actor.clone(), Some(one.tenant.clone()))
            .about(format!("installation:{}", one.id))
            .with("client", client.id.as_str())
            .with("reason", "the plugin was uninstalled");
        let (expected, version) = (Some(client.version), client.version + 1);
        rows::put_client(conn, &Put { row: Client { revoked: Some(because.time), version, ..client }, expected })?;
        append(conn, &entry)?;
    }
    Ok(())
}

/// How many tokens a token can have been narrowed from, one after the other.
const ANCESTORS: usize = 16;

fn standing(conn: &Connection, digest: &Digest) -> Outcome<Option<Standing>> {
    let Some(token) = rows::token(conn, digest)? else { return Ok(None) };
    let mut ancestors: Vec<AccessToken> = Vec::new();
    while let Some(parent) = ancestors.last().unwrap_or(&token).parent {
        if ancestors.len() == ANCESTORS {
            return Err(StoreError("a token was narrowed from too many others".into()));
        }
        // What is disposed of is over, and so is all that came from it.
        let Some(found) = rows::token(conn, &parent)? else { return Ok(None) };
        ancestors.push(found);
    }
    let (mut grants, mut clients): (Vec<Grant>, Vec<Client>) = (Vec::new(), Vec::new());
    let mut installations = Vec::new();
    for one in std::iter::once(&token).chain(&ancestors) {
        let Some(grant) = rows::grant(conn, &one.grant)? else { return Ok(None) };
        let Some(client) = rows::client(conn, &one.client)? else { return Ok(None) };
        grants.push(grant);
        clients.push(client);
        installations.push(rows::installation(conn, &one.installation)?);
    }
    Ok(Some(Standing { token, ancestors, grants, clients, installations }))
}

fn sweep(conn: &Connection, now: Timestamp) -> Outcome<u64> {
    // Grants take their codes, refresh tokens and access tokens with them; a grant never ends before its tokens.
    let mut gone = 0;
    for statement in [
        "DELETE FROM oauth_tokens WHERE expires <= ?1",
        "DELETE FROM oauth_pending WHERE expires <= ?1",
        "DELETE FROM oauth_used WHERE until <= ?1",
        "DELETE FROM oauth_grants WHERE expires <= ?1",
    ] {
        gone += conn.execute(statement, [now.0]).map_err(failed)?;
    }
    Ok(u64::try_from(gone).unwrap_or(u64::MAX))
}

impl SqliteStore {
    /// Whether anything was granted that is not over at that time: only a host that has served can have done so.
    pub async fn has_grants(&self, now: Timestamp) -> Outcome<bool> {
        let query = "SELECT EXISTS (SELECT 1 FROM oauth_grants WHERE expires > ?1)";
        self.db.read(move |conn| conn.query_row(query, [now.0], |row| row.get(0)).map_err(failed)).await
    }
}

#[async_trait]
impl OAuthStore for SqliteStore {
    async fn clients(&self) -> Result<Vec<Client>, StoreError> {
        self.db.read(|conn| rows::all(conn, "SELECT body FROM oauth_clients ORDER BY number", [])).await
    }

    async fn client(&self, id: &ClientId) -> Result<Option<(Client, Option<Installation>)>, StoreError> {
        let id = id.clone();
        self.db
            .read(move |conn| {
                let Some(client) = rows::client(conn, &id)? else { return Ok(None) };
                let installation = rows::installation(conn, &client.installation)?;
                Ok(Some((client, installation)))
            })
            .await
    }

    async fn grant_by(&self, digest: &Digest) -> Result<Option<(Grant, u64)>, StoreError> {
        let digest = *digest;
        self.db.read(move |conn| rows::grant_by(conn, &digest)).await
    }

    async fn live_tokens(
        &self,
        tenant: &TenantId,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<AccessToken>, StoreError> {
        let tenant = tenant.clone();
        self.db
            .read(move |conn| {
                let query = "SELECT body FROM oauth_tokens WHERE tenant = ?1 AND expires > ?2
                             AND json_extract(body, '$.revoked') IS NULL ORDER BY expires DESC LIMIT ?3";
                rows::all(conn, query, params![tenant.as_str(), now.0, most])
            })
            .await
    }

    async fn standing(&self, digest: &Digest) -> Result<Option<Standing>, StoreError> {
        let digest = *digest;
        self.db.read(move |conn| standing(conn, &digest)).await
    }

    async fn pending(&self, now: Timestamp) -> Result<Vec<Pending>, StoreError> {
        self.db
            .read(move |conn| {
                rows::all(conn, "SELECT body FROM oauth_pending WHERE expires > ?1 ORDER BY expires", [now.0])
            })
            .await
    }

    async fn pending_by(&self, id: &GrantId) -> Result<Option<Pending>, StoreError> {
        let id = id.clone();
        self.db.read(move |conn| rows::one(conn, "SELECT body FROM oauth_pending WHERE id = ?1", [id.as_str()])).await
    }

    async fn change(&self, change: Change) -> Result<bool, StoreError> {
        match self.db.write_of(whose(&change), move |conn| write(conn, &change)).await {
            Ok(()) => Ok(true),
            Err(error) if error.0 == LOST => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn first_use(
        &self,
        tenant: &TenantId,
        key: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let key = key.to_owned();
        self.db
            .write_of(Some(tenant.clone()), move |conn| {
                // One that is over may come again: whoever asks has seen to that it is refused for its age.
                conn.prepare_cached(
                    "INSERT INTO oauth_used (key, until) VALUES (?1, ?2)
                     ON CONFLICT (key) DO UPDATE SET until = excluded.until WHERE until <= ?3",
                )
                .and_then(|mut s| s.execute(params![key, until.0, now.0]))
                .map(|rows| rows > 0)
                .map_err(failed)
            })
            .await
    }

    async fn sweep_oauth(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.db.write(move |conn| sweep(conn, now)).await
    }
}
