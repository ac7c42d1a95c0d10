use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    audit::{Actor, Entry, Kind},
    id::Digest,
};

fn filter(text: &str) -> Filter {
    text.parse().unwrap()
}

fn denied() -> Entry {
    let actor = Actor::Plugin {
        installation: "ins_1".parse().unwrap(),
        plugin: "com.example.plugin".parse().unwrap(),
        release: Digest::of(b"x"),
        call: "call_1".parse().unwrap(),
    };
    Entry::new(Timestamp(1_000), Kind::ActDenied, actor, Some("acme".parse().unwrap()))
        .about("POST https://Hooks.example:8443/path?x")
        .with("act", "http.send")
        .with("id", "call_1.3")
        .with("scope", "http:send methods=POST to=https://hooks.example:8443/path")
        .with("reason", "sending there is not granted")
        .with("layers", json!([{ "layer": "granted", "says": "denies: Größe" }]))
}

fn means(text: &str) -> bool {
    let entry = denied();
    filter(text).matches(entry.time, &Terms::of(&entry))
}

#[test]
fn what_is_written_of_an_entry_finds_it() {
    for text in [
        "",
        "kind=act.denied",
        "kind=act.*",
        "kind=call.ended kind=act.denied",
        "tenant=acme host=hooks.example",
        "host=hooks.example:8443",
        "host=HOOKS*",
        "plugin=com.example.plugin installation=ins_1 call=call_1 act=http.send act=kv.get",
        "act=call_1.3 decision=denied actor=plugin duty=MON-4 duty=DAT-9",
        "scope=http:send",
        "scope=\"http:send methods=POST to=https://hooks.example:8443/path\"",
        "record=POST*",
        "resource=\"POST https://Hooks.example:8443/path?x\"",
        "since=1970-01-01 until=1970-01-01T00:00:02Z",
        "\"not granted\" größe",
        "GRANT*",
    ] {
        assert!(means(text), "{text}");
    }
    for text in [
        "kind=act.permitted",
        "kind=act.denied tenant=other",
        "host=hooks.exampl",
        "until=1970-01-01T00:00:01Z",
        "since=1970-01-02",
        "\"not granted tomorrow\"",
        "grant",
        "person=*",
        "record=\"POST*\"",
    ] {
        assert!(!means(text), "{text}");
    }
}

#[test]
fn what_is_not_understood_is_refused_with_what_would_be_right() {
    for (text, expected) in [
        ("tenent=acme", "a filter has no field 'tenent'; did you mean 'tenant'?"),
        ("kind=act.denid", "kind='act.denid': did you mean 'act.denied'?"),
        ("kind=nothing.*", "kind='nothing.*': nothing begins like that"),
        ("actor=persn", "actor='persn': did you mean 'person'?"),
        ("since=yesterday", "since='yesterday': expected a time such as 2026-11-01T09:30:00Z, or a day"),
        ("since=2026-11-01 since=2026-11-02", "since='2026-11-02': it is given twice"),
        ("tenant=", "tenant='': a value is missing"),
        ("\"half", "a quotation mark is not closed"),
        ("---", "free text needs a letter or a digit"),
        ("a\u{202e}b=1", "no field 'a\\u{202e}b'"),
    ] {
        let error = text.parse::<Filter>().unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    assert!("x ".repeat(3_000).parse::<Filter>().is_err());
    let many: Vec<String> = (0..65).map(|n| format!("record=ticket:{n}")).collect();
    assert!(many.join(" ").parse::<Filter>().is_err());
}

#[test]
fn all_kinds_have_a_name() {
    assert!(kinds().len() > 80 && kinds().contains(&"act.denied"), "{:?}", kinds());
}

#[test]
fn a_withheld_value_is_no_term() {
    let person = Actor::Person { name: crate::audit::WITHHELD.into() };
    let entry = Entry::new(Timestamp(0), Kind::PluginGranted, person, None).about(crate::audit::ERASED);
    let terms = Terms::of(&entry);
    assert_eq!(terms.all(Field::Person).count() + terms.all(Field::Record).count(), 0);
    assert!(!terms.iter().any(|(_, value)| value == "withheld" || value == "erased"), "{terms:?}");
}

#[test]
fn a_persons_name_is_found_wherever_it_stands() {
    let entry = Entry::new(Timestamp(0), Kind::ConsentGiven, Actor::Host, None).with_personal("by", "ana@example.com");
    assert!(filter("person=ana@example.com").matches(entry.time, &Terms::of(&entry)));
}

#[test]
fn a_cursor_of_another_filter_is_refused() {
    let (one, other) = (filter("kind=act.denied"), filter("kind=act.permitted"));
    let text = Cursor(77).encode(&one);
    assert_eq!(Cursor::decode(&text, &one), Ok(Cursor(77)));
    assert_eq!(
        Cursor::decode(&text, &filter(" kind=act.denied ")),
        Ok(Cursor(77)),
        "the same filter, written otherwise"
    );
    assert_eq!(Cursor::decode(&text, &other), Err(CursorError::Other));
    for damaged in ["", "AAAA", &text[1..], &format!("{text}AAAA")] {
        assert_eq!(Cursor::decode(damaged, &one), Err(CursorError::Other), "{damaged}");
    }
}

proptest! {
    #[test]
    fn a_filter_that_is_printed_is_the_same(text in any::<String>(), parts in prop::collection::vec("(record|person|tenant|)=?[a-c\"* =é]{0,8}", 0..5)) {
        for text in [text, parts.join(" ")] {
            if let Ok(filter) = text.parse::<Filter>() {
                prop_assert_eq!(filter.to_string().parse::<Filter>(), Ok(filter), "{}", text);
            }
        }
    }
}
