//! `GET /people/{id}/sessions`: from where somebody is signed in.

use portcullis_model::{
    people::{Resource, Session, actions},
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{At, Ports, Which, refused};
use crate::{
    admin::{About, Call, Nothing, On, Operation, Page, Reply},
    problem::{Problem, Reason},
};

/// Lists sessions.
pub struct Sessions;

/// A session of a person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = Session)]
pub struct SessionView {
    /// The id.
    id: String,
    /// On which device, in words.
    device: String,
    /// Whether that device was a new one.
    new_device: bool,
    /// From which address it was last used.
    address: String,
    /// Since when.
    #[schema(format = DateTime)]
    created: String,
    /// When it was last used.
    #[schema(format = DateTime)]
    used: String,
    /// Whether it is good still.
    live: bool,
    /// Why it ended, where somebody or something ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
    /// When that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    ended_at: Option<String>,
}

impl SessionView {
    fn of(one: &Session, now: Timestamp) -> Self {
        Self {
            id: one.id.to_string(),
            device: one.device.label.clone(),
            new_device: one.device.new,
            address: one.address.to_string(),
            created: one.created.to_string(),
            used: one.used.to_string(),
            live: one.is_live(now),
            ended: one.ended.as_ref().map(|ended| ended.why.clone()),
            ended_at: one.ended.as_ref().map(|ended| ended.at.to_string()),
        }
    }
}

impl Operation for Sessions {
    type Ports = Ports;
    type Path = Which;
    type Query = At;
    type Body = Nothing;
    type Answer = Page<SessionView>;

    const ABOUT: About = About::get(actions::SESSIONS_LIST, "/people/{id}/sessions", "List a person's sessions")
        .text("The latest first, 200 at most. Of an account that has a role elsewhere too the operator alone sees them. Everybody sees their own at GET /signin/sessions.")
        .on(On::Tenant)
        .paged()
        .refuses(&[Reason::Conflict, Reason::Unknown]);

    async fn resource(_: &Ports, path: &Which, query: &At, _: &Nothing) -> Result<Resource, Problem> {
        Ok(query.resource("person").named(path.id.to_string()))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let (place, access) = (call.query.tenant.as_ref(), ports.access()?);
        let found = access.sessions_of(&call.caller, place, &call.path.id).await.map_err(refused)?;
        let now = call.now();
        call.page(found.iter().map(|one| SessionView::of(one, now)), |one| one.id.clone()).map(Reply::json)
    }
}
