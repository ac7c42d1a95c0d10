//! `portcullis rule test`

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use portcullis_api::admin::v1::rules::Tried;
use portcullis_detect::library;
use portcullis_model::{audit::query::moment, time::Timestamp};
use serde_json::{Value, json};

use crate::{
    admin::{Keyboard, given},
    host::Host,
    output::Output,
};

pub(super) async fn test(
    host: &Host,
    rule: &str,
    span: (Option<String>, Option<String>),
    output: Output,
) -> Result<()> {
    let (from, to) = (time(span.0)?, time(span.1)?);
    let keyboard = Keyboard::of(host)?;
    let mut body = wanted(&keyboard, rule).await?;
    (body["from"], body["to"]) = (json!(from), json!(to));
    let tried: Tried = given(keyboard.post("/audit/rule", &body).await?)?;
    output.result(&tried, || words(&tried))
}

fn time(text: Option<String>) -> Result<Option<Timestamp>> {
    let read = |text: String| moment(&text).with_context(|| format!("'{text}' is no moment"));
    text.map(read).transpose()
}

/// The rule of this id where there is one, else the one in this file.
async fn wanted(keyboard: &Keyboard, rule: &str) -> Result<Value> {
    let known = keyboard.all("/rules", &[]).await?;
    if known.iter().any(|one| one["id"].as_str() == Some(rule)) {
        return Ok(json!({ "rule": rule }));
    }
    // Says what is wrong with it by its name.
    library::read(Path::new(rule))?;
    let text = fs::read_to_string(rule).with_context(|| format!("cannot read {rule}"))?;
    Ok(json!({ "text": text }))
}

fn words(tried: &Tried) -> String {
    let Tried { rule, entries, about, hits, shown } = tried;
    let mut lines = vec![format!("{rule}: {entries} entries, {about} that it is about, {hits} hits")];
    for one in shown {
        lines.push(format!("  {}  {}: {} (entries {:?})", one.time, one.subject, one.found, one.entries));
    }
    match hits.saturating_sub(shown.len() as u64) {
        0 => {}
        more => lines.push(format!("  and {more} more")),
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use portcullis_api::admin::v1::rules::Raised;

    use super::*;

    #[test]
    fn what_a_rule_finds_is_told_with_how_much_is_not_shown() {
        let hit =
            Raised { subject: "acme/ins_1".into(), found: "many".into(), entries: vec![3, 4], time: "then".into() };
        let tried = Tried { rule: "mine".into(), entries: 9, about: 4, hits: 2, shown: vec![hit] };
        let expected =
            "mine: 9 entries, 4 that it is about, 2 hits\n  then  acme/ins_1: many (entries [3, 4])\n  and 1 more";
        assert_eq!(words(&tried), expected);
        assert!(time(Some("2026-11-01".into())).unwrap() < time(Some("2026-11-02".into())).unwrap());
        assert!(time(Some("yesterday".into())).unwrap_err().to_string().contains("'yesterday' is no moment"));
    }
}
