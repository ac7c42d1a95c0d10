//! The rules of this home, as the admin API and the command show them.

use std::sync::Arc;

use portcullis_api::admin::v1::rules::{Ports, RuleView, Rulebook};
use portcullis_detect::Rule;
use portcullis_model::error::StoreError;

use crate::{detect, host::Host};

/// What the operations about rules are done with.
pub fn ports(host: &Host) -> Ports {
    Ports { book: Arc::new(OfHost(host.clone())) }
}

struct OfHost(Host);

impl Rulebook for OfHost {
    fn rules(&self) -> Result<Vec<RuleView>, StoreError> {
        let library = detect::library(&self.0).map_err(|error| StoreError(format!("{error:#}")))?;
        Ok(library.iter().map(|one| view(&one.rule, one.file.as_deref())).collect())
    }
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
    use portcullis_detect::Library;

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
