//! People of a tenant, or of the platform itself: who they are, what they may do, from where they are signed in (ACC-1 to ACC-5).
//!
//! Invariants: each act is decided once more where it is done, with whoever asks; a link is answered once, and kept nowhere; what is
//! tried out makes every check that the act makes, and writes nothing.

mod end_sessions;
mod get;
mod invitations;
mod invite;
mod list;
mod recover;
mod remove;
mod resume;
mod role;
mod sessions;
mod suspend;
#[cfg(test)]
pub(in crate::admin) mod tests;
mod uninvite;

use std::{borrow::Cow, sync::LazyLock};

use portcullis_access::{Access, AccessError, Invited};
use portcullis_model::{
    audit::{Actor, query::moment},
    id::{PersonId, TenantId},
    people::{Caller, Factor, Membership, Person, PersonState, Refusal, Resource, Why},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    admin::{Call, Group, Operation, Reply, sentence, unavailable, unknown, v1::within::of_tenant},
    problem::{Problem, Reason},
};

type Make = Box<dyn FnOnce() -> Result<Access, String> + Send>;

/// What people are looked after with.
pub struct Ports {
    access: LazyLock<Result<Access, String>, Make>,
    /// How browsers reach this host, for links; none where no address is known.
    base: Option<String>,
}

impl Ports {
    /// With what this makes when it is first needed; links lead to `base`.
    pub fn new(make: impl FnOnce() -> Result<Access, String> + Send + 'static, base: Option<String>) -> Self {
        Self { access: LazyLock::new(Box::new(make)), base }
    }

    /// Who is who.
    pub(super) fn access(&self) -> Result<&Access, Problem> {
        self.access.as_ref().map_err(|error| unavailable(error))
    }

    /// The same for an act, or for its rehearsal.
    pub(super) fn acting(&self, dry_run: bool) -> Result<Cow<'_, Access>, Problem> {
        let access = self.access()?;
        Ok(if dry_run { Cow::Owned(access.rehearsing()) } else { Cow::Borrowed(access) })
    }

    pub(super) fn base(&self) -> Result<&str, Problem> {
        let advice = "This host has no address that a link could lead to: set listen.public-url.";
        self.base.as_deref().ok_or_else(|| Problem::new(Reason::Conflict, advice))
    }
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new()
        .with::<list::List>()
        .with::<invitations::Invitations>()
        .with::<invite::Invite>()
        .with::<uninvite::Uninvite>()
        .with::<get::Get>()
        .with::<role::ChangeRole>()
        .with::<suspend::Suspend>()
        .with::<resume::Resume>()
        .with::<remove::Remove>()
        .with::<recover::Recover>()
        .with::<sessions::Sessions>()
        .with::<end_sessions::EndSessions>()
}

/// Where.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct At {
    /// In which tenant; the platform itself, where it is not there.
    #[param(value_type = Option<String>)]
    pub(super) tenant: Option<TenantId>,
}

impl At {
    /// Something of this kind there.
    pub(super) fn resource(&self, kind: &'static str) -> Resource {
        of_tenant(self.tenant.as_ref(), kind)
    }
}

/// Which person.
#[derive(Deserialize, IntoParams)]
pub struct Which {
    /// The id.
    #[param(value_type = String)]
    id: PersonId,
}

/// A person, as known at one place.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = Person)]
pub struct PersonView {
    /// The id.
    id: String,
    /// The address. Nobody has proved that it is theirs.
    email: String,
    /// The name.
    name: String,
    /// The role here.
    role: String,
    /// Since when.
    #[schema(format = DateTime)]
    since: String,
    /// Until when; absent: until it is taken away.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    until: Option<String>,
    /// Whether that time is over.
    over: bool,
    /// Whether the account is suspended.
    suspended: bool,
    /// Whether they may sign in with a passkey where the tenant has single sign-on.
    break_glass: bool,
    /// The version of the role here.
    version: u64,
    /// How they sign in, where one person is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    factors: Option<Vec<FactorView>>,
}

/// One way in which a person proves who they are.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Factor)]
pub struct FactorView {
    /// What it is: `passkey`, `totp` or `recovery`.
    kind: String,
    /// What the person calls it.
    label: String,
    /// Since when.
    #[schema(format = DateTime)]
    created: String,
    /// When it was last used.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    used: Option<String>,
}

impl From<&Factor> for FactorView {
    fn from(factor: &Factor) -> Self {
        Self {
            kind: factor.kind.name().to_owned(),
            label: factor.label.clone(),
            created: factor.created.to_string(),
            used: factor.used.as_ref().map(ToString::to_string),
        }
    }
}

impl PersonView {
    fn of(person: &Person, held: &Membership, now: Timestamp) -> Self {
        Self {
            id: person.id.to_string(),
            email: person.email.clone(),
            name: person.name.clone(),
            role: held.role.to_string(),
            since: held.since.to_string(),
            until: held.until.as_ref().map(ToString::to_string),
            over: !held.holds(now),
            suspended: person.state == PersonState::Suspended,
            break_glass: held.break_glass,
            version: held.version,
            factors: None,
        }
    }
}

/// A person who was changed, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = PersonChanged)]
pub struct Changed {
    /// Whether this was a rehearsal: nothing was changed then.
    #[serde(rename = "dry_run")]
    dry_run: bool,
    /// The person as they are, or would be; absent where they are no longer known here.
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<PersonView>,
    /// How many of their sessions ended.
    sessions_ended: usize,
    /// What they can do here now and could not before: actions.
    gained: Vec<String>,
    /// What they can do here no longer.
    lost: Vec<String>,
}

/// A link that was made: good once, and shown once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PersonLink)]
pub struct Linked {
    /// Whether this was a rehearsal: no link was made then.
    dry_run: bool,
    /// Which invitation it is; absent in a rehearsal.
    #[serde(skip_serializing_if = "Option::is_none")]
    invitation: Option<String>,
    /// The link. Whoever opens it first is that person: hand it over by a way that you trust. Nobody sees it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    /// Until when it is good.
    #[schema(format = DateTime)]
    expires: String,
    /// What it gives: the role.
    role: String,
}

impl Linked {
    fn of(invited: &Invited, base: &str, dry_run: bool) -> Self {
        let one = &invited.invitation;
        let link = || format!("{base}/console/join#{}", invited.token.as_str());
        Self {
            dry_run,
            invitation: (!dry_run).then(|| one.id.to_string()),
            link: (!dry_run).then(link),
            expires: one.expires.to_string(),
            role: one.role.to_string(),
        }
    }
}

/// Why something about people is not done, as a problem.
pub(super) fn refused(error: AccessError) -> Problem {
    match error {
        AccessError::Invalid(why) => Problem::new(Reason::WrongBody, sentence(&why)),
        AccessError::Unknown(what) => unknown(&format!("There is no such {what} here, or none any more.")),
        AccessError::Conflict(why) => Problem::new(Reason::Conflict, sentence(&why)),
        AccessError::Refused(refusal) => forbidden(&refusal),
        AccessError::NotProved => Problem::new(Reason::SignIn, "Sign in anew."),
        AccessError::Store(error) => unavailable(&error),
    }
}

fn forbidden(refusal: &Refusal) -> Problem {
    let reason = match refusal.rule {
        Why::StepUp => Reason::StepUp,
        Why::SessionOver | Why::SingleSignOn => Reason::SignIn,
        _ => Reason::Forbidden,
    };
    Problem::new(reason, refusal.to_string()).with("refusal", serde_json::to_value(refusal).unwrap_or_default())
}

/// What somebody who did something is called.
pub(super) fn called(actor: &Actor) -> String {
    match actor {
        Actor::Person { name } | Actor::Account { name, .. } => name.clone(),
        Actor::Automation { client } => client.to_string(),
        _ => "the host".to_owned(),
    }
}

/// It is another version than the request was made for.
pub(super) fn pinned(expected: Option<u64>, found: u64) -> Result<(), Problem> {
    match expected.is_none_or(|expected| expected == found) {
        true => Ok(()),
        false => {
            Err(Problem::new(Reason::OtherVersion, "It was changed in between: look again, and send it once more."))
        }
    }
}

/// A time to come in a body.
pub(super) fn until(text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    let advice = "until: expected a time such as 2027-01-31T18:00:00Z, or a day such as 2027-01-31.";
    text.filter(|text| !text.is_empty())
        .map(|text| moment(text).ok_or_else(|| Problem::new(Reason::WrongBody, advice)))
        .transpose()
}

impl Ports {
    /// A person of a place, as they are.
    async fn seen(&self, access: &Access, at: &At, caller: &Caller, id: &PersonId) -> Result<PersonView, Problem> {
        let (person, held, factors) = access.person_at(caller, at.tenant.as_ref(), id).await.map_err(refused)?;
        let mut view = PersonView::of(&person, &held, caller.now);
        view.factors = Some(factors.iter().map(FactorView::from).collect());
        Ok(view)
    }
}

impl Ports {
    /// How many sessions of a person have not ended.
    async fn live(&self, id: &PersonId) -> Result<usize, Problem> {
        let access = self.access()?;
        let all = access.sessions(id).await.map_err(|error| unavailable(&error))?;
        Ok(all.iter().filter(|one| one.ended.is_none()).count())
    }

    async fn suspend<O: Operation>(
        &self,
        call: &Call<O>,
        id: &PersonId,
        at: &At,
        suspended: bool,
    ) -> Result<Reply<Changed>, Problem> {
        let access = self.acting(call.dry_run)?;
        let live = if suspended { self.live(id).await? } else { 0 };
        access.suspend(&call.caller, at.tenant.as_ref(), id, suspended).await.map_err(refused)?;
        let mut person = self.seen(&access, at, &call.caller, id).await?;
        person.suspended = suspended;
        let (gained, lost) = (Vec::new(), Vec::new());
        let changed = Changed { dry_run: call.dry_run, person: Some(person), sessions_ended: live, gained, lost };
        let reply = Reply::json(changed);
        Ok(if call.dry_run { reply.tried() } else { reply })
    }
}
