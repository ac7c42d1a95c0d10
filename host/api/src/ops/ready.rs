//! Whether the host can do its work, and answers that hold for a moment.
//!
//! Invariant: however many ask at once, the host is looked at once a moment; a look that takes too long is itself what is wrong.

use std::{sync::Arc, time::Duration};

use portcullis_model::time::Timestamp;
use serde::Serialize;
use tokio::sync::Mutex;

use super::{Operations, Status};

/// For how long an answer holds.
const HOLDS: Duration = Duration::from_secs(2);
/// How long a look may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// One thing that it takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// Whether it is there.
    pub ok: bool,
    /// What is wrong, or how it stands. Never a secret, never a tenant's data.
    pub says: String,
}

impl Check {
    /// One that is there.
    pub fn ok(name: &'static str, says: impl Into<String>) -> Self {
        Self { name, ok: true, says: says.into() }
    }

    /// One that is not.
    pub fn bad(name: &'static str, says: impl Into<String>) -> Self {
        Self { name, ok: false, says: says.into() }
    }
}

type Kept<T> = Mutex<Option<(Timestamp, Arc<T>)>>;

/// What was answered last.
#[derive(Default)]
pub(super) struct Asked {
    checks: Kept<Vec<Check>>,
    status: Kept<Status>,
}

impl Asked {
    pub async fn checks(&self, host: &dyn Operations, now: Timestamp) -> Arc<Vec<Check>> {
        kept(&self.checks, now, async {
            match tokio::time::timeout(PATIENCE, host.checks()).await {
                Ok(checks) => checks,
                Err(_) => vec![Check::bad("host", format!("no answer within {} seconds", PATIENCE.as_secs()))],
            }
        })
        .await
    }

    pub async fn status(&self, host: &dyn Operations, now: Timestamp) -> Arc<Status> {
        kept(&self.status, now, host.status()).await
    }
}

async fn kept<T>(last: &Kept<T>, now: Timestamp, look: impl Future<Output = T>) -> Arc<T> {
    // Who comes meanwhile waits, and gets the same.
    let mut last = last.lock().await;
    if let Some((at, answer)) = last.as_ref()
        && now.distance(*at) < HOLDS
    {
        return answer.clone();
    }
    let fresh = Arc::new(look.await);
    *last = Some((now, fresh.clone()));
    fresh
}
