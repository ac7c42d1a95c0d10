//! Requests that may be sent again, and what they were answered with.
//!
//! Invariant: what is older than it is kept is never looked at, and goes with the next key.

use async_trait::async_trait;
use portcullis_model::{
    error::StoreError,
    id::TenantId,
    idempotency::{KEPT, Kept, Keyed, Known, Repeats},
};
use rusqlite::{OptionalExtension as _, params};

use crate::{
    SqliteStore,
    db::{corrupt, failed},
};

#[async_trait]
impl Repeats for SqliteStore {
    async fn begin(&self, keyed: Keyed) -> Result<Known, StoreError> {
        self.db
            .write(move |conn| {
                let oldest = keyed.at.0.saturating_sub(i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX));
                conn.execute("DELETE FROM idempotency WHERE at <= ?1", [oldest]).map_err(failed)?;
                let row: Option<(String, Option<String>)> = conn
                    .query_row(
                        "SELECT request, answer FROM idempotency WHERE caller = ?1 AND key = ?2",
                        [keyed.caller.as_str(), keyed.key.to_string().as_str()],
                        |row| Ok((row.get(0)?, row.get(1)?)),
                    )
                    .optional()
                    .map_err(failed)?;
                match row {
                    Some((request, _)) if request != keyed.request.to_string() => Ok(Known::Other),
                    Some((_, None)) => Ok(Known::Begun),
                    Some((_, Some(answer))) => serde_json::from_str(&answer).map(Known::Answered).map_err(corrupt),
                    None => conn
                        .execute(
                            "INSERT INTO idempotency (caller, key, request, at, tenant) VALUES (?1, ?2, ?3, ?4, ?5)",
                            params![
                                keyed.caller,
                                keyed.key.to_string(),
                                keyed.request.to_string(),
                                keyed.at.0,
                                keyed.tenant.as_ref().map(TenantId::as_str)
                            ],
                        )
                        .map(|_| Known::New)
                        .map_err(failed),
                }
            })
            .await
    }

    async fn end(&self, keyed: Keyed, kept: Option<Kept>) -> Result<(), StoreError> {
        self.db
            .write(move |conn| {
                let key = keyed.key.to_string();
                let done = match &kept {
                    Some(kept) => conn.execute(
                        "UPDATE idempotency SET answer = ?3 WHERE caller = ?1 AND key = ?2",
                        params![keyed.caller, key, serde_json::to_string(kept).map_err(corrupt)?],
                    ),
                    None => conn.execute(
                        "DELETE FROM idempotency WHERE caller = ?1 AND key = ?2 AND answer IS NULL",
                        params![keyed.caller, key],
                    ),
                };
                done.map(drop).map_err(failed)
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::{id::Digest, time::Timestamp};

    use super::*;
    use crate::testing::store;

    fn keyed(caller: &str, key: &str, request: &str, at: i64) -> Keyed {
        let of = |text: &str| Digest::of(text.as_bytes());
        Keyed { caller: caller.into(), tenant: None, key: of(key), request: of(request), at: Timestamp(at) }
    }

    #[tokio::test]
    async fn a_key_stands_for_one_request_of_one_caller_for_a_day() {
        let (_dir, store) = store();
        let first = keyed("a", "k", "r", 1_000);
        assert_eq!(store.begin(first.clone()).await.unwrap(), Known::New);
        assert_eq!(store.begin(first.clone()).await.unwrap(), Known::Begun);
        assert_eq!(store.begin(keyed("a", "k", "other", 1_001)).await.unwrap(), Known::Other);
        assert_eq!(store.begin(keyed("b", "k", "other", 1_001)).await.unwrap(), Known::New, "of somebody else");
        let kept = Kept { status: 201, headers: vec![("etag".into(), "\"1\"".into())], body: Some("{}".into()) };
        store.end(first.clone(), Some(kept.clone())).await.unwrap();
        assert_eq!(store.begin(first.clone()).await.unwrap(), Known::Answered(kept));
        store.end(first.clone(), None).await.unwrap();
        assert!(matches!(store.begin(first.clone()).await.unwrap(), Known::Answered(_)), "an answer stays");
        let day = i64::try_from(KEPT.as_millis()).unwrap();
        assert_eq!(store.begin(keyed("a", "k", "other", 1_000 + day)).await.unwrap(), Known::New, "its time is over");
    }

    #[tokio::test]
    async fn what_was_refused_can_be_asked_again() {
        let (_dir, store) = store();
        let first = keyed("a", "k", "r", 1);
        assert_eq!(store.begin(first.clone()).await.unwrap(), Known::New);
        store.end(first.clone(), None).await.unwrap();
        assert_eq!(store.begin(keyed("a", "k", "corrected", 2)).await.unwrap(), Known::New);
    }
}
