//! What plugins wrote to their own logs.

use async_trait::async_trait;
use portcullis_model::{
    error::StoreError,
    id::InstallationId,
    installation::Installation,
    invoke::{CallReport, LogLine, PluginLogReader, PluginLogs},
    time::Timestamp,
};
use rusqlite::{Row, params};

use crate::{
    SqliteStore,
    db::{Outcome, failed},
    privacy,
};

/// The newest lines of an installation.
const NEWEST: &str = "SELECT number, time, installation, call, level, message FROM plugin_log
     WHERE installation = ?1 AND tenant = ?2 AND number < ?3 ORDER BY number DESC LIMIT ?4";

/// A row of its number, time, installation, call, level and message.
pub(crate) fn line(row: &Row<'_>) -> rusqlite::Result<(i64, LogLine)> {
    let line = LogLine {
        time: Timestamp(row.get(1)?),
        installation: row.get(2)?,
        call: row.get(3)?,
        level: row.get(4)?,
        message: row.get(5)?,
    };
    Ok((row.get(0)?, line))
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
                query
                    .query_map(params![of.as_ref().map(|i| i.as_str()), most], |row| Ok(line(row)?.1))
                    .and_then(Iterator::collect)
                    .map_err(failed)
            })
            .await
    }
}

#[async_trait]
impl PluginLogReader for SqliteStore {
    async fn newest_lines(
        &self,
        of: &Installation,
        before: Option<i64>,
        most: usize,
    ) -> Result<Vec<(i64, LogLine)>, StoreError> {
        let (id, tenant) = (of.id.clone(), of.tenant.clone());
        self.db
            .read(move |conn| {
                let mut query = conn.prepare_cached(NEWEST).map_err(failed)?;
                query
                    .query_map(params![id.as_str(), tenant.as_str(), before.unwrap_or(i64::MAX), most], line)
                    .and_then(Iterator::collect)
                    .map_err(failed)
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::store;

    #[tokio::test]
    async fn what_others_wrote_is_not_read_to_find_an_installations_lines() {
        let (_dir, store) = store();
        let plan = store.db.read(|conn| {
            let mut query = conn.prepare(&format!("EXPLAIN QUERY PLAN {NEWEST}")).map_err(failed)?;
            let steps =
                query.query_map(params!["ins_1", "acme", 7, 3], |row| row.get::<_, String>(3)).map_err(failed)?;
            steps.collect::<Result<Vec<_>, _>>().map_err(failed)
        });
        let plan = plan.await.unwrap();
        assert!(plan.iter().any(|step| step.contains("plugin_log_of (installation=? AND number<?)")), "{plan:?}");
        assert!(!plan.iter().any(|step| step.starts_with("SCAN") || step.contains("TEMP B-TREE")), "{plan:?}");
    }
}
