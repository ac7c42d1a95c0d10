//! Projection: what of a person or an organization reaches the guest, and how (DAT-1, DAT-2). Default: drop.

use std::collections::BTreeSet;

use portcullis_model::{
    helpdesk::{CustomField, Organization, OrganizationField, Seen, User, UserField},
    scope::{Field, Readings, View},
    veil::Veil,
};

/// What keeps tokens of different fields apart; ids of one sort share one everywhere.
fn domain<F: Field>(field: F) -> &'static str {
    if field.name() == "organization_id" { "organization" } else { field.name() }
}

fn text<F: Field>(veil: &Veil, view: Option<View>, field: F, value: Option<String>) -> Option<String> {
    Some(veil.show(view?, field.shape(), domain(field), value?))
}

fn all<F: Field>(veil: &Veil, view: Option<View>, field: F, values: Option<Vec<String>>) -> Option<Vec<String>> {
    let view = view?;
    Some(values?.into_iter().map(|value| veil.show(view, field.shape(), domain(field), value)).collect())
}

/// The person with those of the fields that may be seen of them.
pub(super) fn user(
    readings: &Readings<'_, UserField>,
    veil: &Veil,
    seen: Seen<User>,
    fields: &BTreeSet<UserField>,
) -> User {
    use UserField as F;
    let Seen { record: user, facts } = seen;
    let view = |field: F| fields.contains(&field).then(|| readings.view(field, &facts)).flatten();
    let text = |field: F, value| text(veil, view(field), field, value);
    User {
        id: user.id,
        name: text(F::Name, user.name),
        email: text(F::Email, user.email),
        phone: text(F::Phone, user.phone),
        role: user.role.filter(|_| view(F::Role) == Some(View::Clear)),
        organization_id: text(F::Organization, user.organization_id),
        tags: all(veil, view(F::Tags), F::Tags, user.tags),
        locale: text(F::Locale, user.locale),
        time_zone: text(F::TimeZone, user.time_zone),
    }
}

/// The organization with those of the fields that may be seen of it.
pub(super) fn organization(
    readings: &Readings<'_, OrganizationField>,
    veil: &Veil,
    seen: Seen<Organization>,
    fields: &BTreeSet<OrganizationField>,
) -> Organization {
    use OrganizationField as F;
    let Seen { record, facts } = seen;
    let view = |field: F| fields.contains(&field).then(|| readings.view(field, &facts)).flatten();
    let custom = |view: View, field: CustomField| CustomField {
        value: veil.show_json(view, F::OrganizationFields.shape(), domain(F::OrganizationFields), field.value),
        id: field.id,
    };
    let customs = |all: Vec<CustomField>| {
        let view = view(F::OrganizationFields)?;
        Some(all.into_iter().map(|field| custom(view, field)).collect())
    };
    Organization {
        id: record.id,
        name: text(veil, view(F::Name), F::Name, record.name),
        domain_names: all(veil, view(F::DomainNames), F::DomainNames, record.domain_names),
        tags: all(veil, view(F::Tags), F::Tags, record.tags),
        organization_fields: record.organization_fields.and_then(customs),
    }
}
