//! The threads that come behind: an executor of its own, made when it is first needed, whose threads have lowered their own
//! priority once and for all. To lower it needs no right; to raise it again would.

use std::sync::OnceLock;

use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
};

use super::{Left, Step};

/// Where work goes that comes behind.
#[derive(Default)]
pub(super) struct Behind(OnceLock<Option<Runtime>>);

impl Behind {
    /// Whether there is such a place on this machine.
    pub fn is_there(&self) -> bool {
        self.runtime().is_some()
    }

    /// Works on it behind, until it is done or to be in front again.
    pub async fn run<T: Send + 'static>(&self, left: Left<T>) -> Step<T> {
        let Some(runtime) = self.runtime() else { return Step::Left(left) };
        let mut task = Waited(runtime.spawn(left.until(true)));
        match (&mut task.0).await {
            Ok(step) => step,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The executor ends with the host, which waits for nothing any more.
                Err(_) => std::future::pending().await,
            },
        }
    }

    fn runtime(&self) -> Option<&Runtime> {
        self.0.get_or_init(made).as_ref()
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        if let Some(Some(runtime)) = self.0.take() {
            // Without waiting: this may be one of the host's own tasks.
            runtime.shutdown_background();
        }
    }
}

/// A task that ends when nobody waits for it any more.
struct Waited<T>(JoinHandle<T>);

impl<T> Drop for Waited<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn made() -> Option<Runtime> {
    if !CAN_STEP_BACK {
        return None;
    }
    let made = Builder::new_multi_thread().thread_name("behind").enable_all().on_thread_start(step_back).build();
    made.inspect_err(|error| tracing::warn!(%error, "no threads can be made that come behind: all tenants run alike"))
        .ok()
}

/// On Linux the priority is each thread's own; elsewhere it may be the whole process's.
const CAN_STEP_BACK: bool = cfg!(target_os = "linux");

/// Has the calling thread run on what others leave: as `SCHED_IDLE`, which gives way at once to whoever wakes up.
fn step_back() {
    #[cfg(target_os = "linux")]
    {
        use thread_priority::{
            NormalThreadSchedulePolicy::Idle, ThreadPriority, ThreadSchedulePolicy::Normal,
            set_thread_priority_and_policy, thread_native_id, thread_schedule_policy,
        };
        let tried = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, Normal(Idle));
        // It tries to set a niceness too, and fails with that where the host has one already, which does no harm.
        if !matches!(thread_schedule_policy(), Ok(Normal(Idle))) {
            tracing::warn!(?tried, "a thread cannot step back: who uses much CPU runs as the others do");
        }
    }
}
