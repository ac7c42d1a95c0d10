//! The host's side of each function in `wit/users.wit`.

use std::{collections::BTreeSet, str::FromStr};

use portcullis_model::helpdesk::{CustomField, GetOrganization, GetUser, Role};
use portcullis_runtime::{gate::HostResult, wit::types};

use super::{State, wit};

const MAX_ID: usize = 128;

fn check<F: FromStr<Err = String> + Ord>(id: &str, fields: &[String]) -> Result<BTreeSet<F>, types::Error> {
    if !(1..=MAX_ID).contains(&id.len()) || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b)) {
        return Err(types::Error::Invalid("id: expected 1 to 128 of A-Z a-z 0-9 - _ . :".into()));
    }
    if fields.is_empty() {
        return Err(types::Error::Invalid("fields: name at least one".into()));
    }
    let parsed: Result<_, String> = fields.iter().map(|name| name.parse()).collect();
    parsed.map_err(|problem| types::Error::Invalid(format!("fields: {problem}")))
}

fn role(role: Role) -> wit::Role {
    match role {
        Role::EndUser => wit::Role::EndUser,
        Role::Agent => wit::Role::Agent,
        Role::Admin => wit::Role::Admin,
    }
}

impl wit::Host for State {
    async fn get(&mut self, id: String, fields: Vec<String>) -> HostResult<wit::User> {
        self.gate.count()?;
        let fields = match check(&id, &fields) {
            Ok(fields) => fields,
            Err(error) => return Ok(Err(error)),
        };
        let desk = self.desk.clone();
        let act = GetUser { id, fields };
        let got = self.gate.act(&self.authority, act, |spent| async move { desk.user(spent).await }).await?;
        Ok(got.map(|user| wit::User {
            id: user.id,
            name: user.name,
            email: user.email,
            phone: user.phone,
            role: user.role.map(role),
            organization_id: user.organization_id,
            tags: user.tags,
            locale: user.locale,
            time_zone: user.time_zone,
        }))
    }

    async fn get_organization(&mut self, id: String, fields: Vec<String>) -> HostResult<wit::Organization> {
        self.gate.count()?;
        let fields = match check(&id, &fields) {
            Ok(fields) => fields,
            Err(error) => return Ok(Err(error)),
        };
        let desk = self.desk.clone();
        let act = GetOrganization { id, fields };
        let got = self.gate.act(&self.authority, act, |spent| async move { desk.organization(spent).await }).await?;
        let custom = |field: CustomField| types::CustomField { id: field.id, value: field.value.to_string() };
        Ok(got.map(|organization| wit::Organization {
            id: organization.id,
            name: organization.name,
            domain_names: organization.domain_names,
            tags: organization.tags,
            organization_fields: organization.organization_fields.map(|all| all.into_iter().map(custom).collect()),
        }))
    }
}
