//! The catalogue of duties: whose each is, how it is met, and what shows that. It is data, a file a section, and built in.
//!
//! Invariants: it is read strictly: an unknown key, an id that comes twice, or a duty without what its way of being met needs is an
//! error; an id never changes its meaning.

mod profiles;
mod query;
mod read;

use portcullis_model::{duty::Party, id::DutyId};
use serde::{Deserialize, Serialize};

pub use profiles::{Profile, Setting};
pub use query::Query;

/// What is wrong with the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the catalogue of duties, {file}: {problem}")]
pub struct CatalogueError {
    /// In which file.
    pub file: &'static str,
    /// What.
    pub problem: String,
}

/// How a duty is met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum How {
    /// The host makes a violation impossible.
    Enforced {
        /// The tests that prove it, as `file::name`.
        proof: Vec<String>,
    },
    /// Somebody says so, by name and for a time.
    Attested(Attested),
    /// It is computed from live state and the log.
    Observed {
        /// By which query.
        query: Query,
        /// The tests of what the query only counts, as `file::name`.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        proof: Vec<String>,
    },
}

impl How {
    /// The tests that are named for it.
    pub fn proof(&self) -> &[String] {
        match self {
            Self::Enforced { proof } | Self::Observed { proof, .. } => proof,
            Self::Attested(_) => &[],
        }
    }

    /// In a word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Enforced { .. } => "enforced",
            Self::Attested(_) => "attested",
            Self::Observed { .. } => "observed",
        }
    }
}

/// What is to be attested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Attested {
    /// What is said.
    pub what: String,
    /// By which party.
    pub by: Party,
    /// At most how many days it counts.
    pub days: u32,
}

/// What a risk may be accepted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// One connection's static token.
    Connection,
    /// One host without TLS.
    Host,
}

/// That a risk may be accepted, and exactly what that switches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RiskRule {
    /// Which party approves it, and answers for it from then on.
    pub by: Party,
    /// What it is about.
    pub about: About,
    /// At most for how many days.
    pub days: u32,
    /// Exactly what it switches.
    pub switches: String,
}

/// One duty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Duty {
    /// Its id.
    pub id: DutyId,
    /// In which section it stands.
    pub section: String,
    /// In a few words.
    pub title: String,
    /// Whose it is.
    pub party: Party,
    /// What it asks.
    pub words: String,
    /// What an admin sees of it.
    pub sees: String,
    /// How it is met.
    #[serde(flatten)]
    pub how: How,
    /// What of it this host does not do yet. Such a duty is open, on the platform's side, whatever else holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
    /// Whether a risk may be accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<RiskRule>,
    /// After how many days something is too old, for queries that ask that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
}

/// What lies outside of the integrations' boundary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Outside {
    /// Its id.
    pub id: DutyId,
    /// In a few words.
    pub title: String,
    /// Who answers for it.
    pub party: Party,
    /// What it asks.
    pub words: String,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Catalogue {
    /// The duties, in their order.
    pub duties: Vec<Duty>,
    /// What lies outside.
    pub outside: Vec<Outside>,
    /// The profiles, the one that is always on first.
    pub profiles: Vec<Profile>,
}

impl Catalogue {
    /// The catalogue that is built in.
    pub fn built_in() -> Result<Self, CatalogueError> {
        read::built_in()
    }

    /// The duty of this id.
    pub fn duty(&self, id: &DutyId) -> Option<&Duty> {
        self.duties.iter().find(|duty| duty.id == *id)
    }

    /// Whether an id is in it, inside or outside of the boundary.
    pub fn knows(&self, id: &DutyId) -> bool {
        self.duty(id).is_some() || self.outside.iter().any(|one| one.id == *id)
    }
}

#[cfg(test)]
mod tests;
