//! `GET /reviews`: what was handed in, the latest first: the queue of those who review.

use portcullis_model::{
    audit::plain,
    people::{Resource, actions},
    trust::RootScope,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Ports, ReviewView, resource, state};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, given::wrong},
    problem::Problem,
};

/// Lists reviews.
pub struct List;

/// Which.
#[derive(Deserialize, IntoParams)]
pub struct Wanted {
    /// In this state alone; all of them, where it is not there.
    state: Option<String>,
    /// By whose root: `platform`, or `tenant:` and a tenant with a root of its own.
    #[param(value_type = Option<String>)]
    root: Option<RootScope>,
}

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Wanted;
    type Body = Nothing;
    type Answer = Page<ReviewView>;

    const ABOUT: About = About::get(actions::REVIEWS_LIST, "/reviews", "List reviews")
        .text("The state follows from what was said, from the verdicts and from the time: it is stored nowhere.")
        .on(On::Tenants)
        .paged();

    async fn resource(_: &Ports, _: &Bare, query: &Wanted, _: &Nothing) -> Result<Resource, Problem> {
        Ok(resource(query.root.as_ref()))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let expected = || {
            wrong("state: expected submitted, in-review, changes-requested, approved, rejected, expired or withdrawn.")
        };
        let wanted = call.query.state.as_deref().map(|name| state(name).ok_or_else(expected)).transpose()?;
        let desk = ports.desk(call.query.root.as_ref());
        let mut all = Vec::new();
        for submission in ports.submissions().await?.into_iter().rev() {
            let view = match desk.case(&submission).await {
                Ok(case) => ReviewView::of(&case),
                Err(error) => ReviewView { fault: Some(plain(&error.to_string())), ..ReviewView::bare(&submission) },
            };
            if wanted.is_none_or(|wanted| view.state.as_deref() == Some(wanted.name())) {
                all.push(view);
            }
        }
        if call.resource.tenant.is_none() && !call.on_platform().await? {
            all = all.into_iter().map(ReviewView::briefly).collect();
        }
        call.page(all.into_iter(), |one| format!("{} {}", one.component, one.manifest)).map(Reply::json)
    }
}
