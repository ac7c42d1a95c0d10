//! Floors, and leave to go below them.

use super::*;
use crate::trust::withdrawal::Override;

fn floored() -> Root {
    let mut root = platform();
    root.floors.insert("com.example.card-guard".parse().unwrap(), 4);
    root
}

fn given() -> Override {
    let ReleaseId { component, manifest } = release();
    let expires = Timestamp(NOW.0 + 5_000);
    Override { component, manifest, reason: "release 4 loses tickets".into(), issued: NOW, expires }
}

fn with(given: &Override, by: &[u8]) -> Vec<String> {
    let mut envelope = given.signed(&key(by[0])).unwrap();
    for number in &by[1..] {
        envelope = envelope.signed_also(&key(*number)).unwrap();
    }
    let mut all = approved();
    all.push(envelope.to_json());
    all
}

#[test]
fn below_the_floor_nothing_runs_without_leave() {
    let trust = Stored::new(&floored()).load().unwrap();
    let error = refused(&trust, &[PUBLISHER], &approved());
    assert!(error.contains("release 3 of com.example.card-guard is below 4"), "{error}");
    let mut root = floored();
    root.floors = root.floors.keys().map(|plugin| (plugin.clone(), 3)).collect();
    assert!(judged(&Stored::new(&root).load().unwrap(), &[PUBLISHER], &approved(), NOW).is_ok(), "at it");
    let other = Override { manifest: Digest::of(b"another"), ..given() };
    let early = Override { issued: Timestamp(NOW.0 + 600_000), expires: Timestamp(NOW.0 + 900_000), ..given() };
    for (what, statements) in [
        ("expired", with(&Override { expires: NOW, ..given() }, &[OVERRIDER])),
        ("another release", with(&other, &[OVERRIDER])),
        ("the publisher's", with(&given(), &[PUBLISHER])),
        ("a reviewer's", with(&given(), &[REVIEWERS[0]])),
        ("a keeper's", with(&given(), &[KEEPER])),
        ("dated in the future", with(&early, &[OVERRIDER])),
    ] {
        assert!(refused(&trust, &[PUBLISHER], &statements).contains("is below 4"), "{what}");
    }
}

#[test]
fn nobody_takes_leave_for_longer_than_a_year() {
    let year = 365 * 86_400_000;
    let until = |after: i64| Override { expires: Timestamp(NOW.0 + after), ..given() }.check_span();
    assert!(until(year).is_ok());
    assert!(until(year + 1).unwrap_err().to_string().contains("at most 365 days"));
}

#[test]
fn leave_ends_by_itself() {
    let trust = Stored::new(&floored()).load().unwrap();
    let held = judged(&trust, &[PUBLISHER], &with(&given(), &[OVERRIDER]), NOW).unwrap();
    assert_eq!(held.until, given().expires, "whoever asks knows when to ask again");
    let then = judged(&trust, &[PUBLISHER], &with(&given(), &[OVERRIDER]), held.until).unwrap_err();
    assert!(then.to_string().contains("is below 4"));
}

#[test]
fn a_second_factor_of_two_takes_two() {
    let mut root = floored();
    let id = root.know(&key(41).public(), "another");
    root.overrides.keys.insert(id);
    root.overrides.threshold = 2;
    let trust = Stored::new(&root).load().unwrap();
    for by in [&[OVERRIDER][..], &[OVERRIDER, OVERRIDER]] {
        assert!(refused(&trust, &[PUBLISHER], &with(&given(), by)).contains("is below 4"));
    }
    assert!(judged(&trust, &[PUBLISHER], &with(&given(), &[OVERRIDER, 41]), NOW).is_ok());
}

#[test]
fn each_floor_has_its_own_people() {
    let mut own = tenants();
    own.floors.insert("com.example.card-guard".parse().unwrap(), 4);
    let trust = |own: &Root| Stored::new(&floored()).root(own, &[TENANT_KEEPER, KEEPER]).load().unwrap();
    let error = refused(&trust(&own), &[PUBLISHER], &with(&given(), &[OVERRIDER]));
    assert!(error.contains("the lowest that 'tenant:acme' lets run"), "{error}");
    own.overrides = own.root.clone();
    assert!(judged(&trust(&own), &[PUBLISHER], &with(&given(), &[OVERRIDER, TENANT_KEEPER]), NOW).is_ok());
    assert!(
        refused(&trust(&own), &[PUBLISHER], &with(&given(), &[TENANT_KEEPER])).contains("that 'platform' lets run")
    );
}

#[test]
fn who_lets_a_tenant_go_back() {
    let statements = with(&given(), &[OVERRIDER]);
    let may = |trust: &Trust, at| trust.may_go_back(&release(), &statements, &acme(), at);
    let trust = Stored::new(&platform()).load().unwrap();
    assert!(may(&trust, NOW));
    assert!(!may(&trust, given().expires));
    assert!(!trust.may_go_back(&release(), &with(&given(), &[PUBLISHER]), &acme(), NOW));
    let mut own = tenants();
    own.overrides = own.root.clone();
    let trust = Stored::new(&platform()).root(&own, &[TENANT_KEEPER, KEEPER]).load().unwrap();
    assert!(!may(&trust, NOW), "the tenant has people for that, and they did not sign");
    let both = with(&given(), &[OVERRIDER, TENANT_KEEPER]);
    assert!(trust.may_go_back(&release(), &both, &acme(), NOW));
    let mut nobody = platform();
    nobody.overrides = root::Role::default();
    assert!(!may(&Stored::new(&nobody).load().unwrap(), NOW), "nobody may");
}
