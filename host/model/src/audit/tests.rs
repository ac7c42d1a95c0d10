use super::*;

#[test]
fn texts_cannot_forge_lines_or_turn_around() {
    let entry =
        Entry::new(Timestamp(0), Kind::ActDenied, Actor::Host, None).with("reason", "a\n{\"kind\":\"x\"}\u{202e}");
    assert_eq!(entry.text("reason"), Some("a\\u{a}{\"kind\":\"x\"}\\u{202e}"));
    assert_eq!(plain(&"x".repeat(600)).chars().count(), 513);
}

#[test]
fn encodes_with_sorted_keys() {
    let entry = Entry::new(Timestamp(0), Kind::HostStarted, Actor::Host, None).with("b", 2).with("a", 1);
    let text = String::from_utf8(entry.encode().unwrap()).unwrap();
    assert_eq!(
        text,
        r#"{"actor":{"type":"host"},"detail":{"a":1,"b":2},"kind":"host.started","time":"1970-01-01T00:00:00.000Z"}"#
    );
    assert_eq!(Kind::ActUnknown.name(), "act.unknown");
}

fn salts() -> impl FnMut() -> Salt {
    let mut last = 0;
    move || {
        last += 1;
        [last; 32]
    }
}

fn by_a_person() -> Entry {
    let actor = Actor::Person { name: "ana".into() };
    Entry::new(Timestamp(0), Kind::PluginGranted, actor, None)
        .about("user:7")
        .with("scope", "tickets:read")
        .with_personal("email", "ana@example.com")
}

#[test]
fn nothing_personal_is_in_the_body_and_all_of_it_in_the_openings() {
    let sealed = by_a_person().seal(salts()).unwrap();
    let body = String::from_utf8(sealed.body.clone()).unwrap();
    for value in ["ana", "user:7", "ana@example.com"] {
        assert!(!body.contains(value), "{body}");
        assert!(sealed.openings.iter().any(|opening| opening.value == value));
    }
    assert!(body.contains("tickets:read") && body.contains("\"nonce\""), "{body}");
    let openings = Openings { open: sealed.openings, erased: Vec::new() };
    assert_eq!(Entry::open(&sealed.body, &openings), Ok(by_a_person()));
}

#[test]
fn what_is_not_there_is_withheld_or_erased_and_what_was_changed_is_told() {
    let sealed = by_a_person().seal(salts()).unwrap();
    let blind: Entry = serde_json::from_slice(&sealed.body).unwrap();
    assert_eq!((blind.actor, blind.resource.as_deref()), (Actor::Person { name: WITHHELD.into() }, Some(WITHHELD)));
    assert_eq!(blind.detail["email"], WITHHELD);
    let erased = Openings { open: sealed.openings[1..].to_vec(), erased: vec![sealed.openings[0].field.clone()] };
    let read = Entry::open(&sealed.body, &erased).unwrap();
    assert_eq!(read.actor, Actor::Person { name: ERASED.into() });
    assert_eq!(read.resource.as_deref(), Some("user:7"));
    for (at, opening) in sealed.openings.iter().enumerate() {
        for changed in [
            Opening { value: opening.value.clone() + "x", ..opening.clone() },
            Opening { salt: [0; 32], ..opening.clone() },
        ] {
            let mut open = sealed.openings.clone();
            open[at] = changed;
            let told = Entry::open(&sealed.body, &Openings { open, erased: Vec::new() });
            assert_eq!(told, Err(SealedError::Mismatch(opening.field.clone())));
        }
    }
    // The same value in another field is another commitment.
    let moved = Opening { field: "resource".into(), ..sealed.openings[0].clone() };
    assert_ne!(moved.commitment(), sealed.openings[0].commitment());
}

#[test]
fn the_fields_of_commitments_are_those_of_the_openings_whatever_texts_say() {
    let sealed = by_a_person().with("note", WITHHELD).seal(salts()).unwrap();
    let mut fields: Vec<String> = sealed.openings.iter().map(|opening| opening.field.clone()).collect();
    let mut found = Entry::commitments(&sealed.body).unwrap();
    fields.sort();
    found.sort();
    assert_eq!(found, fields);
    assert_eq!(found, ["actor.name", "detail.email", "resource"]);
    assert!(Entry::commitments(b"[]").is_err());
}

#[test]
fn what_a_person_wrote_is_personal_and_what_the_host_says_is_not() {
    let entry = |actor| Entry::new(Timestamp(0), Kind::PluginSuspended, actor, None).with("reason", "Bob asked for it");
    for actor in [
        Actor::Person { name: "ana".into() },
        Actor::Account { person: "per_1".parse().unwrap(), name: "ana".into(), session: None },
        Actor::Automation { client: "aut_1".parse().unwrap() },
    ] {
        let written = entry(actor);
        let sealed = written.seal(salts()).unwrap();
        assert!(!String::from_utf8(sealed.body.clone()).unwrap().contains("Bob"), "{written:?}");
        let read = Entry::open(&sealed.body, &Openings { open: sealed.openings, erased: Vec::new() }).unwrap();
        assert_eq!(read.detail, written.detail);
    }
    assert!(entry(Actor::Host).seal(salts()).unwrap().openings.is_empty());
}

#[test]
fn what_is_not_personal_stays_as_it_is() {
    let entry = Entry::new(Timestamp(0), Kind::ActDenied, Actor::Host, None).about("ticket:7").with("email", "none");
    let sealed = entry.seal(salts()).unwrap();
    assert!(sealed.openings.is_empty());
    assert_eq!(serde_json::from_slice::<Entry>(&sealed.body).unwrap(), entry);
    assert_ne!(sealed.body, entry.seal(|| [9; 32]).unwrap().body, "a nonce of its own");
}

/// Texts that JSON writes otherwise than they are.
const ODD: &str = "a \"b\"\\ \u{7f} ä € 😀 /";

fn of_every_form() -> Vec<Entry> {
    let digest = crate::id::Digest::of(b"x");
    let (installation, call): (InstallationId, CallId) = ("ins_1".parse().unwrap(), "call_1".parse().unwrap());
    let actors = [
        Actor::Host,
        Actor::Person { name: ODD.into() },
        Actor::Source { name: "zendesk".parse().unwrap() },
        Actor::Client { client: "cli_1".parse().unwrap(), installation: installation.clone() },
        Actor::Plugin { installation, plugin: "com.example.p".parse().unwrap(), release: digest, call },
    ];
    let mut all = Vec::new();
    for actor in actors {
        let bare = Entry::new(Timestamp(1_790_000_000_123), Kind::ActDenied, actor.clone(), None);
        let mut full = Entry { tenant: Some("acme".parse().unwrap()), ..bare.clone() }
            .about("user:7")
            .with("reason", ODD)
            .with("count", 7)
            .with("share", 0.1)
            .with("list", vec!["b", "a"])
            .with("tree", serde_json::json!({"z": {"b": 1, "a": null}, "a": [true, -1]}))
            .with_personal("zz", "last")
            .with_personal("email", ODD)
            .with_personal("absent", "gone");
        full.detail.remove("absent");
        full.personal.insert("count".into());
        full.trace = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());
        all.extend([bare.clone(), bare.about("ticket:7"), full]);
    }
    all
}

#[test]
fn every_body_has_sorted_keys_and_reads_as_what_was_sealed() {
    for entry in of_every_form() {
        let sealed = entry.seal(salts()).unwrap();
        // serde_json's maps are sorted: what was not would come out otherwise.
        let value: Value = serde_json::from_slice(&sealed.body).unwrap();
        assert_eq!(serde_json::to_vec(&value).unwrap(), sealed.body, "{}", String::from_utf8_lossy(&sealed.body));
        assert_eq!(value["nonce"], "AQEBAQEBAQEBAQEBAQEBAQ==", "the first salt");
        let (openings, body) = (Openings { open: sealed.openings, erased: Vec::new() }, sealed.body);
        let mut fields = openings.open.iter().map(|opening| opening.field.clone()).collect::<Vec<_>>();
        fields.sort();
        let mut committed = Entry::commitments(&body).unwrap();
        committed.sort();
        assert_eq!(committed, fields, "{}", String::from_utf8_lossy(&body));
        let read = Entry::open(&body, &openings).unwrap();
        assert_eq!(Entry { personal: BTreeSet::new(), ..read }, Entry { personal: BTreeSet::new(), ..entry });
    }
}

#[test]
fn a_value_that_is_personal_has_its_commitment_in_its_place() {
    let entry = of_every_form().remove(5);
    let sealed = entry.seal(salts()).unwrap();
    let value: Value = serde_json::from_slice(&sealed.body).unwrap();
    let places = ["/actor/name", "/detail/email", "/detail/reason", "/detail/zz", "/resource"];
    assert_eq!(sealed.openings.len(), places.len());
    for (opening, place) in sealed.openings.iter().zip(places) {
        assert_eq!(format!("/{}", opening.field.replace('.', "/")), place);
        assert_eq!(value.pointer(place).unwrap(), &serde_json::json!({ "committed": opening.commitment() }));
    }
    assert_eq!(value.pointer("/detail/count").unwrap(), 7, "only texts are taken out");
}

#[test]
fn what_is_larger_than_an_entry_of_the_log_is_refused() {
    let mut entry = by_a_person();
    entry.detail.insert("large".into(), "x".repeat(70_000).into());
    assert!(entry.seal(salts()).unwrap_err().0.contains("the most is 65,535"));
}
