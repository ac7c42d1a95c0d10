//! Rules applied to entries.
//!
//! An entry is [looked at](Engine::look) first: that says of which memories it needs. With those in a [`State`] it is
//! [taken](Engine::take). What of the state changed is given back, to be stored together with what was found.
//!
//! Invariant: a memory that was asked for and is not there is empty; whoever leaves one out loses what was in it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use portcullis_model::{
    alert::Hit,
    audit::{Actor, Entry, Kind},
    id::Digest,
};

use crate::{
    condition::Condition,
    facts::{Facts, GroupBy},
    rule::Rule,
};

/// Whose memory: a rule's of a subject.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The rule's id.
    pub rule: String,
    /// The subject.
    pub subject: String,
}

/// One thing that is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// How often, or how much.
    pub count: u64,
    /// When first, in milliseconds since 1970.
    pub first: i64,
    /// When last.
    pub last: i64,
}

impl Cell {
    /// Once, now.
    pub fn once(now: i64) -> Self {
        Self { count: 1, first: now, last: now }
    }

    /// Once more.
    #[must_use]
    pub fn again(self, now: i64, by: u64) -> Self {
        Self { count: self.count.saturating_add(by), first: self.first.min(now), last: self.last.max(now) }
    }
}

/// What a rule remembers of a subject, by name, and what of it has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    cells: BTreeMap<String, Cell>,
    changed: BTreeSet<String>,
}

impl Memory {
    /// As it was stored.
    pub fn of(cells: impl IntoIterator<Item = (String, Cell)>) -> Self {
        Self { cells: cells.into_iter().collect(), changed: BTreeSet::new() }
    }

    /// The cell of this name.
    pub fn get(&self, name: &str) -> Option<&Cell> {
        self.cells.get(name)
    }

    /// All cells, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Cell)> {
        self.cells.iter()
    }

    /// Sets one.
    pub fn put(&mut self, name: &str, cell: Cell) {
        if self.cells.insert(name.to_owned(), cell) != Some(cell) {
            self.changed.insert(name.to_owned());
        }
    }

    /// Forgets those that do not fit.
    pub fn retain(&mut self, fits: impl Fn(&str, &Cell) -> bool) {
        let changed = &mut self.changed;
        self.cells.retain(|name, cell| {
            let stays = fits(name, cell);
            if !stays {
                changed.insert(name.clone());
            }
            stays
        });
    }

    /// Forgets those that are least recent, beyond `most` of them, but never that of this name.
    pub fn forget_oldest(&mut self, most: usize, but: &str) {
        while self.cells.len() > most {
            let others = self.cells.iter().filter(|(name, _)| but.is_empty() || *name != but);
            let Some(oldest) = others.min_by_key(|(_, cell)| cell.last).map(|(name, _)| name.clone()) else { return };
            self.cells.remove(&oldest);
            self.changed.insert(oldest);
        }
    }
}

/// One cell as it is to be stored: none where it is gone.
pub type Changed = (Key, String, Option<Cell>);

/// The memories that some entries need.
#[derive(Clone, Debug, Default)]
pub struct State(HashMap<Key, Memory>);

impl State {
    /// Whether this memory is there.
    pub fn has(&self, key: &Key) -> bool {
        self.0.contains_key(key)
    }

    /// Adds a memory, as it was stored.
    pub fn add(&mut self, key: Key, memory: Memory) {
        self.0.insert(key, memory);
    }

    /// How many memories there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What has changed since this was last asked.
    pub fn take_changed(&mut self) -> Vec<Changed> {
        let mut all = Vec::new();
        for (key, memory) in &mut self.0 {
            let changed = std::mem::take(&mut memory.changed);
            all.extend(changed.into_iter().map(|name| {
                let cell = memory.cells.get(&name).copied();
                (key.clone(), name, cell)
            }));
        }
        all
    }
}

/// A rule that is about an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    rule: usize,
    /// The memory that it needs.
    pub key: Key,
}

/// Rules, ready to be applied.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    rules: Vec<Rule>,
    /// For how many hours a new subject is only learnt, where a rule does not say.
    learns: u32,
    /// Which rules may be about a kind.
    about: HashMap<String, Vec<usize>>,
}

impl Engine {
    /// Those of these rules that are enabled.
    pub fn new(rules: impl IntoIterator<Item = Rule>, learns: u32) -> Self {
        let rules: Vec<Rule> = rules.into_iter().filter(|rule| rule.enabled).collect();
        let mut about = HashMap::new();
        for kind in portcullis_model::audit::query::kinds() {
            let of = rules.iter().enumerate().filter(|(_, rule)| rule.may_be_about(kind)).map(|(at, _)| at).collect();
            about.insert((*kind).to_owned(), of);
        }
        Self { rules, learns, about }
    }

    /// The rules.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The digest of all of them together, with how long they learn.
    pub fn digest(&self) -> Digest {
        let mut all: Vec<String> = self.rules.iter().map(|rule| format!("{} {}\n", rule.id, rule.digest)).collect();
        all.sort();
        all.push(format!("learns {}\n", self.learns));
        Digest::of(all.concat().as_bytes())
    }

    /// Whether any rule may be about an entry: whoever asks first needs not take it apart.
    pub fn wants(&self, entry: &Entry) -> bool {
        !is_own(entry) && self.about.get(&entry.kind.name()).is_some_and(|rules| !rules.is_empty())
    }

    /// Which rules are about an entry, and what they remember it by.
    pub fn look(&self, facts: &Facts<'_>) -> Vec<Found> {
        if is_own(facts.entry) {
            return Vec::new();
        }
        let Some(rules) = self.about.get(&facts.entry.kind.name()) else { return Vec::new() };
        let mut found = Vec::new();
        for (at, rule) in rules.iter().filter_map(|at| Some((*at, self.rules.get(*at)?))) {
            if rule.is_about(facts)
                && let Some(subject) = facts.subject(rule.group_by)
            {
                found.push(Found { rule: at, key: Key { rule: rule.id.clone(), subject } });
            }
        }
        found
    }

    /// Takes an entry in. Gives what the rules found.
    pub fn take(&self, facts: &Facts<'_>, found: Vec<Found>, state: &mut State) -> Vec<Hit> {
        let mut hits = Vec::new();
        for Found { rule, key } in found {
            let Some(rule) = self.rules.get(rule) else { continue };
            let finding = match rule.condition {
                // Remembers nothing.
                Condition::Every => rule.condition.take(facts, &mut Memory::default(), self.learns),
                _ => rule.condition.take(facts, state.0.entry(key.clone()).or_default(), self.learns),
            };
            hits.extend(finding.map(|finding| Hit {
                rule: rule.id.clone(),
                title: rule.title.clone(),
                severity: rule.severity,
                party: rule.party,
                subject: key.subject,
                tenant: facts.tenant().cloned().filter(|_| rule.group_by != GroupBy::Host),
                installation: facts.installation().filter(|_| rule.group_by == GroupBy::Installation),
                why: finding.why,
                entries: finding.entries,
                time: facts.time(),
                cool_down: rule.cool_down,
                is_news: rule.condition.finds_news(),
            }));
        }
        hits
    }
}

/// What alerts themselves bring about raises none: there would be no end.
fn is_own(entry: &Entry) -> bool {
    let own = matches!(
        entry.kind,
        Kind::AlertRaised | Kind::AlertDelivery | Kind::AlertEndpointDisabled | Kind::AlertRulesChanged
    );
    own && entry.actor == Actor::Host
}
