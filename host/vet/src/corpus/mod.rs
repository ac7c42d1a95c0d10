//! The inputs of a run: sample events, events that somebody brought along, valid ones with everything varied, hostile ones, and
//! any number of mutated ones.
//!
//! Invariants: the same release, seed and given events make the same inputs under the same numbers, each made without the
//! others; an input is an event that the host would deliver to this plugin, no larger and no deeper than the host lets in.

mod hostile;
mod mutate;
mod samples;
mod scene;
mod tree;
mod vary;
mod words;

use std::collections::BTreeSet;

use portcullis_model::{
    behaviour::{Family, MAX_ENTRIES},
    event::{Event, EventForm},
    id::Digest,
    scope::{Allows as _, EventsScope, Grant, ScopeText, Subscribe},
};
pub(crate) use samples::made_up;
pub use samples::{EventsError, MAX_EVENTS, MAX_GIVEN, read_events};
pub(crate) use scene::{Desk, Far, Scene};
use serde_json::Value;

use crate::{VetError, dice::Dice};

/// The most events of a kind that samples are taken from.
const PER_KIND: usize = 8;
/// The most kinds whose events are varied.
const MOST_KINDS: usize = 16;
/// The most generated inputs.
const GENERATED: usize = 800;
/// The most hostile inputs.
const HOSTILE: usize = 500;
/// Of how many kinds the inputs are kept that there is one of each.
const WHOLE_KINDS: usize = 2;
/// The deepest that values of an event lie in one another: what the host reads at all.
const DEEPEST: usize = 120;
/// The largest data of an event, in bytes.
const LARGEST: usize = 512 * 1024;

/// One input.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub number: u64,
    pub family: Family,
    /// How it was made, for people.
    pub made: String,
    pub event: Event,
    pub scene: Scene,
}

impl Input {
    /// The digest of what the plugin is called with.
    pub fn digest(&self) -> Digest {
        Digest::of(serde_json::to_string(&self.event).unwrap_or_default().as_bytes())
    }
}

/// An input that has no number yet.
struct Draft {
    made: String,
    event: Event,
    scene: Scene,
    /// Kept whatever else is left out.
    must: bool,
}

/// An event to vary, and the places in its data that the plugin gets to see.
struct Base {
    event: Event,
    seen: Vec<String>,
}

/// All inputs of a run.
pub(crate) struct Corpus {
    fixed: Vec<Input>,
    bases: Vec<Base>,
    mutated: u64,
    seed: u64,
    statuses: Vec<u16>,
    wanted: Wanted,
}

/// What a corpus is made for.
pub(crate) struct Order<'a> {
    /// The scopes that the manifest asks for.
    pub asked: &'a [ScopeText],
    /// Events that somebody brought along.
    pub given: &'a [Event],
    pub seed: u64,
    /// How many mutated inputs.
    pub mutated: u64,
    pub statuses: &'a [u16],
    /// What of an event the plugin gets to see.
    pub shown: &'a dyn Fn(&Event) -> Option<Value>,
}

/// The events that the plugin asks for.
struct Wanted(Grant<EventsScope>);

impl Wanted {
    fn has(&self, kind: &str) -> bool {
        EventsScope::decide(&self.0, &Subscribe { kind, full: false }).is_ok()
    }
}

impl Corpus {
    pub fn new(order: &Order<'_>) -> Result<Self, VetError> {
        let wanted = Wanted(Grant::parse(order.asked)?);
        let samples = samples_for(order.asked, &wanted)?;
        let given: Vec<Event> = order.given.iter().filter(|event| wanted.has(&event.kind)).cloned().collect();
        let base = |event: &Event| {
            let shown = (order.shown)(event).unwrap_or_default();
            let seen = tree::places(&shown).into_iter().filter(|place| event.data.pointer(place).is_some()).collect();
            Base { event: event.clone(), seen }
        };
        let bases: Vec<Base> = given.iter().chain(&samples).map(base).collect();
        let firsts = first_of_each_kind(&bases);
        let mut fixed = Vec::new();
        let mut add = |family, drafts: Vec<Draft>| {
            for Draft { made, event, scene, .. } in drafts {
                let number = fixed.len() as u64;
                fixed.push(Input { number, family, made, event, scene });
            }
        };
        let as_is =
            |made: &str, event: Event| Draft { made: made.to_owned(), event, scene: Scene::default(), must: true };
        add(Family::Sample, samples.iter().map(|event| as_is("as it is", event.clone())).collect());
        add(Family::Given, given.iter().map(|event| as_is("as it was given", event.clone())).collect());
        let varied = vary::all(&firsts, order.statuses);
        add(Family::Generated, some_of(varied, GENERATED, order.seed, "generated"));
        let hostile = hostile::all(&firsts, &wanted);
        add(Family::Hostile, some_of(hostile, HOSTILE, order.seed, "hostile"));
        let (mutated, seed, statuses) = (order.mutated, order.seed, order.statuses.to_vec());
        let mutated = if bases.is_empty() { 0 } else { mutated };
        Ok(Self { fixed, bases, mutated, seed, statuses, wanted })
    }

    /// How many inputs there are that are not mutated. They have the first numbers.
    pub fn fixed(&self) -> u64 {
        self.fixed.len() as u64
    }

    /// How many inputs there are.
    pub fn len(&self) -> u64 {
        self.fixed() + self.mutated
    }

    /// How many there are of this family.
    pub fn count(&self, family: Family) -> u64 {
        match family {
            Family::Mutated => self.mutated,
            _ => self.fixed.iter().filter(|input| input.family == family).count() as u64,
        }
    }

    /// The types of its events, the first of them.
    pub fn kinds(&self) -> Vec<String> {
        let kinds: BTreeSet<&str> = self.bases.iter().map(|base| base.event.kind.as_str()).collect();
        kinds.into_iter().take(MAX_ENTRIES).map(str::to_owned).collect()
    }

    /// The names of members in its events: words that a report may have in it.
    pub fn names(&self) -> BTreeSet<String> {
        let places = self.bases.iter().flat_map(|base| tree::places(&base.event.data));
        places.filter_map(|place| Some(tree::split(&place)?.1)).collect()
    }

    /// The input with this number; `None` where there can be none.
    pub fn input(&self, number: u64) -> Option<Input> {
        match usize::try_from(number).ok().and_then(|at| self.fixed.get(at)) {
            Some(input) => Some(input.clone()),
            None => self.mutate(number),
        }
    }

    fn mutate(&self, number: u64) -> Option<Input> {
        let mut dice = Dice::of(self.seed, "mutated", number.checked_sub(self.fixed())?);
        let base = dice.pick(&self.bases)?;
        let (event, made) = mutate::mutate(base, &mut dice, &self.wanted);
        let scene = Scene::by_chance(&mut dice, &self.statuses);
        Some(Input { number, family: Family::Mutated, made, event, scene })
    }
}

/// Bundled events of the types that are asked for; one that is made up for each type of which there is none.
fn samples_for(asked: &[ScopeText], wanted: &Wanted) -> Result<Vec<Event>, VetError> {
    let bundled = samples::bundled()?;
    let mut found: Vec<Event> = Vec::new();
    for event in bundled.iter().filter(|event| wanted.has(&event.kind)) {
        if found.iter().filter(|other| other.kind == event.kind).count() < PER_KIND {
            found.push(event.clone());
        }
    }
    for pattern in asked.iter().filter(|scope| scope.capability() == "events").flat_map(|scope| scope.values("types")) {
        let (kind, matches): (String, bool) = match pattern.strip_suffix('*') {
            Some(prefix) => (format!("{prefix}sample"), found.iter().any(|event| event.kind.starts_with(prefix))),
            None => (pattern.clone(), found.iter().any(|event| event.kind == *pattern)),
        };
        if !matches && found.len() < MOST_KINDS * PER_KIND {
            found.push(made_up(&kind, &bundled)?);
        }
    }
    Ok(found)
}

fn first_of_each_kind(bases: &[Base]) -> Vec<&Base> {
    let mut kinds = BTreeSet::new();
    bases.iter().filter(|base| kinds.insert(base.event.kind.as_str())).take(MOST_KINDS).collect()
}

/// At most so many, in their order: those that must be kept, and of the others as many as there is room for, by chance.
fn some_of(drafts: Vec<Draft>, most: usize, seed: u64, purpose: &str) -> Vec<Draft> {
    let mut dice = Dice::of(seed, purpose, 0);
    let must = drafts.iter().filter(|draft| draft.must).count();
    let mut left = drafts.len() - must;
    let mut wanted = most.saturating_sub(must).min(left);
    let keep = |draft: &Draft| {
        if draft.must {
            return true;
        }
        let kept = wanted > 0 && dice.below(left) < wanted;
        left -= 1;
        wanted -= usize::from(kept);
        kept
    };
    drafts.into_iter().filter(keep).collect()
}

/// Makes the envelope say what the body says, as the host does where it receives one; what cannot be an envelope stays as it was.
fn settle(event: &mut Event) {
    if event.form != EventForm::Zendesk {
        return;
    }
    let fits = |text: &&str| (1..=samples::MAX_NAME).contains(&text.len()) && !text.chars().any(char::is_control);
    let said = |key: &str| event.data.get(key).and_then(Value::as_str).filter(fits).map(str::to_owned);
    let (id, subject) = (said("id"), said("subject"));
    event.id = id.unwrap_or_else(|| event.id.clone());
    event.subject = subject.or_else(|| event.subject.clone());
}

/// Whether the host would take it in at all.
fn fits(event: &Event) -> bool {
    tree::depth(&event.data) <= DEEPEST && event.data.to_string().len() <= LARGEST
}

#[cfg(test)]
mod tests;
