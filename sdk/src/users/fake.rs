//! The help desk's people of plain tests: two maps that keep the real host's rules.

use std::collections::BTreeMap;

use super::{Finder, Organization, Role, User};
use crate::CustomField;
use crate::testing::{Facts, Host, with_host};
use crate::types::WitError;

const PEOPLE: &str = "users:read";
const ORGANIZATIONS: &str = "users:organizations";
const PAGE: usize = 100;
const FIELDS: [&str; 8] = ["name", "email", "phone", "role", "organization_id", "tags", "locale", "time_zone"];
const ORGANIZATION_FIELDS: [&str; 4] = ["name", "domain_names", "tags", "organization_fields"];

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

    /// Sets the name.
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Sets the primary address.
    pub fn with_email(self, email: impl Into<String>) -> Self {
        Self { email: Some(email.into()), ..self }
    }

    /// Sets the primary number.
    pub fn with_phone(self, phone: impl Into<String>) -> Self {
        Self { phone: Some(phone.into()), ..self }
    }

    /// Sets the role.
    pub fn with_role(self, role: Role) -> Self {
        Self { role: Some(role), ..self }
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
    with_host(|host| {
        check(fields, &FIELDS)?;
        host.require(PEOPLE, &named(fields))?;
        let user = host.part(|people: &mut People| people.users.get(id).cloned()).ok_or(WitError::NotFound)?;
        if host.shows_any(PEOPLE, fields, &facts(&user)) {
            Ok(show(host, &user, fields))
        } else {
            Err(WitError::NotFound)
        }
    })
}

pub(super) fn find(by: &Finder, fields: &[String], after: Option<&str>) -> Result<Vec<User>, WitError> {
    with_host(|host| {
        check(fields, &FIELDS)?;
        let (field, text) = match by {
            Finder::Email(text) => ("email", text),
            Finder::Phone(text) => ("phone", text),
            Finder::Organization(text) => ("organization_id", text),
        };
        if text.is_empty() || text.len() > 320 || text.chars().any(char::is_control) {
            return Err(WitError::Invalid("by: expected 1 to 320 bytes without control characters".to_owned()));
        }
        host.require_asking(PEOPLE, fields, &[field])?;
        let mut all: Vec<User> = host.part(|people: &mut People| people.users.values().cloned().collect());
        all.sort_by_key(|user| order(&user.id));
        all.retain(|user| {
            let facts = facts(user);
            let later = after.is_none_or(|after| order(&user.id) > order(after));
            let seen = host.shows_clear(PEOPLE, &[field], &facts) && host.shows_any(PEOPLE, fields, &facts);
            later && seen && fits(user, by)
        });
        Ok(all.iter().take(PAGE).map(|user| show(host, user, fields)).collect())
    })
}

pub(super) fn get_organization(id: &str, fields: &[String]) -> Result<Organization, WitError> {
    with_host(|host| {
        check(fields, &ORGANIZATION_FIELDS)?;
        host.require(ORGANIZATIONS, &named(fields))?;
        let found = host.part(|people: &mut People| people.organizations.get(id).cloned());
        let organization = found.ok_or(WitError::NotFound)?;
        let facts = &Facts::default().with("organization", Some(id));
        if !host.shows_any(ORGANIZATIONS, fields, facts) {
            return Err(WitError::NotFound);
        }
        let asked = |name: &str| fields.iter().any(|field| field == name);
        let all = |name: &str, texts: &Option<Vec<String>>| {
            asked(name).then(|| host.shown_all(ORGANIZATIONS, name, facts, texts.as_deref())).flatten()
        };
        let own = organization.organization_fields.as_deref().filter(|_| asked("organization_fields"));
        Ok(Organization {
            id: organization.id.clone(),
            name: organization
                .name
                .filter(|_| asked("name"))
                .and_then(|name| host.shown(ORGANIZATIONS, "name", facts, Some(&name))),
            domain_names: all("domain_names", &organization.domain_names),
            tags: all("tags", &organization.tags),
            organization_fields: host.shown_custom(ORGANIZATIONS, "organization_fields", facts, own),
        })
    })
}

/// The person with those of the fields that may be seen of them, as they may be seen.
fn show(host: &Host, user: &User, fields: &[String]) -> User {
    let facts = &facts(user);
    let asked = |name: &str| fields.iter().any(|field| field == name);
    let text = |name: &str, value: &Option<String>| {
        asked(name).then(|| host.shown(PEOPLE, name, facts, value.as_deref())).flatten()
    };
    User {
        id: user.id.clone(),
        name: text("name", &user.name),
        email: text("email", &user.email),
        phone: text("phone", &user.phone),
        role: user.role.filter(|_| asked("role") && host.shows_clear(PEOPLE, &["role"], facts)),
        organization_id: text("organization_id", &user.organization_id),
        tags: asked("tags").then(|| host.shown_all(PEOPLE, "tags", facts, user.tags.as_deref())).flatten(),
        locale: text("locale", &user.locale),
        time_zone: text("time_zone", &user.time_zone),
    }
}

/// What `where=` can tell a person apart by.
fn facts(user: &User) -> Facts {
    let role = user.role.map(|role| match role {
        Role::EndUser => "end-user",
        Role::Agent => "agent",
        Role::Admin => "admin",
    });
    Facts::default().with("organization", user.organization_id.clone()).with("role", role)
}

fn fits(user: &User, by: &Finder) -> bool {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    match by {
        Finder::Email(email) => user.email.as_ref().is_some_and(|own| own.to_lowercase() == email.to_lowercase()),
        Finder::Phone(phone) if digits(phone).is_empty() => false,
        Finder::Phone(phone) => user.phone.as_ref().is_some_and(|own| digits(own) == digits(phone)),
        Finder::Organization(id) => user.organization_id.as_ref() == Some(id),
    }
}

/// Ids in their order: numbers as numbers.
fn order(id: &str) -> (u64, String) {
    (id.parse().unwrap_or(0), id.to_owned())
}

fn named(fields: &[String]) -> Vec<(&str, &str)> {
    fields.iter().map(|name| ("fields", name.as_str())).collect()
}

/// An unknown name is `invalid` before anything is looked up.
fn check(fields: &[String], known: &[&str]) -> Result<(), WitError> {
    let invalid = |what: String| Err(WitError::Invalid(format!("fields: {what}")));
    match fields.iter().find(|name| !known.contains(&name.as_str())) {
        Some(name) => invalid(format!("there is no field `{name}`")),
        None if fields.is_empty() => invalid("name at least one".to_owned()),
        None => Ok(()),
    }
}
