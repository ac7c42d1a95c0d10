//! Roles: those that come with the host, and a tenant's own ones, which are policies (ACC-1).
//!
//! Invariants: what decides over who may do what stays with owners; nobody makes a role that may more than they may; who would gain or
//! lose what is said before it is done.

mod add;
mod change;
mod get;
mod list;
mod remove;
#[cfg(test)]
mod tests;

use portcullis_access::{Access, RoleReach};
use portcullis_model::{
    id::{RoleName, TenantId},
    people::{BuiltIn, Caller, Role, Rule},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub use super::people::Ports;
use super::people::{called, refused};
use crate::{
    admin::{Call, Group, Operation, Reply, unavailable, unknown},
    problem::Problem,
};

/// The most holders of a role that are named.
const NAMED: usize = 200;
/// The most people of a tenant who are looked through for holders of a role.
const MOST: usize = 10_000;

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new()
        .with::<list::List>()
        .with::<add::Add>()
        .with::<get::Get>()
        .with::<change::Change>()
        .with::<remove::Remove>()
}

/// Whose roles.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Of {
    /// The tenant.
    #[param(value_type = String)]
    tenant: TenantId,
}

/// Which role.
#[derive(Deserialize, IntoParams)]
pub struct Which {
    /// Its name.
    #[param(value_type = String)]
    name: RoleName,
}

/// A role.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = Role)]
pub struct RoleView {
    /// Its name.
    name: String,
    /// Whether it comes with the host: then nobody changes it.
    built_in: bool,
    /// What it is for, in a person's words; empty for those that come with the host.
    says: String,
    /// What it permits and forbids, rule by rule; empty for those that come with the host.
    rules: Vec<RuleView>,
    /// The actions that it permits everywhere in the tenant.
    permits: Vec<String>,
    /// Who wrote it last; empty for those that come with the host.
    by: String,
    /// The version of it; 0 for those that come with the host.
    version: u64,
}

/// A rule of a role. What is forbidden wins.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RoleRule)]
pub struct RuleView {
    /// Whether it forbids; else it permits.
    #[serde(default)]
    forbid: bool,
    /// Names of actions, as in the file of who may do what.
    #[schema(max_items = 100)]
    actions: Vec<String>,
    /// Only on these resources, such as `installation:ins_1`; on everything in the tenant where there is none.
    #[serde(default)]
    #[schema(max_items = 64)]
    only: Vec<String>,
}

impl From<&Rule> for RuleView {
    fn from(rule: &Rule) -> Self {
        let list = |set: &std::collections::BTreeSet<String>| set.iter().cloned().collect();
        Self { forbid: rule.forbid, actions: list(&rule.actions), only: list(&rule.only) }
    }
}

impl From<RuleView> for Rule {
    fn from(view: RuleView) -> Self {
        Self { forbid: view.forbid, actions: view.actions.into_iter().collect(), only: view.only.into_iter().collect() }
    }
}

impl From<&Role> for RoleView {
    fn from(role: &Role) -> Self {
        Self {
            name: role.name.to_string(),
            built_in: false,
            says: role.says.clone(),
            rules: role.rules.iter().map(RuleView::from).collect(),
            permits: RoleReach::of(&role.rules).everywhere.into_iter().collect(),
            by: called(&role.by),
            version: role.version,
        }
    }
}

/// A role that was made, changed or removed, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RoleChanged)]
pub struct Changed {
    /// Whether this was a rehearsal: nothing was changed then.
    dry_run: bool,
    /// The role; absent where it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<RoleView>,
    /// What whoever holds it can do now and could not before: actions, or actions on a resource.
    gained: Vec<String>,
    /// What whoever holds it can do no longer.
    lost: Vec<String>,
    /// Whom that concerns: those who hold it, 200 at most.
    holders: Vec<Holder>,
}

/// Somebody who holds a role.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RoleHolder)]
pub struct Holder {
    /// The person.
    id: String,
    /// The name.
    name: String,
}

/// The role, where there is one of that name.
async fn found(access: &Access, caller: &Caller, tenant: &TenantId, name: &RoleName) -> Result<Option<Role>, Problem> {
    let all = access.roles(caller, tenant).await.map_err(refused)?;
    Ok(all.into_iter().find(|role| role.name == *name))
}

fn no_role() -> Problem {
    unknown("The tenant has no role of its own with this name; see GET /admin/v1/roles.")
}

/// A built-in role, with what it permits.
async fn built_in(access: &Access, tenant: &TenantId, role: BuiltIn) -> Result<Option<RoleView>, Problem> {
    let Ok(name) = role.name().parse::<RoleName>() else { return Ok(None) };
    let reach = access.reach_of(Some(tenant), &name).await.map_err(|error| unavailable(&error))?;
    let (says, rules, by) = (String::new(), Vec::new(), String::new());
    let permits = reach.everywhere.into_iter().collect();
    Ok(Some(RoleView { name: name.to_string(), built_in: true, says, rules, permits, by, version: 0 }))
}

/// Those who hold a role.
async fn holders(access: &Access, caller: &Caller, tenant: &TenantId, name: &RoleName) -> Result<Vec<Holder>, Problem> {
    let people = access.people(caller, Some(tenant), None, MOST).await.map_err(refused)?;
    let held = people.into_iter().filter(|(_, held)| held.role == *name && held.holds(caller.now));
    Ok(held.take(NAMED).map(|(person, _)| Holder { id: person.id.to_string(), name: person.name }).collect())
}

/// Writes a role, or rehearses that, and says what it changes for whom.
async fn put<O: Operation>(
    ports: &Ports,
    call: &Call<O>,
    tenant: &TenantId,
    name: &RoleName,
    (says, rules): (&str, Vec<RuleView>),
) -> Result<Reply<Changed>, Problem> {
    let access = ports.acting(call.dry_run)?;
    let before = found(&access, &call.caller, tenant, name).await?;
    let reach = before.map(|role| RoleReach::of(&role.rules)).unwrap_or_default();
    let rules = rules.into_iter().map(Rule::from).collect();
    let role = access.put_role(&call.caller, tenant, name, says, rules).await.map_err(refused)?;
    let after = RoleReach::of(&role.rules);
    let changed = Changed {
        dry_run: call.dry_run,
        role: Some((&role).into()),
        gained: after.beyond(&reach),
        lost: reach.beyond(&after),
        holders: holders(&access, &call.caller, tenant, name).await?,
    };
    let reply = Reply::json(changed).at(role.version);
    Ok(if call.dry_run { reply.tried() } else { reply })
}
