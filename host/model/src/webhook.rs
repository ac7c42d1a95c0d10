//! Back ends: the part of a plugin that runs outside of the sandbox, and what the host tells it by signed webhooks (Standard
//! Webhooks 1.0.0; INT-8, DAT-13).
//!
//! Types and ports only: signing is in the broker, sending in the delivery crate, rows in the store.
//!
//! Invariants: a back end gets an event only where its installation is granted it, and of the event what its plugin would get;
//! a notice of the host's own holds names and never content; what was found out about one address is never held against another
//! (see [`BackEnd::generation`]).

mod notice;
mod ports;

use std::time::Duration;

pub use notice::{Notice, ORIGIN, TEST};
pub use ports::{BackEnds, NotProjected, Outbox, ProjectEvents, Replay, Sending, Settled, SignError, SignWebhooks};
use serde::{Deserialize, Serialize};

use crate::{
    id::{InstallationId, TenantId},
    target::Target,
    time::Timestamp,
};

/// The name of the signing keys in the vault, beside the installation: one channel, one key (INT-8).
pub const SIGNING: &str = "backend/webhook";

/// The longest payload that is sent, in bytes. The specification asks for small ones, 20 kB or so.
pub const MAX_PAYLOAD: usize = 256 * 1024;

/// For how long a back end may fail without a success in between before it is disabled.
pub const DISABLED_AFTER: Duration = Duration::from_secs(5 * 24 * 3600);

/// The most entries that a list of event types may have.
const MAX_EVENTS: usize = 64;

/// A back end of one installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct BackEnd {
    /// In which tenant.
    pub tenant: TenantId,
    /// Of which installation; it has at most one.
    pub installation: InstallationId,
    /// Where messages are posted to.
    #[serde(with = "as_text")]
    pub url: Target,
    /// Which of the events that the installation is granted: exact types, or prefixes that end in `*`. Empty: all of them.
    #[serde(default)]
    pub events: Vec<String>,
    /// Whether anything is sent.
    #[serde(flatten)]
    pub state: BackEndState,
    /// How the last attempts went.
    #[serde(default)]
    pub health: Health,
    /// Another one with each setting. What comes of an attempt that began under another one says nothing about this one.
    pub generation: u64,
}

/// Whether a back end is sent anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum BackEndState {
    /// It is.
    Active,
    /// It is not, until it is set anew.
    Disabled {
        /// Since when.
        since: Timestamp,
        /// Why, in words.
        why: String,
    },
}

/// How the last attempts went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Health {
    /// Failures since the last success.
    pub failures: u32,
    /// The first of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// What the last of them was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// Nothing is sent before this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
}

/// What an attempt showed about a back end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It accepts messages.
    Works,
    /// It does not, or nobody knows; nothing more is sent before that moment.
    Fails {
        /// What happened.
        why: String,
        /// Not before.
        until: Timestamp,
    },
    /// Nothing about the back end: something here was in the way. Nothing more is sent before that moment.
    Nothing {
        /// Not before.
        until: Timestamp,
    },
    /// It wants no more messages (410 Gone).
    Gone,
}

impl BackEnd {
    /// Whether it asked for events of this type.
    pub fn wants(&self, kind: &str) -> bool {
        let fits = |pattern: &String| match pattern.strip_suffix('*') {
            Some(prefix) => kind.starts_with(prefix),
            None => kind == pattern,
        };
        self.events.is_empty() || self.events.iter().any(fits)
    }

    /// Whether it is sent anything.
    pub fn is_active(&self) -> bool {
        self.state == BackEndState::Active
    }

    /// The back end after an attempt.
    #[must_use]
    pub fn after(mut self, shown: &Shown, now: Timestamp) -> Self {
        note(&mut self.state, &mut self.health, shown, now);
        self
    }
}

/// Notes what an attempt showed about whoever is sent messages.
pub fn note(state: &mut BackEndState, health: &mut Health, shown: &Shown, now: Timestamp) {
    let disabled = |why: String| BackEndState::Disabled { since: now, why };
    match shown {
        Shown::Works => *health = Health::default(),
        Shown::Nothing { until } => health.not_before = health.not_before.max(Some(*until)),
        Shown::Gone => *state = disabled("it answered 410 Gone: it wants no more messages".to_owned()),
        Shown::Fails { why, until } => {
            let since = *health.failing_since.get_or_insert(now);
            health.failures = health.failures.saturating_add(1);
            health.last_error = Some(crate::audit::plain(why));
            health.not_before = health.not_before.max(Some(*until));
            if now >= since.plus(DISABLED_AFTER) {
                *state = disabled(crate::audit::plain(&format!("it accepted nothing since {since}: {why}")));
            }
        }
    }
}

/// Says what is wrong with a list of event types, if anything.
pub fn check_events(events: &[String]) -> Result<(), String> {
    if events.len() > MAX_EVENTS {
        return Err(format!("events: at most {MAX_EVENTS}; a '*' at the end of one stands for all that begin so"));
    }
    let printable = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    for event in events {
        let bare = event.strip_suffix('*').unwrap_or(event);
        if event.is_empty() || event.len() > 256 || bare.contains('*') || !printable(event) {
            let event = crate::audit::plain(event);
            return Err(format!(
                "events: '{event}' is no type; expected one such as zen:event-type:ticket.created, or with '*' at its end"
            ));
        }
    }
    Ok(())
}

/// A moment in the form of HTTP's headers, such as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7). Not its two obsolete forms.
pub fn http_date(text: &str) -> Option<Timestamp> {
    let form = time::macros::format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let at = time::PrimitiveDateTime::parse(text, &form).ok()?.assume_utc();
    Some(Timestamp(at.unix_timestamp().checked_mul(1000)?))
}

mod as_text {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::target::Target;

    pub fn serialize<S: Serializer>(target: &Target, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(target)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Target, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back_end() -> BackEnd {
        BackEnd {
            tenant: "acme".parse().unwrap(),
            installation: "ins_1".parse().unwrap(),
            url: "https://hooks.example.test/in".parse().unwrap(),
            events: Vec::new(),
            state: BackEndState::Active,
            health: Health::default(),
            generation: 1,
        }
    }

    fn fails(until: i64) -> Shown {
        Shown::Fails { why: "it answered 500".into(), until: Timestamp(until) }
    }

    #[test]
    fn reads_what_it_writes() {
        let one = back_end().after(&fails(20), Timestamp(10)).after(&Shown::Gone, Timestamp(30));
        let text = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<BackEnd>(&text).unwrap(), one);
        assert!(
            text.contains(r#""url":"https://hooks.example.test/in""#) && text.contains(r#""state":"disabled""#),
            "{text}"
        );
        assert!(serde_json::from_str::<BackEnd>(&text.replace("https://", "http://")).is_err());
    }

    #[test]
    fn asks_for_all_for_one_or_for_a_prefix() {
        let asks = |events: &[&str], kind: &str| {
            BackEnd { events: events.iter().map(|e| (*e).to_owned()).collect(), ..back_end() }.wants(kind)
        };
        assert!(asks(&[], "a.b"));
        assert!(asks(&["a.b"], "a.b") && !asks(&["a.b"], "a.bc"));
        assert!(asks(&["x", "a.*"], "a.bc") && !asks(&["a.*"], "ab"));
        assert!(asks(&["*"], "anything"));
    }

    #[test]
    fn says_what_is_no_event_type() {
        assert_eq!(check_events(&["zen:event-type:ticket.*".into(), "com.github.push".into()]), Ok(()));
        for bad in ["", "a*b", "**", "a b", "a\n", "\u{202e}x"] {
            assert!(check_events(&[bad.to_owned()]).is_err(), "{bad:?}");
        }
        assert!(check_events(&vec!["a".to_owned(); MAX_EVENTS + 1]).is_err());
    }

    #[test]
    fn days_of_nothing_but_failures_disable_it_and_one_success_begins_anew() {
        let first = Timestamp(1_000);
        let late = first.plus(DISABLED_AFTER);
        let failing = back_end().after(&fails(2_000), first);
        assert_eq!((failing.health.failures, failing.health.not_before), (1, Some(Timestamp(2_000))));
        let before = failing.clone().after(&fails(3_000), Timestamp(late.0 - 1));
        assert!(before.is_active());
        let BackEndState::Disabled { since, why } = before.clone().after(&fails(0), late).state else { panic!() };
        assert_eq!(since, late);
        assert!(why.contains("nothing since 1970-01-01T00:00:01.000Z: it answered 500"), "{why}");
        let well = before.after(&Shown::Works, late);
        assert_eq!(well.health, Health::default());
        assert!(well.after(&fails(0), late).is_active());
    }

    #[test]
    fn what_is_in_the_way_here_is_not_held_against_it() {
        let one = back_end().after(&Shown::Nothing { until: Timestamp(9) }, Timestamp(1));
        assert_eq!(
            (one.health.failures, one.health.failing_since, one.health.not_before),
            (0, None, Some(Timestamp(9)))
        );
        let longer = one.after(&Shown::Nothing { until: Timestamp(5) }, Timestamp(2));
        assert_eq!(longer.health.not_before, Some(Timestamp(9)), "the longer pause holds");
    }
}
