//! Acts as a whole: what is revoked and minted in which order, what fails alone, and what the report says.

use std::{sync::Arc, time::Duration};

use portcullis_broker::rotation::{Order, Quiet, Report, ReportError, RotateError, Rotator, StepError};
use portcullis_model::{
    audit::Actor,
    freeze::{Extent, FreezeStore as _},
    rotation::{Family, Held, Item, Line, Mode, Nature, Outcome, Renewal, Revocation},
};

use crate::fake::{Dial, ENDS_OLD, Fake, LASTING, ONCE, OWN, STATIC, emergency, held, key, memory, rotator};

fn not_reached() -> StepError {
    StepError::NotReached { why: "connection refused".into(), retry_after: None }
}

fn line<'a>(lines: &'a [Line], name: &str) -> &'a Line {
    lines.iter().find(|line| line.item.name == name).unwrap()
}

#[tokio::test]
async fn each_nature_goes_its_way_and_nothing_stays_frozen() {
    let tokens = Held {
        item: Item {
            family: Family::Tokens,
            tenant: "acme".parse().unwrap(),
            installation: Some("ins_1".parse().unwrap()),
            name: "tokens".into(),
        },
        provider: None,
        nature: Nature { renewal: Renewal::Holder, ..OWN },
        ..held("ins_1", "tokens", "x", OWN)
    };
    let all = [("own", OWN), ("ends", ENDS_OLD), ("once", ONCE), ("lasting", LASTING), ("static", STATIC)];
    let fake = Fake::new(all.map(|(name, nature)| held("ins_1", name, "p", nature)).into_iter().chain([tokens]));
    let store = memory();
    let rotator = rotator(&store, &fake, &Dial::default());
    let (act, lines) = rotator.carry_out(emergency(Extent::All), Arc::new(Quiet)).await.unwrap();
    for (name, outcome, revocation, calls) in [
        ("own", Outcome::Renewed, Revocation::Confirmed, ["revoke own", "renew own"].as_slice()),
        ("ends", Outcome::Renewed, Revocation::Replaced, &["renew ends"]),
        ("once", Outcome::Renewed, Revocation::Confirmed, &["renew once", "revoke-old once"]),
        ("lasting", Outcome::PersonNeeded, Revocation::Confirmed, &["revoke lasting", "person lasting"]),
        ("static", Outcome::PersonNeeded, Revocation::NotOffered, &["person static"]),
        ("tokens", Outcome::Ended, Revocation::Confirmed, &["revoke tokens"]),
    ] {
        let line = line(&lines, name);
        assert_eq!((line.outcome, line.revocation), (outcome, revocation), "{name}");
        let made: Vec<String> = fake.calls().into_iter().filter(|call| call.ends_with(&format!(" {name}"))).collect();
        assert_eq!(made, calls, "{name}");
    }
    assert!(act.ended.is_some() && store.freezes().await.unwrap().freezes.is_empty());
}

#[tokio::test]
async fn only_what_is_in_the_extent_is_touched() {
    let other = Held { plugin: Some("com.examples.mail".parse().unwrap()), ..held("ins_2", "other", "q", OWN) };
    for (extent, touched) in [
        (Extent::Provider("q".parse().unwrap()), "other"),
        (Extent::Publisher("com.example".parse().unwrap()), "mine"),
        (Extent::Plugin("com.examples.mail".parse().unwrap()), "other"),
        (Extent::Installation("ins_1".parse().unwrap()), "mine"),
        (Extent::Connection(key("ins_1", "mine")), "mine"),
    ] {
        let fake = Fake::new([held("ins_1", "mine", "p", OWN), other.clone()]);
        let (_, lines) = rotator(&memory(), &fake, &Dial::default())
            .carry_out(emergency(extent.clone()), Arc::new(Quiet))
            .await
            .unwrap();
        assert_eq!(lines.iter().map(|line| line.item.name.as_str()).collect::<Vec<_>>(), [touched], "{extent}");
        assert_eq!(fake.calls().len(), 2, "{extent}");
    }
}

#[tokio::test]
async fn a_provider_that_does_not_answer_keeps_its_own_frozen_and_nobody_elses() {
    let fake =
        Fake::new([held("ins_1", "good", "p", OWN), held("ins_1", "bad", "q", OWN), held("ins_2", "fine", "p", OWN)]);
    fake.fails("bad", "revoke", [not_reached(), not_reached()]);
    let store = memory();
    let rotator = rotator(&store, &fake, &Dial::default());
    let (act, lines) = rotator.carry_out(emergency(Extent::All), Arc::new(Quiet)).await.unwrap();
    assert_eq!(line(&lines, "bad").outcome, Outcome::Failed);
    assert!(line(&lines, "bad").why.as_ref().unwrap().contains("connection refused"));
    let frozen: Vec<Extent> = store.freezes().await.unwrap().freezes.into_iter().map(|one| one.extent).collect();
    assert_eq!(frozen, [Extent::Connection(key("ins_1", "bad"))]);
    assert!(!Report::new(act.clone(), lines).is_whole());

    let (act, lines) = rotator.go_on(&act.id, Arc::new(Quiet)).await.unwrap();
    assert_eq!(line(&lines, "bad").outcome, Outcome::Renewed);
    assert_eq!(line(&lines, "bad").why, None);
    assert!(store.freezes().await.unwrap().freezes.is_empty());
    assert_eq!(fake.count("revoke good"), 1, "what was through is left alone");
    assert!(Report::new(act.clone(), lines).is_whole());
    let again = rotator.go_on(&act.id, Arc::new(Quiet)).await.unwrap_err();
    assert!(matches!(again, RotateError::Invalid(_)), "{again}");
}

#[tokio::test]
async fn what_cannot_be_minted_is_revoked_and_a_person_is_asked() {
    let fake =
        Fake::new([held("ins_1", "gone", "p", ONCE), held("ins_1", "doubt", "p", OWN), held("ins_1", "no", "p", OWN)]);
    fake.fails("gone", "renew", [StepError::GrantGone("invalid_grant".into())]);
    fake.fails("doubt", "renew", [StepError::Unknown("time".into()), StepError::Unknown("time".into())]);
    fake.fails("no", "revoke", [StepError::Refused("unsupported_token_type".into())]);
    let rotator = rotator(&memory(), &fake, &Dial::default());
    let (_, lines) = rotator.carry_out(emergency(Extent::All), Arc::new(Quiet)).await.unwrap();
    let gone = line(&lines, "gone");
    assert_eq!((gone.outcome, gone.revocation), (Outcome::PersonNeeded, Revocation::Confirmed));
    assert!(gone.why.as_ref().unwrap().contains("invalid_grant"));
    let doubt = line(&lines, "doubt");
    assert_eq!((doubt.outcome, doubt.revocation), (Outcome::PersonNeeded, Revocation::Confirmed));
    assert_eq!(fake.count("renew doubt"), 2, "asked once more, and not again");
    let no = line(&lines, "no");
    assert_eq!((no.outcome, no.revocation), (Outcome::Renewed, Revocation::Failed));
    assert!(no.why.as_ref().unwrap().contains("unsupported_token_type"), "a renewed one says what lives on");
}

#[tokio::test]
async fn what_has_gone_meanwhile_is_said() {
    let fake = Fake::new([held("ins_1", "a", "p", OWN)]);
    let (store, clock) = (memory(), Dial::default());
    fake.fails("a", "revoke", [not_reached(), not_reached()]);
    let rotator = rotator(&store, &fake, &clock);
    let (act, _) = rotator.carry_out(emergency(Extent::All), Arc::new(Quiet)).await.unwrap();
    fake.forget("a");
    let (_, lines) = rotator.go_on(&act.id, Arc::new(Quiet)).await.unwrap();
    assert_eq!(lines[0].outcome, Outcome::Gone);
    assert!(store.freezes().await.unwrap().freezes.is_empty());
}

#[tokio::test]
async fn in_good_order_nothing_is_frozen_revoked_or_taken_away() {
    let fake = Fake::new([
        held("ins_1", "own", "p", OWN),
        held("ins_1", "static", "p", STATIC),
        held("ins_1", "bad", "p", ONCE),
    ]);
    fake.fails("bad", "renew", [StepError::Refused("invalid_client".into())]);
    let store = memory();
    let order = Order { mode: Mode::Planned, overlap: Duration::from_secs(60), ..emergency(Extent::All) };
    let rotator = rotator(&store, &fake, &Dial::default());
    let (act, lines) = rotator.carry_out(order, Arc::new(Quiet)).await.unwrap();
    assert_eq!((act.freeze, act.reached, act.overlap), (None, None, 60));
    assert_eq!(lines.len(), 2, "what a person must replace is no part of it");
    assert_eq!((line(&lines, "own").outcome, line(&lines, "own").revocation), (Outcome::Renewed, Revocation::Not));
    assert_eq!(line(&lines, "bad").outcome, Outcome::Failed);
    assert_eq!(fake.calls().iter().filter(|call| call.starts_with("revoke") || call.starts_with("person")).count(), 0);
    assert!(store.freezes().await.unwrap().freezes.is_empty());
}

#[tokio::test]
async fn a_report_reads_back_and_a_changed_one_does_not() {
    let fake = Fake::new([held("ins_1", "a", "p", OWN), held("ins_1", "b", "p", STATIC)]);
    let rotator = rotator(&memory(), &fake, &Dial::default());
    let (act, lines) = rotator.carry_out(emergency(Extent::All), Arc::new(Quiet)).await.unwrap();
    let report = Report::new(act, lines);
    let text = String::from_utf8(report.statement().unwrap()).unwrap();
    assert_eq!(Report::read(text.as_bytes()), Ok(report));
    assert!(text.contains("https://in-toto.io/Statement/v1") && text.contains("\"person-needed\":1"), "{text}");
    for (from, to, what) in [
        ("\"old-generation\":1", "\"old-generation\":2", "subject"),
        ("\"outcome\":\"person-needed\"", "\"outcome\":\"renewed\"", "total"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text);
        assert_eq!(Report::read(changed.as_bytes()), Err(ReportError::Contradiction(what)));
    }
    let other = text.replace("statements/rotation/v1", "statements/other/v1");
    assert!(matches!(Report::read(other.as_bytes()), Err(ReportError::Kind { what: "predicateType", .. })));
}

#[tokio::test]
async fn an_order_without_a_reason_begins_nothing() {
    let (store, fake) = (memory(), Fake::new([held("ins_1", "a", "p", OWN)]));
    let order = Order { reason: " ".into(), ..emergency(Extent::All) };
    assert!(rotator(&store, &fake, &Dial::default()).carry_out(order, Arc::new(Quiet)).await.is_err());
    assert!(store.freezes().await.unwrap().freezes.is_empty() && fake.calls().is_empty());
}

#[tokio::test]
async fn in_good_order_what_nobody_can_mint_goes_on_as_it_was() {
    let fake = Fake::new([held("ins_1", "gone", "p", ONCE)]);
    fake.fails("gone", "renew", [StepError::GrantGone("invalid_grant".into())]);
    let store = memory();
    let order = Order { mode: Mode::Planned, ..emergency(Extent::All) };
    let rotator = rotator(&store, &fake, &Dial::default());
    let (act, lines) = rotator.carry_out(order, Arc::new(Quiet)).await.unwrap();
    assert_eq!(
        (line(&lines, "gone").outcome, line(&lines, "gone").revocation),
        (Outcome::PersonNeeded, Revocation::Not)
    );
    assert_eq!(fake.calls(), ["renew gone"], "it is neither revoked nor taken out of use");
    assert!(!fake.of("gone").needs_person && act.ended.is_some());
}

#[tokio::test]
async fn what_a_person_replaced_meanwhile_is_said_and_left_alone() {
    let fake = Fake::new([held("ins_1", "a", "p", STATIC), held("ins_1", "b", "p", LASTING)]);
    for name in ["a", "b"] {
        fake.fails(name, "person", [StepError::Replaced(2)]);
    }
    let store = memory();
    let rotator = rotator(&store, &fake, &Dial::default());
    let (_, lines) = rotator.carry_out(emergency(Extent::All), Arc::new(Quiet)).await.unwrap();
    for (name, revocation) in [("a", Revocation::NotOffered), ("b", Revocation::Confirmed)] {
        let line = line(&lines, name);
        assert_eq!((line.outcome, line.new_generation), (Outcome::Renewed, Some(2)), "{name}");
        assert_eq!(line.revocation, revocation, "{name}: what became of the old one");
    }
    assert!(store.freezes().await.unwrap().freezes.is_empty());
}

#[tokio::test]
async fn what_the_platform_froze_within_a_tenant_stays_the_platforms_whoever_goes_on() {
    let account = || Actor::Account { person: "per_1".parse().unwrap(), name: "dana".into(), session: None };
    for (begun_by, resumed_by, of_platform) in [(true, true, true), (true, false, true), (false, false, false)] {
        let fake = Fake::new([held("ins_1", "a", "p", OWN)]);
        fake.fails("a", "revoke", (0..4).map(|_| not_reached()));
        let store = memory();
        let by = |platform| Rotator { actor: account(), platform, ..rotator(&store, &fake, &Dial::default()) };
        let order = emergency(Extent::Tenant("acme".parse().unwrap()));
        let (act, _) = by(begun_by).carry_out(order, Arc::new(Quiet)).await.unwrap();
        for round in ["begun", "gone on"] {
            let left = store.freezes().await.unwrap().freezes;
            assert_eq!((left.len(), left[0].platform), (1, of_platform), "{round}: {begun_by}, {resumed_by}");
            if round == "begun" {
                by(resumed_by).go_on(&act.id, Arc::new(Quiet)).await.unwrap();
            }
        }
    }
}
