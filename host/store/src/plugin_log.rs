//! What plugins wrote to their own logs.

use portcullis_model::{
    id::InstallationId,
    invoke::{CallReport, PluginLogs},
    time::Timestamp,
};
use rusqlite::params;
use serde::Serialize;

use crate::{
    SqliteStore,
    db::{Outcome, failed},
    privacy,
};

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// When, by the host's clock.
    pub time: Timestamp,
    /// The installation that wrote it.
    pub installation: String,
    /// In which call.
    pub call: String,
    /// `debug`, `info`, `warn` or `error`.
    pub level: String,
    /// The text, with control characters escaped.
    pub message: String,
}

impl PluginLogs for SqliteStore {
    fn keep(&self, report: &CallReport, now: Timestamp) {
        if report.log.is_empty() {
            return;
        }
        let (call, lines) = (report.call.clone(), report.log.clone());
        let kept = self.db.write_soon(Some(report.call.tenant.clone()), move |conn| {
            let mut insert = conn
                .prepare_cached(
                    "INSERT INTO plugin_log (tenant, installation, call, time, level, message)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )
                .map_err(failed)?;
            let (tenant, installation) = (call.tenant.as_str(), call.installation.as_str());
            let asked = privacy::request_of(&call);
            for (level, message) in &lines {
                let message = privacy::line(conn, asked, message)?;
                insert
                    .execute(params![tenant, installation, call.id.as_str(), now.0, level, message])
                    .map_err(failed)?;
            }
            Ok(())
        });
        if let Err(error) = kept {
            tracing::error!(%error, "plugin log lines could not be handed in");
        }
    }
}

impl SqliteStore {
    /// The newest `most` lines, oldest first; of one installation or of all.
    pub async fn log_lines(&self, of: Option<InstallationId>, most: usize) -> Outcome<Vec<LogLine>> {
        self.db
            .read(move |conn| {
                let mut query = conn
                    .prepare_cached(
                        "SELECT * FROM (SELECT number, time, installation, call, level, message FROM plugin_log
                         WHERE ?1 IS NULL OR installation = ?1 ORDER BY number DESC LIMIT ?2) ORDER BY number",
                    )
                    .map_err(failed)?;
                let line = |row: &rusqlite::Row<'_>| {
                    Ok(LogLine {
                        time: Timestamp(row.get(1)?),
                        installation: row.get(2)?,
                        call: row.get(3)?,
                        level: row.get(4)?,
                        message: row.get(5)?,
                    })
                };
                query
                    .query_map(params![of.as_ref().map(|i| i.as_str()), most], line)
                    .and_then(Iterator::collect)
                    .map_err(failed)
            })
            .await
    }
}
