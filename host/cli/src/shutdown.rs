//! How a host ends: it says that it is about to, waits for whoever sends requests to notice, and then ends within its time.

use std::time::Duration;

use serde::Deserialize;
use tokio::sync::watch;

/// `[shutdown]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Shutdown {
    /// For how long `/readyz` says that the host is about to end, while it goes on serving: as long as a load balancer needs to see it.
    pub notice_seconds: u64,
    /// For how long what is under way may go on after that. What is not done then is done after the next start.
    pub seconds: u64,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { notice_seconds: 0, seconds: 60 }
    }
}

impl Shutdown {
    /// For how long what is under way may go on.
    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.seconds.max(1))
    }

    /// Turns true when `stop` has been for as long as the notice takes. Nobody left to stop it means stop.
    pub fn after_notice(&self, mut stop: watch::Receiver<bool>) -> watch::Receiver<bool> {
        let notice = Duration::from_secs(self.notice_seconds);
        if notice.is_zero() {
            return stop;
        }
        let (end, ended) = watch::channel(false);
        tokio::spawn(async move {
            drop(stop.wait_for(|stop| *stop).await);
            tokio::time::sleep(notice).await;
            end.send_replace(true);
        });
        ended
    }
}
