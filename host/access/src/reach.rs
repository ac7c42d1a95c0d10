//! What a role reaches, as a set of things that can be compared: who would gain or lose what by another role, or by other rules.
//!
//! Invariant: what a comparison calls gained by one side it calls lost by the other.

use std::collections::BTreeSet;

use portcullis_model::{
    error::StoreError,
    id::{RoleName, TenantId},
    people::{BuiltIn, Rule},
};

use crate::{Access, decide::built_in_acts};

/// What a role reaches at its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleReach {
    /// Actions, on everything there that is not an exception.
    pub everywhere: BTreeSet<String>,
    /// Actions on one resource, such as `installation:ins_1`, that are not reached everywhere.
    pub only: BTreeSet<(String, String)>,
    /// Resources on which an action that is reached everywhere is not.
    pub except: BTreeSet<(String, String)>,
}

impl RoleReach {
    /// What these rules reach. A rule that forbids wins over every rule that permits.
    pub fn of(rules: &[Rule]) -> Self {
        let (mut reach, mut never, mut never_on) = (Self::default(), BTreeSet::new(), BTreeSet::new());
        for rule in rules {
            for action in &rule.actions {
                let pairs = rule.only.iter().map(|named| (action.clone(), named.clone()));
                match (rule.forbid, rule.only.is_empty()) {
                    (false, true) => drop(reach.everywhere.insert(action.clone())),
                    (false, false) => reach.only.extend(pairs),
                    (true, true) => drop(never.insert(action.clone())),
                    (true, false) => never_on.extend(pairs),
                }
            }
        }
        reach.everywhere.retain(|action| !never.contains(action));
        let everywhere = &reach.everywhere;
        reach.only.retain(|pair| !never.contains(&pair.0) && !never_on.contains(pair) && !everywhere.contains(&pair.0));
        never_on.retain(|(action, _)| everywhere.contains(action));
        reach.except = never_on;
        reach
    }

    fn covers(&self, pair: &(String, String)) -> bool {
        self.only.contains(pair) || (self.everywhere.contains(&pair.0) && !self.except.contains(pair))
    }

    /// What this one reaches that the other one does not: an action, or an action `on` a resource, a line each.
    pub fn beyond(&self, other: &Self) -> Vec<String> {
        let line = |(action, named): &(String, String)| format!("{action} on {named}");
        let everywhere = self.everywhere.difference(&other.everywhere).cloned();
        let only = self.only.iter().filter(|pair| !other.covers(pair)).map(line);
        let both = |action: &String| self.everywhere.contains(action) && other.everywhere.contains(action);
        let freed = other.except.difference(&self.except).filter(|pair| both(&pair.0)).map(line);
        let mut lines: Vec<String> = everywhere.chain(only).chain(freed).collect();
        lines.sort();
        lines
    }
}

impl Access {
    /// What a role reaches at a place; nothing where there is no such role.
    ///
    /// # Errors
    /// Storage, or policies that cannot be asked.
    pub async fn reach_of(&self, place: Option<&TenantId>, role: &RoleName) -> Result<RoleReach, StoreError> {
        if BuiltIn::of(role).is_some() {
            let acts = built_in_acts(place.is_some(), role)?;
            let everywhere = acts.iter().map(|action| action.name.to_owned()).collect();
            return Ok(RoleReach { everywhere, ..RoleReach::default() });
        }
        let Some(tenant) = place else { return Ok(RoleReach::default()) };
        let own = self.store.roles(tenant).await?.into_iter().find(|one| one.name == *role);
        Ok(own.map(|own| RoleReach::of(&own.rules)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(forbid: bool, actions: &[&str], only: &[&str]) -> Rule {
        let set = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
        Rule { forbid, actions: set(actions), only: set(only) }
    }

    #[test]
    fn what_one_gains_by_a_change_is_lost_by_its_opposite() {
        type Case<'a> = (Vec<Rule>, Vec<Rule>, &'a [&'a str], &'a [&'a str]);
        let cases: [Case<'_>; 5] = [
            (vec![], vec![rule(false, &["a.b"], &[])], &["a.b"], &[]),
            (vec![rule(false, &["a.b"], &["x:1"])], vec![rule(false, &["a.b"], &[])], &["a.b"], &[]),
            (
                vec![rule(false, &["a.b"], &[])],
                vec![rule(false, &["a.b"], &[]), rule(true, &["a.b"], &["x:1"])],
                &[],
                &["a.b on x:1"],
            ),
            (
                vec![rule(false, &["a.b"], &["x:1", "x:2"])],
                vec![rule(false, &["a.b"], &["x:2", "x:3"])],
                &["a.b on x:3"],
                &["a.b on x:1"],
            ),
            (
                vec![rule(false, &["a.b", "c.d"], &[]), rule(true, &["a.b"], &[])],
                vec![rule(false, &["a.b"], &[])],
                &["a.b"],
                &["c.d"],
            ),
        ];
        for (before, after, gained, lost) in cases {
            let (before, after) = (RoleReach::of(&before), RoleReach::of(&after));
            assert_eq!((after.beyond(&before), before.beyond(&after)), (list(gained), list(lost)));
            assert!(before.beyond(&before).is_empty());
        }
    }

    fn list(all: &[&str]) -> Vec<String> {
        all.iter().map(|one| (*one).to_owned()).collect()
    }

    #[test]
    fn what_an_exception_keeps_from_everywhere_counts_where_it_was_held_before() {
        let one = RoleReach::of(&[rule(false, &["a.b"], &["x:1"])]);
        let all_but = RoleReach::of(&[rule(false, &["a.b"], &[]), rule(true, &["a.b"], &["x:1"])]);
        assert_eq!(one.beyond(&all_but), ["a.b on x:1"]);
        assert_eq!(all_but.beyond(&one), ["a.b"]);
    }
}
