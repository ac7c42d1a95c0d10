//! The host's side of each function in `wit/users.wit`.

use std::{collections::BTreeSet, str::FromStr};

use portcullis_model::helpdesk::{
    CustomField, FindBy, FindUsers, GetOrganization, GetUser, Organization, OrganizationField, PAGE, Role, User,
    UserField,
};
use portcullis_runtime::{gate::HostResult, wit::types};

use super::{
    State,
    scope::{organizations, people},
    show, wit,
};

const MAX_ID: usize = 128;

fn check_id(id: &str) -> Result<(), types::Error> {
    match (1..=MAX_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b)) {
        true => Ok(()),
        false => Err(types::Error::Invalid("id: expected 1 to 128 of A-Z a-z 0-9 - _ . :".into())),
    }
}

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

fn user(user: User) -> wit::User {
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

fn organization(organization: Organization) -> wit::Organization {
    let custom = |field: CustomField| types::CustomField { id: field.id, value: field.value.to_string() };
    wit::Organization {
        id: organization.id,
        name: organization.name,
        domain_names: organization.domain_names,
        tags: organization.tags,
        organization_fields: organization.organization_fields.map(|all| all.into_iter().map(custom).collect()),
    }
}

/// What a person is looked for by, checked before it gets anywhere.
fn finder(by: wit::Finder) -> Result<FindBy, types::Error> {
    let (by, text) = match by {
        wit::Finder::Email(text) => (FindBy::Email(text.clone()), text),
        wit::Finder::Phone(text) => (FindBy::Phone(text.clone()), text),
        wit::Finder::Organization(text) => (FindBy::Organization(text.clone()), text),
    };
    match (1..=320).contains(&text.len()) && !text.chars().any(char::is_control) {
        true => Ok(by),
        false => Err(types::Error::Invalid("by: expected 1 to 320 bytes without control characters".into())),
    }
}

impl wit::Host for State {
    async fn get(&mut self, id: String, fields: Vec<String>) -> HostResult<wit::User> {
        self.gate.count()?;
        let fields: BTreeSet<UserField> = match check_id(&id).and_then(|()| fields_of(&fields)) {
            Ok(fields) => fields,
            Err(error) => return Ok(Err(error)),
        };
        let desk = self.desk.clone();
        let within = people(self.authority.effective()).within_any(&fields);
        let act = GetUser { id, fields: fields.clone(), within };
        let got = self.gate.act(&self.authority, act, |spent| async move { desk.user(spent).await }).await?;
        let people = people(self.authority.effective());
        Ok(got.map(|seen| user(show::user(&people, &self.veil, seen, &fields))))
    }

    async fn find(
        &mut self,
        by: wit::Finder,
        fields: Vec<String>,
        after: Option<String>,
    ) -> HostResult<Vec<wit::User>> {
        self.gate.count()?;
        let after_is_fine = after.as_deref().map_or(Ok(()), check_id);
        let (by, fields) = match after_is_fine.and_then(|()| Ok((finder(by)?, fields_of::<UserField>(&fields)?))) {
            Ok(asked) => asked,
            Err(error) => return Ok(Err(error)),
        };
        let desk = self.desk.clone();
        let people = people(self.authority.effective());
        let within = people.within_clear(&[by.field()].into()).meet(&people.within_any(&fields));
        let act = FindUsers { by, fields: fields.clone(), after, most: self.gate.page(PAGE), within };
        let got = self.gate.act(&self.authority, act, |spent| async move { desk.find_users(spent).await }).await?;
        let show = |seen| user(show::user(&people, &self.veil, seen, &fields));
        Ok(got.map(|all| all.into_iter().map(show).collect()))
    }

    async fn get_organization(&mut self, id: String, fields: Vec<String>) -> HostResult<wit::Organization> {
        self.gate.count()?;
        let fields: BTreeSet<OrganizationField> = match check_id(&id).and_then(|()| fields_of(&fields)) {
            Ok(fields) => fields,
            Err(error) => return Ok(Err(error)),
        };
        let desk = self.desk.clone();
        let readable = organizations(self.authority.effective());
        let act = GetOrganization { id, fields: fields.clone(), within: readable.within_any(&fields) };
        let got = self.gate.act(&self.authority, act, |spent| async move { desk.organization(spent).await }).await?;
        Ok(got.map(|seen| organization(show::organization(&readable, &self.veil, seen, &fields))))
    }
}
