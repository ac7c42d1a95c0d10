//! `portcullis rule list` and `portcullis rule show`

use anyhow::Result;
use portcullis_api::admin::v1::rules::RuleView;

use crate::{
    admin::{Keyboard, escaped, given, or_unknown},
    host::Host,
    output::Output,
};

/// A rule, in words.
pub(super) fn words(rule: &RuleView) -> String {
    let state = if rule.enabled { "" } else { "\n  disabled" };
    format!(
        "{} ({}, the {} acts): {}{state}\n  entries:   {}\n  raises:    {}\n  cool-down: {} h\n  duties:    {}\n  look at:   {}\n  from:      {}",
        rule.id,
        rule.severity,
        rule.party,
        rule.title,
        rule.filter,
        rule.raises,
        rule.cool_down_hours,
        rule.duties.join(" "),
        rule.look_at,
        rule.file.as_deref().unwrap_or("the host"),
    )
}

pub(super) async fn list(host: &Host, output: Output) -> Result<()> {
    for rule in Keyboard::of(host)?.all("/rules", &[]).await? {
        let rule: RuleView = given(rule)?;
        output.item(&rule, || {
            let state = if rule.enabled { "" } else { " (disabled)" };
            let whose = if rule.own { " (your own)" } else { "" };
            format!("{:<24} {:<9} {}{whose}{state}", rule.id, rule.severity, rule.title)
        })?;
    }
    Ok(())
}

pub(super) async fn show(host: &Host, id: &str, output: Output) -> Result<()> {
    let found = Keyboard::of(host)?.read_as(&format!("/rules/{}", escaped(id))).await;
    let missing = || format!("there is no rule '{id}'; 'portcullis rule list' shows them");
    let rule: RuleView = or_unknown(found, missing)?;
    output.result(&rule, || words(&rule))
}
