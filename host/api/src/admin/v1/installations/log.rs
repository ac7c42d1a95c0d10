//! `GET /installations/{id}/log`: what an installation wrote to its own log, the newest first.

use portcullis_model::{
    invoke::LogLine,
    people::{Resource, actions},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Ports, Which};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, given::wrong, unavailable},
    problem::Problem,
};

/// Reads a plugin's own log.
pub struct Log;

/// A line, in the plugin's own words.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PluginLogLine)]
pub struct Line {
    /// Its number: a later line has a higher one.
    number: i64,
    /// When, by the host's clock.
    #[schema(format = DateTime)]
    time: String,
    /// Of which installation.
    installation: String,
    /// In which call.
    call: String,
    /// `debug`, `info`, `warn` or `error`.
    level: String,
    /// What it says, with control characters escaped.
    message: String,
}

impl Line {
    fn of((number, line): (i64, LogLine)) -> Self {
        let LogLine { time, installation, call, level, message } = line;
        Self { number, time: time.to_string(), installation, call, level, message }
    }
}

impl Operation for Log {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Page<Line>;

    const ABOUT: About =
        About::get(actions::LOGS_LIST, "/installations/{id}/log", "Read what an installation wrote to its own log")
            .text(
                "It may hold whatever the plugin has read. What was erased with an installation is not there any more.",
            )
            .on(On::Installation)
            .paged();

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let installation = ports.find(&call.path.id).await?;
        let before = call.after().map(str::parse::<i64>).transpose();
        let before = before.map_err(|_| wrong("cursor: it is not whole; begin anew without one."))?;
        // One more says whether there is another page.
        let found = ports.logs.newest_lines(&installation, before, call.most() + 1).await;
        let mut items: Vec<Line> = found.map_err(|error| unavailable(&error))?.into_iter().map(Line::of).collect();
        let more = items.len() > call.most();
        items.truncate(call.most());
        let next = items.last().filter(|_| more).map(|last| last.number.to_string());
        Ok(Reply::json(call.page_of(items, next)))
    }
}
