//! The rules of this home, as the admin API and the command show them.

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_api::admin::v1::rules::{NotTried, Ports, Raised, RuleView, Rulebook, Tried, Wanted, Within};
use portcullis_detect::{Engine, Facts, Library, Rule, State};
use portcullis_model::{alert::Hit, error::StoreError};
use tokio::sync::Mutex;

use crate::{detect, host::Host};

/// How many entries are read at once.
const AT_ONCE: usize = 2_000;
/// How many hits are shown.
const SHOWN: usize = 50;

/// What the operations about rules are done with.
pub fn ports(host: &Host) -> Ports {
    let book = OfHost { host: host.clone(), trying: Mutex::default() };
    Ports { book: Arc::new(book), recorder: host.store.clone() }
}

struct OfHost {
    host: Host,
    /// Held while the log is read: that is work.
    trying: Mutex<()>,
}

impl OfHost {
    fn library(&self) -> Result<Library, StoreError> {
        detect::library(&self.host).map_err(|error| StoreError(format!("{error:#}")))
    }

    fn rule(&self, wanted: &Wanted) -> Result<Rule, NotTried> {
        match wanted {
            Wanted::Known(id) => {
                let library = self.library().map_err(NotTried::Failed)?;
                library.get(id).map(|one| one.rule.clone()).ok_or(NotTried::Missing)
            }
            Wanted::Text(text) => Rule::parse(text).map_err(NotTried::NoRule),
        }
    }
}

#[async_trait]
impl Rulebook for OfHost {
    fn rules(&self) -> Result<Vec<RuleView>, StoreError> {
        Ok(self.library()?.iter().map(|one| view(&one.rule, one.file.as_deref())).collect())
    }

    async fn try_out(&self, rule: Wanted, within: Within) -> Result<Tried, NotTried> {
        let rule = self.rule(&rule)?;
        let Ok(_alone) = self.trying.try_lock() else { return Err(NotTried::Busy) };
        let tried = held(&self.host, rule, within).await;
        tried.map_err(|error| NotTried::Failed(StoreError(format!("{error:#}"))))
    }
}

/// Holds the whole log against a rule, whether or not it is applied.
async fn held(host: &Host, rule: Rule, within: Within) -> anyhow::Result<Tried> {
    let mut tried = Tried { rule: rule.id.clone(), ..Tried::default() };
    let engine = Engine::new([Rule { enabled: true, ..rule }], host.config.detect.learn_hours);
    let (digest, mut state) = (detect::digester(host)?, State::default());
    loop {
        let entries = host.store.entries(tried.entries, AT_ONCE).await?;
        let Some(last) = entries.last() else { return Ok(tried) };
        tried.entries = last.index + 1;
        for stored in &entries {
            let Ok(entry) = stored.read() else { continue };
            let facts = Facts::of(stored.index, &entry, &digest);
            let found = engine.look(&facts);
            tried.about += u64::from(!found.is_empty());
            for hit in engine.take(&facts, found, &mut state).into_iter().filter(|_| within.has(entry.time)) {
                tried.hits += 1;
                if tried.shown.len() < SHOWN {
                    tried.shown.push(raised(hit));
                }
            }
        }
    }
}

fn raised(hit: Hit) -> Raised {
    let Hit { subject, why, entries, time, .. } = hit;
    Raised { subject, found: why, entries, time: time.to_string() }
}

/// A rule, for people. `file` is where it was read from; none where it comes with the host.
pub fn view(rule: &Rule, file: Option<&str>) -> RuleView {
    RuleView {
        id: rule.id.clone(),
        title: rule.title.clone(),
        severity: rule.severity.name().to_owned(),
        party: rule.party.name().to_owned(),
        duties: rule.duties.clone(),
        look_at: rule.look_at.clone(),
        filter: rule.filter.to_string(),
        condition: rule.condition.name().to_owned(),
        raises: rule.condition.words(rule.group_by),
        cool_down_hours: rule.cool_down.as_secs() / 3_600,
        enabled: rule.enabled,
        own: file.is_some(),
        file: file.map(str::to_owned),
        digest: rule.digest.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_shown_as_its_file_says_it() {
        let library = Library::built_in().unwrap();
        let rule = &library.get("new-destination").unwrap().rule;
        let shown = view(rule, None);
        assert_eq!((shown.severity.as_str(), shown.own, shown.file), ("high", false, None));
        assert_eq!(shown.raises, "host never seen before, by installation");
        assert!(view(rule, Some("rules/mine.toml")).own);
    }
}
