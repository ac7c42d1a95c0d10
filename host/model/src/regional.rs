//! What a tenant's rule about regions leaves of a release's authority (DAT-7).
//!
//! The rule becomes a layer like every other: the scopes that the release asks for, of which those that send to a region outside
//! of the rule are barred. A barred scope allows nothing and says why, so that a plugin of which all destinations are barred
//! still loads, and hears the reason when it sends.
//!
//! Invariants: a destination whose region nobody declared is barred; the layer allows nothing that was not asked for.

use std::fmt;

use crate::{egress::Destination, region::Region, scope::ScopeText};

/// The constraint of a scope that allows nothing because of where its destination is.
pub const BARRED: &str = "barred";

/// What stands for the region of a destination that nobody declared.
const UNDECLARED: &str = "?";

/// The regions that data of a tenant may go to. At least one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Regions(Vec<Region>);

/// A destination outside of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Barred {
    /// Which host.
    pub host: String,
    /// Where it is, as the release says; `None`: it does not say.
    pub region: Option<Region>,
}

impl fmt::Display for Barred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.region {
            Some(region) => write!(f, "{} is declared to be in {region}", self.host),
            None => write!(f, "nobody declared where {} is", self.host),
        }
    }
}

impl fmt::Display for Regions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.joined(", "))
    }
}

impl Regions {
    /// A rule that allows these; `None` where there is none: a rule that allows nothing is no rule about regions.
    pub fn new(mut regions: Vec<Region>) -> Option<Self> {
        regions.sort();
        regions.dedup();
        (!regions.is_empty()).then_some(Self(regions))
    }

    /// Whether all of a region is allowed.
    pub fn allow(&self, region: &Region) -> bool {
        self.0.iter().any(|allowed| allowed.holds(region))
    }

    /// Those hosts that these scopes send to and that are not allowed.
    pub fn barred(&self, scopes: &[ScopeText], destinations: &[Destination]) -> Vec<Barred> {
        let targets = scopes.iter().filter(|scope| sends(scope)).flat_map(|scope| scope.values("to"));
        let mut barred: Vec<Barred> = targets.filter_map(|to| self.outside(to, destinations)).collect();
        barred.sort();
        barred.dedup();
        barred
    }

    /// The scopes with those barred that send to what is not allowed.
    pub fn over(&self, scopes: &[ScopeText], destinations: &[Destination]) -> Vec<ScopeText> {
        scopes.iter().flat_map(|scope| self.over_one(scope, destinations)).collect()
    }

    /// What is left of the scopes when those are taken out that send to what is not allowed.
    pub fn left(&self, scopes: Vec<ScopeText>, destinations: &[Destination]) -> Vec<ScopeText> {
        self.over(&scopes, destinations).into_iter().filter(|scope| scope.values(BARRED).is_empty()).collect()
    }

    fn over_one(&self, scope: &ScopeText, destinations: &[Destination]) -> Vec<ScopeText> {
        if !sends(scope) {
            return vec![scope.clone()];
        }
        let (mut allowed, mut all) = (Vec::new(), Vec::new());
        for to in scope.values("to") {
            match self.outside(to, destinations) {
                None => allowed.push(to.clone()),
                Some(barred) => {
                    let region = barred.region.as_ref().map_or(UNDECLARED, Region::as_str);
                    let why = format!("{region}:{}", self.joined("+"));
                    all.push(scope.clone().with("to", [to.clone()]).with(BARRED, [why]));
                }
            }
        }
        if !allowed.is_empty() {
            all.push(scope.clone().with("to", allowed));
        }
        all
    }

    fn outside(&self, to: &str, destinations: &[Destination]) -> Option<Barred> {
        let host = to.strip_prefix("https://").unwrap_or(to).split(['/', ':']).next().unwrap_or_default();
        let region = destinations.iter().find(|one| one.covers(host)).map(|one| one.region.clone());
        match region.as_ref().is_some_and(|region| self.allow(region)) {
            true => None,
            false => Some(Barred { host: host.to_owned(), region }),
        }
    }

    fn joined(&self, by: &str) -> String {
        self.0.iter().map(Region::as_str).collect::<Vec<_>>().join(by)
    }
}

fn sends(scope: &ScopeText) -> bool {
    (scope.capability(), scope.action()) == ("http", "send")
}

/// What a value of [`BARRED`] says, as a clause; `None` where it is no such value.
pub fn reason(value: &str) -> Option<String> {
    let (region, allowed) = value.split_once(':')?;
    let named = |text: &str| text.parse::<Region>().is_ok();
    if region != UNDECLARED && !named(region) || !allowed.split('+').all(named) {
        return None;
    }
    let place = match region {
        UNDECLARED => "nobody declared where it is".to_owned(),
        region => format!("it is declared to be in {region}"),
    };
    Some(format!("{place}, and the tenant's regions are {}", allowed.replace('+', ", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(texts: &[&str]) -> Vec<ScopeText> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn destinations() -> Vec<Destination> {
        let one = |(host, region): (&str, &str)| Destination { host: host.into(), region: region.parse().unwrap() };
        [("a.de.example", "DE"), ("*.us.example", "US"), ("any.example", "GLOBAL")].map(one).into()
    }

    fn regions(names: &[&str]) -> Regions {
        Regions::new(names.iter().map(|name| name.parse().unwrap()).collect()).unwrap()
    }

    #[test]
    fn bars_what_is_outside_or_undeclared_and_leaves_the_rest() {
        let asked = scopes(&[
            "tickets:read fields=tags",
            "http:send methods=POST to=https://a.de.example/*,https://b.us.example:8443/x",
            "http:send methods=GET to=https://*.us.example/*",
            "http:send methods=GET to=https://any.example/",
            "http:send methods=GET to=https://other.example/",
        ]);
        let over = |names: &[&str]| -> Vec<String> {
            regions(names).over(&asked, &destinations()).iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            over(&["EEA"]),
            [
                "tickets:read fields=tags",
                "http:send barred=US:EEA methods=POST to=https://b.us.example:8443/x",
                "http:send methods=POST to=https://a.de.example/*",
                "http:send barred=US:EEA methods=GET to=https://*.us.example/*",
                "http:send barred=GLOBAL:EEA methods=GET to=https://any.example/",
                "http:send barred=?:EEA methods=GET to=https://other.example/",
            ]
        );
        let anywhere = over(&["GLOBAL"]);
        assert_eq!(anywhere.iter().filter(|text| text.contains("barred")).count(), 1, "{anywhere:?}");
        assert!(anywhere[4].contains("barred=?:GLOBAL"), "undeclared is nowhere: {anywhere:?}");
        let left = regions(&["EEA"]).left(asked.clone(), &destinations());
        assert_eq!(left, scopes(&["tickets:read fields=tags", "http:send methods=POST to=https://a.de.example/*"]));
        let barred: Vec<_> = regions(&["CH", "US"]).barred(&asked, &destinations());
        let barred: Vec<String> = barred.iter().map(ToString::to_string).collect();
        assert_eq!(
            barred,
            [
                "a.de.example is declared to be in DE",
                "any.example is declared to be in GLOBAL",
                "nobody declared where other.example is",
            ]
        );
    }

    #[test]
    fn says_why() {
        let expected = "it is declared to be in US, and the tenant's regions are CH, EEA";
        assert_eq!(reason("US:CH+EEA").as_deref(), Some(expected));
        assert!(reason("?:EEA").unwrap().starts_with("nobody declared where it is"));
        for value in ["", "US", "US:", ":EEA", "US:EEA+", "us:EEA", "US:EEA:CH", "mars:EEA"] {
            assert_eq!(reason(value), None, "{value}");
        }
        assert_eq!(Regions::new(Vec::new()), None);
    }
}
