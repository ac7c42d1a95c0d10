//! The keys of one channel: the current one; for an overlap the previous one; and the pending one, which does not sign yet.
//!
//! In the vault a ring is one generation of one slot: the keys as the parts of its credential, and what is known of each in its
//! place. The seal binds the two together.
//!
//! Invariants: there is one current key, always; at most one previous and one pending; a key signs from when it became current until
//! its overlap ends.

use std::time::Duration;

use portcullis_model::{secret::Secret, time::Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    MAX_OVERLAP,
    key::{KeyError, Scheme, SigningKey},
};
use crate::{hmac::same, issue::Credential};

/// What a key is for at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Slot {
    /// It signs.
    Current,
    /// It signs beside the current one.
    Previous,
    /// It will be the current one.
    Pending,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyInfo {
    /// What it is for.
    pub slot: Slot,
    /// How it signs.
    pub scheme: Scheme,
    /// When it was made ready or became current.
    pub since: Timestamp,
    /// Until when it signs, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The public key, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public: Option<String>,
}

/// What a change makes of the key that was made ready before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// There is none.
    None,
    /// It signs from then on.
    Signs,
    /// It is gone: it never signs.
    Gone,
}

/// Why a ring cannot be changed so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    /// The last overlap is not over.
    #[error(
        "the last rotation's overlap goes on until {0}, and a back end may still use the key before that; wait, or rotate \
         without an overlap, which ends every older key at once"
    )]
    Overlapping(Timestamp),
    /// The overlap is too long.
    #[error("an overlap of {} hours at most", MAX_OVERLAP.as_secs() / 3600)]
    TooLong,
}

/// A place: what is known of the keys.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    current: Known,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<Known>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<Known>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked: Option<Timestamp>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    since: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

/// A key and what is known of it. Keys are shared between a ring and the one that follows it.
#[derive(Clone)]
struct Held {
    since: Timestamp,
    until: Option<Timestamp>,
    key: std::sync::Arc<SigningKey>,
}

impl Held {
    fn new(key: SigningKey, since: Timestamp) -> Self {
        Self { since, until: None, key: key.into() }
    }

    fn read(known: Option<Known>, secret: Option<&Secret>) -> Result<Option<Self>, KeyError> {
        match (known, secret) {
            (None, None) => Ok(None),
            (Some(known), Some(secret)) => {
                let held = Self::new(SigningKey::parse(secret)?, known.since);
                Ok(Some(Self { until: known.until, ..held }))
            }
            _ => Err(KeyError("there are more keys than are known, or fewer".to_owned())),
        }
    }

    fn known(&self) -> Known {
        Known { since: self.since, until: self.until }
    }
}

/// The keys of one channel.
pub struct Ring {
    current: Held,
    previous: Option<Held>,
    pending: Option<Held>,
    revoked: Option<Timestamp>,
}

impl Ring {
    /// A channel's first key.
    pub fn new(key: SigningKey, now: Timestamp) -> Self {
        Self { current: Held::new(key, now), previous: None, pending: None, revoked: None }
    }

    /// Reads a generation's place and credential.
    pub fn parse(place: &str, credential: &Credential) -> Result<Self, KeyError> {
        let unread = |_| KeyError("what is known of the keys is no such text".to_owned());
        let Place { current, previous, pending, revoked } = serde_json::from_str(place).map_err(unread)?;
        let Credential { access, refresh, client } = credential;
        let current = Held::read(Some(current), access.as_ref())?;
        Ok(Self {
            current: current.ok_or_else(|| KeyError("there is no current key".to_owned()))?,
            previous: Held::read(previous, refresh.as_ref())?,
            pending: Held::read(pending, client.as_ref())?,
            revoked,
        })
    }

    /// The generation's place and credential.
    pub fn row(&self) -> (String, Credential) {
        let place = Place {
            current: self.current.known(),
            previous: self.previous.as_ref().map(Held::known),
            pending: self.pending.as_ref().map(Held::known),
            revoked: self.revoked,
        };
        let text = |held: &Held| held.key.text();
        let credential = Credential {
            access: Some(text(&self.current)),
            refresh: self.previous.as_ref().map(text),
            client: self.pending.as_ref().map(text),
        };
        (serde_json::json!(place).to_string(), credential)
    }

    fn slots(&self) -> impl Iterator<Item = (Slot, &Held)> {
        let slot = |slot| move |held| (slot, held);
        let current = std::iter::once((Slot::Current, &self.current));
        current
            .chain(self.previous.iter().map(slot(Slot::Previous)))
            .chain(self.pending.iter().map(slot(Slot::Pending)))
    }

    /// The ring with this key pending.
    #[must_use]
    pub fn prepared(&self, key: SigningKey, now: Timestamp) -> Self {
        let pending = Some(Held::new(key, now));
        Self { current: self.current.clone(), previous: self.previous.clone(), pending, revoked: self.revoked }
    }

    /// The ring of which nothing signs any more. In the keys' place is one that was shown to nobody.
    #[must_use]
    pub fn revoked(&self, now: Timestamp, fresh: impl FnOnce() -> SigningKey) -> Self {
        Self { revoked: Some(now), ..Self::new(fresh(), self.current.since) }
    }

    /// Since when nothing signs any more, if so.
    pub fn revoked_since(&self) -> Option<Timestamp> {
        self.revoked
    }

    /// When the current key became that.
    pub fn since(&self) -> Timestamp {
        self.current.since
    }

    /// The current key's public half, where it has one.
    pub fn public(&self) -> Option<String> {
        self.current.key.public()
    }

    /// The ring with another current key: the pending one, or a fresh one. Without an overlap, always a fresh one and no other.
    pub fn rotated(
        &self,
        overlap: Duration,
        now: Timestamp,
        fresh: impl FnOnce() -> SigningKey,
    ) -> Result<Self, RingError> {
        if overlap.is_zero() {
            return Ok(Self::new(fresh(), now));
        }
        if overlap > MAX_OVERLAP {
            return Err(RingError::TooLong);
        }
        if let Some(until) = self.previous.as_ref().and_then(|held| held.until).filter(|until| now < *until) {
            return Err(RingError::Overlapping(until));
        }
        let next = match &self.pending {
            Some(held) => Held { since: now, ..held.clone() },
            None => Held::new(fresh(), now),
        };
        // What was revoked signs beside nothing.
        let previous = Held { until: Some(now.plus(overlap)), ..self.current.clone() };
        let previous = self.revoked.is_none().then_some(previous);
        Ok(Self { current: next, previous, pending: None, revoked: None })
    }

    /// What becomes of the pending key where the current one is replaced with this overlap, or, where that is none, another is made ready.
    pub fn ready(&self, overlap: Option<Duration>) -> Ready {
        match (&self.pending, overlap) {
            (None, _) => Ready::None,
            (Some(_), Some(overlap)) if !overlap.is_zero() => Ready::Signs,
            (Some(_), _) => Ready::Gone,
        }
    }

    /// How the current key signs.
    pub fn scheme(&self) -> Scheme {
        self.current.key.scheme()
    }

    /// What the back end needs to check signatures of the current key.
    pub fn shown(&self) -> Secret {
        self.current.key.shown()
    }

    /// Until when the previous key signs.
    pub fn previous_until(&self) -> Option<Timestamp> {
        self.previous.as_ref().and_then(|held| held.until)
    }

    /// The signatures of all keys that are in use now, the current one's first, with a space between them. `None`: they were
    /// revoked.
    pub fn sign(&self, now: Timestamp, id: &str, timestamp: i64, payload: &[u8]) -> Option<String> {
        if self.revoked.is_some() {
            return None;
        }
        let signatures: Vec<String> = self.signing(now).map(|held| held.key.sign(id, timestamp, payload)).collect();
        Some(signatures.join(" "))
    }

    /// What signs now, the current key first.
    fn signing(&self, now: Timestamp) -> impl Iterator<Item = &Held> {
        let previous = self.previous.as_ref().filter(move |held| held.until.is_some_and(|until| now < until));
        std::iter::once(&self.current).chain(previous).filter(|_| self.revoked.is_none())
    }

    /// Whether any key of this other ring, whatever it was for there, signs now by this one.
    pub fn signs_with_any_of(&self, other: &Self, now: Timestamp) -> bool {
        let theirs: Vec<Secret> = other.slots().map(|(_, held)| held.key.text()).collect();
        self.signing(now).any(|held| theirs.iter().any(|key| same(held.key.text().expose(), key.expose())))
    }

    /// What keys there are, those whose time is over left out.
    pub fn describe(&self, now: Timestamp) -> Vec<KeyInfo> {
        let info = |(slot, held): (Slot, &Held)| KeyInfo {
            slot,
            scheme: held.key.scheme(),
            since: held.since,
            until: held.until,
            public: held.key.public(),
        };
        if self.revoked.is_some() {
            return self.pending.iter().map(|held| info((Slot::Pending, held))).collect();
        }
        self.slots().filter(|(_, held)| held.until.is_none_or(|until| now < until)).map(info).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Counter;

    const DAY: Duration = Duration::from_secs(86_400);

    fn signs(ring: &Ring, now: Timestamp) -> Vec<String> {
        ring.sign(now, "msg_1", 1, b"{}").unwrap().split(' ').map(str::to_owned).collect()
    }

    fn reread(ring: &Ring) -> Ring {
        let (place, secret) = ring.row();
        Ring::parse(&place, &secret).unwrap()
    }

    #[test]
    fn old_and_new_sign_side_by_side_until_the_overlap_ends() {
        let rng = Counter::default();
        let fresh = || SigningKey::fresh(Scheme::Hmac, &rng);
        let first = Ring::new(fresh(), Timestamp(0));
        let old = signs(&first, Timestamp(0));
        let second = reread(&first.rotated(DAY, Timestamp(10), fresh).unwrap());
        let both = signs(&second, Timestamp(11));
        assert_eq!((both.len(), &both[1]), (2, &old[0]));
        let end = Timestamp(10).plus(DAY);
        assert_eq!(signs(&second, Timestamp(end.0 - 1)), both);
        assert_eq!(signs(&second, end), both[..1]);
        let again = second.rotated(DAY, Timestamp(11), fresh);
        assert_eq!(again.err(), Some(RingError::Overlapping(end)));
        assert!(second.rotated(DAY, end, fresh).is_ok());
        assert_eq!(second.rotated(MAX_OVERLAP + DAY, end, fresh).err(), Some(RingError::TooLong));
    }

    #[test]
    fn a_pending_key_does_not_sign_and_is_the_next() {
        let rng = Counter::default();
        let fresh = || SigningKey::fresh(Scheme::Hmac, &rng);
        let first = Ring::new(fresh(), Timestamp(0));
        assert_eq!([None, Some(DAY)].map(|overlap| first.ready(overlap)), [Ready::None; 2]);
        let pending = SigningKey::fresh(Scheme::Ed25519, &rng);
        let public = pending.public();
        let ready = reread(&first.prepared(pending, Timestamp(5)));
        let becomes = [None, Some(DAY), Some(Duration::ZERO)].map(|overlap| ready.ready(overlap));
        assert_eq!(becomes, [Ready::Gone, Ready::Signs, Ready::Gone]);
        assert_eq!(signs(&ready, Timestamp(6)), signs(&first, Timestamp(6)));
        assert_eq!(ready.describe(Timestamp(6)).last().unwrap().public, public);
        let next = reread(&ready.rotated(DAY, Timestamp(7), fresh).unwrap());
        let both = signs(&next, Timestamp(8));
        assert!(both[0].starts_with("v1a,") && both[1].starts_with("v1,"), "{both:?}");
        let slots: Vec<Slot> = next.describe(Timestamp(8)).iter().map(|info| info.slot).collect();
        assert_eq!(slots, [Slot::Current, Slot::Previous]);
    }

    #[test]
    fn without_an_overlap_everything_that_was_ends() {
        let rng = Counter::default();
        let fresh = || SigningKey::fresh(Scheme::Hmac, &rng);
        let ring = Ring::new(fresh(), Timestamp(0)).rotated(DAY, Timestamp(1), fresh).unwrap();
        let ring = ring.prepared(fresh(), Timestamp(2));
        let before = signs(&ring, Timestamp(3));
        let pending = reread(&ring).pending.unwrap().key.sign("msg_1", 1, b"{}");
        let after = signs(&ring.rotated(Duration::ZERO, Timestamp(3), fresh).unwrap(), Timestamp(3));
        assert_eq!(after.len(), 1);
        assert!(!before.contains(&after[0]) && after[0] != pending);
    }

    #[test]
    fn what_was_revoked_signs_nothing_and_is_overwritten() {
        let rng = Counter::default();
        let fresh = || SigningKey::fresh(Scheme::Hmac, &rng);
        let first = Ring::new(fresh(), Timestamp(0)).rotated(DAY, Timestamp(1), fresh).unwrap();
        let old = first.row().1;
        let ring = reread(&first.revoked(Timestamp(2), fresh));
        assert_eq!((ring.sign(Timestamp(2), "m", 1, b""), ring.revoked_since()), (None, Some(Timestamp(2))));
        assert!(ring.describe(Timestamp(2)).is_empty());
        let parts =
            |c: &Credential| [&c.access, &c.refresh, &c.client].map(|part| part.as_ref().map(|s| s.expose().to_vec()));
        let left = parts(&ring.row().1);
        assert!(parts(&old).iter().flatten().all(|key| !left.iter().flatten().any(|other| other == key)));
        let next = reread(&ring.rotated(DAY, Timestamp(3), fresh).unwrap());
        assert_eq!((signs(&next, Timestamp(3)).len(), next.revoked_since()), (1, None));
    }

    #[test]
    fn refuses_a_row_that_is_no_ring() {
        let rng = Counter::default();
        let ring = Ring::new(SigningKey::fresh(Scheme::Hmac, &rng), Timestamp(0));
        let (place, secret) = ring.row();
        let two = Credential { client: secret.access.clone(), ..secret.clone() };
        assert!(Ring::parse(&place, &two).is_err(), "a key of which nothing is known");
        assert!(Ring::parse(&place, &Credential::default()).is_err());
        assert!(Ring::parse(&place.replace("current", "pending"), &secret).is_err());
        assert!(Ring::parse("{}", &secret).is_err());
    }
}
