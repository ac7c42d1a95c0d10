//! What waits for the writer, in lanes: one for each tenant, and one for what belongs to none.
//!
//! Invariants: jobs of one lane leave in the order in which they came; a job without a tenant leaves after all that came
//! before it; where others wait too, one tenant has at most [`EACH`] jobs in a group.

use std::collections::{HashMap, VecDeque};

use portcullis_model::id::TenantId;

/// Whose job it is.
pub(super) type Lane = Option<TenantId>;

/// The most jobs that one commit serves.
const GROUP: usize = 512;
/// The most of them that are one tenant's, where others wait too.
const EACH: usize = 16;

/// What waits, and what was taken into the present group.
pub(super) struct Waiting<J> {
    jobs: VecDeque<(Lane, J)>,
    /// How many wait.
    lanes: HashMap<Lane, usize>,
    /// How many are in the group.
    taken: HashMap<Lane, usize>,
    group: usize,
}

impl<J> Default for Waiting<J> {
    fn default() -> Self {
        Self { jobs: VecDeque::new(), lanes: HashMap::new(), taken: HashMap::new(), group: 0 }
    }
}

impl<J> Waiting<J> {
    /// Puts one at the end.
    pub fn push(&mut self, lane: Lane, job: J) {
        *self.lanes.entry(lane.clone()).or_default() += 1;
        self.jobs.push_back((lane, job));
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Begins a group, which has all its places.
    pub fn begin_group(&mut self) {
        self.taken.clear();
        self.group = 0;
    }

    /// The next one for the present group.
    pub fn next(&mut self) -> Option<J> {
        if self.group == GROUP {
            return None;
        }
        // What belongs to no tenant comes after all before it, and does not wait for several groups.
        let is_shared = self.jobs.len() > 1 && !self.lanes.contains_key(&None) && self.is_shared();
        let place = match is_shared {
            true => self.jobs.iter().position(|(lane, _)| self.taken.get(lane).is_none_or(|taken| *taken < EACH))?,
            false => 0,
        };
        let (lane, job) = self.jobs.remove(place)?;
        if let Some(left) = self.lanes.get_mut(&lane) {
            *left -= 1;
            if *left == 0 {
                self.lanes.remove(&lane);
            }
        }
        *self.taken.entry(lane).or_default() += 1;
        self.group += 1;
        Some(job)
    }

    /// Whether more than one tenant waits or has jobs in the group.
    fn is_shared(&self) -> bool {
        let mut tenants = self.lanes.keys().chain(self.taken.keys()).flatten();
        let first = tenants.next();
        tenants.any(|tenant| Some(tenant) != first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(name: &str) -> Lane {
        (name != "-").then(|| name.parse().unwrap())
    }

    /// Pushes jobs named by their lane and a number, and gives the groups in which they leave.
    fn groups(lanes: impl IntoIterator<Item = &'static str>) -> Vec<Vec<String>> {
        let mut waiting = Waiting::default();
        let mut numbers = HashMap::<&str, usize>::new();
        for name in lanes {
            let number = numbers.entry(name).or_default();
            *number += 1;
            waiting.push(lane(name), format!("{name}{number}"));
        }
        let mut groups = Vec::new();
        while !waiting.is_empty() {
            waiting.begin_group();
            groups.push(std::iter::from_fn(|| waiting.next()).collect());
        }
        groups
    }

    fn many(name: &'static str, count: usize) -> impl Iterator<Item = &'static str> {
        std::iter::repeat_n(name, count)
    }

    #[test]
    fn who_is_alone_has_the_whole_group() {
        let groups = groups(many("a", GROUP + 1));
        assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [GROUP, 1]);
    }

    #[test]
    fn one_tenant_beside_the_host_itself_has_the_whole_group() {
        let groups = groups(many("-", 1).chain(many("a", 4 * EACH)));
        assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [4 * EACH + 1]);
    }

    #[test]
    fn a_flood_leaves_room_for_others_and_keeps_its_order() {
        let groups = groups(many("a", 3 * EACH).chain(many("b", 2)));
        assert_eq!(groups[0].len(), EACH + 2);
        assert_eq!(groups[0][EACH..], ["b1", "b2"]);
        // Nobody else waits any more.
        let a: Vec<String> = groups.concat().into_iter().filter(|job| job.starts_with('a')).collect();
        assert_eq!(a, (1..=3 * EACH).map(|n| format!("a{n}")).collect::<Vec<_>>());
        assert_eq!(groups.len(), 2);
    }

    #[test]
    fn who_comes_while_the_group_runs_is_in_it() {
        let mut waiting = Waiting::default();
        for number in 0..100 {
            waiting.push(lane("a"), number);
        }
        waiting.begin_group();
        assert_eq!(std::iter::repeat_with(|| waiting.next()).take(EACH).flatten().count(), EACH);
        waiting.push(lane("b"), 100);
        assert_eq!(waiting.next(), Some(100));
        assert_eq!(waiting.next(), None, "a has had its share");
    }

    #[test]
    fn what_is_nobodys_comes_after_all_before_it_and_in_one_group() {
        let groups = groups(many("a", 2 * EACH).chain(many("b", 1)).chain(many("-", 1)).chain(many("a", 1)));
        assert_eq!(groups[0].iter().position(|job| job == "-1"), Some(2 * EACH + 1), "{groups:?}");
    }
}
