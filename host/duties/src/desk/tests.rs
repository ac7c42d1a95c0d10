use std::sync::atomic::{AtomicI64, Ordering};

use super::*;
use crate::testing::Memory;

const DAY: i64 = 86_400_000;

#[derive(Default)]
struct Hand(AtomicI64);
impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

struct World {
    catalogue: Catalogue,
    store: Memory,
    clock: Hand,
}

impl World {
    fn new() -> Self {
        Self { catalogue: Catalogue::built_in().unwrap(), store: Memory::default(), clock: Hand::default() }
    }
    fn desk(&self) -> Desk<'_> {
        Desk { catalogue: &self.catalogue, store: &self.store, clock: &self.clock }
    }
}

fn who(name: &str, party: Party) -> Who {
    // Each has an account of their own.
    Who { actor: Actor::Person { name: name.trim().to_lowercase() }, name: name.into(), party, factors: None }
}

fn acme() -> TenantId {
    "acme".parse().unwrap()
}

fn pbx() -> RiskAbout {
    RiskAbout::Host { tenant: acme(), host: "pbx.example".into() }
}

const WHY: &str = "the old switchboard has no TLS";

async fn proposed(world: &World) -> u64 {
    let dana = who("Dana", Party::Subscriber);
    world.desk().propose(&dana, &"DAT-5".parse().unwrap(), pbx(), WHY, Timestamp(30 * DAY)).await.unwrap().number
}

fn says<T: std::fmt::Debug>(result: Result<T, DeskError>, words: &str) {
    let error = result.unwrap_err().to_string();
    assert!(error.contains(words), "{words}: {error}");
}

#[tokio::test]
async fn a_word_is_of_the_right_party_and_lasts_no_longer_than_it_may() {
    let world = World::new();
    let dana = who("Dana", Party::Subscriber);
    let attest = |who: Who, duty: &'static str, statement: &'static str, until: Option<i64>| {
        let (desk, tenant) = (world.desk(), Some(acme()));
        async move { desk.attest(&who, &duty.parse().unwrap(), tenant, statement, until.map(Timestamp)).await }
    };
    let said = "all lists were looked through";
    let kept = attest(dana.clone(), "ACC-8", said, None).await.unwrap();
    assert_eq!(kept.until, Timestamp(90 * DAY));
    says(attest(dana.clone(), "ACC-8", said, Some(90 * DAY + 1)).await, "at most 90 days");
    says(attest(dana.clone(), "ACC-8", said, Some(0)).await, "is over already");
    says(attest(who("Pat", Party::Platform), "ACC-8", said, None).await, "by the subscriber, not by the platform");
    says(attest(dana.clone(), "DAT-6", said, None).await, "nobody's word makes it so");
    // Put together here, so that no file names a duty that there is not.
    let none: &'static str = format!("DAT-{}", 99).leak();
    says(attest(dana.clone(), none, said, None).await, &format!("there is no duty DAT-{}", 99));
    says(attest(dana.clone(), "ACC-8", "fine", None).await, "statement: 10 to 500");
    says(attest(who("  ", Party::Subscriber), "ACC-8", said, None).await, "who says so?");
    attest(who("Pat", Party::Platform), "INC-7", said, None).await.unwrap();
    assert_eq!(world.store.kinds(), ["duty.attested", "duty.attested"], "what was refused left nothing");
    let entry = world.store.entries.lock().unwrap()[0].clone();
    assert!(entry.personal.contains("by") && entry.personal.contains("statement"));
}

#[tokio::test]
async fn a_risk_takes_two_people_of_the_right_party_and_a_second_factor() {
    let world = World::new();
    let number = proposed(&world).await;
    let desk = world.desk();
    says(desk.approve(&who("dana ", Party::Subscriber), number).await, "somebody else approves it");
    let renamed = Who { name: "Erin".into(), ..who("Dana", Party::Subscriber) };
    says(desk.approve(&renamed, number).await, "the account that proposed risk 1 cannot approve it");
    says(desk.approve(&who("Pat", Party::Platform), number).await, "by the subscriber, not by the platform");
    let erin = who("Erin", Party::Subscriber);
    let with = |factors: &[&str]| Who {
        factors: Some(Factors(factors.iter().map(|one| (*one).to_owned()).collect())),
        ..erin.clone()
    };
    says(desk.approve(&with(&["passkey"]), number).await, "second factor");
    says(desk.approve(&with(&["totp", "totp"]), number).await, "second factor");
    let risk = desk.approve(&with(&["passkey", "totp"]), number).await.unwrap();
    assert!(risk.holds(Timestamp(30 * DAY - 1)) && !risk.holds(Timestamp(30 * DAY)));
    says(desk.approve(&with(&["passkey", "totp"]), number).await, "is accepted");
    says(desk.approve(&erin, 9).await, "there is no risk 9");
    assert_eq!(world.store.kinds(), ["risk.proposed", "risk.approved"]);
}

#[tokio::test]
async fn a_risk_is_one_that_the_catalogue_allows() {
    let world = World::new();
    let (desk, dana) = (world.desk(), who("Dana", Party::Subscriber));
    let propose = |duty: &str, about, until| {
        let duty: DutyId = duty.parse().unwrap();
        let (desk, dana) = (&desk, &dana);
        async move { desk.propose(dana, &duty, about, WHY, Timestamp(until)).await }
    };
    says(propose("DAT-3", pbx(), DAY).await, "no risk can be accepted against DAT-3; it can against INT-3 and DAT-5");
    says(propose("INT-3", pbx(), DAY).await, "about one connection");
    says(propose("DAT-5", pbx(), 366 * DAY).await, "at most 365 days");
    propose("DAT-5", pbx(), DAY).await.unwrap();
    says(propose("DAT-5", pbx(), DAY).await, "risk 1 about the same waits");
    says(desk.propose(&dana, &"DAT-5".parse().unwrap(), pbx(), "because", Timestamp(DAY)).await, "reason: 10 to 500");
}

#[tokio::test]
async fn what_is_over_is_written_down_once() {
    let world = World::new();
    let number = proposed(&world).await;
    world.desk().approve(&who("Erin", Party::Subscriber), number).await.unwrap();
    let dana = who("Dana", Party::Subscriber);
    world.desk().attest(&dana, &"ACC-8".parse().unwrap(), Some(acme()), "looked through", None).await.unwrap();
    assert_eq!(world.desk().lapse().await.unwrap(), 0);
    world.clock.0.store(30 * DAY, Ordering::SeqCst);
    assert_eq!(world.desk().lapse().await.unwrap(), 1);
    world.clock.0.store(90 * DAY, Ordering::SeqCst);
    assert_eq!((world.desk().lapse().await.unwrap(), world.desk().lapse().await.unwrap()), (1, 0));
    assert_eq!(world.store.kinds()[3..], ["risk.lapsed", "attestation.lapsed"]);
    says(world.desk().withdraw(&dana, number, "it was replaced").await, "is over already");
}

#[tokio::test]
async fn a_profile_goes_on_and_off_with_a_reason_and_the_baseline_stays() {
    let world = World::new();
    let (desk, dana) = (world.desk(), who("Dana", Party::Subscriber));
    let name = |text: &str| text.parse::<ProfileName>().unwrap();
    assert!(desk.turn_on(&dana, acme(), name("healthcare"), "data about health").await.unwrap());
    assert!(!desk.turn_on(&dana, acme(), name("healthcare"), "data about health").await.unwrap());
    says(desk.turn_on(&dana, acme(), name("heathcare"), "data about health").await, "there are: baseline");
    says(desk.turn_off(&dana, acme(), name("baseline"), "not needed here").await, "always on");
    says(desk.turn_off(&dana, acme(), name("healthcare"), "").await, "reason");
    let once = Who { factors: Some(Factors(vec!["passkey".into()])), ..dana.clone() };
    says(desk.turn_off(&once, acme(), name("healthcare"), "moved elsewhere").await, "second factor");
    let of_plugin = who("Kim", Party::Developer);
    says(desk.turn_off(&of_plugin, acme(), name("healthcare"), "moved elsewhere").await, "not the developer's");
    assert!(desk.turn_off(&dana, acme(), name("healthcare"), "moved elsewhere").await.unwrap());
    assert_eq!(world.store.kinds(), ["profile.changed", "profile.changed"]);
}
