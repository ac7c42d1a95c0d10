//! How a tenant stands: each setting of its profiles and each duty holds, is open (and whose move it is), or is accepted as a risk.
//!
//! Invariants: it is a function of the facts alone, and names what each line rests on; what this host does not do is open, never held;
//! a risk counts from its approval to the moment that it names.

pub mod facts;
mod observed;
mod settings;

use portcullis_model::{
    duty::{Attestation, Party, Risk},
    id::{DutyId, ProfileName, TenantId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::catalogue::{Attested, Catalogue, CatalogueError, Duty, How};
use facts::Facts;

/// How many installations a line names, at most: of a thousand, nobody reads the last.
const NAMED: usize = 50;

/// What somebody has to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Move {
    /// Of which party.
    pub party: Party,
    /// Who: a person where one is known, or a role.
    pub who: String,
    /// What.
    pub what: String,
    /// The command, or what else to do; absent where nothing can be done on this host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<String>,
}

/// A risk that somebody answers for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Answered {
    /// What it lets pass.
    pub about: String,
    /// Who answers for it.
    pub by: String,
    /// Until when.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
}

/// How a line stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// It is as it should be.
    Holds,
    /// Somebody has to do something.
    Open {
        /// Who, and what.
        moves: Vec<Move>,
    },
    /// Somebody answers for its not being so.
    Accepted {
        /// For what, and until when.
        risks: Vec<Answered>,
    },
}

impl State {
    /// In a word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Open { .. } => "open",
            Self::Accepted { .. } => "accepted",
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Line {
    /// Names it, the same at every look.
    pub key: String,
    /// Which duty it is about.
    pub duty: DutyId,
    /// The duty's title.
    pub title: String,
    /// Whose it is.
    pub party: Party,
    /// What is asked for.
    pub asks: String,
    /// How it stands.
    #[serde(flatten)]
    pub state: State,
    /// What that rests on.
    pub evidence: Vec<String>,
    /// Entries of the log that it rests on.
    pub entries: Vec<u64>,
}

/// One profile's lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Section {
    /// Which profile.
    pub profile: ProfileName,
    /// Whom it is for.
    pub words: String,
    /// Since when it is on, and by whom; absent for what always is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Its settings; of the baseline every duty too.
    pub lines: Vec<Line>,
}

/// How a tenant stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Posture {
    /// Whose.
    pub tenant: TenantId,
    /// When it was looked at.
    pub at: Timestamp,
    /// Profile by profile.
    pub profiles: Vec<Section>,
}

/// What a line is judged by.
struct Judge<'a> {
    catalogue: &'a Catalogue,
    facts: &'a Facts,
}

impl Posture {
    /// How a tenant stands by these facts.
    pub fn new(catalogue: &Catalogue, facts: &Facts) -> Result<Self, CatalogueError> {
        let judge = Judge { catalogue, facts };
        let is_on = |name: &ProfileName| facts.on.iter().find(|one| one.turned.profile == *name);
        let mut profiles = Vec::new();
        for profile in &catalogue.profiles {
            let on = is_on(&profile.name);
            if !profile.always && on.is_none() {
                continue;
            }
            let mut lines = profile
                .settings
                .iter()
                .map(|setting| judge.setting(&profile.name, setting, on.and_then(|one| one.entry)))
                .collect::<Result<Vec<_>, _>>()?;
            if profile.always {
                lines.extend(catalogue.duties.iter().map(|duty| judge.line(&profile.name, duty)));
            }
            let since = on.map(|one| format!("since {} by {}: {}", one.turned.since, one.turned.by, one.turned.reason));
            profiles.push(Section { profile: profile.name.clone(), words: profile.words.clone(), since, lines });
        }
        Ok(Self { tenant: facts.tenant.clone(), at: facts.now, profiles })
    }

    /// All lines, profile by profile.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.profiles.iter().flat_map(|section| &section.lines)
    }

    /// How many hold, are open, and are accepted.
    pub fn counts(&self) -> (usize, usize, usize) {
        let of = |name: &str| self.lines().filter(|line| line.state.name() == name).count();
        (of("holds"), of("open"), of("accepted"))
    }

    /// Who has to do what, by party and person: each move once, with the duties that it is for.
    pub fn moves(&self) -> Vec<(Move, Vec<DutyId>)> {
        let mut all: std::collections::BTreeMap<Move, std::collections::BTreeSet<DutyId>> = Default::default();
        for line in self.lines() {
            if let State::Open { moves } = &line.state {
                for one in moves {
                    all.entry(one.clone()).or_default().insert(line.duty.clone());
                }
            }
        }
        let mut all: Vec<(Move, Vec<DutyId>)> =
            all.into_iter().map(|(one, duties)| (one, duties.into_iter().collect())).collect();
        // The tenant's own first, whose report it is; what can be done here before what cannot.
        all.sort_by_key(|(one, duties)| {
            let own = one.party != Party::Subscriber;
            (own, one.party, one.who.clone(), one.act.is_none(), duties.first().map(place))
        });
        all
    }
}

impl Judge<'_> {
    /// A duty's own line, in the baseline.
    fn line(&self, profile: &ProfileName, duty: &Duty) -> Line {
        let (state, evidence, entries) = match (&duty.missing, &duty.how) {
            (Some(missing), how) => {
                let proof = match how {
                    How::Enforced { proof } if !proof.is_empty() => proven(proof),
                    _ => Vec::new(),
                };
                (self.missing(missing), proof, Vec::new())
            }
            (None, How::Enforced { proof }) => {
                let (state, mut evidence) = self.enforced(duty);
                evidence.extend(proven(proof));
                (state, evidence, Vec::new())
            }
            (None, How::Attested(rule)) => self.attested(duty, rule),
            (None, How::Observed { query, .. }) => self.observed(duty, *query),
        };
        Line {
            key: format!("{profile}/{}", duty.id),
            duty: duty.id.clone(),
            title: duty.title.clone(),
            party: duty.party,
            asks: duty.words.clone(),
            state,
            evidence,
            entries,
        }
    }

    /// What this host does not do is the platform's to bring.
    fn missing(&self, missing: &str) -> State {
        let what = missing.to_owned();
        State::Open { moves: vec![Move { party: Party::Platform, who: self.role(Party::Platform), what, act: None }] }
    }

    /// Enforced, but for the risks that somebody answers for.
    fn enforced(&self, duty: &Duty) -> (State, Vec<String>) {
        let answered = match duty.id.as_str() {
            portcullis_model::duty::STATIC_TOKEN => self.static_risks(),
            portcullis_model::duty::WITHOUT_TLS => self.plain_risks(),
            _ => Vec::new(),
        };
        match answered.is_empty() {
            true => (State::Holds, Vec::new()),
            false => (State::Accepted { risks: answered }, Vec::new()),
        }
    }

    fn attested(&self, duty: &Duty, rule: &Attested) -> (State, Vec<String>, Vec<u64>) {
        // What is shared, each side says for itself; developers and reviewers speak for their own plugins and releases elsewhere.
        let parties = match rule.by {
            Party::Shared => vec![Party::Platform, Party::Subscriber],
            one => vec![one],
        };
        let (mut evidence, mut moves) = (Vec::new(), Vec::new());
        for party in parties {
            match self.word(&duty.id, party) {
                Some(said) => evidence.push(format!(
                    "{} said so for the {party} on {}, until {}: {}",
                    said.by, said.since, said.until, said.statement
                )),
                None => moves.push(Move {
                    party,
                    who: self.who(&duty.id, party),
                    what: format!("attest {}", rule.what),
                    act: Some(format!(
                        "portcullis duty attest {} --tenant {} --party {party} --as NAME --statement TEXT",
                        duty.id, self.facts.tenant
                    )),
                }),
            }
        }
        let state = if moves.is_empty() { State::Holds } else { State::Open { moves } };
        (state, evidence, Vec::new())
    }

    fn word(&self, duty: &DutyId, party: Party) -> Option<&Attestation> {
        let said = |one: &&Attestation| one.duty == *duty && one.party == party && self.facts.now < one.until;
        self.facts.attestations.iter().filter(said).max_by_key(|one| one.until)
    }

    /// Whoever said so last, or the role whose move it is.
    fn who(&self, duty: &DutyId, party: Party) -> String {
        let last = self.facts.attestations.iter().rev().find(|one| one.duty == *duty && one.party == party);
        last.map_or_else(|| self.role(party), |one| format!("{}, who said so last", one.by))
    }

    fn role(&self, party: Party) -> String {
        match party {
            Party::Platform => "the operator of this host".to_owned(),
            Party::Subscriber => format!("an admin of {}", self.facts.tenant),
            Party::Developer => "the plugin's publisher".to_owned(),
            Party::Reviewer => "a reviewer of this platform".to_owned(),
            Party::Shared => "each party for itself".to_owned(),
        }
    }

    fn subscriber(&self, what: String, act: String) -> Move {
        Move { party: Party::Subscriber, who: self.role(Party::Subscriber), what, act: Some(act) }
    }

    /// The accepted risks against a duty that hold now.
    fn accepted(&self, duty: &str) -> impl Iterator<Item = &Risk> {
        self.facts.risks.iter().filter(move |one| one.duty.as_str() == duty && one.holds(self.facts.now))
    }
}

/// Where a duty stands among others: by section, and then by number.
fn place(id: &DutyId) -> (String, u32) {
    let (section, number) = id.as_str().split_once('-').unwrap_or_default();
    (section.to_owned(), number.parse().unwrap_or(0))
}

fn answered(risk: &Risk) -> Answered {
    Answered {
        about: risk.about.to_string(),
        by: risk.approved.as_ref().map_or_else(|| risk.by.clone(), |approval| approval.by.clone()),
        until: risk.until,
        reason: risk.reason.clone(),
    }
}

fn proven(proof: &[String]) -> Vec<String> {
    let names: Vec<&str> = proof.iter().filter_map(|one| one.rsplit("::").next()).collect();
    vec![format!("the host enforces it; tests that prove it: {}", names.join(", "))]
}

#[cfg(test)]
mod tests;
