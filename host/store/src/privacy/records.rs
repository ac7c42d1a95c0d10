//! What people wrote into records of a tenant: reasons, statements, notes, and by whom. The person is taken out of those texts, and the
//! record stays, since others decide by it.
//!
//! Invariants: only members that people write into are changed, so that a record can be read after it as before; what cannot is left
//! as it was, and the operator is told; each record is of the one tenant.

use portcullis_model::{
    consent::Consent,
    duty::{Attestation, Risk, TurnedOn},
    freeze::Freeze,
    incident::Incident,
    people::SupportGrant,
    privacy::{Finder, HeldCopies},
    review::Misbehaviour,
    rotation::{Act, Line},
};
use rusqlite::{Connection, params};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::sweep::each;
use crate::db::{Outcome, Writing, failed};

/// Members that people, or what they set going, write into.
const TEXTS: &[&str] = &[
    "asked_by",
    "by",
    "cause",
    "note",
    "prevention",
    "public-note",
    "reason",
    "statement",
    "text",
    "title",
    "to",
    "why",
];

/// Where records lie.
struct Kept {
    /// What they are counted as.
    sort: &'static str,
    /// Gives the key of each in text, and the body, of a tenant.
    find: &'static str,
    /// Puts a body (`?2`) over another (`?3`), by its key (`?1`).
    put: &'static str,
    /// Whether a body can be read.
    reads: fn(&str) -> bool,
}

fn reads<T: DeserializeOwned>(body: &str) -> bool {
    serde_json::from_str::<T>(body).is_ok()
}

/// An extent that is this tenant's alone, in a body.
macro_rules! of_tenant {
    () => {
        "(json_extract(body, '$.extent.tenant') = ?1 OR json_extract(body, '$.extent.connection.tenant') = ?1
          OR json_extract(body, '$.extent.installation') IN (SELECT id FROM installations WHERE tenant = ?1))"
    };
}

const RECORDS: &[Kept] = &[
    Kept {
        sort: "reports",
        find: "SELECT id, body FROM misbehaviours WHERE tenant = ?1",
        put: "UPDATE misbehaviours SET body = ?2 WHERE id = ?1 AND body = ?3",
        reads: reads::<Misbehaviour>,
    },
    Kept {
        sort: "risks",
        find: "SELECT CAST(number AS TEXT), body FROM duty_risks WHERE tenant = ?1",
        put: "UPDATE duty_risks SET body = ?2 WHERE number = CAST(?1 AS INTEGER) AND body = ?3",
        reads: reads::<Risk>,
    },
    Kept {
        sort: "attestations",
        find: "SELECT CAST(number AS TEXT), body FROM duty_attestations WHERE tenant = ?1",
        put: "UPDATE duty_attestations SET body = ?2 WHERE number = CAST(?1 AS INTEGER) AND body = ?3",
        reads: reads::<Attestation>,
    },
    Kept {
        sort: "profiles",
        find: "SELECT tenant || ' ' || profile, body FROM duty_profiles WHERE tenant = ?1",
        put: "UPDATE duty_profiles SET body = ?2 WHERE tenant || ' ' || profile = ?1 AND body = ?3",
        reads: reads::<TurnedOn>,
    },
    Kept {
        sort: "support",
        find: "SELECT id, body FROM people_support WHERE tenant = ?1",
        put: "UPDATE people_support SET body = ?2 WHERE id = ?1 AND body = ?3",
        reads: reads::<SupportGrant>,
    },
    Kept {
        sort: "rotations",
        find: concat!("SELECT id, body FROM rotation_acts WHERE ", of_tenant!()),
        put: "UPDATE rotation_acts SET body = ?2 WHERE id = ?1 AND body = ?3",
        reads: reads::<Act>,
    },
    Kept {
        sort: "rotations",
        find: "SELECT act || ' ' || item, body FROM rotation_lines WHERE json_extract(body, '$.tenant') = ?1",
        put: "UPDATE rotation_lines SET body = ?2 WHERE act || ' ' || item = ?1 AND body = ?3",
        reads: reads::<Line>,
    },
    Kept {
        sort: "freezes",
        find: concat!("SELECT CAST(number AS TEXT), body FROM freezes WHERE ", of_tenant!()),
        put: "UPDATE freezes SET body = ?2 WHERE number = CAST(?1 AS INTEGER) AND body = ?3",
        reads: reads::<Freeze>,
    },
    Kept {
        sort: "incidents",
        find: "SELECT id, body FROM incidents WHERE json_extract(body, '$.subject.tenant') = ?1
          OR json_extract(body, '$.subject.about.installation') IN (SELECT id FROM installations WHERE tenant = ?1)",
        put: "UPDATE incidents SET body = ?2 WHERE id = ?1 AND body = ?3",
        reads: reads::<Incident>,
    },
    // Of one that is open, only what people wrote: the rest is where a browser is to be sent. It ends soon, and is looked at in whole then.
    Kept {
        sort: "consents",
        find: "SELECT id, body FROM consents WHERE tenant = ?1 AND open = 1",
        put: "UPDATE consents SET body = ?2 WHERE id = ?1 AND body = ?3",
        reads: reads::<Consent>,
    },
];

/// A record that the person stands in.
#[derive(Clone, Debug)]
pub(super) struct FoundRecord {
    /// Which of [`RECORDS`].
    at: usize,
    key: String,
    body: String,
    left: String,
}

impl FoundRecord {
    /// What it is counted as, and what is in it.
    pub fn content(&self) -> (&'static str, &str) {
        (RECORDS.get(self.at).map_or("records", |kept| kept.sort), &self.body)
    }
}

/// The records of a tenant in whose texts the person stands.
pub(super) fn find(conn: &Connection, tenant: &str, finder: &Finder) -> Outcome<Vec<FoundRecord>> {
    let mut found = Vec::new();
    for (at, kept) in RECORDS.iter().enumerate() {
        let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
        each(conn, kept.find, &[&tenant], row, |(key, body)| {
            let Ok(mut value) = serde_json::from_str::<Value>(&body) else { return };
            if finder.take_out_of_members(&mut value, TEXTS) > 0 {
                found.push(FoundRecord { at, key, body, left: value.to_string() });
            }
        })?;
    }
    Ok(found)
}

/// Takes the person out of them. One that has changed since it was found is left to the next look.
pub(super) fn erase(conn: &Writing, found: &[FoundRecord], held: &mut HeldCopies) -> Outcome<()> {
    for FoundRecord { at, key, body, left } in found {
        let Some(kept) = RECORDS.get(*at) else { continue };
        if !(kept.reads)(left) {
            tracing::warn!(sort = kept.sort, key, "what a record says of a person cannot be taken out of it");
            continue;
        }
        let gone = conn.prepare_cached(kept.put).and_then(|mut s| s.execute(params![key, left, body]));
        held.count_tenant(kept.sort, gone.map_err(failed)? as u64);
    }
    if !found.is_empty() {
        // Whoever holds these in memory reads them anew.
        conn.execute("UPDATE duty_revision SET value = value + 1", []).map_err(failed)?;
        conn.execute("UPDATE freeze_revision SET value = value + 1", []).map_err(failed)?;
    }
    Ok(())
}
