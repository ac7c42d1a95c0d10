//! Sources of events: who may send webhooks into a tenant, and how their secrets stand (INT-8).
//!
//! Invariants: a secret that the host made is answered once, by the act that made it, and one that was sent is never answered; what is
//! tried out makes every check that the act makes, and writes nothing.

mod add;
mod get;
mod list;
mod remove;
mod rotate;
#[cfg(test)]
mod tests;

use portcullis_broker::rotation::{Sources, StepError};
use portcullis_model::{
    audit::Actor,
    event::EventForm,
    id::{SourceName, TenantId},
    people::Resource,
    rotation::SourceKeys,
    secret::Secret,
    source::Source,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    admin::{Call, Group, Operation, not_kept, unavailable, unknown},
    problem::{Problem, Reason},
};

/// The shortest and the longest secret that is taken, in bytes.
const SHORTEST: usize = 8;
const LONGEST: usize = 512;

/// What keeps sources, in somebody's name.
pub type KeptBy = Box<dyn Fn(Actor) -> Sources + Send + Sync>;

/// What sources are looked after with.
pub struct Ports {
    /// What keeps them.
    pub kept_by: KeptBy,
}

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new()
        .with::<list::List>()
        .with::<add::Add>()
        .with::<get::Get>()
        .with::<rotate::Rotate>()
        .with::<remove::Remove>()
}

/// Which source.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Which {
    /// Its name.
    #[param(value_type = String)]
    name: SourceName,
}

/// What a source sends, and so how it proves that it is itself.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = SourceForm)]
pub enum Form {
    /// Zendesk webhooks (event subscriptions).
    Zendesk,
    /// GitHub webhooks.
    Github,
    /// Anything that sends CloudEvents 1.0 in JSON.
    CloudEvents,
}

impl From<Form> for EventForm {
    fn from(form: Form) -> Self {
        match form {
            Form::Zendesk => Self::Zendesk,
            Form::Github => Self::Github,
            Form::CloudEvents => Self::CloudEvents,
        }
    }
}

/// A source of events. Never its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = Source)]
pub struct SourceView {
    /// Its name.
    name: String,
    /// Into which tenant its events go.
    tenant: String,
    /// What it sends: `zendesk`, `github` or `cloud-events`.
    #[schema(value_type = String)]
    form: EventForm,
    /// Where on this host it sends to.
    path: String,
    /// How often its secret was replaced.
    generation: u64,
    /// Since when it has its secret, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    issued: Option<String>,
    /// Until when the secret before is accepted as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    both_until: Option<String>,
    /// Since when it has no secret: everything that it sends is refused until it is given another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    revoked: Option<String>,
}

impl SourceView {
    fn of(source: &Source, keys: &SourceKeys) -> Self {
        let path = match source.form {
            EventForm::Zendesk => format!("/v1/hooks/zendesk/{}", source.name),
            EventForm::Github => format!("/v1/hooks/github/{}", source.name),
            EventForm::CloudEvents | EventForm::Privacy => "/v1/events".to_owned(),
        };
        let text = |at: Option<portcullis_model::time::Timestamp>| at.map(|at| at.to_string());
        Self {
            name: source.name.to_string(),
            tenant: source.tenant.to_string(),
            form: source.form,
            path,
            generation: keys.generation,
            issued: text(keys.issued),
            both_until: text(keys.promote_at),
            revoked: text(keys.revoked),
        }
    }
}

/// A source that was registered or given another secret, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SourceSecret)]
pub struct Made {
    /// Whether this was a rehearsal: nothing was changed then.
    dry_run: bool,
    /// The source, as it is then.
    source: SourceView,
    /// The secret, where the host made it: nobody sees it again. Absent in a rehearsal, and where it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

/// A source that was taken away, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SourceRemoved)]
pub struct Removed {
    /// Whether this was a rehearsal: nothing was taken away then.
    dry_run: bool,
    /// The source, as it was.
    source: SourceView,
}

impl Ports {
    /// Who keeps them, where nobody does anything.
    fn sources(&self) -> Sources {
        (self.kept_by)(Actor::Host)
    }

    async fn find(&self, which: &Which) -> Result<Source, Problem> {
        let all = self.sources().sources.sources().await.map_err(|error| unavailable(&error))?;
        let found = all.into_iter().find(|one| one.name == which.name);
        found.ok_or_else(|| unknown("There is no source with this name; see GET /admin/v1/sources."))
    }

    /// The source of a request, where it is still the tenant's for which it was decided that this may be done: by now the name may be
    /// another's.
    async fn asked<O: Operation<Path = Which>>(&self, call: &Call<O>) -> Result<Source, Problem> {
        let found = self.find(&call.path).await?;
        match call.resource.tenant.as_ref() == Some(&found.tenant) {
            true => Ok(found),
            false => Err(gone()),
        }
    }

    async fn resource(&self, which: &Which) -> Result<Resource, Problem> {
        let found = self.find(which).await?;
        Ok(resource(found.tenant, &found.name))
    }

    async fn view(&self, source: &Source) -> Result<SourceView, Problem> {
        let keys = self.sources().of(source).await.map_err(|error| failed(&error))?;
        Ok(SourceView::of(source, &keys))
    }
}

fn resource(tenant: TenantId, name: &SourceName) -> Resource {
    Resource::of(tenant, "source").named(name.to_string())
}

fn gone() -> Problem {
    Problem::new(Reason::Conflict, "It was taken away in between.")
}

fn failed(error: &StepError) -> Problem {
    match error {
        StepError::Gone => gone(),
        other => not_kept(other),
    }
}

/// The secret that was sent, or a fresh one; and what is answered of it. A token by which a sender is found among those of all tenants is
/// the host's to make: only the platform may send one.
async fn secret<O: Operation>(
    call: &Call<O>,
    form: EventForm,
    sources: &Sources,
    sent: Option<String>,
) -> Result<(Secret, Option<String>), Problem> {
    if sent.is_some() && form == EventForm::CloudEvents && !call.on_platform().await? {
        let advice = "secret: leave it out: the host makes the token of a source of this form, and answers it once.";
        return Err(Problem::new(Reason::WrongBody, advice));
    }
    let Some(text) = sent else {
        let made = sources.fresh();
        let shown = String::from_utf8_lossy(made.expose()).into_owned();
        return Ok((made, Some(shown)));
    };
    let secret = Secret::new(text.into_bytes());
    match (SHORTEST..=LONGEST).contains(&secret.expose().len()) {
        true => Ok((secret, None)),
        false => Err(Problem::new(Reason::WrongBody, format!("secret: expected {SHORTEST} to {LONGEST} bytes."))),
    }
}
