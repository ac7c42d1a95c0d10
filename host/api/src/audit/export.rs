//! `GET /admin/v1/audit/export`: NDJSON up to the newest checkpoint, with a cursor in its last line.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{RawQuery, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use portcullis_model::audit::{
    Kind,
    export::{Export, ExportError},
    query::Cursor,
    reader::AuditReader,
};
use tokio::sync::mpsc;

use super::{
    AuditApi, answer,
    query::{Params, wrong},
    stream::Chunks,
    unavailable,
};
use crate::problem::{Problem, Reason};

/// How long a reader may take over one part.
const PATIENCE: Duration = Duration::from_secs(60);
/// Parts that wait for a reader.
const WAITING: usize = 2;

pub(super) async fn export(
    State(api): State<Arc<AuditApi>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    answer(exported(&api, query.as_deref(), &headers).await)
}

async fn exported(api: &AuditApi, query: Option<&str>, headers: &HeaderMap) -> Result<Response, Problem> {
    api.check(headers)?;
    let params = Params::read(query, &["filter", "cursor"])?;
    let filter = params.filter()?;
    let from = params.get("cursor").map(|text| Cursor::decode(text, &filter)).transpose();
    let from = from.map_err(|error| wrong(format!("cursor: {error}.")))?;
    let export = Export::begin(api.reader.as_ref(), filter, from).await.map_err(|error| match error {
        ExportError::Beyond { .. } => Problem::new(Reason::WrongQuery, format!("{error}.")),
        ExportError::Store(error) => unavailable(&error),
    })?;
    let (from, to) = export.range();
    api.note(Kind::AuditExported, "stream", &export.filter().to_string(), &[("from", from), ("to", to)]).await?;
    let (sender, chunks) = mpsc::channel(WAITING);
    tokio::spawn(hand_over(api.reader.clone(), export, sender));
    let head = [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-store")];
    Ok((head, Body::new(Chunks(chunks))).into_response())
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
