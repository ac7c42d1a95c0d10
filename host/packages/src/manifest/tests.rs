use portcullis_model::limits::Limits;
use proptest::prelude::*;

use super::*;
use crate::testing::{Fake, MANIFEST};

fn error_of(text: &str) -> String {
    Manifest::parse(text).unwrap_err().to_string()
}

#[test]
fn reads_a_manifest() {
    let manifest = Manifest::parse(MANIFEST).unwrap();
    assert_eq!(manifest.id.as_str(), "com.example.card-guard");
    assert_eq!((manifest.version.as_str(), manifest.release), ("1.2.0", 3));
    assert_eq!(manifest.digest, Digest::of(MANIFEST.as_bytes()));
    assert_eq!(manifest.asked().len(), 3);
    assert_eq!(manifest.required().len(), 2);
    assert_eq!(manifest.capabilities().into_iter().collect::<Vec<_>>(), ["events", "http", "tickets"]);
    assert_eq!(manifest.limits, Limits { cpu_ms: 250, ..Limits::default() });
    assert!(manifest.check(&Fake).is_ok());
}

#[test]
fn every_mistake_says_where_it_is_and_what_to_do() {
    let swap = |from: &str, to: &str| {
        assert!(MANIFEST.contains(from), "{from}");
        error_of(&MANIFEST.replacen(from, to, 1))
    };
    for (from, to, error) in [
        ("summary", "sumary", "the manifest: unknown key 'sumary'; did you mean 'summary'?"),
        ("purpose", "porpoise", "[[scopes]] number 1: unknown key 'porpoise'; did you mean 'purpose'?"),
        ("cpu-ms", "cpu_ms", "[limits]: unknown key 'cpu_ms'; did you mean 'cpu-ms'?"),
        ("release = 3\n", "", "the manifest: 'release' is missing; add a line such as: release = 1"),
        ("release = 3", "release = 0", "the manifest: release: must be 1 or more"),
        (
            "release = 3",
            "release = \"3\"",
            "the manifest: release: expected a whole number without quotes, found a string",
        ),
        ("cpu-ms = 250", "cpu-ms = -1", "[limits]: cpu-ms: must be 1 or more"),
        ("\"1.2.0\"", "\"1.2\"", "version: '1.2' is not a semantic version such as 1.0.0"),
        ("\"com.example\"", "\"com.other\"", "must begin with the publisher and a dot: 'com.other.'"),
        ("\"com.example\"", "\"com.example.card\"", "must begin with the publisher and a dot"),
        ("to find card numbers", "  ", "[[scopes]] number 1: purpose: is empty"),
        ("to find card numbers", "a\\nb", "purpose: holds control characters"),
        (
            "https://example.com/terms",
            "http://example.com/terms",
            "terms: 'http://example.com/terms' is not an https URL",
        ),
        (
            "mailto:help@example.com",
            "javascript:alert(1)",
            "support: 'javascript:alert(1)' is not an https or mailto URL",
        ),
        ("optional = true", "optional = \"yes\"", "optional: expected true or false without quotes, found a string"),
        ("[limits]\ncpu-ms = 250", "[[limits]]", "limits: expected a table that begins with [limits], found an array"),
        (
            "tickets:read fields=comments",
            "tickets:read fields",
            "[[scopes]] number 1: scope: scope 'tickets:read fields'",
        ),
        ("name = ", "name == ", "the manifest is not TOML: line 2:"),
    ] {
        let found = swap(from, to);
        assert!(found.contains(error), "{from} -> {to}: {found}");
    }
}

#[test]
fn a_link_leads_where_it_seems_to() {
    for link in [
        "https://example.com@evil.example/terms",
        "https://example.com:pass@evil.example/terms",
        "https://@evil.example/terms",
        "https:evil.example/terms",
        "https:/evil.example/https://example.com/terms",
        "https:///evil.example/terms",
        r"https:\\evil.example/terms",
        r"https://example.com\@evil.example/terms",
    ] {
        let text = MANIFEST.replace("\"https://example.com/terms\"", &format!("'{link}'"));
        assert!(error_of(&text).contains("is not an https URL, such as https://example.com/terms"), "{link}");
    }
}

#[test]
fn a_scope_is_asked_for_once() {
    let text = MANIFEST.replace("http:send to=chat.example.test", "tickets:read fields=comments");
    assert!(error_of(&text).contains("[[scopes]] number 3: scope: 'tickets:read fields=comments' is asked for twice"));
}

#[test]
fn the_catalogue_has_the_last_word_on_scopes() {
    let manifest = Manifest::parse(&MANIFEST.replace("tickets:read", "tickts:read")).unwrap();
    let error = manifest.check(&Fake).unwrap_err().to_string();
    assert!(error.starts_with("[[scopes]] number 1: scope 'tickts:read fields=comments'"), "{error}");
    assert!(error.contains("did you mean 'tickets'?"), "{error}");
}

#[test]
fn long_texts_are_not_even_parsed() {
    assert!(error_of(&"#".repeat(MAX_MANIFEST + 1)).contains("65537 bytes"));
    let many = "\n[[scopes]]\nscope='a:b'\npurpose='p'".repeat(MAX_SCOPES + 1);
    let head = MANIFEST.split("[[scopes]]").next().unwrap();
    assert!(error_of(&format!("{head}{many}")).contains("the most is 64"));
}

proptest! {
    #[test]
    fn any_text_is_answered(text in "\\PC{0,200}") {
        let _ = Manifest::parse(&text);
    }

    #[test]
    fn any_damage_is_answered(at in 0..MANIFEST.len(), what in "[\\PC\n]{0,6}", gone in 0usize..12) {
        let end = (at + gone).min(MANIFEST.len());
        if MANIFEST.is_char_boundary(at) && MANIFEST.is_char_boundary(end) {
            let _ = Manifest::parse(&format!("{}{what}{}", &MANIFEST[..at], &MANIFEST[end..]));
        }
    }
}
