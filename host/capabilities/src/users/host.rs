//! The host's side of each function in `wit/users.wit`: from the WIT's words to the [ways](super::ways) and back.

use std::{collections::BTreeSet, str::FromStr};

use portcullis_model::helpdesk::{CustomField, FindBy, Organization, PAGE, Role, User};
use portcullis_runtime::{gate::HostResult, wit::types};

use super::{State, wit};

fn fields_of<F: FromStr<Err = String> + Ord>(names: &[String]) -> Result<BTreeSet<F>, types::Error> {
    if names.is_empty() {
        return Err(types::Error::Invalid("fields: name at least one".into()));
    }
    let parsed: Result<_, String> = names.iter().map(|name| name.parse()).collect();
    parsed.map_err(|problem| types::Error::Invalid(format!("fields: {problem}")))
}

fn role(role: Role) -> wit::Role {
    match role {
        Role::EndUser => wit::Role::EndUser,
        Role::Agent => wit::Role::Agent,
        Role::Admin => wit::Role::Admin,
    }
}

pub(crate) fn user(user: User) -> wit::User {
    wit::User {
        id: user.id,
        name: user.name,
        email: user.email,
        phone: user.phone,
        role: user.role.map(role),
        organization_id: user.organization_id,
        tags: user.tags,
        locale: user.locale,
        time_zone: user.time_zone,
    }
}

pub(crate) fn organization(organization: Organization) -> wit::Organization {
    let custom = |field: CustomField| types::CustomField { id: field.id, value: field.value.to_string() };
    wit::Organization {
        id: organization.id,
        name: organization.name,
        domain_names: organization.domain_names,
        tags: organization.tags,
        organization_fields: organization.organization_fields.map(|all| all.into_iter().map(custom).collect()),
    }
}

fn finder(by: wit::Finder) -> FindBy {
    match by {
        wit::Finder::Email(text) => FindBy::Email(text),
        wit::Finder::Phone(text) => FindBy::Phone(text),
        wit::Finder::Organization(text) => FindBy::Organization(text),
    }
}

impl wit::Host for State {
    async fn get(&mut self, id: String, fields: Vec<String>) -> HostResult<wit::User> {
        self.gate.count()?;
        let fields = match fields_of(&fields) {
            Ok(fields) => fields,
            Err(error) => return self.gate.refuse(error),
        };
        Ok(self.user(id, fields).await.map(user).map_err(|refused| self.gate.refused(refused)))
    }

    async fn find(
        &mut self,
        by: wit::Finder,
        fields: Vec<String>,
        after: Option<String>,
    ) -> HostResult<Vec<wit::User>> {
        self.gate.count()?;
        let fields = match fields_of(&fields) {
            Ok(fields) => fields,
            Err(error) => return self.gate.refuse(error),
        };
        let found = self.find_users(finder(by), fields, after, PAGE).await;
        Ok(found.map(|all| all.into_iter().map(user).collect()).map_err(|refused| self.gate.refused(refused)))
    }

    async fn get_organization(&mut self, id: String, fields: Vec<String>) -> HostResult<wit::Organization> {
        self.gate.count()?;
        let fields = match fields_of(&fields) {
            Ok(fields) => fields,
            Err(error) => return self.gate.refuse(error),
        };
        Ok(self.organization(id, fields).await.map(organization).map_err(|refused| self.gate.refused(refused)))
    }
}
