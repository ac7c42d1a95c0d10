use portcullis_model::duty::{Approval, Ending, Factors, Party, TurnedOn};

use super::*;
use crate::testing::Memory;

fn acme() -> TenantId {
    "acme".parse().unwrap()
}

fn key(name: &str) -> ConnectionKey {
    ConnectionKey { tenant: acme(), installation: "ins_1".parse().unwrap(), name: name.into() }
}

fn on(profile: &str) -> TurnedOn {
    let (by, reason) = ("dana".into(), "health data".into());
    TurnedOn { tenant: acme(), profile: profile.parse().unwrap(), by, reason, since: Timestamp(0) }
}

fn accepted(duty: &str, about: RiskAbout) -> Risk {
    let by = Approval { by: "erin".into(), party: Party::Subscriber, factors: Factors::default(), at: Timestamp(1) };
    Risk {
        number: 1,
        duty: duty.parse().unwrap(),
        about,
        reason: "it is replaced in spring".into(),
        by: "dana".into(),
        actor: None,
        since: Timestamp(0),
        until: Timestamp(10),
        approved: Some(by),
        ended: None,
    }
}

async fn book(state: DutyState) -> (Book, Arc<Memory>) {
    let store = Arc::new(Memory::of(state));
    let book = Book::new(store.clone()).unwrap();
    book.refresh().await.unwrap();
    (book, store)
}

#[tokio::test]
async fn a_risk_lets_pass_exactly_what_it_is_about_and_ends_by_itself() {
    let pbx = RiskAbout::Host { tenant: acme(), host: "pbx.example".into() };
    let risks = vec![accepted("INT-3", RiskAbout::Connection(key("old"))), accepted("DAT-5", pbx)];
    let (book, _) =
        book(DutyState { revision: 1, profiles: vec![on("healthcare")], risks, ..DutyState::default() }).await;
    let at = Timestamp;
    assert!(book.static_token(&key("old"), at(9)).is_ok());
    let why = book.static_token(&key("old"), at(10)).unwrap_err();
    assert!(why.contains("portcullis risk propose INT-3 --connection ins_1/old"), "{why}");
    assert!(book.static_token(&key("other"), at(9)).is_err());
    assert!(book.without_tls(&acme(), "pbx.example", at(9)).is_ok());
    assert!(book.without_tls(&acme(), "pbx.example", at(10)).is_err());
    assert!(book.without_tls(&acme(), "x.pbx.example", at(9)).is_err());
    let other: TenantId = "other".parse().unwrap();
    assert!(book.without_tls(&other, "pbx.example", at(99)).is_ok(), "another tenant has no such profile");
}

#[tokio::test]
async fn what_was_not_approved_or_is_over_lets_nothing_pass() {
    let about = RiskAbout::Connection(key("old"));
    let proposed = Risk { approved: None, ..accepted("INT-3", about.clone()) };
    let ended = Risk { ended: Some(Ending::Lapsed), ..accepted("INT-3", about.clone()) };
    let of_another_duty = accepted("DAT-5", about);
    let risks = vec![proposed, ended, of_another_duty];
    let (book, _) =
        book(DutyState { revision: 1, profiles: vec![on("healthcare")], risks, ..DutyState::default() }).await;
    assert!(book.static_token(&key("old"), Timestamp(5)).is_err());
}

#[tokio::test]
async fn what_storage_says_is_read_when_it_changes_and_what_is_not_understood_changes_nothing() {
    let (book, store) = book(DutyState::default()).await;
    assert_eq!((book.settings(&acme()).idle_minutes, book.settings(&acme()).oauth_only), (60, false));
    store.set(DutyState { revision: 1, profiles: vec![on("healthcare"), on("payment")], ..DutyState::default() });
    book.refresh().await.unwrap();
    let settings = book.settings(&acme());
    assert_eq!((settings.idle_minutes, settings.oauth_only, settings.cover_cards), (15, true, true));
    store.set(DutyState { revision: 2, profiles: vec![on("of-the-future")], ..DutyState::default() });
    let error = book.refresh().await.unwrap_err().to_string();
    assert!(error.contains("of-the-future") && error.contains("acme"), "{error}");
    assert!(book.settings(&acme()).oauth_only, "what held goes on");
    store.set(DutyState { revision: 3, ..DutyState::default() });
    book.refresh().await.unwrap();
    assert!(!book.settings(&acme()).oauth_only);
}
