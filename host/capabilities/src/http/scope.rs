//! `http:send to=https://host/path/* methods=POST`.

use std::collections::BTreeSet;

use portcullis_model::{
    class::Class,
    egress::SendRequest,
    scope::{Allows, Grant, Only, Risk, Scope, ScopeError, ScopeText, nearest},
};

use super::pattern::Pattern;

/// The methods that a plugin can be granted.
pub const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"];

/// Where requests may go, and with which methods.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HttpScope {
    to: Pattern,
    methods: Only<&'static str>,
}

/// The method's one spelling.
pub(super) fn method(text: &str) -> Result<&'static str, String> {
    let known = METHODS.into_iter().find(|known| *known == text);
    known.ok_or_else(|| format!("no method '{text}'; {}", nearest(text, &METHODS)))
}

impl Scope for HttpScope {
    const CAPABILITY: &'static str = "http";
    const EXAMPLES: &'static [&'static str] =
        &["http:send to=https://hooks.chat.example/services/* methods=POST"];

    fn parse(text: &ScopeText) -> Result<Vec<Self>, ScopeError> {
        if text.action() != "send" {
            return Err(text.unknown_action(&["send"]));
        }
        text.expect_keys(&["to", "methods"])?;
        let methods = Only::parse(text.values("methods"), method).map_err(|problem| text.error(problem))?;
        let one = |to: &String| {
            let to = Pattern::parse(to).map_err(|problem| text.error(problem))?;
            Ok(Self { to, methods: methods.clone() })
        };
        text.values("to").iter().map(one).collect()
    }

    fn text(&self) -> ScopeText {
        ScopeText::new("http", "send")
            .with("to", [self.to.to_string()])
            .with("methods", self.methods.values(|m| (*m).to_owned()))
    }

    fn meet(&self, other: &Self) -> Option<Self> {
        Some(Self { to: self.to.meet(&other.to)?, methods: self.methods.meet(&other.methods)? })
    }

    fn describe(&self) -> String {
        let methods = match &self.methods {
            Only::All => "any".to_owned(),
            Only::These(set) => set.iter().copied().collect::<Vec<_>>().join(", "),
        };
        format!("sends {methods} requests to {}", self.to)
    }

    fn risk(&self) -> Risk {
        Risk::High
    }

    fn classes(&self) -> BTreeSet<Class> {
        // Whatever the plugin has read can go out this way.
        Class::ALL.into_iter().filter(|class| *class != Class::Public).collect()
    }

    fn destinations(&self) -> Vec<String> {
        vec![self.to.host()]
    }
}

impl Allows<SendRequest> for HttpScope {
    fn needed(act: &SendRequest) -> ScopeText {
        let methods = Only::These([act.method].into());
        Self { to: Pattern::exactly(&act.target), methods }.text()
    }

    fn decide(grant: &Grant<Self>, act: &SendRequest) -> Result<(), String> {
        let to: Vec<_> = grant.scopes().filter(|scope| scope.to.matches(&act.target)).collect();
        if to.is_empty() {
            return Err(format!("sending to {} is not granted", act.target.origin()));
        }
        match to.iter().any(|scope| scope.methods.has(&act.method)) {
            true => Ok(()),
            false => Err(format!("sending {} to {} is not granted", act.method, act.target.origin())),
        }
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::scope::check_meet_laws;
    use proptest::prelude::*;

    use super::*;

    fn scopes() -> impl Strategy<Value = Vec<HttpScope>> {
        let to = "https://(\\*\\.)?(a|b)\\.(c|d)\\.example(:8443)?(/x)?(/y)?(/|/\\*|/z)";
        let methods = proptest::sample::subsequence(&METHODS[..3], 1..3);
        let one = (to, methods, any::<bool>()).prop_map(|(to, methods, all)| HttpScope {
            to: Pattern::parse(&to).unwrap(),
            methods: if all { Only::All } else { Only::These(methods.into_iter().collect()) },
        });
        proptest::collection::vec(one, 0..4)
    }

    fn acts() -> impl Strategy<Value = SendRequest> {
        let url = "https://((a|b)\\.)?(a|b)\\.(c|d)\\.example(:8443)?(/x)?(/y)?(/|/z)";
        (url, 0usize..3).prop_map(|(url, m)| SendRequest {
            method: METHODS[m],
            target: url.parse().unwrap(),
            headers: vec![],
            body: vec![],
        })
    }

    proptest! {
        #[test]
        fn meet_is_a_meet(a in scopes(), b in scopes(), c in scopes()) {
            check_meet_laws(&a, &b, &c).map_err(TestCaseError::fail)?;
        }

        #[test]
        fn meet_allows_what_both_allow(a in scopes(), b in scopes(), act in acts()) {
            let (a, b) = (Grant::new(a), Grant::new(b));
            let both = HttpScope::decide(&a, &act).is_ok() && HttpScope::decide(&b, &act).is_ok();
            prop_assert_eq!(HttpScope::decide(&a.meet(&b), &act).is_ok(), both);
        }

        #[test]
        fn needed_is_enough(act in acts()) {
            let grant = Grant::<HttpScope>::parse(&[HttpScope::needed(&act)]).unwrap();
            prop_assert!(HttpScope::decide(&grant, &act).is_ok());
        }
    }
}
