//! `POST /installations/{id}/resume`: lets a suspended installation go on.

use portcullis_model::people::{Resource, actions};

use super::{Changed, Ports, Which, changing::Changing};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, Version},
    problem::{Problem, Reason},
};

/// Resumes an installation.
pub struct Resume;

impl Operation for Resume {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Changed;

    const ABOUT: About =
        About::post(actions::INSTALLATIONS_RESUME, "/installations/{id}/resume", "Resume an installation")
            .text("Its release is checked first. One that runs already stays as it is.")
            .on(On::Installation)
            .dry_run()
            .version(Version::Needed)
            .refuses(&[Reason::Conflict, Reason::Refused, Reason::ReleaseRefused]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let changing = Changing::of(ports, &call, &call.path).await?;
        let after = changing.installer().resume(&call.path.id).await;
        changing.answer(after).await
    }
}
