//! What is a tenant's own, row by row, for a tenant that leaves (DAT-10).
//!
//! Invariants: each query names the tenant; no secret, sealed or not, and no digest that a secret is known by is in any of them; what
//! plugins stored and logged is not here, but with their installations.

mod deletion;
mod parts;

use portcullis_model::id::TenantId;
use rusqlite::types::ValueRef;
use serde_json::{Map, Value};

pub use self::deletion::{Deletion, Leaving};
use self::parts::{PARTS, Part};
use crate::{
    SqliteStore,
    db::{Outcome, failed},
};

/// A column's value; texts that are JSON objects or lists as those.
fn value(cell: ValueRef<'_>) -> Value {
    match cell {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(text) => {
            let text = String::from_utf8_lossy(text).into_owned();
            match text.starts_with(['{', '[']).then(|| serde_json::from_str(&text)) {
                Some(Ok(value)) => value,
                _ => text.into(),
            }
        }
        ValueRef::Blob(bytes) => bytes.into(),
    }
}

impl SqliteStore {
    /// Hands over each row that is a tenant's own, with the name of what it is of, in one snapshot. All names come, each before its
    /// rows.
    pub async fn rows_of_tenant(
        &self,
        tenant: TenantId,
        mut take: impl FnMut(&'static str, Option<Value>) -> Outcome<()> + Send + 'static,
    ) -> Outcome<()> {
        self.db
            .read(move |conn| {
                let tx = conn.unchecked_transaction().map_err(failed)?;
                for Part { name, shown, .. } in PARTS {
                    let Some(sql) = shown else { continue };
                    take(name, None)?;
                    let mut query = tx.prepare(sql).map_err(failed)?;
                    let columns: Vec<String> = query.column_names().map(str::to_owned).collect();
                    let mut rows = query.query([tenant.as_str()]).map_err(failed)?;
                    while let Some(row) = rows.next().map_err(failed)? {
                        let mut object = Map::new();
                        for (at, column) in columns.iter().enumerate() {
                            object.insert(column.clone(), value(row.get_ref(at).map_err(failed)?));
                        }
                        take(name, Some(Value::Object(object)))?;
                    }
                }
                Ok(())
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use portcullis_model::{
        audit::{Actor, Kind},
        connection::ConnectionKey,
        consent::{Consent, ConsentStore as _},
        id::Digest,
        oauth::Put,
        people::{Membership, PeopleChange, PeopleStore as _, Person, PersonState},
        queue::Queue as _,
        time::Timestamp,
    };

    use super::*;
    use crate::testing::{entry, event, store};

    #[tokio::test]
    async fn all_queries_hold_and_give_one_tenants_rows_alone() {
        let (_dir, store) = store();
        for (id, tenant) in [("one", "acme"), ("two", "other")] {
            let event = portcullis_model::event::Event { tenant: tenant.parse().unwrap(), ..event(id) };
            let (new, old) = (entry(Kind::EventReceived), entry(Kind::EventDuplicate));
            store.ingest(event, vec!["a".parse().unwrap()], new, old).await.unwrap();
        }
        let rows = Arc::new(Mutex::new(Vec::new()));
        let into = rows.clone();
        let take = move |name, row: Option<Value>| {
            into.lock().unwrap().extend(row.map(|row| (name, row)));
            Ok(())
        };
        store.rows_of_tenant("acme".parse().unwrap(), take).await.unwrap();
        let rows = rows.lock().unwrap();
        assert_eq!(rows.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["deliveries", "events"]);
        assert_eq!(
            (&rows[1].1["id"], &rows[1].1["body"]["kind"]),
            (&"one".into(), &"zen:event-type:ticket.created".into())
        );
    }

    #[tokio::test]
    async fn nothing_that_something_is_known_by_goes_along() {
        let (_dir, store) = store();
        let (device, link) = (Digest::of(b"device"), Digest::of(b"link"));
        let person = Person {
            id: "per_1".parse().unwrap(),
            email: "ana@acme.example".into(),
            name: "Ana".into(),
            state: PersonState::Active,
            subject: Some(("acme".parse().unwrap(), "SUBJECT-AT-THE-PROVIDER".into())),
            created: Timestamp(1),
            devices: [device].into(),
            version: 1,
        };
        let membership = Membership {
            person: person.id.clone(),
            tenant: Some("acme".parse().unwrap()),
            role: "owner".parse().unwrap(),
            by: Actor::Host,
            since: Timestamp(1),
            until: None,
            break_glass: false,
            ended: None,
            version: 1,
        };
        let change = PeopleChange {
            person: Some(Put { row: person, expected: None }),
            membership: Some(Put { row: membership, expected: None }),
            entries: vec![entry(Kind::PersonJoined)],
            ..Default::default()
        };
        assert!(store.change_people(change).await.unwrap());
        let consent = crate::consents::tests::of(&crate::testing::installation("a"));
        let consent =
            Consent { key: ConnectionKey { tenant: "acme".parse().unwrap(), ..consent.key }, link, ..consent };
        assert!(store.put_consent(consent, None, entry(Kind::ConsentAsked)).await.unwrap());
        let rows = Arc::new(Mutex::new(Vec::new()));
        let into = rows.clone();
        let take = move |name, row: Option<Value>| {
            into.lock().unwrap().extend(row.map(|row| (name, row.to_string())));
            Ok(())
        };
        store.rows_of_tenant("acme".parse().unwrap(), take).await.unwrap();
        let rows = rows.lock().unwrap();
        let names: Vec<_> = rows.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["consents", "people"]);
        assert!(rows[1].1.contains("ana@acme.example"), "{rows:?}");
        for secret in [device.hex(), link.hex(), "SUBJECT-AT-THE-PROVIDER".to_owned()] {
            assert!(!rows.iter().any(|(_, row)| row.contains(&secret)), "{secret}: {rows:?}");
        }
    }
}
