//! `GET /audit/export`: NDJSON up to the newest checkpoint, with a cursor in its last line.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{StatusCode, header},
    response::IntoResponse as _,
};
use portcullis_model::{
    audit::{
        Kind,
        export::{Export, ExportError},
        query::Cursor,
        reader::AuditReader,
    },
    people::{Resource, actions},
};
use serde::Deserialize;
use tokio::sync::mpsc;
use utoipa::IntoParams;

use super::{Ports, Reading, Sight, filter, log, stream::Chunks};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, Streamed, given::wrong, unavailable},
    problem::Problem,
};

/// How long a reader may take over one part.
const PATIENCE: Duration = Duration::from_secs(60);
/// Parts that wait for a reader.
const WAITING: usize = 2;

/// Exports the log.
pub struct Take;

/// From where, and of what.
#[derive(Deserialize, IntoParams)]
pub struct Wanted {
    /// What is looked for; everything, where it is not there.
    filter: Option<String>,
    /// Where to go on, out of the last line of the export before. Good for this filter alone.
    cursor: Option<String>,
}

impl Operation for Take {
    type Ports = Ports;
    type Path = Bare;
    type Query = Wanted;
    type Body = Nothing;
    type Answer = Streamed;

    const ABOUT: About = About::get(actions::AUDIT_EXPORT, "/audit/export", "Export the audit log")
        .text(
            "One JSON text a line, up to the newest checkpoint. The last line has `end_of_stream`, and the cursor from \
             which the next export goes on; without it, the export was cut off.",
        )
        .answers(StatusCode::OK, "application/x-ndjson")
        .on(On::Tenants);

    async fn resource(_: &Ports, _: &Bare, _: &Wanted, _: &Nothing) -> Result<Resource, Problem> {
        Ok(log())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Streamed>, Problem> {
        let sight = Sight::of(&call).await?;
        let filter = sight.met(&filter(call.query.filter.as_deref())?)?;
        let cursor = call.query.cursor.as_deref().filter(|text| !text.is_empty());
        let from = cursor.map(|text| Cursor::decode(text, &filter)).transpose();
        let from = from.map_err(|error| wrong(format!("cursor: {error}.")))?;
        let reader = ports.seen(sight.clone());
        let export = Export::begin(reader.as_ref(), filter, from).await.map_err(|error| match error {
            ExportError::Beyond { .. } => wrong(format!("{error}.")),
            ExportError::Store(error) => unavailable(&error),
        })?;
        let (from, to) = export.range();
        let (what, more) = (export.filter().to_string(), [("from", from), ("to", to)]);
        let reading = Reading { kind: Kind::AuditExported, more: &more, ..Reading::by("stream", &what) };
        ports.note(&call, &sight, reading).await?;
        let (sender, chunks) = mpsc::channel(WAITING);
        tokio::spawn(hand_over(reader, export, sender));
        let head = [(header::CONTENT_TYPE, "application/x-ndjson")];
        Ok(Reply::raw((head, Body::new(Chunks(chunks))).into_response()))
    }
}

/// Whoever gets no last line knows that it was cut off.
async fn hand_over(reader: Arc<dyn AuditReader>, mut export: Export, sender: mpsc::Sender<Bytes>) {
    loop {
        match export.next(reader.as_ref()).await {
            Ok(Some(lines)) => {
                let handed = tokio::time::timeout(PATIENCE, sender.send(lines.text.into())).await;
                if !matches!(handed, Ok(Ok(()))) {
                    return;
                }
            }
            Ok(None) => return,
            Err(error) => return tracing::error!(%error, "an export of the audit log was cut off"),
        }
    }
}
