//! Answers for a task that is not woken for what it is just doing.
//!
//! A connection and what waits for what it brings wake each other. Where one task does the work of both, it would wake itself: the
//! runtime would put it at the end of its queue and wake another thread, which may take it over, and do so for nearly every answer.
//!
//! Invariants: whoever rings while the work is done has it done again, or the task woken after it; whoever rings otherwise wakes the
//! task; however often it rings, others have their turn after a few rounds.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
};

/// How often the work is done at once. A connection that is never done with what it has to read asks to be called again each time.
const ROUNDS: usize = 3;

/// What a connection rings when there is something to do.
pub(crate) struct Bell {
    /// Whether somebody is at it.
    attended: AtomicBool,
    rung: AtomicBool,
    /// Whom to wake otherwise.
    task: Mutex<Waker>,
}

impl Default for Bell {
    fn default() -> Self {
        let task = Mutex::new(Waker::noop().clone());
        Self { attended: AtomicBool::new(false), rung: AtomicBool::new(false), task }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // In the opposite order of `while_it_rings`: at least one of both sees the other.
        self.rung.store(true, SeqCst);
        if !self.attended.load(SeqCst) {
            self.task.lock().unwrap_or_else(PoisonError::into_inner).wake_by_ref();
        }
    }
}

impl Bell {
    /// Does this, and again where it rings meanwhile, for the task of this context.
    pub(crate) fn while_it_rings<T>(
        self: &Arc<Self>,
        context: &Context<'_>,
        mut work: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner).clone_from(context.waker());
        let waker = Waker::from(self.clone());
        for _ in 0..ROUNDS {
            self.attended.store(true, SeqCst);
            self.rung.store(false, SeqCst);
            let done = work(&mut Context::from_waker(&waker));
            self.attended.store(false, SeqCst);
            if done.is_ready() || !self.rung.load(SeqCst) {
                return done;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Counted(AtomicUsize);

    impl Wake for Counted {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    /// Does the work; gives how often it was called, and how often the task was woken.
    fn done(bell: &Arc<Bell>, mut work: impl FnMut(usize, &Waker) -> Poll<()>) -> (usize, usize) {
        let (counted, mut calls) = (Arc::new(Counted::default()), 0);
        let task = Waker::from(counted.clone());
        let _ = bell.while_it_rings(&Context::from_waker(&task), |context| {
            calls += 1;
            work(calls, context.waker())
        });
        (calls, counted.0.load(SeqCst))
    }

    #[test]
    fn who_rings_meanwhile_has_it_done_again_and_wakes_nobody() {
        let bell = Arc::new(Bell::default());
        let once = |call, waker: &Waker| {
            if call == 1 {
                waker.wake_by_ref();
            }
            Poll::Pending
        };
        assert_eq!(done(&bell, once), (2, 0));
        assert_eq!(done(&bell, |_, _| Poll::Pending), (1, 0), "not for an earlier one");
    }

    #[test]
    fn who_rings_for_ever_lets_others_have_their_turn() {
        let rings = |_, waker: &Waker| {
            waker.wake_by_ref();
            Poll::Pending
        };
        assert_eq!(done(&Arc::default(), rings), (ROUNDS, 1));
    }

    #[test]
    fn who_rings_later_wakes_the_task_that_was_at_it_last() {
        let (bell, counted) = (Arc::new(Bell::default()), Arc::new(Counted::default()));
        let kept = Mutex::new(None);
        done(&bell, |_, waker| {
            *kept.lock().unwrap() = Some(waker.clone());
            Poll::Pending
        });
        let task = Waker::from(counted.clone());
        let idle = bell.while_it_rings(&Context::from_waker(&task), |_| Poll::<()>::Pending);
        assert!(idle.is_pending());
        kept.lock().unwrap().take().unwrap().wake();
        assert_eq!(counted.0.load(SeqCst), 1);
    }

    #[test]
    fn nothing_that_rings_from_elsewhere_is_lost() {
        for _ in 0..1_000 {
            let (bell, counted) = (Arc::new(Bell::default()), Arc::new(Counted::default()));
            let (task, ringing) = (Waker::from(counted.clone()), Waker::from(bell.clone()));
            let there = Arc::new(AtomicBool::new(false));
            let other = std::thread::spawn({
                let there = there.clone();
                move || {
                    there.store(true, SeqCst);
                    ringing.wake();
                }
            });
            let mut seen = false;
            let _ = bell.while_it_rings(&Context::from_waker(&task), |_| {
                seen = there.load(SeqCst);
                Poll::<()>::Pending
            });
            other.join().unwrap();
            assert!(seen || counted.0.load(SeqCst) > 0);
        }
    }
}
