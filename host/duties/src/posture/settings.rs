//! How one setting of a profile stands.

use portcullis_model::{
    duty::{Party, Risk, RiskAbout, STATIC_TOKEN, Value, WITHOUT_TLS},
    id::ProfileName,
};

use super::{Answered, Judge, Line, Move, State, answered};
use crate::catalogue::{CatalogueError, Duty, How, Setting};

impl Judge<'_> {
    pub(super) fn setting(
        &self,
        profile: &ProfileName,
        setting: &Setting,
        entry: Option<u64>,
    ) -> Result<Line, CatalogueError> {
        let Some(duty) = self.catalogue.duty(&setting.duty) else {
            return Err(CatalogueError {
                file: "profiles.toml",
                problem: format!("there is no duty {}", setting.duty),
            });
        };
        let (state, evidence) = match (&setting.value, &duty.missing) {
            (Value::OauthOnly(_), _) => {
                (self.oauth_only(), self.facts.statics.iter().map(|one| one.key.to_string()).collect())
            }
            (Value::TlsOnly(_), _) => (self.tls_only(), Vec::new()),
            (Value::Attested(_), _) => match &duty.how {
                How::Attested(rule) => {
                    let (state, evidence, _) = self.attested(duty, rule);
                    (state, evidence)
                }
                _ => (State::Holds, Vec::new()),
            },
            (Value::CoverCards(_), _) => {
                (State::Holds, vec!["in force for every call since the profile is on".to_owned()])
            }
            (Value::Regions(_), _) => (State::Holds, self.regions()),
            (Value::JwtMinutes(most), _) => self.tokens(duty, *most),
            (Value::AiNotice(_), _) => (self.no_medical_advice(), self.ai()),
            (_, Some(missing)) => (self.missing(missing), Vec::new()),
            (_, None) => (State::Holds, vec!["the host enforces it".to_owned()]),
        };
        Ok(Line {
            key: format!("{profile}/{}/{}", duty.id, word(&setting.value)),
            duty: duty.id.clone(),
            title: duty.title.clone(),
            party: duty.party,
            asks: match &setting.value {
                Value::HostEnforced(_) | Value::Attested(_) => format!("{}: {}", duty.title, setting.value.words()),
                value => value.words(),
            },
            state,
            evidence,
            entries: entry.into_iter().collect(),
        })
    }

    fn regions(&self) -> Vec<String> {
        let barred = &self.facts.barred;
        let first = match barred.len() {
            0 => "no destination of an installation lies outside".to_owned(),
            many => format!("{many} destinations are refused"),
        };
        std::iter::once(first).chain(barred.iter().take(super::NAMED).cloned()).collect()
    }

    fn ai(&self) -> Vec<String> {
        if self.facts.ai.is_empty() {
            return vec!["no installed plugin says that it uses generative AI".to_owned()];
        }
        self.facts.ai.iter().map(|one| format!("{} uses generative AI: {}", one.plugin, one.says)).collect()
    }

    /// What could give medical advice is not installed under this setting; what was there before is to go.
    fn no_medical_advice(&self) -> State {
        let giving = self.facts.ai.iter().filter(|one| one.medical_advice);
        let moves = giving.map(|one| {
            let what = format!("{} can give medical advice, as its publisher says: remove it", one.plugin);
            self.subscriber(what, format!("portcullis plugin uninstall {}", one.installation))
        });
        decided(moves.collect(), Vec::new())
    }

    fn tokens(&self, duty: &Duty, most: u32) -> (State, Vec<String>) {
        let longest = self.facts.jwt_minutes;
        let evidence = vec![format!("the longest that this host signs or takes lasts {longest} minutes")];
        if longest <= most {
            return (State::Holds, evidence);
        }
        let what = format!("{}: {longest} minutes are more than {most}", duty.title);
        let one = Move { party: Party::Platform, who: self.role(Party::Platform), what, act: None };
        (State::Open { moves: vec![one] }, evidence)
    }

    /// A static token is refused under this setting unless its risk was approved: it holds where there is none.
    fn oauth_only(&self) -> State {
        let (mut moves, mut risks) = (Vec::new(), Vec::new());
        for one in &self.facts.statics {
            let about = RiskAbout::Connection(one.key.clone());
            match self.accepted(STATIC_TOKEN).find(|risk| risk.about == about) {
                Some(risk) => risks.push(answered(risk)),
                None => moves.push(self.answer(
                    STATIC_TOKEN,
                    &about,
                    format!(
                        "{} does not work: its connection '{}' is a static token that nobody answers for",
                        one.plugin, one.key.name
                    ),
                    format!("--connection {}/{}", one.key.installation, one.key.name),
                )),
            }
        }
        decided(moves, risks)
    }

    fn tls_only(&self) -> State {
        let (mut moves, mut risks) = (Vec::new(), Vec::new());
        for one in self.facts.plain.iter().filter(|one| !one.granted.is_empty()) {
            let about = RiskAbout::Host { tenant: self.facts.tenant.clone(), host: one.host.clone() };
            match self.accepted(WITHOUT_TLS).find(|risk| risk.about == about) {
                Some(risk) => risks.push(answered(risk)),
                None => {
                    let which: Vec<&str> = one.granted.iter().map(|id| id.as_str()).collect();
                    moves.push(self.answer(
                        WITHOUT_TLS,
                        &about,
                        format!("{} is without TLS, and refused for {}", one.host, which.join(", ")),
                        format!("--host {} --tenant {}", one.host, self.facts.tenant),
                    ));
                }
            }
        }
        decided(moves, risks)
    }

    /// Somebody proposes the risk, or, where it is proposed, somebody else approves it.
    fn answer(&self, duty: &str, about: &RiskAbout, what: String, options: String) -> Move {
        let waits = |one: &&Risk| {
            one.duty.as_str() == duty && one.about == *about && one.standing(self.facts.now) == "proposed"
        };
        match self.facts.risks.iter().find(waits) {
            Some(risk) => {
                let act = format!("portcullis risk approve {} --party subscriber --as NAME", risk.number);
                let who = format!("{}, other than {}", self.role(Party::Subscriber), risk.by);
                Move { who, ..self.subscriber(what, act) }
            }
            None => self.subscriber(
                what,
                format!(
                    "do without it, or: portcullis risk propose {duty} {options} --as NAME --reason TEXT --until DATE"
                ),
            ),
        }
    }

    /// Static tokens in use, in the baseline: each with whoever answers for it.
    pub(super) fn static_risks(&self) -> Vec<Answered> {
        let own = self.facts.statics.iter().filter_map(|one| {
            let risk = one.own.as_ref().filter(|risk| risk.check(self.facts.now).is_ok())?;
            Some(Answered {
                about: format!("connection {}", one.key),
                by: risk.accepted_by.clone(),
                until: risk.until,
                reason: risk.reason.clone(),
            })
        });
        own.chain(self.accepted(STATIC_TOKEN).map(answered)).collect()
    }

    /// Hosts without TLS, in the baseline.
    pub(super) fn plain_risks(&self) -> Vec<Answered> {
        let own = self.facts.plain.iter().filter(|one| one.risk.check(self.facts.now).is_ok()).map(|one| Answered {
            about: format!("host {} of every tenant", one.host),
            by: one.risk.accepted_by.clone(),
            until: one.risk.until,
            reason: one.risk.reason.clone(),
        });
        own.chain(self.accepted(WITHOUT_TLS).map(answered)).collect()
    }
}

fn decided(moves: Vec<Move>, risks: Vec<Answered>) -> State {
    match (moves.is_empty(), risks.is_empty()) {
        (false, _) => State::Open { moves },
        (true, false) => State::Accepted { risks },
        (true, true) => State::Holds,
    }
}

/// The setting's name, as the catalogue writes it.
fn word(value: &Value) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::Object(map)) => map.keys().next().cloned().unwrap_or_default(),
        _ => String::new(),
    }
}
