//! `POST /incidents/{id}/note`: writes down what was found or done.

use portcullis_model::people::{Resource, actions};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{IncidentView, Ports, Which, refused};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent},
    problem::{Problem, Reason},
};

/// Write down what was found or done.
pub struct Note;

/// What.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Noting {
    /// In words.
    #[schema(min_length = 3, max_length = 2000)]
    text: String,
}

impl Operation for Note {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Noting>;
    type Answer = IncidentView;

    const ABOUT: About =
        About::post(actions::INCIDENTS_CHANGE, "/incidents/{id}/note", "Write down what was found or done")
            .id("incidents.note")
            .on(On::Tenant)
            .refuses(&[Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<Noting>) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<IncidentView>, Problem> {
        let (desk, id, body) = (ports.desk_of(&call).await?, &call.path.id, &call.body.0);
        let changed = desk.note(id, &body.text).await.map_err(|error| refused(&error))?;
        Ok(Reply::json(IncidentView::new(changed, call.now())))
    }
}
