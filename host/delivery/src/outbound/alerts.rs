//! The worker that tells endpoints of alerts: leased, signed, posted, settled.
//!
//! Invariants: the id of a message is the same over all of its attempts; what is sent is byte for byte what was signed, and holds no
//! content (DAT-13); of an answer nothing is kept but its status and when to come again; an attempt has an entry that says how it
//! ended.

use std::{sync::Arc, time::Duration};

use portcullis_model::{
    alert::{AlertOutbox, AlertPost, AlertSettled, Notification, SignAlerts},
    audit::{Actor, Entry, Kind, plain},
    queue::Verdict,
    time::{Clock, Rng, Timestamp},
    webhook::Shown,
};
use tokio::sync::watch;

use super::{OutboundConfig, reply::Reply};

/// How long to sleep where nothing is due.
const IDLE: Duration = Duration::from_millis(500);
/// How many are taken at once.
const AT_ONCE: usize = 16;
/// How long a lease holds: longer than all that are taken at once, which are sent at the same time.
const HOLD: Duration = Duration::from_secs(120);
/// How long what is in the way here is given.
const IN_THE_WAY: Duration = Duration::from_secs(30);

/// The worker and its ports.
pub struct AlertSender {
    /// Where notifications wait.
    pub outbox: Arc<dyn AlertOutbox>,
    /// What signs.
    pub signer: Arc<dyn SignAlerts>,
    /// What posts.
    pub post: Arc<dyn AlertPost>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for pauses.
    pub rng: Arc<dyn Rng>,
    /// Tries and pauses, as for back ends.
    pub config: OutboundConfig,
    /// Where the host is reached: links begin so.
    pub base: String,
}

/// How an attempt ended.
enum End {
    Answered(u16, Reply),
    Failed(String),
    InTheWay(String),
}

impl AlertSender {
    /// Works until `stop` turns true.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let leased = self.outbox.lease_notifications(AT_ONCE, self.clock.now(), HOLD).await;
            let leased = leased.unwrap_or_else(|error| {
                tracing::error!(%error, "nobody can be told of alerts");
                Vec::new()
            });
            if leased.is_empty() {
                tokio::select! {
                    () = tokio::time::sleep(IDLE) => {}
                    _ = stop.changed() => {}
                }
                continue;
            }
            let mut under_way = tokio::task::JoinSet::new();
            for one in leased {
                let this = self.clone();
                under_way.spawn(async move { this.deliver(one).await });
            }
            while under_way.join_next().await.is_some() {}
        }
    }

    async fn deliver(&self, one: Notification) {
        let end = self.attempt(&one).await;
        let now = self.clock.now();
        let (verdict, shown) = self.verdict(&one, &end, now);
        let entries = entries(&one, &end, &verdict, now);
        let (number, tenant, generation) = (one.number, one.endpoint.tenant, one.endpoint.generation);
        let settled = AlertSettled { number, tenant, generation, verdict, shown: Some(shown), now };
        if let Err(error) = self.outbox.settle_notification(settled, entries).await {
            // The lease runs out and it is taken again: at least once.
            tracing::error!(%error, number, "it cannot be settled that somebody was told of an alert");
        }
    }

    async fn attempt(&self, one: &Notification) -> End {
        let (id, payload) = (one.message(), one.payload(&self.base));
        let timestamp = self.clock.now().0.div_euclid(1000);
        let signed = self.signer.sign_alert(one.endpoint.tenant.as_ref(), &id, timestamp, &payload).await;
        let signature = match signed {
            Ok(signature) => signature,
            Err(error) => return End::InTheWay(error.to_string()),
        };
        let headers =
            vec![("webhook-id", id), ("webhook-timestamp", timestamp.to_string()), ("webhook-signature", signature)];
        match self.post.post(&one.endpoint.url, headers, payload).await {
            Ok(posted) => End::Answered(posted.status, Reply::of(posted.status, posted.wait)),
            Err(why) => End::Failed(why),
        }
    }

    /// What becomes of the notification, and what that shows about the endpoint.
    fn verdict(&self, one: &Notification, end: &End, now: Timestamp) -> (Verdict, Shown) {
        let again = |why: &str, not_before: Timestamp| {
            let error = plain(why);
            match self.config.retry.next(one.attempt, now, self.rng.as_ref()) {
                Some(at) => Verdict::Retry { at: at.max(not_before), error },
                None => Verdict::Dead { error },
            }
        };
        let failed = |why: &str, wait: Option<Duration>| {
            let failures = one.endpoint.health.failures.saturating_add(1).min(32);
            let pause = self.config.pause.next(failures, now, self.rng.as_ref()).unwrap_or(now);
            let until = pause.max(now.plus(wait.unwrap_or_default()));
            (again(why, until), Shown::Fails { why: why.to_owned(), until })
        };
        match end {
            End::Answered(_, Reply::Accepted) => (Verdict::Done, Shown::Works),
            End::Answered(_, Reply::Gone) => (Verdict::Dead { error: "it answered 410 Gone".to_owned() }, Shown::Gone),
            End::Answered(_, Reply::Failed { why, wait }) => failed(why, *wait),
            End::Failed(why) => failed(why, None),
            End::InTheWay(why) => {
                let until = now.plus(IN_THE_WAY);
                (again(why, until), Shown::Nothing { until })
            }
        }
    }
}

fn entries(one: &Notification, end: &End, verdict: &Verdict, now: Timestamp) -> Vec<Entry> {
    let (outcome, status, why) = match end {
        End::Answered(status, Reply::Accepted) => ("accepted", Some(*status), None),
        End::Answered(status, Reply::Gone) => ("gone", Some(*status), None),
        End::Answered(status, Reply::Failed { why, .. }) => ("failed", Some(*status), Some(why)),
        End::Failed(why) => ("failed", None, Some(why)),
        End::InTheWay(why) => ("not-sent", None, Some(why)),
    };
    let about = one.alert.map_or_else(|| "alert:test".to_owned(), |id| format!("alert:{id}"));
    let mut entry = Entry::new(now, Kind::AlertDelivery, Actor::Host, one.endpoint.tenant.clone())
        .about(about)
        .with("message", one.message())
        .with("attempt", one.attempt)
        .with("outcome", outcome);
    if let Some(status) = status {
        entry = entry.with("status", status);
    }
    if let Some(why) = why {
        entry = entry.with("reason", why.as_str());
    }
    if matches!(verdict, Verdict::Dead { .. }) {
        entry = entry.with("given-up", true);
    }
    vec![entry]
}

#[cfg(test)]
mod tests;
