//! Consents to connections.

use async_trait::async_trait;
use portcullis_model::{
    audit::{Entry, Kind},
    consent::{Consent, ConsentStore, Stage, held_in},
    error::StoreError,
    id::{ConsentId, Digest},
    installation::Installation,
};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::{
    SqliteStore,
    audit::append,
    db::{Outcome, Writing, corrupt, failed},
};

fn put(conn: &Writing, consent: &Consent, expected: Option<u64>, entry: &Entry) -> Outcome<bool> {
    let state = match &consent.stage {
        Stage::Asked { state, .. } => Some(state.hex()),
        _ => None,
    };
    let body = serde_json::to_string(consent).map_err(corrupt)?;
    let (id, link, open) = (consent.id.as_str(), consent.link.hex(), consent.is_open());
    let changed = match expected {
        None => conn.execute(
            "INSERT INTO consents (id, tenant, link, state, open, revision, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
            params![id, consent.key.tenant.as_str(), link, state, open, consent.revision, body],
        ),
        Some(expected) => conn.execute(
            "UPDATE consents SET state = ?1, open = ?2, revision = ?3, body = ?4
             WHERE id = ?5 AND tenant = ?6 AND revision = ?7",
            params![state, open, consent.revision, body, id, consent.key.tenant.as_str(), expected],
        ),
    };
    let changed = changed.map_err(failed)? == 1;
    if changed {
        append(conn, entry)?;
    }
    Ok(changed)
}

fn open(conn: &Connection) -> Outcome<Vec<Consent>> {
    let mut query = conn.prepare_cached("SELECT body FROM consents WHERE open = 1").map_err(failed)?;
    let bodies: Vec<String> = query.query_map([], |row| row.get(0)).and_then(Iterator::collect).map_err(failed)?;
    bodies.iter().map(|body| read(body)).collect()
}

/// Ends what is open for an installation that is taken out, and forgets the clients' secrets that were held for it. `because` says
/// who takes it out, and when.
pub(crate) fn close(conn: &Writing, one: &Installation, because: &Entry) -> Outcome<()> {
    let theirs = |consent: &Consent| consent.key.installation == one.id && consent.key.tenant == one.tenant;
    for consent in open(conn)?.into_iter().filter(theirs) {
        let why = "the plugin was uninstalled".to_owned();
        let entry = Entry::new(because.time, Kind::ConsentEnded, because.actor.clone(), Some(one.tenant.clone()))
            .about(format!("installation:{}", one.id))
            .with("name", consent.key.name.as_str())
            .with("consent", consent.id.as_str())
            .with("denied", false)
            .with("why", why.as_str());
        let held = held_in(&consent.id, &one.tenant);
        conn.execute(
            "DELETE FROM secrets WHERE tenant = ?1 AND installation = '' AND name = ?2",
            params![held.tenant.as_str(), held.name],
        )
        .map_err(failed)?;
        let stage = Stage::Ended { session: consent.session(), denied: false, why };
        let (expected, revision) = (consent.revision, consent.revision + 1);
        put(conn, &Consent { stage, revision, ..consent }, Some(expected), &entry)?;
    }
    Ok(())
}

#[async_trait]
impl ConsentStore for SqliteStore {
    async fn put_consent(&self, consent: Consent, expected: Option<u64>, entry: Entry) -> Result<bool, StoreError> {
        self.db.write(move |conn| put(conn, &consent, expected, &entry)).await
    }

    async fn consent(&self, id: &ConsentId) -> Result<Option<Consent>, StoreError> {
        self.one("SELECT body FROM consents WHERE id = ?1", id.as_str().to_owned()).await
    }

    async fn consent_of_link(&self, link: &Digest) -> Result<Option<Consent>, StoreError> {
        self.one("SELECT body FROM consents WHERE link = ?1", link.hex()).await
    }

    async fn consent_of_state(&self, state: &Digest) -> Result<Option<Consent>, StoreError> {
        self.one("SELECT body FROM consents WHERE state = ?1", state.hex()).await
    }

    async fn open_consents(&self) -> Result<Vec<Consent>, StoreError> {
        self.db.read(open).await
    }
}

impl SqliteStore {
    async fn one(&self, query: &'static str, value: String) -> Result<Option<Consent>, StoreError> {
        self.db
            .read(move |conn| {
                let mut query = conn.prepare_cached(query).map_err(failed)?;
                let body: Option<String> = query.query_row([value], |row| row.get(0)).optional().map_err(failed)?;
                body.map(|body| read(&body)).transpose()
            })
            .await
    }
}

fn read(body: &str) -> Outcome<Consent> {
    serde_json::from_str(body).map_err(corrupt)
}

#[cfg(test)]
pub(crate) mod tests {
    use portcullis_model::{
        audit::Actor,
        connection::{ConnectionKey, Origin},
        time::Timestamp,
    };

    use super::*;
    use crate::testing::{entry, store};

    fn consent(stage: Stage, revision: u64) -> Consent {
        Consent {
            id: "con_1".parse().unwrap(),
            key: ConnectionKey {
                tenant: "acme".parse().unwrap(),
                installation: "ins_1".parse().unwrap(),
                name: "desk".into(),
            },
            origin: Origin {
                provider: "zendesk".parse().unwrap(),
                settings: [("subdomain".to_owned(), "acme".to_owned())].into(),
                scopes: vec!["tickets:read".into()],
                risk: None,
            },
            place: serde_json::json!({ "hosts": ["acme.zendesk.com"] }),
            asked_by: Actor::Person { name: "dana".into() },
            link: Digest::of(b"link"),
            redirect: "https://host.example/connect/callback".into(),
            created: Timestamp(1),
            expires: Timestamp(2),
            stage,
            revision,
        }
    }

    /// A link for this installation that was not used.
    pub(crate) fn of(one: &Installation) -> Consent {
        let consent = consent(Stage::Waiting, 1);
        let key = ConnectionKey { tenant: one.tenant.clone(), installation: one.id.clone(), ..consent.key };
        let (id, link) = (format!("con_{}", one.id).parse().unwrap(), Digest::of(one.id.as_str().as_bytes()));
        Consent { id, key, link, ..consent }
    }

    #[tokio::test]
    async fn goes_forward_once_and_is_found_by_what_is_in_use() {
        let (_dir, store) = store();
        let (session, state) = (Digest::of(b"session"), Digest::of(b"state"));
        let waiting = consent(Stage::Waiting, 1);
        assert!(store.put_consent(waiting.clone(), None, entry(Kind::ConsentAsked)).await.unwrap());
        assert!(
            !store.put_consent(waiting.clone(), None, entry(Kind::ConsentAsked)).await.unwrap(),
            "a second of that id"
        );
        assert_eq!(store.consent_of_link(&waiting.link).await.unwrap(), Some(waiting.clone()));
        let asked = consent(Stage::Asked { session, state, since: Timestamp(1) }, 2);
        assert!(store.put_consent(asked.clone(), Some(1), entry(Kind::ConsentBegun)).await.unwrap());
        assert!(
            !store.put_consent(asked.clone(), Some(1), entry(Kind::ConsentBegun)).await.unwrap(),
            "a second browser"
        );
        assert_eq!(store.consent_of_state(&state).await.unwrap(), Some(asked.clone()));
        assert_eq!(store.open_consents().await.unwrap(), [asked]);
        let given = consent(Stage::Given { session, missing: Vec::new() }, 3);
        assert!(store.put_consent(given.clone(), Some(2), entry(Kind::ConsentGiven)).await.unwrap());
        assert_eq!(store.consent_of_state(&state).await.unwrap(), None, "a state is good once");
        assert_eq!(store.open_consents().await.unwrap(), []);
        assert_eq!(store.consent(&given.id).await.unwrap(), Some(given));
        let kind = |entry: crate::StoredEntry| entry.read().unwrap().kind;
        let kinds: Vec<_> = store.entries(0, 10).await.unwrap().into_iter().map(kind).collect();
        assert_eq!(kinds, [Kind::ConsentAsked, Kind::ConsentBegun, Kind::ConsentGiven], "only what was changed");
    }
}
