//! `POST /privacy/requests/{id}/close`: closes a request, after which there is a certificate of it.

use portcullis_model::people::{Resource, actions};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Ports, RequestView, Which};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, v1::reason},
    problem::{Problem, Reason},
};

/// Closes a request.
pub struct Close;

/// What was done about parts that no plugin has proven.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ClosingPrivacyRequest)]
pub struct ClosingRequest {
    /// What was done by hand about parts that no plugin has proven, without naming the person. Needed where there are any.
    #[schema(min_length = 1, max_length = 500)]
    note: Option<String>,
}

impl Operation for Close {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<ClosingRequest>;
    type Answer = RequestView;

    const ABOUT: About = About::post(actions::PRIVACY_CLOSE, "/privacy/requests/{id}/close", "Close a request of a data subject")
        .text(
            "Once no part waits, or its deadline is over. For one to erase, the host looks once more through what it keeps, and whom the \
             request was about is forgotten.",
        )
        .on(On::Tenant)
        .dry_run()
        .refuses(&[Reason::Unknown, Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<ClosingRequest>) -> Result<Resource, Problem> {
        ports.resource_of(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<RequestView>, Problem> {
        let note = call.body.0.note.as_deref().map(reason).transpose()?;
        let closed = ports.desk.close(&call.path.id, note.as_deref(), call.actor(), call.dry_run).await?;
        let view = RequestView::of(closed, call.now());
        Ok(if call.dry_run { Reply::json(view.tried()).tried() } else { Reply::json(view) })
    }
}
