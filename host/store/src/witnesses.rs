//! Witnesses of the published log: where they are, who they are, and what each last cosigned.
//!
//! Invariant: a witness is added or removed together with the entry that says so.

use portcullis_model::{audit::Entry, error::StoreError, time::Timestamp};
use rusqlite::{Row, params};

use crate::{
    SqliteStore, audit,
    db::{Outcome, failed},
};

/// A witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogWitness {
    /// What it is called here.
    pub name: String,
    /// Where it answers.
    pub url: String,
    /// Its public key.
    pub vkey: String,
    /// How many entries it last cosigned.
    pub known: u64,
    /// When it was asked last.
    pub asked: Option<Timestamp>,
    /// Why it did not cosign then.
    pub problem: Option<String>,
}

impl SqliteStore {
    /// Adds a witness, with the entry that says so. False, and nothing done, where one of this name is there.
    pub async fn add_witness(&self, witness: LogWitness, entry: Entry) -> Outcome<bool> {
        self.db
            .write(move |conn| {
                let LogWitness { name, url, vkey, known, .. } = &witness;
                let added = conn
                    .execute(
                        "INSERT INTO log_witnesses (name, url, vkey, known) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
                        params![name, url, vkey, known],
                    )
                    .map_err(failed)?;
                if added == 1 {
                    audit::append(conn, &entry)?;
                }
                Ok(added == 1)
            })
            .await
    }

    /// Removes a witness, with the entry that says so. False, and nothing done, where there is none of this name.
    pub async fn remove_witness(&self, name: String, entry: Entry) -> Outcome<bool> {
        self.db
            .write(move |conn| {
                let removed = conn.execute("DELETE FROM log_witnesses WHERE name = ?1", [name]).map_err(failed)?;
                if removed == 1 {
                    audit::append(conn, &entry)?;
                }
                Ok(removed == 1)
            })
            .await
    }

    /// All witnesses, by name.
    pub async fn witnesses(&self) -> Result<Vec<LogWitness>, StoreError> {
        self.db
            .read(|conn| {
                let mut query = conn
                    .prepare_cached("SELECT name, url, vkey, known, asked, problem FROM log_witnesses ORDER BY name")
                    .map_err(failed)?;
                let all: Vec<LogWitness> = query.query_map([], row).and_then(Iterator::collect).map_err(failed)?;
                Ok(all)
            })
            .await
    }

    /// Keeps what came of asking a witness: what it cosigned last, and why it did not, where it did not.
    pub async fn witness_asked(&self, name: String, known: u64, at: Timestamp, problem: Option<String>) -> Outcome<()> {
        self.db
            .write(move |conn| {
                conn.execute(
                    "UPDATE log_witnesses SET known = ?2, asked = ?3, problem = ?4 WHERE name = ?1",
                    params![name, known, at.0, problem],
                )
                .map(drop)
                .map_err(failed)
            })
            .await
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<LogWitness> {
    let asked: Option<i64> = row.get(4)?;
    Ok(LogWitness {
        name: row.get(0)?,
        url: row.get(1)?,
        vkey: row.get(2)?,
        known: row.get(3)?,
        asked: asked.map(Timestamp),
        problem: row.get(5)?,
    })
}

#[cfg(test)]
mod tests {
    use portcullis_model::audit::Kind;

    use super::*;
    use crate::testing::{entry, store};

    #[tokio::test]
    async fn a_witness_comes_and_goes_on_record() {
        let (_dir, store) = store();
        let witness = LogWitness {
            name: "w".into(),
            url: "https://w.example".into(),
            vkey: "w+00000000+BA".into(),
            known: 0,
            asked: None,
            problem: None,
        };
        let added = || store.add_witness(witness.clone(), entry(Kind::LogWitnessAdded));
        assert!(added().await.unwrap() && !added().await.unwrap());
        store.witness_asked("w".into(), 7, Timestamp(5), Some("it is down".into())).await.unwrap();
        let known = &store.witnesses().await.unwrap()[0];
        assert_eq!((known.known, known.asked, known.problem.as_deref()), (7, Some(Timestamp(5)), Some("it is down")));
        let removed = || store.remove_witness("w".into(), entry(Kind::LogWitnessRemoved));
        assert!(removed().await.unwrap() && !removed().await.unwrap());
        assert_eq!(store.entry_count().await.unwrap(), 2, "one entry each, and none for what was not done");
    }
}
