//! On whose account a thread works at the moment: for what is done in somebody's name on another thread, such as a query on
//! one that blocks.
//!
//! Invariant: whoever is charged is so for the time of one closure, and whoever was before is again afterwards, even if it panics.

use std::{cell::RefCell, sync::Arc};

/// Who pays for work.
pub trait Payer: Send + Sync {
    /// The CPU time that the calling thread has used, in nanoseconds.
    fn used(&self) -> u64;
    /// Takes upon itself what the calling thread has used since it had used so much.
    fn pay_since(&self, used: u64);
}

thread_local! {
    static PRESENT: RefCell<Option<Arc<dyn Payer>>> = const { RefCell::new(None) };
}

/// Puts back who was charged before.
struct Before(Option<Arc<dyn Payer>>);

impl Drop for Before {
    fn drop(&mut self) {
        PRESENT.set(self.0.take());
    }
}

/// Does this work on the account of this payer, and what is [`carried`] out of it.
pub fn charging<T>(payer: &Arc<dyn Payer>, work: impl FnOnce() -> T) -> T {
    let _before = Before(PRESENT.replace(Some(payer.clone())));
    let used = payer.used();
    let done = work();
    payer.pay_since(used);
    done
}

/// The same work, on the account of whoever is charged at the moment, if anybody, wherever it will be done.
pub fn carried<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let payer = PRESENT.with_borrow(Clone::clone);
    move || match payer {
        None => work(),
        Some(payer) => charging(&payer, work),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        sync::atomic::{AtomicU64, Ordering},
        thread,
    };

    use super::*;

    /// Counts how often it was charged.
    #[derive(Default)]
    struct Counts(AtomicU64);

    impl Payer for Counts {
        fn used(&self) -> u64 {
            7
        }

        fn pay_since(&self, used: u64) {
            assert_eq!(used, 7);
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn two() -> (Arc<Counts>, Arc<dyn Payer>) {
        let counts = Arc::new(Counts::default());
        (counts.clone(), counts)
    }

    fn charged(counts: &Counts) -> u64 {
        counts.0.load(Ordering::Relaxed)
    }

    #[test]
    fn what_is_carried_to_another_thread_is_charged_to_whoever_was_charged() {
        let (counts, payer) = two();
        let (inside, outside) = (charging(&payer, || carried(|| 1)), carried(|| 2));
        assert_eq!(charged(&counts), 1);
        assert_eq!(thread::spawn(inside).join().unwrap(), 1);
        assert_eq!(charged(&counts), 2);
        assert_eq!(thread::spawn(outside).join().unwrap(), 2);
        assert_eq!(charged(&counts), 2, "nobody was charged there");
    }

    #[test]
    fn the_one_before_is_charged_again_even_after_a_panic() {
        let ((outer, first), (inner, second)) = (two(), two());
        let rest = charging(&first, || {
            drop(catch_unwind(AssertUnwindSafe(|| charging(&second, || panic!("inside")))));
            carried(|| ())
        });
        rest();
        assert_eq!((charged(&outer), charged(&inner)), (2, 0));
    }
}
