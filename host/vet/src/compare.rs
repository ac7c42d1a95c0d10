//! Two runs of one input, side by side.
//!
//! Acts are compared as a whole and not one after the other: which of two requests that are under way together is written down
//! first is chance.

use portcullis_model::{
    behaviour::{Aspect, Difference},
    id::Digest,
};

use crate::{
    outcome::{LOG, Outcome},
    stage::tape::{Asked, What},
};

/// What differs, the most telling first.
pub(crate) fn differences(first: &Outcome, second: &Outcome) -> Vec<Difference> {
    let mut found = Vec::new();
    let input = first.number;
    let (one, other) = (acts(first), acts(second));
    let mut differ = |aspect, at: Option<usize>| {
        let act = at.and_then(|at| one.get(at).or_else(|| other.get(at))).map(|asked| asked.act.clone());
        found.push(Difference { input, aspect, at: at.map(|at| at as u64), act });
    };
    if sorted(&one, name) != sorted(&other, name) {
        differ(Aspect::Acts, place(&one, &other, name));
    } else if sorted(&one, arguments) != sorted(&other, arguments) {
        differ(Aspect::Arguments, place(&one, &other, arguments));
    }
    if first.end != second.end {
        differ(Aspect::Outcome, None);
    }
    if first.log != second.log {
        let at = first.log.iter().zip(&second.log).take_while(|(one, other)| one == other).count();
        found.push(Difference { input, aspect: Aspect::Log, at: Some(at as u64), act: None });
    }
    found
}

fn acts(outcome: &Outcome) -> Vec<&Asked> {
    outcome.asked.iter().filter(|asked| asked.act != LOG).collect()
}

fn name(asked: &Asked) -> (&str, bool) {
    (&asked.act, matches!(asked.what, What::Permitted(_)))
}

fn arguments(asked: &Asked) -> (&str, Digest) {
    (&asked.act, asked.arguments)
}

fn sorted<'a, K: Ord + 'a>(acts: &[&'a Asked], key: impl Fn(&'a Asked) -> K) -> Vec<K> {
    let mut keys: Vec<K> = acts.iter().map(|asked| key(asked)).collect();
    keys.sort();
    keys
}

/// The first place where one is not like the other.
fn place<'a, K: PartialEq + 'a>(one: &[&'a Asked], other: &[&'a Asked], key: impl Fn(&'a Asked) -> K) -> Option<usize> {
    let same = one.iter().zip(other).take_while(|(one, other)| key(one) == key(other)).count();
    (same < one.len().max(other.len())).then_some(same)
}
