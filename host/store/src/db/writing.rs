//! What a job of the writer works on: the connection in its transaction, and what an audit entry needs.
//!
//! Invariants: whoever has a [`Writing`] is in a transaction that ends in one fsync; the next index that is remembered is the one in
//! the file, since it is forgotten with each new transaction and with each job that is taken back; a salt is given once, and nothing
//! that is kept leads back to it.

use std::{
    cell::Cell,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};

use portcullis_model::{
    audit::{Entry, Salt, Sealed},
    error::StoreError,
};
use rusqlite::Connection;

use super::{Outcome, failed};

/// How much randomness is fetched at once.
const POOL: usize = 4_096;

/// The writer's connection, within a transaction.
pub struct Writing {
    conn: Connection,
    /// The index of the next entry, where this transaction has looked it up.
    next: Cell<Option<i64>>,
    salts: Arc<Salts>,
}

impl Deref for Writing {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        &self.conn
    }
}

impl Writing {
    pub(super) fn new(conn: Connection, salts: Arc<Salts>) -> Self {
        Self { conn, next: Cell::new(None), salts }
    }

    /// Forgets what was looked up: a transaction begins, or something was taken back.
    pub(super) fn forget(&self) {
        self.next.set(None);
    }

    /// The index of the next entry. From then on it is taken.
    pub(crate) fn take_index(&self) -> Outcome<i64> {
        let index = match self.next.get() {
            Some(next) => next,
            None => self
                .prepare_cached("SELECT coalesce(max(idx) + 1, 0) FROM audit")
                .and_then(|mut s| s.query_row([], |row| row.get(0)))
                .map_err(failed)?,
        };
        self.next.set(Some(index + 1));
        Ok(index)
    }

    /// What entries are sealed with.
    pub(crate) fn salts(&self) -> &Salts {
        &self.salts
    }
}

/// Randomness of the operating system's, a page at a time.
pub(crate) struct Salts(Mutex<Pool>);

struct Pool {
    bytes: Box<[u8; POOL]>,
    used: usize,
}

impl Default for Salts {
    fn default() -> Self {
        Self(Mutex::new(Pool { bytes: Box::new([0; POOL]), used: POOL }))
    }
}

impl Salts {
    /// Seals an entry with salts of its own. An error where the operating system gives no randomness: then there is no entry.
    pub(crate) fn seal(&self, entry: &Entry) -> Outcome<Sealed> {
        let mut lack = None;
        let sealed = entry.seal(|| {
            // For each by itself: many seal at once.
            let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
            taken.unwrap_or_else(|error| {
                lack = Some(error);
                Salt::default()
            })
        });
        match lack {
            Some(error) => Err(error),
            None => sealed.map_err(|error| StoreError(error.to_string())),
        }
    }
}

impl Pool {
    #[expect(
        clippy::disallowed_methods,
        reason = "nothing may be able to make a salt again: an erased value could be guessed"
    )]
    fn take(&mut self) -> Outcome<Salt> {
        let mut salt = Salt::default();
        if self.used + salt.len() > POOL {
            let fetched = getrandom::fill(self.bytes.as_mut_slice());
            fetched.map_err(|error| StoreError(format!("the operating system gives no randomness: {error}")))?;
            self.used = 0;
        }
        let taken = &mut self.bytes[self.used..self.used + salt.len()];
        salt.copy_from_slice(taken);
        taken.fill(0);
        self.used += salt.len();
        Ok(salt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_salt_comes_twice_and_none_is_kept() {
        let mut pool = Pool { bytes: Box::new([0; POOL]), used: POOL };
        let all: std::collections::BTreeSet<Salt> = (0..1_000).map(|_| pool.take().unwrap()).collect();
        assert_eq!(all.len(), 1_000);
        assert!(!all.contains(&[0; 32]));
        assert!(pool.bytes[..pool.used].iter().all(|byte| *byte == 0));
    }
}
