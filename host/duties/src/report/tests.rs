use portcullis_model::{duty::Party, time::Timestamp};

use super::*;
use crate::{
    catalogue::Catalogue,
    posture::{Answered, Line, Move, Posture, Section, State},
    sheet::{Sheet, SheetAi, SheetDestination, SheetScope},
};

/// What a stranger writes to break out of a page.
const EVIL: &str = "<script>alert('x')</script>\" onload=\"";

fn some_posture() -> Posture {
    let line = |key: &str, state| Line {
        key: key.into(),
        duty: "INT-3".parse().unwrap(),
        title: "OAuth".into(),
        party: Party::Subscriber,
        asks: EVIL.into(),
        state,
        evidence: vec![EVIL.into()],
        entries: vec![7],
    };
    let one = Move { party: Party::Subscriber, who: EVIL.into(), what: EVIL.into(), act: Some(EVIL.into()) };
    let risk = Answered { about: EVIL.into(), by: EVIL.into(), until: Timestamp(1), reason: EVIL.into() };
    let lines = vec![
        line("p/INT-3/a", State::Holds),
        line("p/INT-3/b", State::Open { moves: vec![one] }),
        line("p/INT-3/c", State::Accepted { risks: vec![risk] }),
    ];
    let section = Section { profile: "p".parse().unwrap(), words: EVIL.into(), since: Some(EVIL.into()), lines };
    Posture { tenant: "acme".parse().unwrap(), at: Timestamp(0), profiles: vec![section] }
}

fn some_sheet() -> Sheet {
    let evil = || EVIL.to_owned();
    Sheet {
        at: Timestamp(0),
        tenant: "acme".parse().unwrap(),
        installation: Some("ins_1".parse().unwrap()),
        plugin: "com.example.crm".parse().unwrap(),
        name: evil(),
        version: evil(),
        publisher: "com.example".parse().unwrap(),
        summary: evil(),
        terms: evil(),
        privacy: evil(),
        support: evil(),
        scopes: vec![SheetScope {
            scope: evil(),
            words: vec![evil()],
            classes: vec![evil()],
            purpose: evil(),
            granted: true,
        }],
        classes: vec![evil()],
        destinations: vec![SheetDestination {
            host: evil(),
            region: evil(),
            operator: evil(),
            sub_processor: true,
            purpose: evil(),
            data: vec![evil()],
            refused: true,
        }],
        ai: Some(SheetAi { provider: evil(), purpose: evil(), data: vec![evil()], trains: true, medical_advice: true }),
        retention: None,
        maintenance: Some(evil()),
        risks: vec![Answered { about: evil(), by: evil(), until: Timestamp(1), reason: evil() }],
        vulnerabilities: Some(2),
    }
}

#[test]
fn nothing_that_a_stranger_wrote_becomes_markup_and_a_page_loads_nothing() {
    let catalogue = Catalogue::built_in().unwrap();
    let before = Sheet { installation: None, ..some_sheet() };
    let all = [
        posture_page(&some_posture()),
        open_page(&some_posture()),
        sheet_page(&some_sheet(), &catalogue),
        sheet_page(&before, &catalogue),
    ];
    assert!(!all[3].contains("granted"), "nothing is granted before an install, and nothing is not");
    for page in all {
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script"), "{page}");
        assert!(!page.contains("onload=\""));
        for never in ["http://", "src=", "href=", "@import", "url("] {
            assert!(!page.contains(never), "{never}");
        }
        for (open, close) in
            [("<ul", "</ul>"), ("<li", "</li>"), ("<dl", "</dl>"), ("<main", "</main>"), ("<div", "</div>")]
        {
            assert_eq!(page.matches(open).count(), page.matches(close).count(), "{open}");
        }
        assert!(page.contains("prefers-color-scheme: dark") && page.contains("@media print"));
    }
}

#[test]
fn a_terminal_is_told_the_same() {
    let text = posture_text(&some_posture(), true);
    assert!(
        text.starts_with("Posture of tenant acme at 1970-01-01T00:00:00.000Z: 1 hold, 1 open, 1 accepted as a risk"),
        "{text}"
    );
    assert!(text.contains("entries 7") && text.contains("Who has to do what"));
    assert!(!posture_text(&some_posture(), false).contains("entries 7"));
    assert_eq!(moves_text(&[]), "Nobody has to do anything.");
    let sheet = sheet_text(&some_sheet(), &Catalogue::built_in().unwrap());
    for says in [
        "MEDICAL ADVICE",
        "TRAINED",
        "REFUSED",
        "a sub-processor",
        "developer: say how long it keeps data",
        "2 known vulnerabilities",
    ] {
        assert!(sheet.contains(says), "{says}: {sheet}");
    }
}

#[test]
fn the_page_of_the_documentation_is_that_of_the_catalogue() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/security/duties.md");
    let made = markdown::catalogue(&Catalogue::built_in().unwrap());
    if std::env::var_os("DUTIES_DOC").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == made,
        "docs/security/duties.md is stale: DUTIES_DOC=1 cargo test -p portcullis-duties writes it anew"
    );
}
