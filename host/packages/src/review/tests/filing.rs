//! What reviewers sign elsewhere, and what is taken of it.

use portcullis_model::{
    audit::{Actor, Kind},
    review::{ReviewStore as _, Submission},
};

use super::{
    desk::{approve, submitted},
    world::World,
};
use crate::{
    dsse::Envelope,
    keys::SecretKey,
    review::{Choice, Desk, ReviewError, State, filing::MAX_AGE, look::left_without},
    statement::Decision,
    testing::Fake,
};

/// What this key signs for this choice now.
async fn signed(world: &World, of: &Submission, choice: &Choice, key: &SecretKey) -> Envelope {
    let prepared = world.desk().prepare(of, choice, &key.public().keyid()).await.unwrap();
    prepared.statement.signed(key).unwrap()
}

async fn file(world: &World, of: &Submission, choice: &Choice, by: &SecretKey, signed: &Envelope) -> ReviewError {
    world.desk().file(of, choice, &by.public().keyid(), signed).await.unwrap_err()
}

#[tokio::test]
async fn only_what_would_be_signed_now_is_filed_and_only_by_the_key_that_signed_it() {
    let world = World::needing(1);
    let of = submitted(&world).await;
    world.pass(1);
    let choice = approve(None);
    let own = signed(&world, &of, &choice, &world.ann).await;
    let other = Choice { reason: "something else".into(), ..choice.clone() };
    assert!(matches!(file(&world, &of, &other, &world.ann, &own).await, ReviewError::OtherStatement));
    let narrower = Choice { at_most: Some(Vec::new()), ..choice.clone() };
    assert!(matches!(file(&world, &of, &narrower, &world.ann, &own).await, ReviewError::OtherStatement));
    let refusal = Choice { decision: Decision::Reject, ..choice.clone() };
    assert!(matches!(file(&world, &of, &refusal, &world.ann, &own).await, ReviewError::OtherStatement));
    assert!(matches!(file(&world, &of, &choice, &world.bob, &own).await, ReviewError::NotSigned(_)));
    assert!(matches!(file(&world, &of, &choice, &world.publisher, &own).await, ReviewError::FourEyes(_)));
    assert!(matches!(file(&world, &of, &choice, &world.eve, &own).await, ReviewError::NoReviewer { .. }));
    assert_eq!(world.rows.kinds(), [Kind::ReviewSubmitted], "a waiver is noted with its verdict alone");
    assert!(world.memory.statements.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_filed_has_one_signature_and_is_filed_once_and_soon() {
    let world = World::needing(1);
    let of = submitted(&world).await;
    world.pass(1);
    let (choice, ann) = (approve(None), world.ann.public().keyid());
    let both = signed(&world, &of, &choice, &world.ann).await.signed_also(&world.bob).unwrap();
    let (case, verdict) = world.desk().file(&of, &choice, &ann, &both).await.unwrap();
    assert_eq!(case.state(), Some(State::Approved));
    assert_eq!((case.standing.given.len(), &case.standing.given[0].key), (1, &ann), "hers alone");
    assert_eq!(case.standing.given[0].verdict, verdict);
    world.pass(1);
    assert!(matches!(file(&world, &of, &choice, &world.ann, &both).await, ReviewError::Later(_)));
    let late = signed(&world, &of, &choice, &world.bob).await;
    world.pass(MAX_AGE + 1);
    assert!(matches!(file(&world, &of, &choice, &world.bob, &late).await, ReviewError::Stale(_)));
}

#[tokio::test]
async fn a_rehearsal_checks_everything_and_writes_nothing() {
    let world = World::needing(1);
    let of = submitted(&world).await;
    world.pass(1);
    let trial = Desk { trial: true, ..world.desk() };
    let (choice, ann) = (approve(None), world.ann.public().keyid());
    let own = signed(&world, &of, &choice, &world.ann).await;
    assert_eq!(trial.file(&of, &choice, &ann, &own).await.unwrap().0.state(), Some(State::Submitted));
    assert_eq!(trial.assign(&of, "ann").await.unwrap().state(), Some(State::InReview), "as it would be");
    assert_eq!(trial.withdraw(&of, "a mistake").await.unwrap().state(), Some(State::Withdrawn));
    assert!(trial.comment(&of, "two\nlines").await.is_err());
    let bytes = world.report().encode().unwrap();
    let digest = trial.attach(&of, &bytes).await.unwrap();
    assert!(world.rows.report(&digest).await.unwrap().is_none());
    assert_eq!(world.rows.kinds(), [Kind::ReviewSubmitted]);
    assert!(world.memory.statements.lock().unwrap().is_empty());
}

#[tokio::test]
async fn who_has_the_same_name_takes_nothing_back() {
    let world = World::needing(1);
    let of = submitted(&world).await;
    let account = |id: &str| Actor::Account { person: id.parse().unwrap(), name: "sam".into(), session: None };
    let other = Desk { actor: account("per_2"), ..world.desk() };
    let refused = other.withdraw(&of, "mine").await.unwrap_err().to_string();
    assert!(refused.contains("sam handed it in"), "{refused}");
    let case = other.comment(&of, "is it?").await.unwrap();
    assert_eq!(case.notes.last().unwrap().by, "sam (per_2)");
}

#[tokio::test]
async fn whoever_decides_sees_what_it_asks_for_what_was_found_and_what_would_not_load() {
    let world = World::needing(1);
    let of = submitted(&world).await;
    let bytes = world.report().encode().unwrap();
    let digest = world.desk().attach(&of, &bytes).await.unwrap();
    let case = world.desk().case(&of).await.unwrap();
    assert!(world.desk().before(&case).await.unwrap().is_none());
    let look = world.desk().look(&case, None).await.unwrap();
    assert_eq!((look.reports[0].digest, &look.reports[0].unreadable), (digest, &None));
    assert!(look.plan.words().contains("tickets:read fields=comments  [high risk]"), "{}", look.plan.words());
    assert!(look.diff.is_none() && look.vulnerabilities.is_none());
    world.rows.damage();
    let look = world.desk().look(&case, None).await.unwrap();
    assert!(look.reports[0].unreadable.as_ref().unwrap().contains("damaged"));
    let inspection = world.registry.inspection(&of.release()).await.unwrap();
    assert_eq!(left_without(&inspection, &["events:receive".parse().unwrap()], &Fake), ["tickets"]);
    assert!(left_without(&inspection, &case.manifest.asked(), &Fake).is_empty());
}
