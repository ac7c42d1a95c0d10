//! `POST /misbehaviour/{id}/resolve`: says what came of a report.

use portcullis_model::{
    id::ReportId,
    people::{Resource, actions},
    review::Misbehaviour,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Ports, answered, refused};
use crate::{
    admin::{About, Bare, Call, Operation, Reply, Sent},
    problem::{Problem, Reason},
};

/// Resolves a report.
pub struct Resolve;

/// Which report.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Which {
    /// Its id, such as `rep_1f0c`.
    #[param(value_type = String)]
    id: ReportId,
}

/// What came of it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schema(as = ResolvingReport)]
pub struct Resolving {
    /// For the platform: one line.
    #[schema(min_length = 1, max_length = 500)]
    note: String,
    /// For every tenant that runs the release: one line, which does not name who reported.
    #[schema(min_length = 1, max_length = 500)]
    public_note: String,
}

/// A report that was resolved, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReportResolved)]
pub struct Resolved {
    /// Whether this was a rehearsal: nothing was written then.
    dry_run: bool,
    /// As it is then.
    #[schema(value_type = Object)]
    report: Misbehaviour,
}

impl Operation for Resolve {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Resolving>;
    type Answer = Resolved;

    const ABOUT: About = About::post(
        actions::MISBEHAVIOUR_RESOLVE,
        "/misbehaviour/{id}/resolve",
        "Say what came of a report of misbehaviour",
    )
    .text("Once. It stops nothing: to stop the release everywhere, reject it or quarantine it.")
    .dry_run()
    .refuses(&[Reason::Conflict, Reason::Refused]);

    async fn resource(_: &Ports, path: &Which, _: &Bare, _: &Sent<Resolving>) -> Result<Resource, Problem> {
        Ok(Resource::of_platform("report").named(path.id.to_string()))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Resolved>, Problem> {
        let (reports, Resolving { note, public_note }) = (ports.reports_of(&call), &call.body.0);
        let report = match call.dry_run {
            true => reports.resolution(&call.path.id, note, public_note).await,
            false => reports.resolve(&call.path.id, note, public_note).await,
        };
        let report = report.map_err(refused)?;
        Ok(answered(call.dry_run, Resolved { dry_run: call.dry_run, report }))
    }
}
