//! Connections at a time: of all, who wait to be accepted, and of each peer, whose further ones are closed at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Peer;

type Open = Arc<Mutex<HashMap<Peer, usize>>>;

/// Who has how many. There are as many peers in it as connections, at most.
#[derive(Debug)]
pub(crate) struct Book {
    all: Arc<Semaphore>,
    each: usize,
    open: Open,
}

/// Room for one connection, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Slot {
    _of_all: OwnedSemaphorePermit,
    of: Option<(Peer, Open)>,
}

impl Book {
    pub fn new(all: usize, each: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), each, open: Arc::default() }
    }

    /// Waits for room among all.
    pub async fn room(&self) -> std::io::Result<OwnedSemaphorePermit> {
        self.all.clone().acquire_owned().await.map_err(std::io::Error::other)
    }

    /// Gives that room to a peer, or to a proxy, whose clients are many; `None` where the peer has as many as it may have.
    pub fn give(&self, room: OwnedSemaphorePermit, peer: Option<Peer>) -> Option<Slot> {
        let Some(peer) = peer else { return Some(Slot { _of_all: room, of: None }) };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(peer).or_insert(0);
        if *count >= self.each {
            return None;
        }
        *count += 1;
        Some(Slot { _of_all: room, of: Some((peer, self.open.clone())) })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Some((peer, open)) = &self.of else { return };
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(peer) {
            *count -= 1;
            if *count == 0 {
                open.remove(peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_has_so_many_and_nothing_is_kept_of_who_has_none() {
        let book = Book::new(8, 2);
        let peer = |address: &str| Some(Peer::of(address.parse().unwrap()));
        let give = async |address: &str| book.give(book.room().await.unwrap(), peer(address));
        let (first, second) = (give("10.0.0.1").await.unwrap(), give("10.0.0.1").await.unwrap());
        assert!(give("10.0.0.1").await.is_none());
        assert!(give("10.0.0.2").await.is_some(), "another address");
        drop(first);
        assert!(give("10.0.0.1").await.is_some());
        let six = give("2001:db8::1").await.unwrap();
        let other = give("2001:db8::ffff:1").await.unwrap();
        assert!(give("2001:db8::2").await.is_none(), "one /64 is one peer");
        assert!(give("2001:db8:0:1::2").await.is_some());
        drop((second, six, other));
        assert!(book.open.lock().unwrap().is_empty());
        let proxied: Vec<Slot> = {
            let mut all = Vec::new();
            for _ in 0..8 {
                all.extend(book.give(book.room().await.unwrap(), None));
            }
            all
        };
        assert_eq!((proxied.len(), book.all.available_permits()), (8, 0));
    }
}
