use super::*;
use crate::{
    inspect::dependencies::{Dependency, Ecosystem, Evidence, Source},
    testing::{COMPLETE, Fake, MANIFEST, component, importing},
};

fn diff_of(old: (&str, &[u8]), new: (&str, &[u8])) -> Diff {
    let read = |(text, bytes): (&str, &[u8])| (Manifest::parse(text).unwrap(), Inspection::of(bytes).unwrap());
    let (old, new) = (read(old), read(new));
    let side = |one: &'_ (Manifest, Inspection)| -> (Manifest, Inspection) { one.clone() };
    let (old, new) = (side(&old), side(&new));
    let old = Side { manifest: &old.0, inspection: &old.1, behaviour: None };
    let new = Side { manifest: &new.0, inspection: &new.1, behaviour: None };
    Diff::between(&old, &new, &Fake).unwrap()
}

fn diff(old: &str, new: &str) -> Diff {
    let component = component();
    diff_of((old, &component), (new, &component))
}

/// What a replacement in a manifest leads to: effect, consent and words of each change.
struct Case(&'static str, &'static str, &'static [(Effect, Consent, &'static str)]);

const NARROWER: Effect = Effect::Narrower;
const WIDER: Effect = Effect::Wider;
const OTHER: Effect = Effect::Other;
const REQUIRED: Consent = Consent::Required;
const NONE: Consent = Consent::None;

const SCOPES: &[Case] = &[
    Case("fields=comments", "fields=comments,tags", &[(WIDER, REQUIRED, "asks for more")]),
    Case("types=ticket.created", "types=ticket.created,ticket.deleted", &[(WIDER, REQUIRED, "asks for more")]),
    Case("to=chat.example.test", "to=chat.example.test,other.test", &[(WIDER, Consent::Optional, "asks for more")]),
    Case(
        "to=chat.example.test",
        "to=other.test",
        &[
            (WIDER, Consent::Optional, "asks for what sends http to other.test (high risk), to tell the team"),
            (NARROWER, NONE, "no longer asks"),
        ],
    ),
    Case("optional = true", "optional = false", &[(WIDER, REQUIRED, "requires what was optional")]),
    Case(
        "to find card numbers",
        "to find names",
        &[(OTHER, NONE, "another purpose of 'tickets:read fields=comments'")],
    ),
    Case("cpu-ms = 250", "cpu-ms = 251", &[(WIDER, REQUIRED, "limits: cpu-ms: 250 -> 251")]),
    Case("cpu-ms = 250", "cpu-ms = 249", &[(NARROWER, NONE, "cpu-ms")]),
    Case("/terms", "/other", &[(OTHER, NONE, "terms")]),
];

const STATED: &[Case] = &[
    Case("\"DE\"", "\"US\"", &[(WIDER, REQUIRED, "ai.example.test is in another region: DE -> US")]),
    Case("region = \"GLOBAL\"", "region = \"DE\"", &[(NARROWER, NONE, "another region")]),
    Case(
        "operator = \"Example\"",
        "operator = \"Other\"",
        &[(WIDER, REQUIRED, "run by another company: Example -> Other")],
    ),
    Case("sub-processor = false", "sub-processor = true", &[(WIDER, REQUIRED, "run by a sub-processor")]),
    Case("data = [\"internal\"]", "data = [\"internal\", \"personal\"]", &[(WIDER, REQUIRED, "personal data")]),
    Case("trains = false", "trains = true", &[(WIDER, REQUIRED, "a model is trained with the data")]),
    Case("medical-advice = false", "medical-advice = true", &[(WIDER, REQUIRED, "medical advice")]),
    Case("outside = \"90d\"", "outside = \"91d\"", &[(WIDER, REQUIRED, "data can be kept longer")]),
    Case("storage = \"30d\"", "storage = \"until-uninstalled\"", &[(WIDER, REQUIRED, "data can be kept longer")]),
    Case("outside = \"90d\"", "outside = \"9d\"", &[(NARROWER, NONE, "less long")]),
    Case(
        "\"internal\", \"personal\"]",
        "\"internal\", \"personal\", \"health\"]",
        &[(WIDER, REQUIRED, "touches health data")],
    ),
    Case("until = \"2028-12-31\"", "until = \"2027-12-31\"", &[(OTHER, NONE, "another promise")]),
    Case(
        "name = \"nightly\"",
        "name = \"daily\"",
        &[(OTHER, NONE, "has daily"), (OTHER, NONE, "no longer has nightly")],
    ),
];

#[test]
fn each_change_goes_its_way() {
    for (manifest, cases) in [(MANIFEST, SCOPES), (COMPLETE, STATED)] {
        for Case(from, to, expected) in cases {
            let changed = manifest.replacen(from, to, 1);
            assert_ne!(changed, manifest, "{from}");
            let found = diff(manifest, &changed).changes;
            assert_eq!(found.len(), expected.len(), "{from} -> {to}: {found:#?}");
            for (found, (effect, consent, words)) in found.iter().zip(*expected) {
                assert_eq!((found.effect, found.consent), (*effect, *consent), "{from} -> {to}: {found}");
                assert!(found.to_string().contains(words), "{found}: {words}");
            }
        }
    }
}

#[test]
fn the_same_is_no_change_and_the_order_of_values_does_not_count() {
    assert_eq!(diff(COMPLETE, COMPLETE).changes, []);
    let (one, other) = ("fields=personal,internal", "fields=internal,personal");
    assert_eq!(diff(COMPLETE, &COMPLETE.replace(one, other)).changes, [], "the same scope in other words");
}

#[test]
fn a_new_use_of_ai_and_a_new_host_come_first_and_are_marked() {
    let before = |table: &str, text: &str| text.split(table).next().unwrap().to_owned();
    let without = format!("{}{}", before("[ai]", COMPLETE), &COMPLETE[COMPLETE.find("[maintenance]").unwrap()..]);
    let found = diff(&without, COMPLETE);
    assert!(found.changes[0].what == "uses generative AI" && found.changes[0].consent == Consent::Required);
    let more =
        COMPLETE.replace("version = \"2.0.0-rc.1\"", "version = \"2.0.0\"").replace("release = 7", "release = 8");
    let more = more.replace(
        "[[schedules]]",
        "[[egress]]\nhost = \"new.test\"\nregion = \"US\"\noperator = \"New\"\nsub-processor = true\npurpose = \"x\"\n\
         data = [\"personal\"]\n\n[[schedules]]",
    );
    let text = diff(COMPLETE, &more.replace("cpu-ms = 250", "cpu-ms = 10")).to_string();
    assert_eq!(
        text,
        "com.example.answers: 2.0.0-rc.1 (release 7) -> 2.0.0 (release 8)\nWIDER than before:\n  + egress: sends to another \
         host: new.test (US), run by New, a sub-processor: personal data; x [needs consent]\nNarrower than before:\n  - \
         limits: cpu-ms: 250 -> 10"
    );
}

#[test]
fn components_differ_by_what_they_import_and_are_made_of() {
    let (a, b) = (importing(&["portcullis:plugin/tickets@0.1.0"]), importing(&["portcullis:plugin/http@0.1.0"]));
    let found = diff_of((MANIFEST, &a), (MANIFEST, &b));
    let imports: Vec<(Effect, Option<&str>)> = found
        .changes
        .iter()
        .filter(|change| change.area == Area::Imports)
        .map(|change| (change.effect, change.after.as_deref().or(change.before.as_deref())))
        .collect();
    assert_eq!(
        imports,
        [(WIDER, Some("portcullis:plugin/http@0.1.0")), (NARROWER, Some("portcullis:plugin/tickets@0.1.0"))]
    );
    let manifest = Manifest::parse(MANIFEST).unwrap();
    let made_of = |all: &[(&str, &str)]| {
        let mut inspection = Inspection::of(&a).unwrap();
        inspection.dependencies = all.iter().map(|(name, version)| dependency(name, version)).collect();
        inspection
    };
    let old = made_of(&[("serde", "1.0.0"), ("gone", "1.0.0")]);
    let new = made_of(&[("serde", "1.0.1"), ("new", "0.1.0")]);
    let diff = |old: &Inspection, new: &Inspection| -> Vec<String> {
        let found = Diff::between(&Side::new(&manifest, old), &Side::new(&manifest, new), &Fake).unwrap();
        found.changes.iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        diff(&old, &new),
        [
            "dependencies: crates.io gone: was 1.0.0",
            "dependencies: crates.io new: 0.1.0",
            "dependencies: crates.io serde: 1.0.0 -> 1.0.1"
        ]
    );
    assert_eq!(diff(&old, &made_of(&[])), ["dependencies: it no longer says what it was made of: 2 packages"]);
    let mut calls = made_of(&[]);
    calls.imports[0].functions.push("redact".into());
    assert_eq!(diff(&made_of(&[]), &calls), ["imports: new: portcullis:plugin/tickets@0.1.0 redact"]);
}

fn dependency(name: &str, version: &str) -> Dependency {
    Dependency {
        ecosystem: Ecosystem::CratesIo,
        name: name.into(),
        version: Some(version.into()),
        source: Source::Registry,
        build_only: false,
        root: false,
        evidence: Evidence::AuditableSection,
        needs: Vec::new(),
    }
}
