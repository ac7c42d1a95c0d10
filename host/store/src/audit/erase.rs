//! Erasing personal values from beside entries (DAT-4).
//!
//! Invariants: the commitment in a body stays, so that every proof holds; value and salt are gone together, and with the salt the
//! only way to tell what the commitment was to; an entry in the same transaction says of which entries, by whom and why, and an opening
//! that was erased says which entry that is.

use std::collections::BTreeMap;

use portcullis_model::{audit::Entry, id::TenantId, privacy::Finder};
use rusqlite::{Connection, params};
use serde_json::json;

use super::append_one;
use crate::{
    SqliteStore,
    db::{Outcome, Writing, failed},
};

/// The most entries that one entry about an erasure names: with their indices it stays far below the most that an entry can hold.
const NAMED: usize = 2_000;

/// Which personal values are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// Every one that is exactly this: a name, or a resource such as `user:7`; each free text that it stands in as a word of its own,
    /// such as a reason; and each filter that somebody searched by and this is in, as whatever part of it.
    Value(String),
    /// Those of one entry; of one field of it where that is named, such as `detail.reason`.
    Entry {
        /// Its index.
        index: u64,
        /// The field.
        field: Option<String>,
    },
}

/// What was erased, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Of which entries, in order.
    pub entries: Vec<u64>,
    /// How many values, by field.
    pub fields: BTreeMap<String, u64>,
    /// The entries that say so.
    pub recorded: Vec<u64>,
    /// Whether nothing of it is left in the database's files. Where not, the file of recent changes still has it until that is written
    /// over.
    pub is_gone: bool,
}

impl SqliteStore {
    /// What [`erase_openings`](Self::erase_openings) would erase.
    pub async fn openings_of(&self, which: Which) -> Outcome<Erased> {
        self.db.read(move |conn| Ok(erased(&found(conn, &which)?))).await
    }

    /// Erases personal values, with this entry: it gets which entries they were of. Where those are many, there are several such
    /// entries. Nothing found is an entry as well: somebody asked.
    pub async fn erase_openings(&self, which: Which, entry: Entry) -> Outcome<Erased> {
        let mut erased = self.db.write(move |conn| erase(conn, &which, &entry)).await?;
        let emptied = self.db.empty_wal().await;
        if let Err(error) = &emptied {
            tracing::warn!(%error, "what was erased stays in the file of recent changes until that is written over");
        }
        erased.is_gone = emptied.is_ok();
        Ok(erased)
    }
}

fn found(conn: &Connection, which: &Which) -> Outcome<Vec<(u64, String)>> {
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    match which {
        Which::Value(value) => return found_value(conn, value),
        Which::Entry { index, field } => conn
            .prepare_cached(
                "SELECT idx, field FROM audit_openings WHERE idx = ?1 AND (?2 IS NULL OR field = ?2) AND value IS NOT NULL
                 ORDER BY field",
            )
            .and_then(|mut s| s.query_map(params![index, field], row)?.collect()),
    }
    .map_err(failed)
}

fn found_value(conn: &Connection, value: &str) -> Outcome<Vec<(u64, String)>> {
    let sought = value.to_lowercase();
    let mut query = conn
        .prepare_cached(
            "SELECT idx, field, value FROM audit_openings WHERE value = ?1
             UNION SELECT idx, field, value FROM audit_openings WHERE value IS NOT NULL AND field GLOB 'detail.*'
             ORDER BY idx, field",
        )
        .map_err(failed)?;
    let mut rows = query.query([value]).map_err(failed)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let (field, text): (String, String) = (row.get(1).map_err(failed)?, row.get(2).map_err(failed)?);
        let means = match field.as_str() {
            "detail.filter" => text.to_lowercase().contains(&sought),
            _ => text == value || has_word(&text.to_lowercase(), &sought),
        };
        if means {
            found.push((row.get(0).map_err(failed)?, field));
        }
    }
    Ok(found)
}

/// Whether this stands in a text, with neither a letter nor a digit just before or after it.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(word)
        .any(|(at, _)| !is_part(text[..at].chars().next_back()) && !is_part(text[at + word.len()..].chars().next()))
}

fn erased(found: &[(u64, String)]) -> Erased {
    let mut erased = Erased::default();
    for (index, field) in found {
        if erased.entries.last() != Some(index) {
            erased.entries.push(*index);
        }
        *erased.fields.entry(field.clone()).or_default() += 1;
    }
    erased
}

/// The values of a tenant's entries that are about a person; those of the entry `but` are left out.
pub(crate) fn about(
    conn: &Connection,
    tenant: &TenantId,
    finder: &Finder,
    but: Option<u64>,
) -> Outcome<Vec<FoundValue>> {
    let mut query = conn
        .prepare_cached(
            "SELECT o.idx, o.field, o.value FROM audit_openings o JOIN audit a ON a.idx = o.idx
             WHERE o.value IS NOT NULL AND a.tenant = ?1 AND o.idx IS NOT ?2 ORDER BY o.idx, o.field",
        )
        .map_err(failed)?;
    let mut rows = query.query(params![tenant.as_str(), but]).map_err(failed)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let (field, text): (String, String) = (row.get(1).map_err(failed)?, row.get(2).map_err(failed)?);
        let means = if field.starts_with("actor.") { finder.is(&text) } else { finder.in_bytes(text.as_bytes()) };
        if means {
            found.push((row.get(0).map_err(failed)?, field, text));
        }
    }
    Ok(found)
}

/// A value that lies beside an entry: the entry's index, the field, and what it is.
pub(crate) type FoundValue = (u64, String, String);

fn erase(conn: &Writing, which: &Which, entry: &Entry) -> Outcome<Erased> {
    erase_found(conn, &found(conn, which)?, entry)
}

/// Erases these, which are in order, with this entry.
pub(crate) fn erase_found(conn: &Writing, found: &[(u64, String)], entry: &Entry) -> Outcome<Erased> {
    let mut all = erased(found);
    let mut parts: Vec<&[u64]> = all.entries.chunks(NAMED).collect();
    if parts.is_empty() {
        parts.push(&[]);
    }
    let (mut rest, mut recorded) = (found, Vec::new());
    for part in parts {
        let these = rest.partition_point(|(index, _)| part.last().is_some_and(|last| index <= last));
        let (now, later) = rest.split_at(these);
        rest = later;
        let said =
            entry.clone().with("count", now.len()).with("entries", part).with("fields", json!(erased(now).fields));
        let by = append_one(conn, &said)?;
        let mut gone = conn
            .prepare_cached(
                "UPDATE audit_openings SET salt = NULL, value = NULL, erased = ?3 WHERE idx = ?1 AND field = ?2",
            )
            .map_err(failed)?;
        for (index, field) in now {
            gone.execute(params![index, field, by]).map_err(failed)?;
        }
        recorded.push(by);
    }
    all.recorded = recorded;
    Ok(all)
}

#[cfg(test)]
mod tests {
    use portcullis_model::audit::{Actor, ERASED, Kind, Recorder as _};

    use super::*;
    use crate::testing::{entry, store};

    const MARK: &str = "dana-whose-name-must-not-stay";

    fn by(name: &str) -> Entry {
        Entry { actor: Actor::Person { name: name.into() }, ..entry(Kind::PluginGranted) }
    }

    fn found_in(dir: &std::path::Path, mark: &str) -> Vec<std::path::PathBuf> {
        let files = std::fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
        files.filter(|path| std::fs::read(path).unwrap().windows(mark.len()).any(|at| at == mark.as_bytes())).collect()
    }

    #[tokio::test]
    async fn a_name_goes_everywhere_and_its_neighbours_stay() {
        let (dir, store) = store();
        let acts: Vec<Entry> =
            (0..300).map(|n| by(if n % 3 == 0 { "bob" } else { MARK }).about(format!("user:{}", n % 7))).collect();
        store.record(acts).await.unwrap();
        assert!(!found_in(dir.path(), MARK).is_empty(), "it is there to be found");
        let bodies: Vec<_> = store.entries(0, 300).await.unwrap().into_iter().map(|one| one.body).collect();
        let request = by("ana").with("reason", "she asked for it");
        let erased = store.erase_openings(Which::Value(MARK.into()), request.clone()).await.unwrap();
        assert_eq!((erased.entries.len(), erased.fields["actor.name"], erased.is_gone), (200, 200, true));
        assert_eq!(erased.recorded, [300]);
        assert_eq!(found_in(dir.path(), MARK), Vec::<std::path::PathBuf>::new());

        let after = store.entries(0, 301).await.unwrap();
        let same = after.iter().zip(&bodies).all(|(one, body)| one.body == *body);
        assert!(same, "no body changes");
        let read = after[1].read().unwrap();
        assert_eq!((read.actor, read.resource.as_deref()), (Actor::Person { name: ERASED.into() }, Some("user:1")));
        assert_eq!(after[1].erased["actor.name"], 300);
        assert_eq!(after[0].read().unwrap().actor, Actor::Person { name: "bob".into() });
        let said = after[300].read().unwrap();
        assert_eq!((said.actor, said.detail["count"].as_u64()), (Actor::Person { name: "ana".into() }, Some(200)));
        assert_eq!(said.detail["entries"][0], 1);

        let again = store.erase_openings(Which::Value(MARK.into()), request).await.unwrap();
        assert_eq!(
            (again.entries.len(), again.recorded),
            (0, vec![301]),
            "what was asked for twice is on record twice"
        );
    }

    #[tokio::test]
    async fn what_somebody_searched_by_goes_with_the_name_in_it() {
        let (dir, store) = store();
        let searched = |filter: &str| by("ana").with_personal("filter", filter);
        let filters = [format!("person={}", MARK.to_uppercase()), format!("kind=x {MARK}"), "person=bob".to_owned()];
        store.record(filters.iter().map(|filter| searched(filter)).collect()).await.unwrap();
        let erased = store.erase_openings(Which::Value(MARK.into()), entry(Kind::AuditErased)).await.unwrap();
        assert_eq!((erased.entries, erased.fields["detail.filter"]), (vec![0, 1], 2));
        assert_eq!(found_in(dir.path(), MARK), Vec::<std::path::PathBuf>::new());
        let read: Vec<Entry> = store.entries(0, 3).await.unwrap().iter().map(|one| one.read().unwrap()).collect();
        assert_eq!((read[0].text("filter"), read[2].text("filter")), (Some(ERASED), Some("person=bob")));
    }

    #[tokio::test]
    async fn a_text_that_a_name_stands_in_goes_with_it_and_one_with_a_longer_name_stays() {
        let (dir, store) = store();
        let texts = [
            format!("asked for by {}, again", MARK.to_uppercase()),
            format!("{MARK}s is another"),
            format!("({MARK})"),
            format!("because of {MARK}7"),
            "nothing of hers".to_owned(),
        ];
        store.record(texts.iter().map(|text| by("bob").with("reason", text.as_str())).collect()).await.unwrap();
        store.record(vec![by(&format!("{MARK} smith"))]).await.unwrap();
        let which = Which::Value(MARK.into());
        assert_eq!(store.openings_of(which.clone()).await.unwrap().entries, [0, 2]);
        let erased = store.erase_openings(which, entry(Kind::AuditErased)).await.unwrap();
        assert_eq!((erased.entries, erased.fields["detail.reason"], erased.is_gone), (vec![0, 2], 2, true));
        let read: Vec<Entry> = store.entries(0, 6).await.unwrap().iter().map(|one| one.read().unwrap()).collect();
        let reasons: Vec<_> = read.iter().map(|entry| entry.text("reason")).collect();
        assert_eq!((reasons[0], reasons[1], reasons[2]), (Some(ERASED), Some(texts[1].as_str()), Some(ERASED)));
        assert_eq!(reasons[3..5], [Some(texts[3].as_str()), Some("nothing of hers")]);
        assert_eq!(
            read[5].actor,
            Actor::Person { name: format!("{MARK} smith") },
            "a name is exactly that, or another's"
        );
        assert_eq!(found_in(dir.path(), &texts[0]), Vec::<std::path::PathBuf>::new());

        let umlaut = by("bob").with("reason", "ÅSA rang an");
        store.record(vec![umlaut]).await.unwrap();
        assert_eq!(store.openings_of(Which::Value("åsa".into())).await.unwrap().fields["detail.reason"], 1);
    }

    #[tokio::test]
    async fn one_field_of_one_entry() {
        let (_dir, store) = store();
        store
            .record(vec![by("bob").with("reason", "Eve is ill"), by("bob").with("reason", "Eve is ill")])
            .await
            .unwrap();
        let which = Which::Entry { index: 1, field: Some("detail.reason".into()) };
        assert_eq!(store.openings_of(which.clone()).await.unwrap().entries, [1]);
        store.erase_openings(which, entry(Kind::AuditErased)).await.unwrap();
        let read: Vec<Entry> = store.entries(0, 2).await.unwrap().iter().map(|one| one.read().unwrap()).collect();
        assert_eq!((read[0].text("reason"), read[1].text("reason")), (Some("Eve is ill"), Some(ERASED)));
        assert_eq!(read[1].actor, Actor::Person { name: "bob".into() });
    }

    #[tokio::test]
    async fn many_are_named_in_several_entries() {
        let (_dir, store) = store();
        let count = NAMED + 10;
        store.record((0..count).map(|_| by(MARK)).collect()).await.unwrap();
        let erased = store.erase_openings(Which::Value(MARK.into()), entry(Kind::AuditErased)).await.unwrap();
        assert_eq!((erased.entries.len(), erased.recorded.len()), (count, 2));
        let last = store.entries(count as u64 + 1, 1).await.unwrap()[0].read().unwrap();
        assert_eq!((last.detail["count"].as_u64(), last.detail["entries"][0].as_u64()), (Some(10), Some(NAMED as u64)));
        assert_eq!(store.entries(NAMED as u64, 1).await.unwrap()[0].erased["actor.name"], count as u64 + 1);
    }
}
