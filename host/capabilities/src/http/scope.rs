//! `http:send to=https://host/path/* methods=POST`.
//!
//! A scope with `barred=` allows nothing: a tenant's rule about regions makes it of one that sends elsewhere (DAT-7), so that the
//! denial can say why.

use std::collections::BTreeSet;

use portcullis_model::{
    class::Class,
    egress::SendRequest,
    regional::{self, BARRED},
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
    /// Why it allows nothing. Empty: it does.
    barred: BTreeSet<String>,
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
        text.expect(&["to", "methods"], &[BARRED])?;
        let methods = Only::parse(text.values("methods"), method).map_err(|problem| text.error(problem))?;
        let barred: BTreeSet<String> = text.values(BARRED).iter().cloned().collect();
        if let Some(unfit) = barred.iter().find(|value| regional::reason(value).is_none()) {
            return Err(text.error(format!("barred: '{unfit}' is no region and the regions it lies outside of, such as US:EEA")));
        }
        let one = |to: &String| {
            let to = Pattern::parse(to).map_err(|problem| text.error(problem))?;
            Ok(Self { to, methods: methods.clone(), barred: barred.clone() })
        };
        text.values("to").iter().map(one).collect()
    }

    fn text(&self) -> ScopeText {
        let text = ScopeText::new("http", "send")
            .with("to", [self.to.to_string()])
            .with("methods", self.methods.values(|m| (*m).to_owned()));
        if self.barred.is_empty() { text } else { text.with(BARRED, self.barred.iter().cloned()) }
    }

    fn meet(&self, other: &Self) -> Option<Self> {
        let barred = self.barred.union(&other.barred).cloned().collect();
        Some(Self { to: self.to.meet(&other.to)?, methods: self.methods.meet(&other.methods)?, barred })
    }

    fn describe(&self) -> String {
        let methods = match &self.methods {
            Only::All => "any".to_owned(),
            Only::These(set) => set.iter().copied().collect::<Vec<_>>().join(", "),
        };
        match self.barred.iter().find_map(|value| regional::reason(value)) {
            None => format!("sends {methods} requests to {}", self.to),
            Some(why) => format!("may not send {methods} requests to {}: {why}", self.to),
        }
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
        Self { to: Pattern::exactly(&act.target), methods, barred: BTreeSet::new() }.text()
    }

    fn decide(grant: &Grant<Self>, act: &SendRequest) -> Result<(), String> {
        let to: Vec<_> = grant.scopes().filter(|scope| scope.to.matches(&act.target)).collect();
        if to.is_empty() {
            return Err(format!("sending to {} is not granted", act.target.origin()));
        }
        let fit: Vec<_> = to.iter().filter(|scope| scope.methods.has(&act.method)).collect();
        if fit.is_empty() {
            return Err(format!("sending {} to {} is not granted", act.method, act.target.origin()));
        }
        match fit.iter().all(|scope| !scope.barred.is_empty()) {
            false => Ok(()),
            true => {
                let why = fit.iter().flat_map(|scope| &scope.barred).find_map(|value| regional::reason(value));
                Err(format!("sending to {} is barred: {}", act.target.origin(), why.unwrap_or_default()))
            }
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
        let barred = proptest::sample::subsequence(&["US:EEA", "CH:DE"], 0..2);
        let one = (to, methods, any::<bool>(), barred).prop_map(|(to, methods, all, barred)| HttpScope {
            to: Pattern::parse(&to).unwrap(),
            methods: if all { Only::All } else { Only::These(methods.into_iter().collect()) },
            barred: barred.into_iter().map(str::to_owned).collect(),
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

    #[test]
    fn what_is_barred_allows_nothing_and_says_why() {
        let grant = |text: &str| Grant::<HttpScope>::parse(&[text.parse().unwrap()]).unwrap();
        let act = |url: &str| SendRequest { method: "GET", target: url.parse().unwrap(), headers: vec![], body: vec![] };
        let barred = grant("http:send methods=GET to=https://a.example/* barred=US:EEA");
        let whole = grant("http:send methods=GET to=https://a.example/*");
        let met = whole.meet(&barred);
        assert_eq!(met, barred);
        assert!(!met.is_empty(), "it is linked, so that the plugin hears why");
        assert_eq!(
            HttpScope::decide(&met, &act("https://a.example/x")).unwrap_err(),
            "sending to https://a.example is barred: it is declared to be in US, and the tenant's regions are EEA"
        );
        assert!(HttpScope::decide(&met, &act("https://b.example/x")).unwrap_err().ends_with("is not granted"));
        for unfit in ["barred=x", "barred=US", "barred=US:"] {
            let text = format!("http:send methods=GET to=https://a.example/* {unfit}");
            assert!(text.parse::<ScopeText>().is_err() || HttpScope::parse(&text.parse().unwrap()).is_err(), "{unfit}");
        }
    }
}
