//! The capability `users`: find and read people and organizations of the help desk.
//!
//! A record holds only the fields that were asked for, and asking for one that is not granted is an error. A grant can
//! show a field masked or as a token, and can be about some people only (`where=`): the others are not found.

#[cfg(not(target_family = "wasm"))]
mod fake;

#[cfg(not(target_family = "wasm"))]
use fake as host;
#[cfg(target_family = "wasm")]
use wit::portcullis::plugin::users as host;

use crate::{CustomField, Error};

#[expect(missing_docs, reason = "the names are Zendesk's, and wit/ says what they mean")]
mod wit {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package portcullis:sdk; world users { import portcullis:plugin/users@0.1.0; }",
        with: { "portcullis:plugin/types@0.1.0": crate::types::wit::portcullis::plugin::types },
        additional_derives: [PartialEq],
        generate_all,
    });
}

pub use wit::portcullis::plugin::users::{Finder, Organization, Role, User};

/// A field of a person that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// `name`
    Name,
    /// `email`
    Email,
    /// `phone`
    Phone,
    /// `role`
    Role,
    /// `organization_id`
    OrganizationId,
    /// `tags`
    Tags,
    /// `locale`
    Locale,
    /// `time_zone`
    TimeZone,
}

impl Field {
    /// The field's name in scopes and in the contract.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Role => "role",
            Self::OrganizationId => "organization_id",
            Self::Tags => "tags",
            Self::Locale => "locale",
            Self::TimeZone => "time_zone",
        }
    }
}

/// A field of an organization that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrganizationField {
    /// `name`
    Name,
    /// `domain_names`
    DomainNames,
    /// `tags`
    Tags,
    /// `organization_fields`, the custom fields.
    OrganizationFields,
}

impl OrganizationField {
    /// The field's name in scopes and in the contract.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::DomainNames => "domain_names",
            Self::Tags => "tags",
            Self::OrganizationFields => "organization_fields",
        }
    }
}

/// Reads the named fields of one person.
///
/// Scope: `users:read fields=...` for every field named.
/// Errors: `denied`, `not-found`, `unavailable`.
pub fn get(id: &str, fields: &[Field]) -> Result<User, Error> {
    let names: Vec<String> = fields.iter().map(|field| field.name().to_owned()).collect();
    Ok(host::get(id, &names)?)
}

/// Reads the named fields of one organization.
///
/// Scope: `users:organizations fields=...` for every field named.
/// Errors: `denied`, `not-found`, `unavailable`.
pub fn organization(id: &str, fields: &[OrganizationField]) -> Result<Organization, Error> {
    let names: Vec<String> = fields.iter().map(|field| field.name().to_owned()).collect();
    Ok(host::get_organization(id, &names)?)
}

/// Finds people by what they must fit whole, in the order of their ids, and reads the named fields of each: at most 100;
/// `after` is the id of the last one already seen.
///
/// Scope: `users:read fields=...` for every field named, and in the clear for the one that is searched by. People outside
/// of the grant's `where=` are not found.
/// Errors: `denied`, `invalid`, `limited` (`records-read`), `unavailable`.
pub fn find(by: &Finder, fields: &[Field], after: Option<&str>) -> Result<Vec<User>, Error> {
    let names: Vec<String> = fields.iter().map(|field| field.name().to_owned()).collect();
    Ok(host::find(by, &names, after)?)
}

/// The first 100 people with this primary address, in any case.
///
/// Scope: as [`find`], with `email` in the clear. Errors: as [`find`].
pub fn find_by_email(email: impl Into<String>, fields: &[Field]) -> Result<Vec<User>, Error> {
    find(&Finder::Email(email.into()), fields, None)
}

/// The first 100 people with this primary number; only digits count.
///
/// Scope: as [`find`], with `phone` in the clear. Errors: as [`find`].
pub fn find_by_phone(phone: impl Into<String>, fields: &[Field]) -> Result<Vec<User>, Error> {
    find(&Finder::Phone(phone.into()), fields, None)
}

/// An organization's people, at most 100; `after` is the id of the last one already seen.
///
/// Scope: as [`find`], with `organization_id` in the clear. Errors: as [`find`].
pub fn find_by_organization(
    organization: impl Into<String>,
    fields: &[Field],
    after: Option<&str>,
) -> Result<Vec<User>, Error> {
    find(&Finder::Organization(organization.into()), fields, after)
}

impl Organization {
    /// Whether the organization was read with its tags and has this one.
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().flatten().any(|own| own == tag)
    }

    /// A custom field by its key, if the organization was read with them and has it.
    pub fn custom_field(&self, key: &str) -> Option<&CustomField> {
        self.organization_fields.as_ref()?.iter().find(|field| field.id == key)
    }
}
