//! Reviews: submissions and their notes, behaviour reports, reports of misbehaviour, what was found in releases.

use async_trait::async_trait;
use portcullis_model::{
    audit::Entry,
    error::StoreError,
    id::Digest,
    release::ReleaseId,
    review::{MAX_NOTES, MOST_OPEN, Misbehaviour, Note, ReviewStore, Submission, Vulnerability},
};
use rusqlite::{Connection, OptionalExtension, Params, params};
use serde::de::DeserializeOwned;

use crate::{
    SqliteStore,
    audit::append,
    db::{Outcome, Writing, corrupt, failed},
};

fn bodies<T: DeserializeOwned>(conn: &Connection, sql: &str, params: impl Params) -> Outcome<Vec<T>> {
    let mut query = conn.prepare_cached(sql).map_err(failed)?;
    let bodies: Vec<String> = query.query_map(params, |row| row.get(0)).and_then(Iterator::collect).map_err(failed)?;
    bodies.iter().map(|body| serde_json::from_str(body).map_err(corrupt)).collect()
}

fn keys(release: &ReleaseId) -> [String; 2] {
    [release.component.to_string(), release.manifest.to_string()]
}

fn put_note(conn: &Writing, submission: &Submission, after: usize, note: &Note, entry: &Entry) -> Outcome<bool> {
    let [digest, manifest] = keys(&submission.release());
    let present: usize = conn
        .query_row(
            "SELECT count(*) FROM review_notes WHERE digest = ?1 AND manifest_digest = ?2",
            [&digest, &manifest],
            |row| row.get(0),
        )
        .map_err(failed)?;
    if present != after {
        return Ok(false);
    }
    if present >= MAX_NOTES {
        return Err(StoreError(format!("a submission has at most {MAX_NOTES} notes; this one has them")));
    }
    let body = serde_json::to_string(submission).map_err(corrupt)?;
    conn.execute(
        "INSERT INTO submissions (digest, manifest_digest, body) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        params![digest, manifest, body],
    )
    .map_err(failed)?;
    let body = serde_json::to_string(note).map_err(corrupt)?;
    conn.execute(
        "INSERT INTO review_notes (digest, manifest_digest, body) VALUES (?1, ?2, ?3)",
        params![digest, manifest, body],
    )
    .map_err(failed)?;
    append(conn, entry)?;
    Ok(true)
}

#[async_trait]
impl ReviewStore for SqliteStore {
    async fn submissions(&self) -> Result<Vec<Submission>, StoreError> {
        self.db.read(|conn| bodies(conn, "SELECT body FROM submissions ORDER BY order_in", [])).await
    }

    async fn notes(&self, release: &ReleaseId) -> Result<Vec<Note>, StoreError> {
        let keys = keys(release);
        let sql = "SELECT body FROM review_notes WHERE digest = ?1 AND manifest_digest = ?2 ORDER BY number";
        self.db.read(move |conn| bodies(conn, sql, keys)).await
    }

    async fn put_note(
        &self,
        submission: Submission,
        after: usize,
        note: Note,
        entry: Entry,
    ) -> Result<bool, StoreError> {
        self.db.write(move |conn| put_note(conn, &submission, after, &note, &entry)).await
    }

    async fn put_report(&self, digest: Digest, bytes: Vec<u8>) -> Result<(), StoreError> {
        self.db
            .write(move |conn| {
                // Replacing heals a row that was damaged: the caller has just checked what it puts here.
                conn.execute(
                    "INSERT INTO behaviour_reports VALUES (?1, ?2) ON CONFLICT (digest) DO UPDATE SET body = excluded.body",
                    params![digest.to_string(), bytes],
                )
                .map(drop)
                .map_err(failed)
            })
            .await
    }

    async fn report(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let digest = digest.to_string();
        self.db
            .read(move |conn| {
                conn.query_row("SELECT body FROM behaviour_reports WHERE digest = ?1", [digest], |row| row.get(0))
                    .optional()
                    .map_err(failed)
            })
            .await
    }

    async fn misbehaviours(&self) -> Result<Vec<Misbehaviour>, StoreError> {
        self.db.read(|conn| bodies(conn, "SELECT body FROM misbehaviours ORDER BY number", [])).await
    }

    async fn put_misbehaviour(&self, report: Misbehaviour, entry: Entry) -> Result<bool, StoreError> {
        self.db
            .write(move |conn| {
                let body = serde_json::to_string(&report).map_err(corrupt)?;
                let put = conn
                    .execute(
                        "INSERT INTO misbehaviours (id, tenant, resolved, body) SELECT ?1, ?2, ?3, ?4
                         WHERE EXISTS (SELECT 1 FROM misbehaviours WHERE id = ?1) OR ?5 >
                           (SELECT count(*) FROM misbehaviours m WHERE m.tenant = ?2 AND m.resolved = 0
                            AND json_extract(m.body, '$.component') = json_extract(?4, '$.component')
                            AND json_extract(m.body, '$.manifest') = json_extract(?4, '$.manifest'))
                         ON CONFLICT (id) DO UPDATE SET resolved = excluded.resolved, body = excluded.body
                         WHERE resolved = 0",
                        params![report.id.as_str(), report.tenant.as_str(), report.resolved.is_some(), body, MOST_OPEN],
                    )
                    .map_err(failed)?;
                if put > 0 {
                    append(conn, &entry)?;
                }
                Ok(put > 0)
            })
            .await
    }

    async fn vulnerabilities(&self) -> Result<Vec<(ReleaseId, Vec<Vulnerability>)>, StoreError> {
        self.db
            .read(|conn| {
                let mut query = conn
                    .prepare_cached("SELECT digest, manifest_digest, body FROM vulnerabilities ORDER BY 1, 2")
                    .map_err(failed)?;
                let rows: Vec<(String, String, String)> = query
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                    .and_then(Iterator::collect)
                    .map_err(failed)?;
                let read = |(component, manifest, body): (String, String, String)| {
                    let component = component.parse().map_err(corrupt)?;
                    let id = ReleaseId { component, manifest: manifest.parse().map_err(corrupt)? };
                    Ok((id, serde_json::from_str(&body).map_err(corrupt)?))
                };
                rows.into_iter().map(read).collect()
            })
            .await
    }

    async fn put_vulnerabilities(
        &self,
        release: ReleaseId,
        found: Vec<Vulnerability>,
        entry: Entry,
    ) -> Result<(), StoreError> {
        self.db
            .write(move |conn| {
                let [digest, manifest] = keys(&release);
                let body = serde_json::to_string(&found).map_err(corrupt)?;
                conn.execute(
                    "INSERT INTO vulnerabilities VALUES (?1, ?2, ?3)
                     ON CONFLICT (digest, manifest_digest) DO UPDATE SET body = excluded.body",
                    params![digest, manifest, body],
                )
                .map_err(failed)?;
                append(conn, &entry)
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::{
        audit::Kind,
        review::{Resolution, Severity, Step},
        time::Timestamp,
        trust::RootScope,
    };

    use super::*;
    use crate::testing::{entry, store};

    fn submission(manifest: &[u8]) -> Submission {
        Submission {
            component: Digest::of(b"component"),
            manifest: Digest::of(manifest),
            plugin: "com.example.plugin".parse().unwrap(),
            publisher: "com.example".parse().unwrap(),
            version: "1.0.0".into(),
            number: 1,
        }
    }

    fn note(step: Step) -> Note {
        Note { at: Timestamp(1), by: "ann".into(), root: RootScope::Platform, step }
    }

    #[tokio::test]
    async fn notes_follow_one_another_and_belong_to_one_release() {
        let (_dir, store) = store();
        let (one, other) = (submission(b"m"), submission(b"other"));
        let put =
            |of: &Submission, after, step| store.put_note(of.clone(), after, note(step), entry(Kind::ReviewCommented));
        assert!(put(&one, 0, Step::Submitted).await.unwrap());
        assert!(!put(&one, 0, Step::Submitted).await.unwrap(), "made from what was before");
        assert!(put(&one, 1, Step::Commented { text: "a".into() }).await.unwrap());
        assert!(!put(&one, 1, Step::Commented { text: "b".into() }).await.unwrap());
        assert!(put(&other, 0, Step::Submitted).await.unwrap());
        assert_eq!(store.submissions().await.unwrap(), [one.clone(), other]);
        let notes = store.notes(&one.release()).await.unwrap();
        assert_eq!(notes, [note(Step::Submitted), note(Step::Commented { text: "a".into() })]);
        assert_eq!(store.entry_count().await.unwrap(), 3, "what changed nothing left no entry");
    }

    #[tokio::test]
    async fn a_submission_does_not_grow_without_end() {
        let (_dir, store) = store();
        let put = |after| {
            let text = Step::Commented { text: "a".into() };
            store.put_note(submission(b"m"), after, note(text), entry(Kind::ReviewCommented))
        };
        for after in 0..MAX_NOTES {
            assert!(put(after).await.unwrap());
        }
        assert!(put(MAX_NOTES).await.unwrap_err().to_string().contains("at most 1000 notes"));
    }

    #[tokio::test]
    async fn a_report_is_resolved_once() {
        let (_dir, store) = store();
        let open = Misbehaviour {
            id: "rep_1".parse().unwrap(),
            plugin: "com.example.plugin".parse().unwrap(),
            version: "1.0.0".into(),
            number: 1,
            component: Digest::of(b"c"),
            manifest: Digest::of(b"m"),
            tenant: "acme".parse().unwrap(),
            installation: "ins_1".parse().unwrap(),
            by: "ann".into(),
            at: Timestamp(1),
            reason: "sends what it should not".into(),
            evidence: vec!["call_1.1".parse().unwrap()],
            resolved: None,
        };
        let resolved = |public: &str| Misbehaviour {
            resolved: Some(Resolution {
                at: Timestamp(2),
                by: "rev".into(),
                note: "n".into(),
                public_note: public.into(),
            }),
            ..open.clone()
        };
        assert!(store.put_misbehaviour(open.clone(), entry(Kind::PluginReported)).await.unwrap());
        assert!(store.put_misbehaviour(resolved("fixed"), entry(Kind::ReportResolved)).await.unwrap());
        assert!(!store.put_misbehaviour(resolved("other"), entry(Kind::ReportResolved)).await.unwrap());
        assert!(!store.put_misbehaviour(open.clone(), entry(Kind::PluginReported)).await.unwrap());
        assert_eq!(store.misbehaviours().await.unwrap(), [resolved("fixed")]);
        assert_eq!(store.entry_count().await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_tenant_has_so_many_open_reports_of_a_release_and_no_more() {
        let (_dir, store) = store();
        let report = |n: usize, manifest: &[u8]| Misbehaviour {
            id: format!("rep_{n}").parse().unwrap(),
            plugin: "com.example.plugin".parse().unwrap(),
            version: "1.0.0".into(),
            number: 1,
            component: Digest::of(b"c"),
            manifest: Digest::of(manifest),
            tenant: "acme".parse().unwrap(),
            installation: "ins_1".parse().unwrap(),
            by: "ann".into(),
            at: Timestamp(1),
            reason: "sends what it should not".into(),
            evidence: Vec::new(),
            resolved: None,
        };
        let put = async |report| store.put_misbehaviour(report, entry(Kind::PluginReported)).await.unwrap();
        for n in 0..MOST_OPEN {
            assert!(put(report(n, b"m")).await);
        }
        assert!(!put(report(MOST_OPEN, b"m")).await, "whoever counted before it was put");
        assert!(put(report(MOST_OPEN, b"other")).await && put(report(0, b"m")).await);
        assert_eq!(store.misbehaviours().await.unwrap().len(), MOST_OPEN + 1);
    }

    #[tokio::test]
    async fn what_was_found_is_replaced_and_reports_come_back_as_they_were_put() {
        let (_dir, store) = store();
        let release = submission(b"m").release();
        let found = |advisory: &str| {
            vec![Vulnerability {
                advisory: advisory.into(),
                dependency: "time".into(),
                version: "0.1.0".into(),
                severity: Severity::High,
                summary: "reads freed memory".into(),
                fixed: Some("0.2.0".into()),
                certain: true,
            }]
        };
        for advisory in ["A-1", "A-2"] {
            store.put_vulnerabilities(release, found(advisory), entry(Kind::ReleaseVulnerable)).await.unwrap();
        }
        assert_eq!(store.vulnerabilities().await.unwrap(), [(release, found("A-2"))]);
        let digest = Digest::of(b"{}");
        assert_eq!(store.report(&digest).await.unwrap(), None);
        for _ in 0..2 {
            store.put_report(digest, b"{}".to_vec()).await.unwrap();
        }
        assert_eq!(store.report(&digest).await.unwrap().as_deref(), Some(b"{}".as_ref()));
    }
}
