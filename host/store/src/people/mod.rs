//! People, their roles, factors and sessions.
//!
//! Invariants: what a [`PeopleChange`] holds is written together with its audit entries or not at all, and only over the versions that
//! it was made from, secrets among it; an address, a subject and a factor's handle lead to one person who was not removed.

mod automation;
mod rows;
mod sweep;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use async_trait::async_trait;
use portcullis_model::{
    audit::Entry,
    error::StoreError,
    id::{Digest, InvitationId, PersonId, SessionId, TenantId},
    people::{
        AccessSettings, Factor, Invitation, Membership, PeopleChange, PeopleStore, Person, Role, Session, SupportGrant,
    },
    secret::Swap,
    time::Timestamp,
};
use rusqlite::params;

use crate::{
    SqliteStore,
    audit::append_all,
    db::{Outcome, Writing, corrupt, failed},
    secrets,
};

/// Says, inside of a transaction, that it must be taken back: somebody else was faster, or a condition does not hold.
const LOST: &str = "another version of a row about people is there";

/// A place as it is stored.
fn place(tenant: Option<&TenantId>) -> String {
    tenant.map_or_else(String::new, |tenant| tenant.as_str().to_owned())
}

/// Whose a change is: a tenant whose people do much waits for itself.
fn whose(change: &PeopleChange) -> Option<TenantId> {
    let membership = change.membership.as_ref().and_then(|put| put.row.tenant.clone());
    membership.or_else(|| change.entries.iter().find_map(|entry| entry.tenant.clone()))
}

fn write(conn: &Writing, change: &PeopleChange) -> Outcome<()> {
    if let Some((at, person)) = &change.needs_other_owner
        && !rows::has_other_owner(conn, &place(at.as_ref()), person)?
    {
        return Err(StoreError(LOST.into()));
    }
    if let Some(put) = &change.person {
        rows::person(conn, put)?;
    }
    if let Some(put) = &change.membership {
        rows::membership(conn, put)?;
    }
    if let Some(put) = &change.invitation {
        rows::invitation(conn, put)?;
    }
    change.factors.iter().try_for_each(|put| rows::factor(conn, put))?;
    change.sessions.iter().try_for_each(|put| rows::session(conn, put))?;
    if let Some(put) = &change.role {
        rows::role(conn, put)?;
    }
    if let Some(put) = &change.support {
        rows::support(conn, put)?;
    }
    if let Some((at, put)) = &change.settings {
        rows::settings(conn, &place(at.as_ref()), put)?;
    }
    for secret in &change.secrets {
        if secrets::change(conn, secret)? != Swap::Done {
            return Err(StoreError(LOST.into()));
        }
    }
    append_all(conn, &change.entries)
}

#[async_trait]
impl PeopleStore for SqliteStore {
    async fn change_people(&self, change: PeopleChange) -> Result<bool, StoreError> {
        match self.db.write_of(whose(&change), move |conn| write(conn, &change)).await {
            Ok(()) => Ok(true),
            Err(error) if error.0 == LOST => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn person(&self, id: &PersonId) -> Result<Option<Person>, StoreError> {
        let id = id.as_str().to_owned();
        self.db.read(move |conn| rows::one(conn, "SELECT body FROM people WHERE id = ?1", [id])).await
    }

    async fn person_by_email(&self, email: &str) -> Result<Option<Person>, StoreError> {
        let email = email.to_owned();
        self.db
            .read(move |conn| rows::one(conn, "SELECT body FROM people WHERE email = ?1 AND live = 1", [email]))
            .await
    }

    async fn person_by_subject(&self, tenant: &TenantId, subject: &str) -> Result<Option<Person>, StoreError> {
        let (tenant, subject) = (tenant.as_str().to_owned(), subject.to_owned());
        let query = "SELECT body FROM people WHERE subject_tenant = ?1 AND subject = ?2 AND live = 1";
        self.db.read(move |conn| rows::one(conn, query, [tenant, subject])).await
    }

    async fn people_of(
        &self,
        at: Option<&TenantId>,
        after: Option<&PersonId>,
        most: usize,
    ) -> Result<Vec<(Person, Membership)>, StoreError> {
        let (at, after) = (place(at), after.map_or_else(String::new, |id| id.as_str().to_owned()));
        self.db.read(move |conn| rows::people_of(conn, &at, &after, most)).await
    }

    async fn has_people(&self) -> Result<bool, StoreError> {
        let query = "SELECT EXISTS (SELECT 1 FROM people WHERE live = 1)";
        self.db.read(move |conn| conn.query_row(query, [], |row| row.get(0)).map_err(failed)).await
    }

    async fn memberships(&self, person: &PersonId) -> Result<Vec<Membership>, StoreError> {
        let person = person.as_str().to_owned();
        let query = "SELECT body FROM people_members WHERE person = ?1 ORDER BY place";
        self.db.read(move |conn| rows::all(conn, query, [person])).await
    }

    async fn invitation(&self, id: &InvitationId) -> Result<Option<Invitation>, StoreError> {
        let id = id.as_str().to_owned();
        self.db.read(move |conn| rows::one(conn, "SELECT body FROM people_invitations WHERE id = ?1", [id])).await
    }

    async fn invitation_by_link(&self, link: &Digest) -> Result<Option<Invitation>, StoreError> {
        let link = link.hex();
        self.db.read(move |conn| rows::one(conn, "SELECT body FROM people_invitations WHERE link = ?1", [link])).await
    }

    async fn open_invitations(&self, at: Option<&TenantId>, now: Timestamp) -> Result<Vec<Invitation>, StoreError> {
        let at = place(at);
        let query =
            "SELECT body FROM people_invitations WHERE place = ?1 AND live = 1 AND expires > ?2 ORDER BY expires";
        self.db.read(move |conn| rows::all(conn, query, params![at, now.0])).await
    }

    async fn factors(&self, person: &PersonId) -> Result<Vec<Factor>, StoreError> {
        let person = person.as_str().to_owned();
        let query = "SELECT body FROM people_factors WHERE person = ?1 AND live = 1 ORDER BY id";
        self.db.read(move |conn| rows::all(conn, query, [person])).await
    }

    async fn factor_by_handle(&self, handle: &str) -> Result<Option<Factor>, StoreError> {
        let handle = handle.to_owned();
        let query = "SELECT body FROM people_factors WHERE handle = ?1 AND live = 1";
        self.db.read(move |conn| rows::one(conn, query, [handle])).await
    }

    async fn session(&self, id: &SessionId) -> Result<Option<Session>, StoreError> {
        let id = id.as_str().to_owned();
        self.db.read(move |conn| Ok(rows::sessions(conn, "id = ?1", params![id])?.pop())).await
    }

    async fn session_by_token(&self, token: &Digest) -> Result<Option<Session>, StoreError> {
        let token = token.hex();
        self.db.read(move |conn| Ok(rows::sessions(conn, "token = ?1", params![token])?.pop())).await
    }

    async fn sessions(&self, person: &PersonId, most: usize) -> Result<Vec<Session>, StoreError> {
        let person = person.as_str().to_owned();
        let which = "person = ?1 ORDER BY created DESC, id LIMIT ?2";
        self.db.read(move |conn| rows::sessions(conn, which, params![person, most])).await
    }

    async fn live_sessions(&self, person: &PersonId) -> Result<Vec<Session>, StoreError> {
        let person = person.as_str().to_owned();
        let which = "person = ?1 AND live = 1 ORDER BY created, id";
        self.db.read(move |conn| rows::sessions(conn, which, params![person])).await
    }

    async fn untold_sessions(&self, to: &Session, most: usize) -> Result<Vec<Session>, StoreError> {
        let to = to.clone();
        self.db.read(move |conn| rows::untold(conn, &to, most)).await
    }

    async fn touch_session(&self, id: &SessionId, at: Timestamp, address: IpAddr) -> Result<(), StoreError> {
        let id = id.as_str().to_owned();
        let query = "UPDATE people_sessions SET used = max(used, ?1), address = ?2 WHERE id = ?3 AND live = 1";
        self.db
            .write(move |conn| conn.execute(query, params![at.0, address.to_string(), id]).map(drop).map_err(failed))
            .await
    }

    async fn sessions_over(&self, now: Timestamp, most: usize) -> Result<Vec<Session>, StoreError> {
        self.db.read(move |conn| sweep::sessions_over(conn, now, most)).await
    }

    async fn invitations_over(&self, now: Timestamp, most: usize) -> Result<Vec<Invitation>, StoreError> {
        let query = "SELECT body FROM people_invitations WHERE live = 1 AND expires <= ?1 ORDER BY expires LIMIT ?2";
        self.db.read(move |conn| rows::all(conn, query, params![now.0, most])).await
    }

    async fn forget_ended(&self, before: Timestamp, entry: Entry) -> Result<(u64, u64), StoreError> {
        self.db.write(move |conn| sweep::forget_ended(conn, before, entry)).await
    }

    async fn roles(&self, tenant: &TenantId) -> Result<Vec<Role>, StoreError> {
        let tenant = tenant.as_str().to_owned();
        let query = "SELECT body FROM people_roles WHERE tenant = ?1 AND live = 1 ORDER BY name";
        self.db.read(move |conn| rows::all(conn, query, [tenant])).await
    }

    async fn support_of(&self, tenant: &TenantId, most: usize) -> Result<Vec<SupportGrant>, StoreError> {
        let tenant = tenant.as_str().to_owned();
        let query = "SELECT body FROM people_support WHERE tenant = ?1 ORDER BY until DESC, id LIMIT ?2";
        self.db.read(move |conn| rows::all(conn, query, params![tenant, most])).await
    }

    async fn live_support(&self, now: Timestamp) -> Result<Vec<SupportGrant>, StoreError> {
        let query = "SELECT body FROM people_support WHERE live = 1 AND until > ?1 ORDER BY tenant";
        self.db.read(move |conn| rows::all(conn, query, [now.0])).await
    }

    async fn access_settings(&self, at: Option<&TenantId>) -> Result<AccessSettings, StoreError> {
        let at = place(at);
        let query = "SELECT body FROM people_settings WHERE place = ?1";
        Ok(self.db.read(move |conn| rows::one(conn, query, [at])).await?.unwrap_or_default())
    }

    async fn with_provider(&self) -> Result<Vec<(TenantId, AccessSettings)>, StoreError> {
        let query = "SELECT place, body FROM people_settings
                     WHERE place != '' AND json_extract(body, '$.provider') IS NOT NULL ORDER BY place";
        let read = |conn: &rusqlite::Connection| {
            let mut query = conn.prepare_cached(query).map_err(failed)?;
            let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
            let rows: Vec<(String, String)> = rows.and_then(Iterator::collect).map_err(failed)?;
            let one = |(place, body): &(String, String)| {
                Ok((place.parse().map_err(corrupt)?, serde_json::from_str(body).map_err(corrupt)?))
            };
            rows.iter().map(one).collect()
        };
        self.db.read(read).await
    }
}
