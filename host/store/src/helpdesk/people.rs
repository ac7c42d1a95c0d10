//! People and organizations: reading one, and narrowing it to what was asked for.
//!
//! Invariant: nothing here writes; people come into the help desk by its seed.

use std::collections::BTreeSet;

use portcullis_model::{
    error::ServiceError,
    helpdesk::{Organization, OrganizationField, User, UserField},
    id::TenantId,
};
use rusqlite::{Connection, params};

use super::{
    Failure,
    tickets::{id_at, json, name},
};

/// The whole person. `NotFound` where the tenant has none with this id.
pub(super) fn user(db: &Connection, tenant: &TenantId, id: i64) -> Result<User, Failure> {
    let sql = "SELECT id, name, email, phone, role, organization_id, tags, locale, time_zone
        FROM users WHERE tenant = ? AND id = ?";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params![tenant.as_str(), id])?;
    let row = rows.next()?.ok_or(ServiceError::NotFound)?;
    Ok(User {
        id: row.get::<_, i64>(0)?.to_string(),
        name: row.get(1)?,
        email: row.get(2)?,
        phone: row.get(3)?,
        role: name("users", row, 4)?,
        organization_id: id_at(row, 5)?,
        tags: Some(json("users", row, 6)?),
        locale: row.get(7)?,
        time_zone: row.get(8)?,
    })
}

/// The person with no more than the named fields.
pub(super) fn narrowed_user(user: User, fields: &BTreeSet<UserField>) -> User {
    let mut narrow = User { id: user.id, ..User::default() };
    for field in fields {
        match field {
            UserField::Name => narrow.name.clone_from(&user.name),
            UserField::Email => narrow.email.clone_from(&user.email),
            UserField::Phone => narrow.phone.clone_from(&user.phone),
            UserField::Role => narrow.role = user.role,
            UserField::Organization => narrow.organization_id.clone_from(&user.organization_id),
            UserField::Tags => narrow.tags.clone_from(&user.tags),
            UserField::Locale => narrow.locale.clone_from(&user.locale),
            UserField::TimeZone => narrow.time_zone.clone_from(&user.time_zone),
        }
    }
    narrow
}

/// The whole organization. `NotFound` where the tenant has none with this id.
pub(super) fn organization(db: &Connection, tenant: &TenantId, id: i64) -> Result<Organization, Failure> {
    let sql = "SELECT id, name, domain_names, tags, organization_fields FROM organizations WHERE tenant = ? AND id = ?";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params![tenant.as_str(), id])?;
    let row = rows.next()?.ok_or(ServiceError::NotFound)?;
    Ok(Organization {
        id: row.get::<_, i64>(0)?.to_string(),
        name: row.get(1)?,
        domain_names: Some(json("organizations", row, 2)?),
        tags: Some(json("organizations", row, 3)?),
        organization_fields: Some(json("organizations", row, 4)?),
    })
}

/// The organization with no more than the named fields.
pub(super) fn narrowed_organization(from: Organization, fields: &BTreeSet<OrganizationField>) -> Organization {
    let mut narrow = Organization { id: from.id, ..Organization::default() };
    for field in fields {
        match field {
            OrganizationField::Name => narrow.name.clone_from(&from.name),
            OrganizationField::DomainNames => narrow.domain_names.clone_from(&from.domain_names),
            OrganizationField::Tags => narrow.tags.clone_from(&from.tags),
            OrganizationField::OrganizationFields => narrow.organization_fields.clone_from(&from.organization_fields),
        }
    }
    narrow
}
