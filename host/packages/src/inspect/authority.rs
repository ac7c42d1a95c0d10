//! What a component's imports amount to: what it can do where it is granted, and what it cannot do whoever grants it, down to
//! single functions.
//!
//! A component reaches the outside through the functions that it imports and through nothing else, so a missing function is a
//! proof. What goes another way (an interface of WASI) counts as all of the capability behind it.
//!
//! Invariants: "can" leaves nothing out that an import allows; "cannot" names nothing that some import allows. Both follow from
//! the import table and the catalogue alone, never from the manifest.

use std::collections::BTreeSet;

use portcullis_model::catalogue::{Ability, Catalogue, Effect, Interface};
use serde::Serialize;

use super::{Inspection, PACKAGE, TRIGGERS, UNASKED, own};

/// A capability that the component can use, as far as it is granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Use {
    /// Its name.
    pub capability: &'static str,
    /// What it can do with it: each goes after "it can".
    pub can: Vec<&'static str>,
    /// What it does that by: functions (`tickets.get`), and interfaces of WASI by their full names.
    pub by: Vec<String>,
    /// Actions of the capability's scopes that decide about it.
    pub actions: BTreeSet<&'static str>,
}

/// The exact authority that a component's imports amount to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Authority {
    /// What it can use, if it is granted; in the catalogue's order.
    pub uses: Vec<Use>,
    /// What it is called through.
    pub triggers: Vec<&'static str>,
    /// What it cannot do, whatever is granted: whole sentences without a full stop.
    pub cannot: Vec<String>,
}

impl Authority {
    /// Derives it from the import table.
    pub fn of(inspection: &Inspection, catalogue: &dyn Catalogue) -> Self {
        let names = catalogue.names().iter().filter(|name| !TRIGGERS.contains(name));
        let reaches: Vec<Reach<'_>> = names.filter_map(|name| Reach::of(name, inspection, catalogue)).collect();
        let exported = inspection.triggers();
        Self {
            uses: reaches.iter().filter_map(Reach::used).collect(),
            triggers: TRIGGERS.iter().copied().filter(|name| exported.contains(name)).collect(),
            cannot: cannot(&reaches, &exported),
        }
    }

    /// Whether it can do something that this scope's action decides about, or is shown something by it in events.
    pub fn needs(&self, capability: &str, action: &str) -> bool {
        self.uses.iter().any(|one| one.capability == capability && one.actions.contains(action))
    }
}

/// Functions of our own interfaces that the catalogue does not know: full names. No host could link them.
pub(crate) fn unknown_functions(inspection: &Inspection, catalogue: &dyn Catalogue) -> Vec<String> {
    let ours = inspection.imports.iter().filter_map(|import| Some((own(import)?, &import.functions)));
    let known = ours.filter_map(|(name, functions)| Some((name, functions, catalogue.interface(name)?)));
    let unknown = known.flat_map(|(name, functions, interface)| {
        let unknown = functions.iter().filter(|function| !names(interface).any(|known| known == *function));
        unknown.map(move |function| format!("{PACKAGE}/{name}.{}", spelt(function)))
    });
    unknown.collect()
}

/// How far a component reaches into one capability.
struct Reach<'a> {
    capability: &'static str,
    interface: &'static Interface,
    /// Whether its own interface is imported at all.
    imported: bool,
    functions: BTreeSet<&'a str>,
    /// Imports of WASI that are another way to all of it.
    ways: Vec<&'a str>,
}

impl<'a> Reach<'a> {
    fn of(capability: &'static str, inspection: &'a Inspection, catalogue: &dyn Catalogue) -> Option<Self> {
        let interface = catalogue.interface(capability)?;
        let imports = || inspection.imports.iter().filter(|import| own(import) == Some(capability));
        let behind = |name: &str| catalogue.wasi(name).and_then(|meaning| meaning.capability()) == Some(capability);
        let names = inspection.imports.iter().map(|import| import.name.as_str());
        Some(Self {
            capability,
            interface,
            imported: imports().next().is_some(),
            functions: imports().flat_map(|import| &import.functions).map(String::as_str).collect(),
            ways: names.filter(|name| interface.is_also(name) || behind(name)).collect(),
        })
    }

    fn can(&self, ability: &Ability) -> bool {
        !self.ways.is_empty() || ability.functions.iter().any(|function| self.functions.contains(function))
    }

    fn abilities(&self) -> impl Iterator<Item = &'static Ability> {
        self.interface.abilities.iter().filter(|ability| self.can(ability))
    }

    fn missing(&self) -> impl Iterator<Item = &'static Ability> {
        self.interface.abilities.iter().filter(|ability| !self.can(ability))
    }

    fn idle(&self) -> bool {
        self.abilities().next().is_none()
    }

    fn used(&self) -> Option<Use> {
        let functions = self.functions.iter().map(|function| format!("{}.{}", self.capability, spelt(function)));
        (!self.idle()).then(|| Use {
            capability: self.capability,
            can: self.abilities().map(|ability| ability.words).collect(),
            by: functions.chain(self.ways.iter().map(|way| (*way).to_owned())).collect(),
            actions: self.abilities().flat_map(|ability| ability.actions).copied().collect(),
        })
    }

    /// That it cannot use the capability at all, or what of it it cannot use.
    fn cannot(&self) -> Vec<String> {
        if !self.idle() {
            return self.missing().map(|one| format!("cannot {}: {}", one.words, lacks(&self.full(one)))).collect();
        }
        let why = match self.imported {
            true => format!("it imports no function of {PACKAGE}/{}", self.capability),
            false => {
                let own = format!("{PACKAGE}/{}", self.capability);
                let ways: Vec<String> =
                    std::iter::once(own).chain(self.interface.also.iter().map(|way| (*way).to_owned())).collect();
                lacks(&ways)
            }
        };
        vec![format!("cannot {}: {why}", self.interface.words)]
    }

    fn full(&self, ability: &Ability) -> Vec<String> {
        ability.functions.iter().map(|function| format!("{}.{}", self.capability, spelt(function))).collect()
    }
}

fn cannot(reaches: &[Reach<'_>], exported: &BTreeSet<&str>) -> Vec<String> {
    let mut all: Vec<String> = reaches.iter().flat_map(Reach::cannot).collect();
    all.extend(changes(reaches));
    all.extend(keeps(reaches));
    let silent = TRIGGERS.iter().filter(|name| !exported.contains(**name) && !UNASKED.contains(name));
    all.extend(silent.map(|name| format!("cannot be called for {name}: it does not export {PACKAGE}/{name}")));
    all
}

fn able(reaches: &[Reach<'_>], effect: Effect) -> bool {
    reaches.iter().any(|reach| reach.abilities().any(|ability| ability.effect == effect))
}

/// Where something of the help desk can be read, that nothing of it can be changed.
fn changes(reaches: &[Reach<'_>]) -> Option<String> {
    let changing = |reach: &&Reach<'_>| reach.interface.abilities.iter().any(|one| one.effect == Effect::Changes);
    let some = reaches.iter().filter(changing).any(|reach| !reach.idle());
    let missing = reaches
        .iter()
        .filter(changing)
        .flat_map(|reach| reach.missing().filter(|one| one.effect == Effect::Changes).flat_map(|one| reach.full(one)));
    (some && !able(reaches, Effect::Changes))
        .then(|| format!("cannot change anything in the help desk: {}", lacks(&missing.collect::<Vec<_>>())))
}

/// That nothing is left of a call for the next one. Whoever can change a record or send something out can also leave something
/// there: then only the stores of its own are spoken of.
fn keeps(reaches: &[Reach<'_>]) -> Option<String> {
    if able(reaches, Effect::Keeps) {
        return None;
    }
    let keeping = reaches.iter().flat_map(|reach| {
        let missing = reach.interface.abilities.iter().filter(|one| one.effect == Effect::Keeps);
        missing.flat_map(|one| reach.full(one))
    });
    let ways = reaches.iter().filter(|reach| reach.interface.abilities.iter().any(|one| one.effect == Effect::Keeps));
    let ways = ways.flat_map(|reach| reach.interface.also).map(|way| (*way).to_owned());
    let lacks = lacks(&keeping.chain(ways).collect::<Vec<_>>());
    Some(match able(reaches, Effect::Changes) || able(reaches, Effect::Sends) {
        true => format!("cannot keep anything between calls in a store of its own: {lacks}"),
        false => format!(
            "cannot keep anything between calls: each has a fresh memory, {lacks}, and nothing that changes records or sends"
        ),
    })
}

fn lacks(names: &[String]) -> String {
    match names {
        [] => "there is no such function".to_owned(),
        [one] => format!("it does not import {one}"),
        [one, other] => format!("it imports neither {one} nor {other}"),
        [most @ .., last] => format!("it imports none of {} and {last}", most.join(", ")),
    }
}

/// A function's name for people: `bucket.set` of `[method]bucket.set`.
pub(super) fn spelt(function: &str) -> &str {
    function.split_once(']').map_or(function, |(_, name)| name)
}

fn names(interface: &'static Interface) -> impl Iterator<Item = &'static str> {
    let able = interface.abilities.iter().flat_map(|ability| ability.functions);
    able.chain(interface.openers).copied()
}
