//! What can be read of people and organizations, in the model's words: the one way for a guest, by `wit/users.wit`, and for a back
//! end that comes in over HTTP.
//!
//! Invariant: whoever asks, what is asked is checked here, decided by the gate, and shown as the grant says; nothing else in this
//! capability has the port.

use std::collections::BTreeSet;

use portcullis_model::{
    error::ServiceError,
    helpdesk::{
        FindBy, FindUsers, GetOrganization, GetUser, ListOrganizations, Organization, OrganizationField, PAGE, User,
        UserField,
    },
    scope::{Field, Readings},
};
use portcullis_runtime::gate::{Gate, Refused};

use super::{
    State,
    scope::{organizations, people},
    show,
};

const MAX_ID: usize = 128;
/// The most bytes in what a person is looked for by.
const MAX_TEXT: usize = 320;

fn invalid(what: &str) -> Refused {
    ServiceError::Invalid(what.to_owned()).into()
}

fn check_id(id: &str) -> Result<(), Refused> {
    match (1..=MAX_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b)) {
        true => Ok(()),
        false => Err(invalid("id: expected 1 to 128 of A-Z a-z 0-9 - _ . :")),
    }
}

fn check_finder(by: &FindBy) -> Result<(), Refused> {
    let (FindBy::Email(text) | FindBy::Phone(text) | FindBy::Organization(text)) = by;
    match (1..=MAX_TEXT).contains(&text.len()) && !text.chars().any(char::is_control) {
        true => Ok(()),
        false => Err(invalid("by: expected 1 to 320 bytes without control characters")),
    }
}

fn shown<F: Field>(readings: &Readings<'_, F>) -> BTreeSet<F> {
    let all: BTreeSet<F> = F::ALL.iter().copied().collect();
    let missing = readings.missing(&all, false);
    all.into_iter().filter(|field| !missing.contains(field)).collect()
}

impl State {
    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The fields that the grant shows of any person.
    pub(crate) fn readable(&self) -> BTreeSet<UserField> {
        shown(&people(self.authority.effective()))
    }

    /// The fields that the grant shows of any organization.
    pub(crate) fn readable_of_organizations(&self) -> BTreeSet<OrganizationField> {
        shown(&organizations(self.authority.effective()))
    }

    /// One person.
    pub(crate) async fn user(&self, id: String, fields: BTreeSet<UserField>) -> Result<User, Refused> {
        check_id(&id)?;
        let (desk, people) = (self.desk.clone(), people(self.authority.effective()));
        let act = GetUser { id, fields: fields.clone(), within: people.within_any(&fields) };
        let seen = self.gate.pass(&self.authority, act, |spent| async move { desk.user(spent).await }).await?;
        Ok(show::user(&people, &self.veil, seen, &fields))
    }

    /// The people who fit, in the order of their ids.
    pub(crate) async fn find_users(
        &self,
        by: FindBy,
        fields: BTreeSet<UserField>,
        after: Option<String>,
        most: u32,
    ) -> Result<Vec<User>, Refused> {
        after.as_deref().map_or(Ok(()), check_id)?;
        check_finder(&by)?;
        let (desk, people) = (self.desk.clone(), people(self.authority.effective()));
        let within = people.within_clear(&[by.field()].into()).meet(&people.within_any(&fields));
        let most = self.gate.page(most.clamp(1, PAGE));
        let act = FindUsers { by, fields: fields.clone(), after, most, within };
        let all = self.gate.pass(&self.authority, act, |spent| async move { desk.find_users(spent).await }).await?;
        Ok(all.into_iter().map(|seen| show::user(&people, &self.veil, seen, &fields)).collect())
    }

    /// One organization.
    pub(crate) async fn organization(
        &self,
        id: String,
        fields: BTreeSet<OrganizationField>,
    ) -> Result<Organization, Refused> {
        check_id(&id)?;
        let (desk, readable) = (self.desk.clone(), organizations(self.authority.effective()));
        let act = GetOrganization { id, fields: fields.clone(), within: readable.within_any(&fields) };
        let seen = self.gate.pass(&self.authority, act, |spent| async move { desk.organization(spent).await }).await?;
        Ok(show::organization(&readable, &self.veil, seen, &fields))
    }

    /// Organizations, in the order of their ids.
    pub(crate) async fn organizations(
        &self,
        fields: BTreeSet<OrganizationField>,
        after: Option<String>,
        most: u32,
    ) -> Result<Vec<Organization>, Refused> {
        after.as_deref().map_or(Ok(()), check_id)?;
        let (desk, readable) = (self.desk.clone(), organizations(self.authority.effective()));
        let most = self.gate.page(most.clamp(1, PAGE));
        let act = ListOrganizations { fields: fields.clone(), after, most, within: readable.within_any(&fields) };
        let all = self.gate.pass(&self.authority, act, |spent| async move { desk.organizations(spent).await }).await?;
        Ok(all.into_iter().map(|seen| show::organization(&readable, &self.veil, seen, &fields)).collect())
    }
}
