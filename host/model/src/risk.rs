//! Risks that somebody answers for by name: what is refused otherwise, until a day, for a reason (INT-3, DAT-5).

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A risk that was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AcceptedRisk {
    /// Why, in a person's words.
    pub reason: String,
    /// Who answers for it.
    pub accepted_by: String,
    /// Until when. After it the risk is not accepted any more, by itself.
    pub until: Timestamp,
}

/// The shortest reason that is one, in characters.
const SHORTEST_REASON: usize = 10;

impl AcceptedRisk {
    /// Says what is wrong with it now, if anything.
    pub fn check(&self, now: Timestamp) -> Result<(), String> {
        if self.reason.trim().chars().count() < SHORTEST_REASON {
            return Err(format!("reason: at least {SHORTEST_REASON} characters that say why the risk is taken"));
        }
        if self.accepted_by.trim().is_empty() {
            return Err("accepted-by: who answers for it?".to_owned());
        }
        match now < self.until {
            true => Ok(()),
            false => Err(format!("the risk was accepted until {}; accept it anew or do without", self.until)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lapses_and_wants_a_reason_and_a_name() {
        let good = AcceptedRisk {
            reason: "the old telephone system has no TLS".into(),
            accepted_by: "dana".into(),
            until: Timestamp(10),
        };
        assert_eq!(good.check(Timestamp(9)), Ok(()));
        assert!(good.check(Timestamp(10)).unwrap_err().contains("1970-01-01T00:00:00.010Z"));
        assert!(AcceptedRisk { reason: "because".into(), ..good.clone() }.check(Timestamp(0)).is_err());
        assert!(AcceptedRisk { accepted_by: " ".into(), ..good }.check(Timestamp(0)).is_err());
    }
}
