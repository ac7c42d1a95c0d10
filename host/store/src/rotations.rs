//! Policies of rotation, acts, and what became of each item in them.
//!
//! Invariants: an act and its freeze come in one transaction and go in one; a line and what its freeze releases for it are written
//! together.

use async_trait::async_trait;
use portcullis_model::{
    audit::Entry,
    error::StoreError,
    freeze::{Freeze, Released},
    id::RotationId,
    rotation::{Act, Item, Line, Policy, RotationStore, Scope, SourceKeys},
    source::Source,
};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

use crate::{
    SqliteStore,
    audit::{append, append_all},
    db::{Outcome, corrupt, failed},
    freezes, sources,
};

fn text(value: &impl Serialize) -> Outcome<String> {
    serde_json::to_string(value).map_err(corrupt)
}

fn put_act(conn: &Connection, act: &Act) -> Outcome<()> {
    conn.execute(
        "INSERT INTO rotation_acts (id, body) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
        params![act.id.as_str(), text(act)?],
    )
    .map(drop)
    .map_err(failed)
}

fn put_line(conn: &Connection, act: &RotationId, line: &Line) -> Outcome<()> {
    conn.prepare_cached(
        "INSERT INTO rotation_lines VALUES (?1, ?2, ?3) ON CONFLICT (act, item) DO UPDATE SET body = excluded.body",
    )
    .and_then(|mut s| {
        let body = serde_json::to_string(line).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
        s.execute(params![act.as_str(), line.item.to_string(), body])
    })
    .map(drop)
    .map_err(failed)
}

#[async_trait]
impl RotationStore for SqliteStore {
    async fn policies(&self) -> Result<Vec<(Scope, Policy)>, StoreError> {
        self.db
            .read(|conn| {
                let mut query =
                    conn.prepare_cached("SELECT scope, body FROM rotation_policies ORDER BY scope").map_err(failed)?;
                let rows: Vec<(String, String)> = query
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
                    .and_then(Iterator::collect)
                    .map_err(failed)?;
                let read = |(scope, body): (String, String)| {
                    Ok((scope.parse().map_err(corrupt)?, serde_json::from_str(&body).map_err(corrupt)?))
                };
                rows.into_iter().map(read).collect()
            })
            .await
    }

    async fn put_policy(
        &self,
        scope: Scope,
        before: Option<Policy>,
        policy: Option<Policy>,
        entry: Entry,
    ) -> Result<bool, StoreError> {
        self.db
            .write(move |conn| {
                let scope = scope.to_string();
                let found: Option<String> = conn
                    .query_row("SELECT body FROM rotation_policies WHERE scope = ?1", [&scope], |row| row.get(0))
                    .optional()
                    .map_err(failed)?;
                let found: Option<Policy> =
                    found.map(|body| serde_json::from_str(&body)).transpose().map_err(corrupt)?;
                if found != before {
                    return Ok(false);
                }
                match policy {
                    None => conn.execute("DELETE FROM rotation_policies WHERE scope = ?1", [scope]),
                    Some(policy) => conn.execute(
                        "INSERT INTO rotation_policies VALUES (?1, ?2)
                         ON CONFLICT (scope) DO UPDATE SET body = excluded.body",
                        params![scope, text(&policy)?],
                    ),
                }
                .map_err(failed)?;
                append(conn, &entry).map(|()| true)
            })
            .await
    }

    async fn begin_act(
        &self,
        mut act: Act,
        freeze: Option<Freeze>,
        entries: Vec<Entry>,
    ) -> Result<Option<u64>, StoreError> {
        self.db
            .write(move |conn| {
                act.freeze = freeze.map(|freeze| freezes::add(conn, &freeze)).transpose()?;
                put_act(conn, &act)?;
                for entry in entries {
                    append(conn, &act.freeze.iter().fold(entry, |entry, number| entry.with("freeze", *number)))?;
                }
                Ok(act.freeze)
            })
            .await
    }

    async fn put_act(&self, act: Act, lines: Vec<Line>) -> Result<(), StoreError> {
        self.db
            .write(move |conn| {
                put_act(conn, &act)?;
                lines.iter().try_for_each(|line| put_line(conn, &act.id, line))
            })
            .await
    }

    async fn put_line(
        &self,
        act: &RotationId,
        line: Line,
        released: Vec<Released>,
        entries: Vec<Entry>,
    ) -> Result<(), StoreError> {
        let act = act.clone();
        self.db
            .write(move |conn| {
                put_line(conn, &act, &line)?;
                released.iter().try_for_each(|one| freezes::release(conn, one))?;
                append_all(conn, &entries)
            })
            .await
    }

    async fn end_act(&self, act: Act, still: Vec<Freeze>, entries: Vec<Entry>) -> Result<(), StoreError> {
        self.db
            .write(move |conn| {
                for number in freezes::of_act(conn, &act.id)? {
                    freezes::lift(conn, number)?;
                }
                for freeze in &still {
                    freezes::add(conn, freeze)?;
                }
                put_act(conn, &act)?;
                append_all(conn, &entries)
            })
            .await
    }

    async fn acts(&self) -> Result<Vec<Act>, StoreError> {
        self.db
            .read(|conn| {
                let mut query =
                    conn.prepare_cached("SELECT body FROM rotation_acts ORDER BY number").map_err(failed)?;
                let bodies: Vec<String> =
                    query.query_map([], |row| row.get(0)).and_then(Iterator::collect).map_err(failed)?;
                bodies.iter().map(|body| serde_json::from_str(body).map_err(corrupt)).collect()
            })
            .await
    }

    async fn lines(&self, act: &RotationId) -> Result<Vec<Line>, StoreError> {
        let act = act.to_string();
        self.db
            .read(move |conn| {
                let mut query = conn
                    .prepare_cached("SELECT body FROM rotation_lines WHERE act = ?1 ORDER BY item")
                    .map_err(failed)?;
                let bodies: Vec<String> =
                    query.query_map([act], |row| row.get(0)).and_then(Iterator::collect).map_err(failed)?;
                bodies.iter().map(|body| serde_json::from_str(body).map_err(corrupt)).collect()
            })
            .await
    }

    async fn turned(
        &self,
        item: &Item,
        before: Option<&RotationId>,
        most: usize,
    ) -> Result<Vec<(Act, Line)>, StoreError> {
        let (item, before) = (item.to_string(), before.map(ToString::to_string));
        self.db
            .read(move |conn| {
                let mut query = conn
                    .prepare_cached(
                        "SELECT a.body, l.body FROM rotation_lines l JOIN rotation_acts a ON a.id = l.act
                         WHERE l.item = ?1
                           AND (?2 IS NULL OR a.number < (SELECT number FROM rotation_acts WHERE id = ?2))
                         ORDER BY a.number DESC LIMIT ?3",
                    )
                    .map_err(failed)?;
                let rows: Vec<(String, String)> = query
                    .query_map(params![item, before, most], |row| Ok((row.get(0)?, row.get(1)?)))
                    .and_then(Iterator::collect)
                    .map_err(failed)?;
                let read = |(act, line): (String, String)| {
                    Ok((serde_json::from_str(&act).map_err(corrupt)?, serde_json::from_str(&line).map_err(corrupt)?))
                };
                rows.into_iter().map(read).collect()
            })
            .await
    }

    async fn note_needed(&self, item: &Item, generation: u64, entry: Entry) -> Result<bool, StoreError> {
        let item = item.to_string();
        self.db
            .write(move |conn| {
                let known: Option<u64> = conn
                    .query_row("SELECT generation FROM rotation_needed WHERE item = ?1", [&item], |row| row.get(0))
                    .optional()
                    .map_err(failed)?;
                if known == Some(generation) {
                    return Ok(false);
                }
                conn.execute(
                    "INSERT INTO rotation_needed VALUES (?1, ?2)
                     ON CONFLICT (item) DO UPDATE SET generation = excluded.generation",
                    params![item, generation],
                )
                .map_err(failed)?;
                append(conn, &entry)?;
                Ok(true)
            })
            .await
    }

    async fn put_source_keys(
        &self,
        source: &Source,
        keys: SourceKeys,
        entries: Vec<Entry>,
    ) -> Result<bool, StoreError> {
        let source = source.clone();
        self.db
            .write(move |conn| {
                // Not of one that was taken away meanwhile: whoever has its name next would have them.
                let is_there = sources::is_there(conn, &source)?;
                if is_there {
                    sources::put_keys(conn, &source, &keys)?;
                    append_all(conn, &entries)?;
                }
                Ok(is_there)
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::{
        audit::Kind,
        connection::ConnectionKey,
        event::EventForm,
        freeze::{Extent, FreezeStore as _},
        id::SourceName,
        rotation::{Held, Mode, Nature, Outcome, Renewal, Step},
        source::{Added, NewSource, SourceStore as _},
        time::Timestamp,
    };

    use super::*;
    use crate::testing::{entry, store};

    fn key(name: &str) -> ConnectionKey {
        ConnectionKey { tenant: "acme".parse().unwrap(), installation: "ins_1".parse().unwrap(), name: name.to_owned() }
    }

    fn line(name: &str) -> Line {
        let renewal = Renewal::Own;
        let nature = Nature { renewal, renewal_ends_old: false, refresh_once: false, revocable: true };
        let held = Held {
            item: Item::connection(key(name)),
            plugin: None,
            provider: None,
            generation: 4,
            issued: None,
            nature,
            needs_person: false,
        };
        Line::new(&held, vec![Step::Revoke, Step::Mint])
    }

    fn act() -> Act {
        Act {
            id: "rot_1".parse().unwrap(),
            mode: Mode::Emergency,
            extent: Extent::All,
            reason: "breach".into(),
            by: "dana".into(),
            started: Timestamp(1),
            freeze: None,
            reached: None,
            overlap: 0,
            listed: false,
            ended: None,
        }
    }

    fn freeze(extent: Extent) -> Freeze {
        let (reason, by, act) = ("breach".into(), "dana".into(), Some("rot_1".parse().unwrap()));
        Freeze { number: 0, extent, reason, by, since: Timestamp(1), act, incident: None, platform: false }
    }

    #[tokio::test]
    async fn an_act_comes_with_its_freeze_and_leaves_what_failed_frozen() {
        let (_dir, store) = store();
        let started = vec![entry(Kind::RotationStarted)];
        let number = store.begin_act(act(), Some(freeze(Extent::All)), started).await.unwrap();
        assert_eq!(number, Some(1));
        let mut act = store.acts().await.unwrap().remove(0);
        assert_eq!(act.freeze, Some(1), "the act knows its freeze, whenever it is read");
        act.listed = true;
        store.put_act(act.clone(), vec![line("a"), line("b")]).await.unwrap();
        let done = Line { outcome: Outcome::Renewed, ..line("a") };
        let released = Released {
            freeze: 1,
            tenant: "acme".parse().unwrap(),
            installation: "ins_1".parse().unwrap(),
            name: Some("a".into()),
        };
        store.put_line(&act.id, done, vec![released.clone()], vec![entry(Kind::CredentialRotated)]).await.unwrap();
        assert_eq!(store.freezes().await.unwrap().released, [released]);
        let open: Vec<_> = store.lines(&act.id).await.unwrap().into_iter().filter(Line::is_open).collect();
        assert_eq!(open, [line("b")]);
        let still = vec![freeze(Extent::Connection(key("b")))];
        let ended = Act { ended: Some(Timestamp(9)), ..act };
        store.end_act(ended.clone(), still, vec![entry(Kind::RotationEnded)]).await.unwrap();
        let state = store.freezes().await.unwrap();
        assert_eq!(state.freezes.len(), 1);
        assert_eq!((state.freezes[0].number, &state.freezes[0].extent), (2, &Extent::Connection(key("b"))));
        assert!(state.released.is_empty());
        assert_eq!(store.acts().await.unwrap(), std::slice::from_ref(&ended));
        store.end_act(ended, vec![], vec![]).await.unwrap();
        assert!(store.freezes().await.unwrap().freezes.is_empty(), "whatever belongs to it");
    }

    #[tokio::test]
    async fn policies_and_source_keys_are_replaced_and_read_back() {
        let (_dir, store) = store();
        let scope: Scope = "tenant:acme".parse().unwrap();
        let policy = |age| Policy { max_age: Some(age), ..Policy::default() };
        let put = async |before: Option<u64>, after: Option<u64>| {
            let (before, after) = (before.map(policy), after.map(policy));
            store.put_policy(scope.clone(), before, after, entry(Kind::RotationPolicy)).await.unwrap()
        };
        assert!(put(None, Some(7_200)).await && put(Some(7_200), Some(9_000)).await);
        let written = store.entry_count().await.unwrap();
        assert!(!put(Some(7_200), None).await && !put(None, Some(1)).await, "somebody has replaced it");
        assert_eq!(store.entry_count().await.unwrap(), written, "what was not done is not in the log");
        assert_eq!(store.policies().await.unwrap(), [(scope.clone(), policy(9_000))]);
        assert!(put(Some(9_000), None).await);
        assert!(store.policies().await.unwrap().is_empty());
        let (source, mut keys): (SourceName, _) = ("acme-support".parse().unwrap(), SourceKeys::default());
        let there = Source { name: source.clone(), tenant: "acme".parse().unwrap(), form: EventForm::Zendesk };
        assert!(!store.put_source_keys(&there, keys.clone(), vec![]).await.unwrap());
        assert!(store.source_keys().await.unwrap().is_empty(), "of a source that is not there");
        let new = NewSource { source: there.clone(), keys: keys.clone(), secret: None };
        assert_eq!(store.add_source(new, entry(Kind::SourceAdded)).await.unwrap(), Added::Done);
        for until in [1, 2] {
            keys.promote_at = Some(Timestamp(until));
            assert!(store.put_source_keys(&there, keys.clone(), vec![]).await.unwrap());
        }
        assert_eq!(store.source_keys().await.unwrap(), [(source, keys)]);
    }

    #[tokio::test]
    async fn a_person_is_told_once_a_generation() {
        let (_dir, store) = store();
        let item = Item::connection(key("a"));
        let note = async |generation| store.note_needed(&item, generation, entry(Kind::RotationNeeded)).await.unwrap();
        assert_eq!((note(1).await, note(1).await, note(2).await), (true, false, true));
        assert_eq!(store.entry_count().await.unwrap(), 2);
    }
}
