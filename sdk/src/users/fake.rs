//! The help desk's people of plain tests: two maps that keep the real host's rules.

use std::collections::BTreeMap;

use super::{Organization, User};
use crate::CustomField;
use crate::testing::{Host, with_host};
use crate::types::WitError;

#[derive(Default)]
struct People {
    users: BTreeMap<String, User>,
    organizations: BTreeMap<String, Organization>,
}

impl Host {
    /// Puts a person into the help desk.
    pub fn with_user(self, user: User) -> Self {
        self.part(|people: &mut People| people.users.insert(user.id.clone(), user));
        self
    }

    /// Puts an organization into the help desk.
    pub fn with_organization(self, organization: Organization) -> Self {
        self.part(|people: &mut People| people.organizations.insert(organization.id.clone(), organization));
        self
    }
}

/// For [`Host::with_user`]. Only off wasm.
impl User {
    /// A person with nothing but an id.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: None,
            email: None,
            phone: None,
            role: None,
            organization_id: None,
            tags: None,
            locale: None,
            time_zone: None,
        }
    }

    /// Puts the person into an organization.
    pub fn with_organization(self, id: impl Into<String>) -> Self {
        Self { organization_id: Some(id.into()), ..self }
    }
}

/// For [`Host::with_organization`]. Only off wasm.
impl Organization {
    /// An organization with nothing but an id.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: None,
            domain_names: None,
            tags: Some(Vec::new()),
            organization_fields: Some(Vec::new()),
        }
    }

    /// Adds a tag.
    pub fn with_tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.get_or_insert_default().push(tag.into());
        self
    }

    /// Adds a custom field; the value is JSON text, so text has quotes of its own: `"\"enterprise\""`.
    pub fn with_field(mut self, id: impl Into<String>, value: impl Into<String>) -> Self {
        let field = CustomField { id: id.into(), value: value.into() };
        self.organization_fields.get_or_insert_default().push(field);
        self
    }
}

pub(super) fn get(id: &str, fields: &[String]) -> Result<User, WitError> {
    let mut found = User::new(id);
    with_host(|host| {
        host.require("users:read", &named(fields))?;
        host.part(|people: &mut People| {
            let user = people.users.get(id).ok_or(WitError::NotFound)?;
            for name in fields {
                match name.as_str() {
                    "name" => found.name = user.name.clone(),
                    "email" => found.email = user.email.clone(),
                    "phone" => found.phone = user.phone.clone(),
                    "role" => found.role = user.role,
                    "organization_id" => found.organization_id = user.organization_id.clone(),
                    "tags" => found.tags = user.tags.clone(),
                    "locale" => found.locale = user.locale.clone(),
                    "time_zone" => found.time_zone = user.time_zone.clone(),
                    _ => return Err(unknown(name)),
                }
            }
            Ok(found)
        })
    })
}

pub(super) fn get_organization(id: &str, fields: &[String]) -> Result<Organization, WitError> {
    let mut found = Organization { tags: None, organization_fields: None, ..Organization::new(id) };
    with_host(|host| {
        host.require("users:organizations", &named(fields))?;
        host.part(|people: &mut People| {
            let organization = people.organizations.get(id).ok_or(WitError::NotFound)?;
            for name in fields {
                match name.as_str() {
                    "name" => found.name = organization.name.clone(),
                    "domain_names" => found.domain_names = organization.domain_names.clone(),
                    "tags" => found.tags = organization.tags.clone(),
                    "organization_fields" => found.organization_fields = organization.organization_fields.clone(),
                    _ => return Err(unknown(name)),
                }
            }
            Ok(found)
        })
    })
}

fn named(fields: &[String]) -> Vec<(&str, &str)> {
    fields.iter().map(|name| ("fields", name.as_str())).collect()
}

fn unknown(name: &str) -> WitError {
    WitError::Invalid(format!("fields: there is no field `{name}`"))
}
