//! `random:read`.

use std::collections::BTreeSet;

use portcullis_model::{
    class::Class,
    scope::{Risk, Scope, ScopeError, ScopeText},
};

/// Taking random bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RandomScope;

impl Scope for RandomScope {
    const CAPABILITY: &'static str = "random";
    const EXAMPLES: &'static [&'static str] = &["random:read"];

    fn parse(text: &ScopeText) -> Result<Vec<Self>, ScopeError> {
        match text.action() {
            "read" => text.expect_keys(&[]).map(|()| vec![Self]),
            _ => Err(text.unknown_action(&["read"])),
        }
    }

    fn text(&self) -> ScopeText {
        ScopeText::new("random", "read")
    }

    fn meet(&self, _: &Self) -> Option<Self> {
        Some(Self)
    }

    fn describe(&self) -> String {
        "takes random bytes from the host".to_owned()
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
        check_meet_laws(&[RandomScope], &[], &[RandomScope, RandomScope]).unwrap();
        check_meet_laws(&[], &[RandomScope], &[RandomScope]).unwrap();
    }

    #[test]
    fn takes_no_constraint_and_no_other_action() {
        for (text, problem) in [
            ("random:read most=1", "unknown constraint 'most='"),
            ("random:write", "no action 'write'; known are: read"),
        ] {
            let error = RandomScope::parse(&text.parse().unwrap()).unwrap_err().to_string();
            assert!(error.contains(problem), "{text}: {error}");
        }
    }
}
