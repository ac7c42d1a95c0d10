//! `clocks:read`.

use std::collections::BTreeSet;

use portcullis_model::{
    class::Class,
    scope::{Risk, Scope, ScopeError, ScopeText},
};

/// Reading the time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClocksScope;

impl Scope for ClocksScope {
    const CAPABILITY: &'static str = "clocks";
    const EXAMPLES: &'static [&'static str] = &["clocks:read"];

    fn parse(text: &ScopeText) -> Result<Vec<Self>, ScopeError> {
        match text.action() {
            "read" => text.expect_keys(&[]).map(|()| vec![Self]),
            _ => Err(text.unknown_action(&["read"])),
        }
    }

    fn text(&self) -> ScopeText {
        ScopeText::new("clocks", "read")
    }

    fn meet(&self, _: &Self) -> Option<Self> {
        Some(Self)
    }

    fn describe(&self) -> String {
        "reads the time, in steps of a millisecond".to_owned()
    }

    fn risk(&self) -> Risk {
        Risk::Low
    }

    fn classes(&self) -> BTreeSet<Class> {
        BTreeSet::new()
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::scope::check_meet_laws;

    use super::*;

    #[test]
    fn meet_is_a_meet() {
        check_meet_laws(&[ClocksScope], &[], &[ClocksScope, ClocksScope]).unwrap();
        check_meet_laws(&[], &[ClocksScope], &[ClocksScope]).unwrap();
    }

    #[test]
    fn takes_no_constraint_and_no_other_action() {
        for (text, problem) in [
            ("clocks:read most=1", "unknown constraint 'most='"),
            ("clocks:write", "no action 'write'; known are: read"),
        ] {
            let error = ClocksScope::parse(&text.parse().unwrap()).unwrap_err().to_string();
            assert!(error.contains(problem), "{text}: {error}");
        }
    }
}
