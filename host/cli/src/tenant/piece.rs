//! A log in pieces, each of them as much as one bundle has room for.
//!
//! Invariant: the pieces have every entry once, in the order of the log.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use portcullis_evidence::{MOST_ENTRIES, MOST_LEFT_OUT};
use portcullis_model::{
    audit::{
        query::Filter,
        reader::{AuditReader, Found, Shown, Window},
    },
    error::StoreError,
};

/// What is left of a bundle's room.
struct Room {
    entries: u64,
    left_out: usize,
    /// The first entry that has no room any more.
    beyond: Option<u64>,
}

impl Room {
    fn takes(&mut self, shown: &Shown) -> bool {
        match shown.disposed {
            Some(_) if self.left_out > 0 => self.left_out -= 1,
            None if self.entries > 0 => self.entries -= 1,
            _ => return false,
        }
        true
    }
}

/// A log from an index on, which ends where a bundle of it is full.
pub(super) struct Piece<'a> {
    reader: &'a dyn AuditReader,
    from: u64,
    room: Mutex<Room>,
}

impl<'a> Piece<'a> {
    /// The one that begins here.
    pub fn of(reader: &'a dyn AuditReader, from: u64) -> Self {
        Self::with(reader, from, (MOST_ENTRIES, MOST_LEFT_OUT))
    }

    fn with(reader: &'a dyn AuditReader, from: u64, (entries, left_out): (u64, usize)) -> Self {
        Self { reader, from, room: Mutex::new(Room { entries, left_out, beyond: None }) }
    }

    /// Where the next one begins, once this one was read; none where nothing is left.
    pub fn next(&self) -> Option<u64> {
        self.room().beyond
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl AuditReader for Piece<'_> {
    async fn written(&self) -> Result<u64, StoreError> {
        self.reader.written().await
    }

    async fn published(&self) -> Result<u64, StoreError> {
        self.reader.published().await
    }

    /// Each entry is asked for once, in order.
    async fn search(&self, filter: &Filter, window: Window) -> Result<Found, StoreError> {
        let from = window.from.max(self.from);
        if self.next().is_some() || from >= window.to {
            return Ok(Found { entries: Vec::new(), next: None });
        }
        let mut found = self.reader.search(filter, Window { from, ..window }).await?;
        let mut room = self.room();
        let fit = found.entries.iter().take_while(|shown| room.takes(shown)).count();
        if let Some(index) = found.entries.get(fit).map(|shown| shown.index) {
            room.beyond = Some(index);
            found.entries.truncate(fit);
            found.next = None;
        }
        Ok(found)
    }

    async fn follow(&self, from: u64, most: usize) -> Result<Vec<Shown>, StoreError> {
        self.reader.follow(from, most).await
    }

    async fn add_leaves(&self, entries: &mut [Shown]) -> Result<(), StoreError> {
        self.reader.add_leaves(entries).await
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Ten entries, of which every third was disposed of; at most two at once.
    struct Ten;

    fn shown(index: u64) -> Shown {
        let (entry, fault, body, openings, erased) = (None, None, None, Vec::new(), BTreeMap::new());
        Shown { index, entry, fault, body, openings, erased, disposed: (index % 3 == 2).then_some(9), leaf: None }
    }

    #[async_trait]
    impl AuditReader for Ten {
        async fn written(&self) -> Result<u64, StoreError> {
            Ok(10)
        }
        async fn published(&self) -> Result<u64, StoreError> {
            Ok(10)
        }
        async fn search(&self, _: &Filter, window: Window) -> Result<Found, StoreError> {
            let to = window.to.min(window.from + 2);
            Ok(Found { entries: (window.from..to).map(shown).collect(), next: (to < window.to).then_some(to) })
        }
        async fn follow(&self, _: u64, _: usize) -> Result<Vec<Shown>, StoreError> {
            unreachable!("nobody follows it")
        }
        async fn add_leaves(&self, _: &mut [Shown]) -> Result<(), StoreError> {
            unreachable!("nobody asks for leaves")
        }
    }

    async fn read(piece: &Piece<'_>) -> Vec<u64> {
        let (mut all, mut from) = (Vec::new(), 0);
        loop {
            let window = Window { from, to: 10, backwards: false, most: 100 };
            let found = piece.search(&Filter::default(), window).await.unwrap();
            all.extend(found.entries.iter().map(|shown| shown.index));
            let Some(next) = found.next else { return all };
            from = next;
        }
    }

    #[tokio::test]
    async fn what_one_bundle_has_no_room_for_begins_the_next() {
        let mut pieces = Vec::new();
        let mut from = Some(0);
        while let Some(first) = from {
            let piece = Piece::with(&Ten, first, (3, 1));
            pieces.push(read(&piece).await);
            from = piece.next();
        }
        assert_eq!(pieces, [vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![8, 9]]);
        assert_eq!(read(&Piece::of(&Ten, 0)).await.len(), 10);
    }
}
