//! `log:write`.

use std::collections::BTreeSet;

use portcullis_model::{
    class::Class,
    scope::{Risk, Scope, ScopeError, ScopeText},
};

/// Writing to the plugin's own log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogScope;

impl Scope for LogScope {
    const CAPABILITY: &'static str = "log";
    const EXAMPLES: &'static [&'static str] = &["log:write"];

    fn parse(text: &ScopeText) -> Result<Vec<Self>, ScopeError> {
        match text.action() {
            "write" => text.expect_keys(&[]).map(|()| vec![Self]),
            _ => Err(text.unknown_action(&["write"])),
        }
    }

    fn text(&self) -> ScopeText {
        ScopeText::new("log", "write")
    }

    fn meet(&self, _: &Self) -> Option<Self> {
        Some(Self)
    }

    fn describe(&self) -> String {
        "writes lines to its own log, which admins can read".to_owned()
    }

    fn risk(&self) -> Risk {
        Risk::Low
    }

    fn classes(&self) -> BTreeSet<Class> {
        [Class::Internal].into()
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::scope::check_meet_laws;

    use super::*;

    #[test]
    fn meet_is_a_meet() {
        check_meet_laws(&[LogScope], &[], &[LogScope, LogScope]).unwrap();
        check_meet_laws(&[], &[LogScope], &[LogScope]).unwrap();
    }
}
