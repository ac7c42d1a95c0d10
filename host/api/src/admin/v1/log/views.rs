//! `GET /audit/views`: the views of the log.

use portcullis_model::people::{Resource, actions};

use super::{Ports, View, log};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, v1::audit::Sight},
    problem::Problem,
};

/// Lists views.
pub struct List;

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Page<View>;

    const ABOUT: About = About::get(actions::AUDIT_LIST, "/audit/views", "List the views of the log")
        .id("audit.views")
        .text("Each tenant's entries are a log of their own; those that whoever asks may read.")
        .on(On::Tenants)
        .paged();

    async fn resource(_: &Ports, _: &Bare, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        Ok(log())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let sight = Sight::of(&call).await?;
        let mut all = ports.proofs.views().await?;
        all.retain(|view| sight.sees(Some(&view.tenant)));
        call.page(all.into_iter(), |view| view.tag.clone()).map(Reply::json)
    }
}
