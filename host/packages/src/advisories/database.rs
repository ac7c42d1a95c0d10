//! The one file in which advisories are kept.
//!
//! Invariants: the same records give the same bytes; the file's own digest is checked when it is read, so that a file that was cut
//! off or changed is not used as if it were whole.

use std::collections::{BTreeMap, HashMap};

use portcullis_model::{audit::plain, id::Digest};
use serde::{Deserialize, Serialize};

use super::{Advisory, AdvisoryError, Affected, collect::moment};
use crate::inspect::dependencies::{Ecosystem, normal};

/// The largest file, in bytes.
pub const MAX_DATABASE: usize = 256 * 1024 * 1024;

const FORMAT: &str = "portcullis-advisories-v1";

/// What a database has in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How many advisories.
    pub count: usize,
    /// How many of them are about packages of each ecosystem.
    pub ecosystems: BTreeMap<&'static str, usize>,
    /// When the newest was last changed, as RFC 3339; absent where there is none.
    pub newest: Option<String>,
    /// The digest of the records, which names this state of knowledge.
    pub digest: Digest,
}

/// Advisories, found by package.
#[derive(Debug)]
pub struct Database {
    records: Vec<Advisory>,
    digest: Digest,
    packages: HashMap<(Ecosystem, String), Vec<(usize, usize)>>,
}

/// The file. Its members stand in this order.
#[derive(Serialize)]
struct Written<'a> {
    format: &'a str,
    sha256: String,
    count: usize,
    newest: Option<&'a str>,
    records: &'a [Advisory],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    format: String,
    sha256: String,
    count: usize,
    newest: Option<String>,
    records: Vec<Advisory>,
}

impl Database {
    /// A database of these records.
    pub(super) fn of(mut records: Vec<Advisory>) -> Result<Self, AdvisoryError> {
        records.sort_by(|a, b| a.id.cmp(&b.id));
        let digest = digest(&records)?;
        let mut packages: HashMap<(Ecosystem, String), Vec<(usize, usize)>> = HashMap::new();
        for (record, advisory) in records.iter().enumerate() {
            for (place, affected) in advisory.affected.iter().enumerate() {
                let ecosystem = Ecosystem::ALL.into_iter().find(|one| one.name() == affected.ecosystem);
                if let Some(ecosystem) = ecosystem {
                    packages.entry((ecosystem, key(ecosystem, &affected.name))).or_default().push((record, place));
                }
            }
        }
        Ok(Self { records, digest, packages })
    }

    /// Reads the file.
    pub fn parse(bytes: &[u8]) -> Result<Self, AdvisoryError> {
        if bytes.len() > MAX_DATABASE {
            return Err(AdvisoryError::DatabaseTooLarge(bytes.len()));
        }
        let damaged = |problem: String| AdvisoryError::Damaged(plain(&problem));
        let read: Read = serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
        if read.format != FORMAT {
            return Err(damaged(format!("its format is '{}', not {FORMAT}", read.format)));
        }
        let database = Self::of(read.records)?;
        let (count, newest) = (database.records.len(), database.newest().map(str::to_owned));
        if database.digest.hex() != read.sha256 || count != read.count || newest != read.newest {
            return Err(damaged("its records are not those that it was written with".to_owned()));
        }
        Ok(database)
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, AdvisoryError> {
        let written = Written {
            format: FORMAT,
            sha256: self.digest.hex(),
            count: self.records.len(),
            newest: self.newest(),
            records: &self.records,
        };
        let bytes = serde_json::to_vec(&written).map_err(|error| AdvisoryError::Damaged(error.to_string()))?;
        match bytes.len() > MAX_DATABASE {
            true => Err(AdvisoryError::DatabaseTooLarge(bytes.len())),
            false => Ok(bytes),
        }
    }

    /// What is in it.
    pub fn summary(&self) -> Summary {
        let mut ecosystems: BTreeMap<&'static str, usize> = BTreeMap::new();
        for ecosystem in Ecosystem::ALL {
            let about = |one: &&Advisory| one.affected.iter().any(|affected| affected.ecosystem == ecosystem.name());
            ecosystems.insert(ecosystem.name(), self.records.iter().filter(about).count());
        }
        Summary { count: self.records.len(), ecosystems, newest: self.newest().map(str::to_owned), digest: self.digest }
    }

    /// The advisories that name this package.
    pub(super) fn about(&self, ecosystem: Ecosystem, name: &str) -> impl Iterator<Item = (&Advisory, &Affected)> {
        let places = self.packages.get(&(ecosystem, key(ecosystem, name)));
        let each = places.into_iter().flatten();
        each.filter_map(|(record, place)| {
            let advisory = self.records.get(*record)?;
            Some((advisory, advisory.affected.get(*place)?))
        })
    }

    fn newest(&self) -> Option<&str> {
        self.records.iter().map(|one| one.modified.as_str()).max_by(|a, b| moment(a).cmp(moment(b)))
    }
}

/// A name in the form in which its ecosystem compares names.
fn key(ecosystem: Ecosystem, name: &str) -> String {
    match ecosystem {
        Ecosystem::CratesIo => name.to_ascii_lowercase().replace('_', "-"),
        Ecosystem::Npm => name.to_owned(),
        Ecosystem::PyPi => normal(name),
    }
}

fn digest(records: &[Advisory]) -> Result<Digest, AdvisoryError> {
    let bytes = serde_json::to_vec(records).map_err(|error| AdvisoryError::Damaged(error.to_string()))?;
    Ok(Digest::of(&bytes))
}
