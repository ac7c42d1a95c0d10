use super::{authority::spelt, *};
use crate::{
    manifest::Manifest,
    testing::{Fake, MANIFEST, component, importing},
};

/// A component that imports these functions of tickets, and these interfaces.
fn using(functions: &[&str], others: &[&str]) -> Inspection {
    let functions: String = functions.iter().map(|name| format!("(export \"{name}\" (func))")).collect();
    let others: String = others.iter().map(|name| format!("(import \"{name}\" (instance))")).collect();
    let tickets = format!(r#"(import "portcullis:plugin/tickets@0.1.0" (instance {functions}))"#);
    Inspection::of(&wat::parse_str(format!("(component {tickets} {others})")).unwrap()).unwrap()
}

const NETWORK: &str = "cannot reach the network: it imports neither portcullis:plugin/http nor wasi:http";

#[test]
fn says_what_the_imports_amount_to() {
    let authority = Inspection::of(&component()).unwrap().authority(&Fake);
    assert_eq!(
        authority.uses,
        [Use {
            capability: "tickets",
            can: vec!["read tickets"],
            by: vec!["tickets.get".into()],
            actions: ["read"].into(),
        }]
    );
    assert_eq!(authority.triggers, ["events"]);
    assert_eq!(
        authority.cannot,
        [
            "cannot delete tickets: it does not import tickets.delete",
            "cannot keep notes: it imports neither tickets.note nor tickets.mark",
            NETWORK,
            "cannot change anything in the help desk: it does not import tickets.delete",
            "cannot keep anything between calls: each has a fresh memory, it imports neither tickets.note nor tickets.mark, and \
             nothing that changes records or sends",
        ]
    );
}

#[test]
fn a_sentence_goes_when_any_import_belies_it() {
    let cannot = |functions: &[&str], others: &[&str]| using(functions, others).authority(&Fake).cannot;
    let has = |all: &[String], part: &str| all.iter().any(|sentence| sentence.contains(part));

    let all = cannot(&["delete"], &[]);
    assert!(!has(&all, "delete") && !has(&all, "change anything"), "{all:?}");
    assert!(has(&all, "cannot keep anything between calls in a store of its own: it imports neither"), "{all:?}");

    let all = cannot(&["mark"], &[]);
    assert!(!has(&all, "keep"), "one of the functions is enough: {all:?}");

    let all = cannot(&["get"], &["wasi:http/types@0.2.0"]);
    assert!(!has(&all, "network") && has(&all, "store of its own"), "{all:?}");

    let all = cannot(&[], &[]);
    assert_eq!(all[0], "cannot look up or change tickets: it imports no function of portcullis:plugin/tickets");
    assert!(!has(&all, "change anything"), "said already: {all:?}");
    assert!(has(&all, "cannot be called for events: it does not export portcullis:plugin/events"), "{all:?}");
}

#[test]
fn another_way_counts_as_all_of_it() {
    let authority = using(&[], &["wasi:http/types@0.2.0"]).authority(&Fake);
    assert_eq!(authority.uses[0].capability, "http");
    assert_eq!(authority.uses[0].by, ["wasi:http/types@0.2.0"]);
    assert!(authority.needs("http", "send") && !authority.needs("tickets", "read"));
}

#[test]
fn a_function_that_nobody_has_is_named() {
    let found = using(&["get", "read-all"], &["portcullis:plugin/types@0.1.0"]);
    assert_eq!(unknown_functions(&found, &Fake), ["portcullis:plugin/tickets.read-all"]);
    assert_eq!(spelt("[method]bucket.set"), "bucket.set");
    assert!(unknown_functions(&using(&["get", "open"], &[]), &Fake).is_empty());
}

fn claims(manifest: &str, inspection: &Inspection) -> Vec<String> {
    Claims::of(&Manifest::parse(manifest).unwrap(), inspection, &Fake).notes()
}

#[test]
fn a_scope_that_no_function_needs_is_too_much() {
    let asking = |scope: &str| MANIFEST.replace("tickets:read fields=comments", scope);
    let over = |scope: &str, functions: &[&str]| {
        let notes = claims(&asking(scope), &using(functions, &["wasi:http/types@0.2.0"]));
        notes.into_iter().find(|note| note.contains("tickets:")).unwrap_or_default()
    };
    assert_eq!(over("tickets:read", &["get"]), "");
    assert_eq!(
        over("tickets:delete", &["get"]),
        "asks for tickets:delete, but imports no function that needs tickets:delete: it asks for more than it uses"
    );
    assert_eq!(over("tickets:note", &["mark"]), "");
    // What decides about events is of use to whoever is called for them, and to nobody else.
    let notes = claims(&asking("tickets:peek"), &Inspection::of(&component()).unwrap());
    assert!(!notes.iter().any(|note| note.contains("tickets:peek")), "{notes:?}");
    assert!(over("tickets:peek", &["get"]).contains("no function that needs tickets:peek"));
    let none = claims(MANIFEST, &Inspection::of(&importing(&[])).unwrap());
    assert_eq!(
        none[0],
        "asks for tickets:read, but does not import portcullis:plugin/tickets: it asks for more than it uses"
    );
}

#[test]
fn hosts_are_held_against_what_may_be_sent_to() {
    let of = |to: &str, host: &str| {
        let manifest = MANIFEST.replace("to=chat.example.test", &format!("to={to}"));
        let url = format!(r#"(component (core module (memory 1) (data "https://{host}/x")))"#);
        let inspection = Inspection::of(&wat::parse_str(url).unwrap()).unwrap();
        let hosts = Claims::of(&Manifest::parse(&manifest).unwrap(), &inspection, &Fake).hosts;
        assert_eq!(hosts.len(), 1, "{host}");
        hosts[0].covered_by.is_some()
    };
    for (to, host, covered) in [
        ("https://a.test/services/*", "a.test", true),
        ("https://a.test/services/*", "A.test:443", true),
        ("https://a.test:8443/", "a.test:8443", true),
        ("https://a.test/", "a.test:8443", false),
        ("https://a.test/", "b.a.test", false),
        ("https://*.a.test/", "b.a.test", true),
        ("https://*.a.test/", "a.test", false),
        ("https://*.a.test/", "c.b.a.test", false),
        ("https://a.test.evil.test/", "a.test", false),
    ] {
        assert_eq!(of(to, host), covered, "{to} {host}");
    }
}
