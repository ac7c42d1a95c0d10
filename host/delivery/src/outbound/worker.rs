//! The worker of messages to back ends.
//!
//! Invariants: a lease that it took is settled by it, or runs out and is taken again, at an orderly stop and after a crash alike; a
//! back end that is slow or down costs its own messages time, and few slots; each attempt has an entry that says how it ended,
//! beside what the door records.

use std::{sync::Arc, time::Duration};

use portcullis_model::{
    audit::{Actor, Entry, Kind},
    authority::Layer,
    door::{DoorError, OutDoor},
    egress::SendRequest,
    error::ServiceError,
    installation::{Installation, InstallationState},
    queue::Verdict,
    time::{Clock, Rng, Timestamp},
    webhook::{NotProjected, Outbox, ProjectEvents, Sending, Settled, Shown, SignWebhooks},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::{message::Message, reply::Reply};
use crate::{Directory, RetryPolicy};

/// How long to sleep where nothing is due.
const IDLE: Duration = Duration::from_millis(500);
/// How long what is in the way here (a budget, a suspension) is given before it is looked at again.
const IN_THE_WAY: Duration = Duration::from_secs(30);
/// Tries beyond the policy's for a message whose tries ended without a verdict, because the host died.
const CRASHES: u32 = 20;
/// The limits of an answer begin so.
const ANSWER: &str = "http-response";
/// One back end is sent at most one part in so many of all messages that are under way.
const SHARE: usize = 8;

/// What the operator decides about it.
#[derive(Clone, Copy, Debug)]
pub struct OutboundConfig {
    /// Messages under way at once.
    pub concurrent: usize,
    /// From the request to the answer's last byte.
    pub timeout: Duration,
    /// Tries of one message.
    pub retry: RetryPolicy,
    /// Pauses of a back end that fails, whatever the message.
    pub pause: RetryPolicy,
}

impl Default for OutboundConfig {
    /// 32 at once, 20 s each; 24 tries over two to three days, as the specification recommends; a back end that fails is left alone
    /// for 1 s, then longer, up to 5 minutes.
    fn default() -> Self {
        Self {
            concurrent: 32,
            timeout: Duration::from_secs(20),
            retry: RetryPolicy { attempts: 24, first: Duration::from_secs(5), longest: Duration::from_secs(6 * 3600) },
            pause: RetryPolicy { attempts: u32::MAX, first: Duration::from_secs(1), longest: Duration::from_secs(300) },
        }
    }
}

/// The worker and its ports.
pub struct Outbound {
    /// Where messages wait.
    pub outbox: Arc<dyn Outbox>,
    /// The installations.
    pub directory: Directory,
    /// What makes of an event what an installation may see of it.
    pub events: Arc<dyn ProjectEvents>,
    /// What signs.
    pub signer: Arc<dyn SignWebhooks>,
    /// The way out.
    pub door: Arc<dyn OutDoor>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for pauses.
    pub rng: Arc<dyn Rng>,
    /// Settings.
    pub config: OutboundConfig,
}

/// How an attempt ended.
enum End {
    /// The back end has it.
    Accepted { status: u16 },
    /// The back end wants no more.
    Gone,
    /// It failed, and may succeed another time.
    Failed { why: String, status: Option<u16>, wait: Option<Duration> },
    /// Something here was in the way: nothing was sent. Whether it counts as a try.
    InTheWay { why: String, wait: Duration, counts: bool },
    /// It can never succeed.
    Hopeless { why: String },
}

impl End {
    fn failed(why: impl Into<String>) -> Self {
        Self::Failed { why: why.into(), status: None, wait: None }
    }
}

impl Outbound {
    /// Works until `stop` turns true, then lets what is under way come to its end.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let slots = Arc::new(Semaphore::new(self.config.concurrent));
        let each = (self.config.concurrent / SHARE).max(1);
        while !*stop.borrow() {
            // No more than can be begun at once, so that no lease grows old in a line.
            let free = slots.available_permits();
            let leases = self.outbox.lease_sendings(free, each, self.clock.now(), self.hold()).await;
            let leases = leases.unwrap_or_else(|error| {
                tracing::error!(%error, "messages to back ends cannot be leased");
                Vec::new()
            });
            let idle = leases.is_empty();
            for sending in leases {
                let Ok(slot) = slots.clone().acquire_owned().await else { return };
                tokio::spawn(self.clone().deliver(sending, slot));
            }
            if idle {
                tokio::select! {
                    () = tokio::time::sleep(IDLE) => {}
                    _ = stop.changed() => {}
                }
            }
        }
        let all = u32::try_from(self.config.concurrent).unwrap_or(u32::MAX);
        drop(slots.acquire_many(all).await);
    }

    /// How long a lease holds: longer than any attempt.
    fn hold(&self) -> Duration {
        self.config.timeout.saturating_mul(3) + Duration::from_secs(60)
    }

    async fn deliver(self: Arc<Self>, sending: Sending, slot: OwnedSemaphorePermit) {
        let end = if sending.attempt > self.config.retry.attempts.saturating_add(CRASHES) {
            End::Hopeless { why: "the host died at each try, or nearly so".to_owned() }
        } else {
            self.attempt(&sending).await.unwrap_or_else(|end| end)
        };
        self.settle(&sending, end).await;
        drop(slot);
    }

    async fn attempt(&self, sending: &Sending) -> Result<End, End> {
        let installation = self.installation(sending).await?;
        let data = self.data(&installation, sending).await?;
        let message = Message::new(sending, &data).map_err(|why| End::Hopeless { why })?;
        let timestamp = self.clock.now().0.div_euclid(1000);
        let (tenant, id) = (&sending.back_end.tenant, &sending.back_end.installation);
        let signature = self.signer.sign(tenant, id, &message.id, timestamp, &message.payload).await;
        let signature = signature.map_err(|error| {
            let why = error.to_string();
            End::InTheWay { why, wait: IN_THE_WAY, counts: true }
        })?;
        let purpose = format!("webhook:{}", message.id);
        let request = message.request(sending, timestamp, signature);
        Ok(self.send(&installation, &purpose, sending.attempt, request).await)
    }

    /// The installation in whose name it is sent.
    async fn installation(&self, sending: &Sending) -> Result<Arc<Installation>, End> {
        let wait = |why: &str| End::InTheWay { why: why.to_owned(), wait: IN_THE_WAY, counts: false };
        let table = self.directory.table().await.map_err(|error| {
            tracing::error!(%error, "installations cannot be read");
            wait("installations cannot be read")
        })?;
        match table.get(&sending.back_end.installation) {
            Some(one) if one.tenant != sending.back_end.tenant || one.is_gone() => {
                Err(End::Hopeless { why: "the installation was uninstalled".to_owned() })
            }
            Some(one) if one.state == InstallationState::Active => Ok(one.clone()),
            Some(_) => Err(wait("the installation is suspended")),
            None => Err(End::Hopeless { why: "the installation is gone".to_owned() }),
        }
    }

    /// What the installation may see of it. A notice holds nothing that could be hidden.
    async fn data(&self, installation: &Installation, sending: &Sending) -> Result<String, End> {
        if sending.notice {
            return Ok(sending.event.data.to_string());
        }
        let projected = self.events.project(installation, &sending.event, sending.attempt).await;
        projected.map_err(|error| match error {
            NotProjected::Refused(why) => End::Hopeless { why },
            NotProjected::Unavailable(why) => {
                tracing::error!(why, "an event for a back end cannot be projected");
                End::InTheWay { why, wait: IN_THE_WAY, counts: true }
            }
        })
    }

    async fn send(&self, installation: &Installation, purpose: &str, attempt: u32, request: SendRequest) -> End {
        let sent = tokio::time::timeout(self.config.timeout, self.door.send(installation, purpose, attempt, request));
        let in_the_way = |why: String, counts| End::InTheWay { why, wait: IN_THE_WAY, counts };
        match sent.await {
            Err(_) => End::failed(format!("no answer within {} s", self.config.timeout.as_secs())),
            Ok(Ok(answer)) => {
                let status = answer.status;
                match Reply::read(&answer, self.clock.now()) {
                    Reply::Accepted => End::Accepted { status },
                    Reply::Gone => End::Gone,
                    Reply::Failed { why, wait } => End::Failed { why, status: Some(status), wait },
                }
            }
            Ok(Err(DoorError::Held(why))) => in_the_way(why, false),
            // However long it lasts, and whether or not something was under way when it came: the back end did nothing wrong.
            Ok(Err(DoorError::Service(error @ ServiceError::Frozen(_)))) => in_the_way(error.to_string(), false),
            Ok(Err(DoorError::Denied(denial))) if denial.layer == Layer::Budget => in_the_way(denial.reason, false),
            Ok(Err(DoorError::Denied(denial))) => End::failed(format!(
                "the installation may not send there: {} (by {}); needed: {}",
                denial.reason, denial.layer, denial.loggable
            )),
            // What it answered with is too much to be read: whether it took the message is not known.
            Ok(Err(DoorError::Service(ServiceError::Limited { name, allowed, .. }))) if name.starts_with(ANSWER) => {
                End::failed(format!("its answer is beyond the limit '{name}' of {allowed}"))
            }
            Ok(Err(DoorError::Service(error @ ServiceError::Limited { retry_after_ms, .. }))) => {
                let wait = retry_after_ms.map_or(IN_THE_WAY, |ms| Duration::from_millis(ms.into()));
                End::InTheWay { why: error.to_string(), wait: wait.max(Duration::from_secs(1)), counts: true }
            }
            Ok(Err(DoorError::Service(error))) => End::failed(error.to_string()),
        }
    }

    async fn settle(&self, sending: &Sending, end: End) {
        let now = self.clock.now();
        let (verdict, shown) = self.verdict(sending, &end, now);
        let entries = entries(sending, &end, &verdict, now);
        let back_end = &sending.back_end;
        let shown = shown.map(|shown| (back_end.installation.clone(), back_end.generation, shown));
        let settled = Settled { delivery: sending.delivery, verdict, shown, now };
        if let Err(error) = self.outbox.settle_sending(settled, entries).await {
            // The lease runs out and the message is taken again: at least once.
            tracing::error!(%error, delivery = sending.delivery, "a message to a back end cannot be settled");
        }
    }

    /// What becomes of the message, and what that shows about the back end.
    fn verdict(&self, sending: &Sending, end: &End, now: Timestamp) -> (Verdict, Option<Shown>) {
        let again = |why: &str, not_before: Timestamp| {
            let error = portcullis_model::audit::plain(why);
            match self.config.retry.next(sending.attempt, now, self.rng.as_ref()) {
                Some(at) => Verdict::Retry { at: at.max(not_before), error },
                None => Verdict::Dead { error },
            }
        };
        match end {
            End::Accepted { .. } => (Verdict::Done, Some(Shown::Works)),
            End::Gone => (Verdict::Dead { error: "it answered 410 Gone".to_owned() }, Some(Shown::Gone)),
            End::Hopeless { why } => (Verdict::Dead { error: portcullis_model::audit::plain(why) }, None),
            End::InTheWay { why, wait, counts } => {
                let until = now.plus(*wait);
                let verdict = if *counts { again(why, until) } else { Verdict::Released { at: until } };
                (verdict, Some(Shown::Nothing { until }))
            }
            End::Failed { why, wait, .. } => {
                let failures = sending.back_end.health.failures.saturating_add(1).min(32);
                let pause = self.config.pause.next(failures, now, self.rng.as_ref()).unwrap_or(now);
                let until = pause.max(now.plus(wait.unwrap_or_default()));
                (again(why, until), Some(Shown::Fails { why: why.clone(), until }))
            }
        }
    }
}

/// What the log is told of an attempt: how it ended, and that the message was given up where it was.
fn entries(sending: &Sending, end: &End, verdict: &Verdict, now: Timestamp) -> Vec<Entry> {
    let (outcome, status, why) = match end {
        // Nothing happened: no entry.
        End::InTheWay { counts: false, .. } => return Vec::new(),
        End::Accepted { status } => ("accepted", Some(*status), None),
        End::Gone => ("gone", Some(410), None),
        End::Failed { why, status, .. } => ("failed", *status, Some(why)),
        End::InTheWay { why, .. } => ("not-sent", None, Some(why)),
        End::Hopeless { why } => ("given-up", None, Some(why)),
    };
    let entry = |kind| Entry::new(now, kind, Actor::Host, Some(sending.back_end.tenant.clone()));
    let mut attempt = entry(Kind::BackendDelivery)
        .about(format!("installation:{}", sending.back_end.installation))
        .with("delivery", sending.delivery)
        .with("message", super::message::id(sending))
        .with("type", sending.event.kind.as_str())
        .with("attempt", sending.attempt)
        .with("outcome", outcome);
    if let Some(status) = status {
        attempt = attempt.with("status", status);
    }
    if let Some(why) = why {
        attempt = attempt.with("reason", why.as_str());
    }
    let mut entries = vec![attempt];
    if let Verdict::Dead { error } = verdict {
        let dead = entry(Kind::DeliveryDead)
            .about(format!("delivery:{}", sending.delivery))
            .with("installation", sending.back_end.installation.as_str())
            .with("attempts", sending.attempt)
            .with("reason", error.as_str());
        entries.push(dead);
    }
    entries
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
