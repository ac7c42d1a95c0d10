//! The policies: those that come with the host, read once and validated strictly, and those that follow from what a tenant has set.
//!
//! Invariant: no policy is asked that did not pass the validation against the schema; where one fails nothing is decided.

mod tenant;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use cedar_policy::{PolicyId, PolicySet, Schema, ValidationMode, Validator};
use portcullis_model::people::{ACTIONS, Action};

pub use tenant::check_role;
pub(crate) use tenant::{Place, of_place};

const SCHEMA: &str = include_str!("../../policies/portcullis.cedarschema");
const FILES: [(&str, &str); 8] = [
    ("forbid", include_str!("../../policies/forbid.cedar")),
    ("operator", include_str!("../../policies/operator.cedar")),
    ("owner", include_str!("../../policies/owner.cedar")),
    ("admin", include_str!("../../policies/admin.cedar")),
    ("reviewer", include_str!("../../policies/reviewer.cedar")),
    ("developer", include_str!("../../policies/developer.cedar")),
    ("auditor", include_str!("../../policies/auditor.cedar")),
    ("support", include_str!("../../policies/support.cedar")),
];

/// Policies that are not what they should be.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{what}: {why}")]
pub struct PolicyError {
    /// Which.
    pub what: String,
    /// What is wrong with them.
    pub why: String,
}

impl PolicyError {
    pub(crate) fn new(what: &str, why: impl ToString) -> Self {
        Self { what: what.to_owned(), why: why.to_string() }
    }
}

/// The policies of the host, and what they speak of.
pub(crate) struct Policies {
    pub schema: Schema,
    built_in: PolicySet,
    /// By what they were made from.
    places: Mutex<BTreeMap<String, PolicySet>>,
}

/// The most places of which the policies are kept ready.
const PLACES: usize = 256;

impl Policies {
    /// Those that come with the host: read and validated once.
    pub fn built_in() -> Result<Arc<Self>, PolicyError> {
        static READ: OnceLock<Result<Arc<Policies>, PolicyError>> = OnceLock::new();
        READ.get_or_init(|| Self::read().map(Arc::new)).clone()
    }

    fn read() -> Result<Self, PolicyError> {
        let schema = schema()?;
        let mut all = PolicySet::new();
        for (name, text) in FILES {
            add(&mut all, name, text)?;
        }
        validate(&schema, &all)?;
        Ok(Self { schema, built_in: all, places: Mutex::default() })
    }

    /// With those of a place added.
    pub fn with(&self, text: String) -> Result<PolicySet, PolicyError> {
        if text.is_empty() {
            return Ok(self.built_in.clone());
        }
        if let Some(ready) = self.places.lock().unwrap_or_else(PoisonError::into_inner).get(&text) {
            return Ok(ready.clone());
        }
        let (mut all, mut own) = (self.built_in.clone(), PolicySet::new());
        add(&mut own, "place", &text)?;
        validate(&self.schema, &own)?;
        all.merge(&own, false).map_err(|error| PolicyError::new("the policies of the place", error))?;
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= PLACES {
            places.pop_first();
        }
        places.insert(text, all.clone());
        Ok(all)
    }
}

/// The sort of an action, which is the second half of its group's name.
fn sort(action: &Action) -> &'static str {
    match (action.read_only, action.privileged) {
        (true, false) => "read",
        (true, true) => "export",
        (false, false) => "change",
        (false, true) => "privileged",
    }
}

/// The schema: what is in the file, and the actions of the catalogue with their groups.
fn schema() -> Result<Schema, PolicyError> {
    let mut text = SCHEMA.to_owned();
    let mut groups = BTreeSet::new();
    for action in ACTIONS {
        groups.insert(sort(action).to_owned());
        groups.insert(format!("{}/{}", action.noun(), sort(action)));
    }
    for group in groups {
        let _ = writeln!(text, "action \"{group}\";");
    }
    for action in ACTIONS {
        let _ = writeln!(
            text,
            "action \"{}\" in [\"{}\", \"{}/{}\"] appliesTo {{ principal: [Operator, Person, Automation], resource: [Resource], \
             context: Request }};",
            action.name,
            sort(action),
            action.noun(),
            sort(action)
        );
    }
    let (schema, _) = Schema::from_cedarschema_str(&text).map_err(|error| PolicyError::new("the schema", error))?;
    Ok(schema)
}

/// Adds what a text says, each policy under the id that it gives itself.
fn add(all: &mut PolicySet, name: &str, text: &str) -> Result<(), PolicyError> {
    let read: PolicySet = text.parse().map_err(|error| PolicyError::new(name, error))?;
    for policy in read.policies() {
        let Some(id) = policy.annotation("id") else {
            return Err(PolicyError::new(name, "a policy without an @id"));
        };
        let policy = policy.new_id(PolicyId::new(id));
        all.add(policy).map_err(|error| PolicyError::new(name, error))?;
    }
    Ok(())
}

fn validate(schema: &Schema, policies: &PolicySet) -> Result<(), PolicyError> {
    let result = Validator::new(schema.clone()).validate(policies, ValidationMode::Strict);
    let mut wrong = result.validation_errors().map(ToString::to_string);
    match wrong.next() {
        None => Ok(()),
        Some(first) => Err(PolicyError::new("the policies", first)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_with_the_host_passes_strict_validation_without_a_warning() {
        let policies = Policies::built_in().unwrap();
        let result = Validator::new(policies.schema.clone()).validate(&policies.built_in, ValidationMode::Strict);
        let warnings: Vec<String> = result.validation_warnings().map(ToString::to_string).collect();
        assert!(warnings.is_empty(), "{warnings:?}");
        assert_eq!(policies.built_in.policies().count(), FILES[0].1.matches("@id").count() + FILES.len() - 1);
    }

    #[test]
    fn a_policy_that_speaks_of_what_is_not_there_is_refused() {
        let policies = Policies::built_in().unwrap();
        for wrong in [
            "@id(\"x\") permit (principal, action == Action::\"installations.destroy\", resource);",
            "@id(\"x\") permit (principal is Person, action, resource) when { principal.admin };",
            "@id(\"x\") permit (principal is Person, action, resource) when { context.second_factor_age < 5 };",
            "permit (principal, action, resource);",
        ] {
            assert!(policies.with(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
