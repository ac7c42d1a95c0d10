//! `users:read fields=...` and `users:organizations fields=...`; each with `mask=...`, `token=...` and `where=...`.

use std::collections::BTreeSet;

use portcullis_model::{
    class::Class,
    helpdesk::{
        FindUsers, GetOrganization, GetUser, ListOrganizations, ORGANIZATION_ATTRIBUTES, OrganizationField, USER_ATTRIBUTES, UserField,
    },
    scope::{Allows, Grant, Reading, Readings, Risk, Scope, ScopeError, ScopeText},
};

/// What may be read of people and organizations.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UsersScope {
    /// Fields of people.
    Read(Reading<UserField>),
    /// Fields of organizations.
    Organizations(Reading<OrganizationField>),
}

impl Scope for UsersScope {
    const CAPABILITY: &'static str = "users";
    const EXAMPLES: &'static [&'static str] =
        &["users:read fields=name,email mask=email where=role:end-user", "users:organizations fields=name"];

    fn parse(text: &ScopeText) -> Result<Vec<Self>, ScopeError> {
        match text.action() {
            "read" => Ok(vec![Self::Read(Reading::parse(text, USER_ATTRIBUTES)?)]),
            "organizations" => Ok(vec![Self::Organizations(Reading::parse(text, ORGANIZATION_ATTRIBUTES)?)]),
            _ => Err(text.unknown_action(&["read", "organizations"])),
        }
    }

    fn text(&self) -> ScopeText {
        match self {
            Self::Read(of) => of.write(ScopeText::new("users", "read")),
            Self::Organizations(of) => of.write(ScopeText::new("users", "organizations")),
        }
    }

    fn meet(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Read(a), Self::Read(b)) => a.meet(b).map(Self::Read),
            (Self::Organizations(a), Self::Organizations(b)) => a.meet(b).map(Self::Organizations),
            _ => None,
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Read(of) => format!("reads of people: {}", of.describe()),
            Self::Organizations(of) => format!("reads of organizations: {}", of.describe()),
        }
    }

    fn risk(&self) -> Risk {
        if self.classes().contains(&Class::Personal) { Risk::High } else { Risk::Medium }
    }

    fn classes(&self) -> BTreeSet<Class> {
        match self {
            Self::Read(of) => of.classes(),
            Self::Organizations(of) => of.classes(),
        }
    }
}

/// The grant's scopes that read people.
pub(crate) fn people(grant: &Grant<UsersScope>) -> Readings<'_, UserField> {
    Readings::new(grant.scopes().filter_map(|scope| if let UsersScope::Read(of) = scope { Some(of) } else { None }))
}

/// The grant's scopes that read organizations.
pub(super) fn organizations(grant: &Grant<UsersScope>) -> Readings<'_, OrganizationField> {
    Readings::new(grant.scopes().filter_map(|scope| match scope {
        UsersScope::Organizations(of) => Some(of),
        UsersScope::Read(_) => None,
    }))
}

fn read(fields: impl IntoIterator<Item = UserField>) -> ScopeText {
    ScopeText::new("users", "read").with("fields", fields.into_iter().map(|field| field.name().to_owned()))
}

impl Allows<GetUser> for UsersScope {
    fn needed(act: &GetUser) -> ScopeText {
        read(act.fields.iter().copied())
    }

    fn decide(grant: &Grant<Self>, act: &GetUser) -> Result<(), String> {
        people(grant).decide("people", &act.fields, &act.within)
    }
}

impl Allows<FindUsers> for UsersScope {
    fn needed(act: &FindUsers) -> ScopeText {
        read(act.fields.iter().copied().chain([act.by.field()]))
    }

    fn decide(grant: &Grant<Self>, act: &FindUsers) -> Result<(), String> {
        let people = people(grant);
        people.decide("people", &act.fields, &act.within)?;
        people.decide_asking("people", &[act.by.field()].into(), &act.within)
    }
}

fn read_organizations(fields: &BTreeSet<OrganizationField>) -> ScopeText {
    ScopeText::new("users", "organizations").with("fields", fields.iter().map(|field| field.name().to_owned()))
}

impl Allows<ListOrganizations> for UsersScope {
    fn needed(act: &ListOrganizations) -> ScopeText {
        read_organizations(&act.fields)
    }

    fn decide(grant: &Grant<Self>, act: &ListOrganizations) -> Result<(), String> {
        organizations(grant).decide("organizations", &act.fields, &act.within)
    }
}

impl Allows<GetOrganization> for UsersScope {
    fn needed(act: &GetOrganization) -> ScopeText {
        read_organizations(&act.fields)
    }

    fn decide(grant: &Grant<Self>, act: &GetOrganization) -> Result<(), String> {
        organizations(grant).decide("organizations", &act.fields, &act.within)
    }
}

#[cfg(test)]
#[path = "scope_test.rs"]
mod tests;
