//! Requests that prove nothing, a minute and peer.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use portcullis_broker::bucket::Bucket;
use portcullis_model::time::Timestamp;

use super::Peer;

/// What is counted by itself: bad events do not use up what a peer may ask, nor the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Door {
    /// Events in.
    Events,
    /// Everything else.
    Requests,
}

/// Peers that are kept before those with all of their allowance left are forgotten.
const KEPT: usize = 16_384;

/// How long it takes until that is looked for again.
const SWEEP: Duration = Duration::from_secs(1);

type Key = Option<(Door, Peer)>;

/// What is left, by peer.
#[derive(Debug)]
pub(crate) struct Allowance {
    per_minute: u64,
    left: Mutex<Left>,
}

#[derive(Debug, Default)]
struct Left {
    of: HashMap<Key, Bucket>,
    /// When those with all of theirs left were forgotten last: not for each request that finds no room.
    swept: Option<Timestamp>,
}

impl Allowance {
    pub fn new(per_minute: u64) -> Self {
        Self { per_minute, left: Mutex::default() }
    }

    /// Takes one request out of what a peer has left; where nothing is, says how long to wait.
    pub fn take(&self, door: Door, peer: Peer, now: Timestamp) -> Result<(), Duration> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let key = left.key((door, peer), now);
        let bucket = left.of.entry(key).or_insert_with(|| Bucket::full(self.per_minute, now));
        match bucket.wait(1, now) {
            Some(wait) => Err(wait),
            None => {
                bucket.take(1);
                Ok(())
            }
        }
    }

    /// Gives one back: the request proved something after all.
    pub fn give_back(&self, door: Door, peer: Peer, now: Timestamp) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let key = left.key((door, peer), now);
        if let Some(bucket) = left.of.get_mut(&key) {
            bucket.give_back(1);
        }
    }
}

impl Left {
    /// What a peer is kept under: where there is no room for one more, those that come share one allowance.
    fn key(&mut self, one: (Door, Peer), now: Timestamp) -> Key {
        let known = self.of.contains_key(&Some(one));
        if !known && self.of.len() >= KEPT && self.swept.is_none_or(|swept| now.distance(swept) >= SWEEP) {
            self.swept = Some(now);
            self.of.retain(|_, bucket| !bucket.is_full(now));
        }
        (known || self.of.len() < KEPT).then_some(one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(n: usize) -> Peer {
        Peer::of(std::net::Ipv4Addr::from(u32::try_from(n).unwrap()).into())
    }

    #[test]
    fn each_peer_and_door_has_its_own() {
        let all = Allowance::new(2);
        let take = |door, n| all.take(door, peer(n), Timestamp(0));
        assert_eq!([take(Door::Requests, 1), take(Door::Requests, 1)], [Ok(()), Ok(())]);
        assert_eq!(take(Door::Requests, 1), Err(Duration::from_secs(30)));
        assert_eq!([take(Door::Events, 1), take(Door::Requests, 2)], [Ok(()), Ok(())]);
        all.give_back(Door::Requests, peer(1), Timestamp(0));
        assert_eq!(all.take(Door::Requests, peer(1), Timestamp(0)), Ok(()));
        assert!(all.take(Door::Requests, peer(1), Timestamp(29_999)).is_err());
        assert!(all.take(Door::Requests, peer(1), Timestamp(30_000)).is_ok());
    }

    #[test]
    fn what_is_kept_is_bounded_and_who_is_known_keeps_their_own() {
        let all = Allowance::new(2);
        for n in 0..KEPT + 10 {
            let _ = all.take(Door::Requests, peer(n), Timestamp(0));
        }
        assert!(all.left.lock().unwrap().of.len() <= KEPT + 1);
        assert!(all.take(Door::Requests, peer(KEPT + 20), Timestamp(0)).is_err(), "they share one allowance");
        assert!(all.take(Door::Requests, peer(0), Timestamp(0)).is_ok());
        assert!(all.take(Door::Requests, peer(KEPT + 20), Timestamp(120_000)).is_ok());
        assert!(all.left.lock().unwrap().of.len() < 3, "those with all of theirs left are forgotten");
    }
}
