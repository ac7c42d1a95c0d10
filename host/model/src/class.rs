//! Classes of data (DAT-1): what a field may hold, so that grants can speak of classes and not only of fields.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::scope::nearest;

/// What sort of data a field holds. Free text counts as personal: people write anything into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Anybody may know it.
    Public,
    /// The subscriber's own business, about no person.
    Internal,
    /// About a person.
    Personal,
    /// About a person's health.
    Health,
    /// Means of payment.
    Payment,
    /// Gives access to something.
    Secret,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Public, Self::Internal, Self::Personal, Self::Health, Self::Payment, Self::Secret];

    /// The name in scopes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Personal => "personal",
            Self::Health => "health",
            Self::Payment => "payment",
            Self::Secret => "secret",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Class {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.map(Self::name);
        let class = Self::ALL.into_iter().find(|class| class.name() == text);
        class.ok_or_else(|| format!("no class '{text}'; {}", nearest(text, &known)))
    }
}
