//! People and organizations: reading one, finding people, and narrowing each to what was asked for.
//!
//! Invariants: nothing here writes; people come into the help desk by its seed. Who is out of reach is as good as not there.

use std::collections::BTreeSet;

use portcullis_model::{
    error::ServiceError,
    helpdesk::{FindBy, FindUsers, ListOrganizations, Organization, OrganizationField, Role, Seen, User, UserField},
    scope::Facts,
};
use rusqlite::{Connection, Row, types::Value};

use super::{
    Failure, ids, keys, number, page_size,
    reach::Reach,
    tickets::{id_at, json, name},
};

const USER: &str = "SELECT id, name, email, phone, role, organization_id, tags, locale, time_zone FROM users u";

/// The whole person. `NotFound` where none with this id can be reached.
pub(super) fn user(db: &Connection, reach: &Reach, id: i64) -> Result<User, Failure> {
    let reached = reach.users();
    let mut statement = db.prepare_cached(&format!("{USER} WHERE {} AND u.id = ?", reached.sql()))?;
    let mut rows = statement.query(reached.with([id.into()]))?;
    user_at(rows.next()?.ok_or(ServiceError::NotFound)?)
}

/// Whole people, in the order of their ids.
pub(super) fn find(db: &Connection, reach: &Reach, act: &FindUsers) -> Result<Vec<User>, Failure> {
    let (column, wanted): (_, Option<Value>) = match &act.by {
        FindBy::Email(email) => ("email_key", keys::folded(email).map(Value::from)),
        FindBy::Phone(phone) => ("phone_key", keys::digits(phone).map(Value::from)),
        FindBy::Organization(id) => ("organization_id", number(id).ok().map(Value::from)),
    };
    let (after, most) = (ids::after(act.after.as_deref())?, page_size(act.most)?);
    let Some(wanted) = wanted else { return Ok(Vec::new()) };
    let reached = reach.users();
    let of = format!("{} AND u.{column} = ? AND u.id > ?", reached.sql());
    let mut statement = db.prepare_cached(&format!("{USER} WHERE {of} ORDER BY u.id LIMIT ?"))?;
    let mut rows = statement.query(reached.with([wanted, after.into(), most.into()]))?;
    let mut users = Vec::new();
    while let Some(row) = rows.next()? {
        users.push(user_at(row)?);
    }
    Ok(users)
}

fn user_at(row: &Row<'_>) -> Result<User, Failure> {
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

/// The named fields of a whole person, and the facts.
pub(super) fn seen_user(user: User, fields: &BTreeSet<UserField>) -> Seen<User> {
    let facts =
        Facts::default().with("organization", user.organization_id.clone()).with("role", user.role.map(Role::name));
    Seen { record: narrowed_user(user, fields), facts }
}

fn narrowed_user(user: User, fields: &BTreeSet<UserField>) -> User {
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

const ORGANIZATION: &str = "SELECT id, name, domain_names, tags, organization_fields FROM organizations o";

/// The whole organization. `NotFound` where none with this id can be reached.
pub(super) fn organization(db: &Connection, reach: &Reach, id: i64) -> Result<Organization, Failure> {
    let reached = reach.organizations();
    let mut statement = db.prepare_cached(&format!("{ORGANIZATION} WHERE {} AND o.id = ?", reached.sql()))?;
    let mut rows = statement.query(reached.with([id.into()]))?;
    organization_at(rows.next()?.ok_or(ServiceError::NotFound)?)
}

/// Whole organizations, in the order of their ids.
pub(super) fn organizations(
    db: &Connection,
    reach: &Reach,
    act: &ListOrganizations,
) -> Result<Vec<Organization>, Failure> {
    let (after, most) = (ids::after(act.after.as_deref())?, page_size(act.most)?);
    let reached = reach.organizations();
    let sql = format!("{ORGANIZATION} WHERE {} AND o.id > ? ORDER BY o.id LIMIT ?", reached.sql());
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query(reached.with([after.into(), most.into()]))?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(organization_at(row)?);
    }
    Ok(all)
}

fn organization_at(row: &Row<'_>) -> Result<Organization, Failure> {
    Ok(Organization {
        id: row.get::<_, i64>(0)?.to_string(),
        name: row.get(1)?,
        domain_names: Some(json("organizations", row, 2)?),
        tags: Some(json("organizations", row, 3)?),
        organization_fields: Some(json("organizations", row, 4)?),
    })
}

/// The named fields of a whole organization, and the facts.
pub(super) fn seen_organization(whole: Organization, fields: &BTreeSet<OrganizationField>) -> Seen<Organization> {
    Seen {
        facts: Facts::default().with("organization", Some(whole.id.clone())),
        record: narrowed_organization(whole, fields),
    }
}

fn narrowed_organization(from: Organization, fields: &BTreeSet<OrganizationField>) -> Organization {
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
