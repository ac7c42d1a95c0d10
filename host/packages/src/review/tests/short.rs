//! Verdicts about what nobody handed in.

use portcullis_model::{audit::Actor, time::Clock as _};

use super::world::World;
use crate::{
    dsse::Envelope,
    keys::SecretKey,
    review::{ReviewError, filing::MAX_AGE, short::Bound},
    testing::Fake,
    trust::keeper::{Keeper, KeeperError},
};

/// Beyond what the manifest asks for.
const BEYOND: &str = "tickets:read fields=comments,tags";

fn bound(scopes: &[&str]) -> Bound {
    Bound { at_most: scopes.iter().map(|scope| scope.parse().unwrap()).collect(), days: 30, reason: "seen".into() }
}

/// What this key signs for it now.
fn signed(world: &World, bound: &Bound, key: &SecretKey) -> Envelope {
    bound.statement(&world.files.stored.id(), world.clock.now(), &Fake).unwrap().signed(key).unwrap()
}

fn refused(world: &World, bound: &Bound, signed: &Envelope) -> ReviewError {
    bound.said(&world.files.stored.id(), signed, world.clock.now(), &Fake).unwrap_err()
}

#[tokio::test]
async fn what_goes_beyond_the_manifest_is_taken_of_a_reviewer_without_a_report() {
    let world = World::needing(1);
    let (bound, id) = (bound(&[BEYOND]), world.files.stored.id());
    let keeper = Keeper { registry: &world.registry, clock: &world.clock, actor: Actor::Host };
    let (own, eves) = (signed(&world, &bound, &world.ann), signed(&world, &bound, &world.eve));
    let said = bound.said(&id, &own, world.clock.now(), &Fake).unwrap();
    assert_eq!((&said.predicate().at_most, said.predicate().report), (&bound.at_most, None));
    assert!(matches!(keeper.state(&id, &eves.to_json()).await, Err(KeeperError::Stranger(_))));
    assert!(keeper.state(&id, &own.to_json()).await.is_ok());
    assert_eq!(world.memory.statements.lock().unwrap()[&id], [own.to_json()]);
}

#[test]
fn only_what_is_said_is_taken_and_soon() {
    let world = World::needing(1);
    let whole = bound(&[BEYOND]);
    let own = signed(&world, &whole, &world.ann);
    assert!(matches!(refused(&world, &bound(&[]), &own), ReviewError::OtherStatement));
    let longer = Bound { days: 31, ..whole.clone() };
    assert!(matches!(refused(&world, &longer, &own), ReviewError::OtherStatement));
    world.pass(MAX_AGE + 1);
    assert!(matches!(refused(&world, &whole, &own), ReviewError::Stale(_)));
}

#[test]
fn what_nobody_understands_and_what_holds_for_years_is_not_signed() {
    let world = World::needing(1);
    let id = world.files.stored.id();
    let stated = |bound: Bound| bound.statement(&id, world.clock.now(), &Fake).unwrap_err();
    assert!(matches!(stated(bound(&["tickets:raed fields=comments"])), ReviewError::Scope(_)));
    for days in [0, 366] {
        assert!(matches!(stated(Bound { days, ..bound(&[]) }), ReviewError::Days { .. }));
    }
    assert!(matches!(stated(Bound { reason: "two\nlines".into(), ..bound(&[]) }), ReviewError::Text { .. }));
}
