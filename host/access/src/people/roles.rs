//! Roles of a tenant's own (ACC-1): checked as policies before they are stored, and never more than their author may do.

use portcullis_model::{
    audit::Kind,
    id::{RoleName, TenantId},
    oauth::Put,
    people::{
        Caller, PeopleChange, Role, Rule,
        actions::{ROLES_CHANGE, ROLES_LIST},
    },
};

use crate::{Access, AccessError, check_role, decide::Given};

/// The most roles of a tenant's own.
const MOST: usize = 50;
/// The most people who are looked through for a role.
const PEOPLE: usize = 10_000;

impl Access {
    /// A tenant's own roles.
    ///
    /// # Errors
    /// The caller may not, or storage.
    pub async fn roles(&self, caller: &Caller, tenant: &TenantId) -> Result<Vec<Role>, AccessError> {
        self.may(caller, &ROLES_LIST, Some(tenant), "role", None).await?;
        Ok(self.store.roles(tenant).await?)
    }

    /// Makes a role, or writes it anew: in force with the next request of whoever holds it.
    ///
    /// # Errors
    /// The caller may not, or may do less than the role; it is not valid; there are too many.
    pub async fn put_role(
        &self,
        caller: &Caller,
        tenant: &TenantId,
        name: &RoleName,
        says: &str,
        rules: Vec<Rule>,
    ) -> Result<Role, AccessError> {
        self.may(caller, &ROLES_CHANGE, Some(tenant), "role", Some(name.as_str())).await?;
        let there = self.store.roles(tenant).await?;
        let before = there.iter().find(|role| role.name == *name);
        if before.is_none() && there.len() >= MOST {
            return Err(AccessError::Conflict(format!("{MOST} roles are the most")));
        }
        let role = Role {
            tenant: tenant.clone(),
            name: name.clone(),
            says: portcullis_model::audit::plain(says.trim()),
            rules,
            by: caller.actor.clone(),
            removed: false,
            version: before.map_or(1, |role| role.version + 1),
        };
        check_role(&role).map_err(|error| AccessError::Invalid(error.to_string()))?;
        self.covers(caller, Some(tenant), &Given::New(&role)).await?;
        let permits: Vec<&str> =
            role.rules.iter().filter(|rule| !rule.forbid).flat_map(|rule| &rule.actions).map(String::as_str).collect();
        let entry = self
            .entry(caller, Kind::RoleChanged, Some(tenant))
            .about(format!("role:{name}"))
            .with("permits", permits)
            .with("new", before.is_none());
        let put = Some(Put { row: role.clone(), expected: before.map(|role| role.version) });
        self.change(PeopleChange { role: put, entries: vec![entry], ..Default::default() }).await?;
        Ok(role)
    }

    /// Removes a role that nobody holds. Its name can not be used again.
    ///
    /// # Errors
    /// The caller may not; somebody holds it; there is no such role.
    pub async fn remove_role(&self, caller: &Caller, tenant: &TenantId, name: &RoleName) -> Result<(), AccessError> {
        self.may(caller, &ROLES_CHANGE, Some(tenant), "role", Some(name.as_str())).await?;
        let there = self.store.roles(tenant).await?;
        let role = there.into_iter().find(|role| role.name == *name).ok_or(AccessError::Unknown("role"))?;
        let people = self.store.people_of(Some(tenant), None, PEOPLE).await?;
        let held = people.iter().filter(|(_, held)| held.ended.is_none() && held.role == *name).count();
        if held > 0 {
            return Err(AccessError::Conflict(format!("{held} people hold it: give them another role first")));
        }
        let entry =
            self.entry(caller, Kind::RoleChanged, Some(tenant)).about(format!("role:{name}")).with("removed", true);
        let expected = Some(role.version);
        let put = Some(Put { row: Role { removed: true, version: role.version + 1, ..role }, expected });
        self.change(PeopleChange { role: put, entries: vec![entry], ..Default::default() }).await
    }
}
