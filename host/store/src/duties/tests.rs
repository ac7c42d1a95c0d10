use portcullis_model::{
    audit::Kind,
    duty::{Factors, Party, RiskAbout},
    installation::InstallationStore as _,
};

use super::*;
use crate::testing::{entry, installation, store};

fn acme() -> TenantId {
    "acme".parse().unwrap()
}

fn on(profile: &str) -> TurnedOn {
    TurnedOn {
        tenant: acme(),
        profile: profile.parse().unwrap(),
        by: "dana".into(),
        reason: "our tickets hold data about health".into(),
        since: Timestamp(1),
    }
}

fn some_risk() -> Risk {
    Risk {
        number: 0,
        duty: "DAT-5".parse().unwrap(),
        about: RiskAbout::Host { tenant: acme(), host: "pbx.example".into() },
        reason: "the old switchboard has no TLS".into(),
        by: "dana".into(),
        actor: None,
        since: Timestamp(1),
        until: Timestamp(100),
        approved: None,
        ended: None,
    }
}

fn approval(at: i64) -> Approval {
    Approval { by: "erin".into(), party: Party::Subscriber, factors: Factors::default(), at: Timestamp(at) }
}

#[tokio::test]
async fn a_profile_that_changes_makes_its_tenants_installations_stale_and_no_others() {
    let (_dir, store) = store();
    let other = portcullis_model::installation::Installation { tenant: "other".parse().unwrap(), ..installation("b") };
    for one in [installation("a"), other] {
        assert!(store.put_installation(one, None, entry(Kind::PluginInstalled)).await.unwrap());
    }
    let generations =
        || async { store.installations().await.unwrap().iter().map(|one| one.generation).collect::<Vec<_>>() };
    let before = generations().await;
    assert!(store.turn_on(on("healthcare"), entry(Kind::ProfileChanged)).await.unwrap());
    assert!(!store.turn_on(on("healthcare"), entry(Kind::ProfileChanged)).await.unwrap(), "it is on already");
    assert_eq!(generations().await, [before[0] + 1, before[1]]);
    let state = store.duty_state().await.unwrap();
    assert_eq!((state.profiles.len(), state.revision), (1, store.duty_revision().await.unwrap()));
    let off = || store.turn_off(acme(), "healthcare".parse().unwrap(), entry(Kind::ProfileChanged));
    assert!(off().await.unwrap() && !off().await.unwrap());
    assert_eq!(generations().await, [before[0] + 2, before[1]]);
    assert_eq!(store.entry_count().await.unwrap(), 4, "what changed nothing left no entry");
}

#[tokio::test]
async fn a_risk_is_approved_once_and_ends_once() {
    let (_dir, store) = store();
    let propose = || store.propose(some_risk(), entry(Kind::RiskProposed));
    assert_eq!((propose().await.unwrap(), propose().await.unwrap(), propose().await.unwrap()), (1, 2, 3));
    let approve = |number, at| store.approve(number, approval(at), entry(Kind::RiskApproved));
    assert!(approve(1, 2).await.unwrap());
    assert!(!approve(1, 2).await.unwrap(), "it is approved");
    assert!(!approve(2, 100).await.unwrap(), "its time is over");
    assert!(!approve(4, 2).await.unwrap(), "there is none");
    let end = |number| store.end_risk(number, Ending::Lapsed, entry(Kind::RiskLapsed));
    assert!(end(1).await.unwrap() && !end(1).await.unwrap());
    assert!(!approve(1, 2).await.unwrap(), "it is over");
    assert!(end(3).await.unwrap());
    let standing =
        store.duty_state().await.unwrap().risks.iter().map(|one| one.standing(Timestamp(5))).collect::<Vec<_>>();
    assert_eq!(standing, ["lapsed", "proposed", "lapsed"]);
    assert_eq!(store.entry_count().await.unwrap(), 6);
}

#[tokio::test]
async fn the_newest_attestation_counts_until_it_is_said_to_be_over() {
    let (_dir, store) = store();
    let word = |by: &str, tenant: Option<TenantId>| Attestation {
        number: 0,
        duty: "ACC-8".parse().unwrap(),
        tenant,
        party: Party::Subscriber,
        by: by.into(),
        statement: "looked through".into(),
        since: Timestamp(1),
        until: Timestamp(10),
    };
    for (by, tenant) in [("dana", Some(acme())), ("erin", Some(acme())), ("host", None)] {
        store.attest(word(by, tenant), entry(Kind::DutyAttested)).await.unwrap();
    }
    let who = || async {
        store.duty_state().await.unwrap().attestations.iter().map(|one| one.by.clone()).collect::<Vec<_>>()
    };
    assert_eq!(who().await, ["erin", "host"]);
    let lapse = |number| store.lapse_attestation(number, entry(Kind::AttestationLapsed));
    assert!(!lapse(1).await.unwrap(), "a later one took its place");
    assert!(lapse(2).await.unwrap() && !lapse(2).await.unwrap());
    assert_eq!(who().await, ["host"]);
}

#[tokio::test]
async fn a_posture_is_kept_line_by_line_with_its_entries() {
    let (_dir, store) = store();
    let line =
        |state: &str, at| PostureLine { key: "healthcare/INT-3".into(), state: state.into(), since: Timestamp(at) };
    store.put_postures(acme(), vec![(line("holds", 1), None)]).await.unwrap();
    store.put_postures(acme(), vec![(line("open", 2), Some(entry(Kind::PostureChanged)))]).await.unwrap();
    assert_eq!(store.postures(acme()).await.unwrap(), [line("open", 2)]);
    assert!(store.postures("other".parse().unwrap()).await.unwrap().is_empty());
    assert_eq!(store.entry_count().await.unwrap(), 1);
}
