//! CPU between tenants: whoever uses much more than the others steps behind them.
//!
//! A tenant's calls run where they were begun, as long as it uses about as much CPU time as the other tenants that run anything,
//! or less. One that uses more has its calls run behind: by threads which the operating system lets run on what the others
//! leave. That is all that nobody else wants, so a tenant that is alone loses nothing, nor does one whose neighbours rest.
//! What a call uses on threads that block, for queries and files, is its tenant's use as well, and is done behind where the
//! call is.
//!
//! Whoever asks in vain, call after call, [rests](rests) between its calls while other tenants run anything.
//!
//! A call changes places only where it waits: for the host, or for its turn at the end of an epoch.
//!
//! Invariants: a call is in one place at a time; one whose caller is gone is dropped wherever it is; where no lower priority is
//! to be had, all run as they were begun.

mod behind;
mod book;
mod rests;
#[cfg(test)]
mod tests;

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    thread::available_parallelism,
    time::{Duration, Instant},
};

use portcullis_model::{
    id::{InstallationId, TenantId},
    payer::{self, Payer},
};

use self::{
    behind::Behind,
    book::{Account, Book},
    rests::Rests,
};
use crate::meter::thread_nanos;

/// How often it is looked who uses how much.
const LOOK: Duration = Duration::from_millis(5);

/// Who runs where.
pub(crate) struct Shares {
    book: Mutex<Book>,
    rests: Mutex<Rests>,
    began: Instant,
    /// When it is to be looked again: nanoseconds since it began.
    next: AtomicU64,
    behind: Behind,
}

impl Shares {
    /// Nobody has used anything.
    pub fn new() -> Arc<Self> {
        let processors = available_parallelism().map_or(1, usize::from);
        Arc::new(Self {
            book: Mutex::new(Book::new(processors)),
            rests: Mutex::default(),
            began: Instant::now(),
            next: AtomicU64::new(0),
            behind: Behind::default(),
        })
    }

    /// Runs a tenant's work to its end, at each moment where its tenant belongs.
    pub async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        tenant: &TenantId,
        work: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let account = self.book().account(tenant);
        let tab = Arc::new(Tab { account, shares: self.clone() });
        let mut left = Left { work: Box::pin(work), payer: tab.clone(), tab };
        loop {
            left = match left.until(false).await {
                Step::Done(done) => return done,
                Step::Left(left) => left,
            };
            left = match self.behind.run(left).await {
                Step::Done(done) => return done,
                Step::Left(left) => left,
            };
        }
    }

    /// Waits until a call of this installation may begin: at once, unless it is to rest and other tenants work.
    pub async fn rested(&self, tenant: &TenantId, installation: &InstallationId) {
        let left = self.rests().left(installation, self.began.elapsed());
        if !left.is_zero() && self.book().others_work(tenant) {
            tokio::time::sleep(left).await;
        }
    }

    /// A call has ended, that took so long and was, or was not, in vain.
    pub fn ended(&self, installation: &InstallationId, in_vain: bool, took: Duration) {
        self.rests().ended(installation, in_vain, took, self.began.elapsed());
    }

    fn rests(&self) -> MutexGuard<'_, Rests> {
        self.rests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn charge(&self, account: &Account, nanos: u64) {
        account.add(nanos);
        let now = self.began.elapsed();
        let (next, after) = (self.next.load(Ordering::Relaxed), nanos_of(now + LOOK));
        if nanos_of(now) >= next
            && self.next.compare_exchange(next, after, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            self.book().look(now);
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn nanos_of(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// What one call's use is charged to.
struct Tab {
    account: Arc<Account>,
    shares: Arc<Shares>,
}

impl Tab {
    /// Whether the call is to be where it is not.
    fn is_elsewhere(&self, behind: bool) -> bool {
        self.account.is_behind() != behind && self.shares.behind.is_there()
    }
}

impl Payer for Tab {
    fn used(&self) -> u64 {
        thread_nanos()
    }

    fn pay_since(&self, used: u64) {
        self.shares.charge(&self.account, thread_nanos().saturating_sub(used));
    }
}

/// Work, and how far it got in one place.
enum Step<T> {
    Done(T),
    Left(Left<T>),
}

/// Work that is not done.
struct Left<T> {
    work: Pin<Box<dyn Future<Output = T> + Send>>,
    tab: Arc<Tab>,
    /// The same, as others know it.
    payer: Arc<dyn Payer>,
}

impl<T> Left<T> {
    /// Works on it here, as long as it is to be here: behind, or not.
    fn until(self, behind: bool) -> Until<T> {
        Until { left: Some(self), behind }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        let work = &mut self.work;
        payer::charging(&self.payer, || work.as_mut().poll(cx))
    }
}

struct Until<T> {
    left: Option<Left<T>>,
    behind: bool,
}

impl<T> Future for Until<T> {
    type Output = Step<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Step<T>> {
        let behind = self.behind;
        // Once it was given away there is nothing to be polled any more.
        let Some(mut left) = self.left.take() else { return Poll::Pending };
        if !left.tab.is_elsewhere(behind) {
            if let Poll::Ready(done) = left.poll(cx) {
                return Poll::Ready(Step::Done(done));
            }
            if !left.tab.is_elsewhere(behind) {
                self.left = Some(left);
                return Poll::Pending;
            }
        }
        Poll::Ready(Step::Left(left))
    }
}
