use portcullis_model::alert::AlertSeverity;

use crate::{Library, Rule, RuleError};

const GOOD: &str = r#"
id = "night-exports"
title = "Many tickets at once"
severity = "high"
party = "subscriber"
duties = ["MON-4"]
look-at = "Who asked for it."
group-by = "installation"
cool-down-hours = 24
where = "kind=act.outcome act=tickets.search"

[condition]
kind = "repeated"
times = 10
within-minutes = 5
"#;

fn refused(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    Rule::parse(&GOOD.replace(from, to)).err().unwrap_or_else(|| panic!("{from} -> {to} is a rule"))
}

#[test]
fn the_hosts_own_rules_are_rules_and_serve_the_duty() {
    let library = Library::built_in().unwrap();
    assert!(library.iter().count() >= 15);
    for one in library.iter() {
        assert!(one.rule.duties.iter().any(|duty| duty == "MON-4"), "{}", one.rule.id);
        assert!(one.rule.enabled && one.file.is_none());
    }
}

#[test]
fn what_is_not_understood_is_refused_with_its_place() {
    let rule = Rule::parse(GOOD).unwrap();
    assert_eq!((rule.id.as_str(), rule.severity), ("night-exports", AlertSeverity::High));
    for (from, to, says) in [
        ("severity", "severty", "unknown field `severty`"),
        ("\"high\"", "\"urgent\"", "unknown variant `urgent`"),
        ("\"subscriber\"", "\"nobody\"", "unknown variant `nobody`"),
        ("night-exports", "Night Exports", "id: expected"),
        ("Many tickets at once", "", "title: expected one line"),
        ("Who asked", "Who\\nasked", "look-at: expected one line"),
        ("MON-4", "monitor", "is no duty's id"),
        ("= 24", "= 99999", "cool-down-hours: at most"),
        ("kind=act.outcome act", "act", "name the kinds of entries"),
        ("kind=act.outcome", "kind=act.outcomes", "did you mean 'act.outcome'?"),
        ("kind=act.outcome", "kind=nothing*", "where:"),
        ("act=tickets", "actt=tickets", "where:"),
        ("where = \"", "where = \"since=2026-01-01 ", "have no place in it"),
        ("\"repeated\"", "\"repeatedly\"", "condition: kind: 'repeatedly' is none"),
        ("times = 10", "time = 10", "condition: unknown field `time`"),
        ("times = 10", "times = 1", "condition: expected times from 2"),
        ("times = 10", "times = 2001", "condition: expected times from 2"),
        ("within-minutes = 5", "", "condition: missing field `within-minutes`"),
        ("\"repeated\"", "\"every\"", "condition: 'every' takes nothing else"),
        ("[condition]", "[other]", "unknown field `other`"),
    ] {
        let problem = refused(from, to);
        assert!(problem.contains(says), "{from} -> {to}: {problem}");
    }
}

#[test]
fn an_operators_file_adds_a_rule_or_takes_the_place_of_one_and_two_never_share_an_id() {
    let dir = std::env::temp_dir().join(format!("portcullis-rules-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let put = |name: &str, text: &str| std::fs::write(dir.join(name), text).unwrap();
    put("a.toml", GOOD);
    put("b.toml", &GOOD.replace("night-exports", "first-act").replace("severity", "enabled = false\nseverity"));
    put("notes.txt", "not a rule");
    let library = Library::with(&dir).unwrap();
    assert!(library.get("night-exports").unwrap().file.is_some());
    assert!(!library.get("first-act").unwrap().rule.enabled);
    put("c.toml", GOOD);
    assert!(matches!(Library::with(&dir), Err(RuleError::Twice { id, .. }) if id == "night-exports"));
    put("c.toml", "id = 1");
    assert!(matches!(Library::with(&dir), Err(RuleError::File { path, .. }) if path.ends_with("c.toml")));
    put("c.toml", &"#".repeat(70_000));
    let error = Library::with(&dir).unwrap_err();
    assert!(error.to_string().contains("larger than"), "{error}");
    std::fs::remove_dir_all(&dir).unwrap();
    assert_eq!(Library::with(&dir).unwrap().iter().count(), Library::built_in().unwrap().iter().count());
}
