//! What runs beside the listener for as long as the host does, and the order in which all of it ends.
//!
//! Invariants: none of it ends before it is told to without the host noticing: it stops then, in good order, and says which one it
//! was; what watches over work (freezes, withdrawals, the ledger) goes on until the last of that work has ended.

use std::{
    any::Any,
    collections::HashMap,
    future::Future,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use portcullis_model::audit::plain;
use tokio::{
    sync::watch,
    task::{Id, JoinError, JoinSet},
};

/// Why the host stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum Fallen {
    /// A task panicked.
    #[error(
        "the background task '{task}' panicked: {why}. The host has stopped; what was begun is finished or will be taken up"
    )]
    Panicked {
        /// Which one.
        task: &'static str,
        /// What it said.
        why: String,
    },
    /// A task ended though nobody had told it to.
    #[error("the background task '{task}' ended. The host has stopped; what was begun is finished or will be taken up")]
    Ended {
        /// Which one.
        task: &'static str,
    },
    /// A task did not end in its time.
    #[error("the background task '{task}' did not end in time and was cut off; what was begun will be taken up")]
    Late {
        /// Which one.
        task: &'static str,
    },
    /// The listener failed.
    #[error("the listener failed: {0}")]
    Listener(#[from] io::Error),
}

impl Fallen {
    /// What the audit log calls it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Panicked { task, .. } | Self::Ended { task } | Self::Late { task } => task,
            Self::Listener(_) => "listener",
        }
    }
}

/// How many tasks run, of those that were begun.
#[derive(Clone, Debug, Default)]
pub struct Alive(Arc<(AtomicUsize, AtomicUsize)>);

impl Alive {
    /// How many run.
    pub fn running(&self) -> usize {
        self.0.0.load(Ordering::Relaxed)
    }

    /// How many were begun.
    pub fn begun(&self) -> usize {
        self.0.1.load(Ordering::Relaxed)
    }

    /// Whether all of them run.
    pub fn all(&self) -> bool {
        self.running() == self.begun()
    }

    fn begin(&self) -> Running {
        self.0.0.fetch_add(1, Ordering::Relaxed);
        self.0.1.fetch_add(1, Ordering::Relaxed);
        Running(self.clone())
    }
}

/// One that runs, until it ends or panics.
struct Running(Alive);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// For how long tasks may go on at the end, where nobody says otherwise.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tasks that end together. None of them may end before.
#[derive(Debug)]
pub struct Tasks {
    set: JoinSet<()>,
    names: HashMap<Id, &'static str>,
    stop: watch::Sender<bool>,
    alive: Alive,
    patience: Duration,
}

impl Default for Tasks {
    fn default() -> Self {
        Self::watched(&Alive::default(), PATIENCE)
    }
}

impl Tasks {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// None yet; they are counted, and cut off where they go on for longer than this at the end.
    pub fn watched(alive: &Alive, patience: Duration) -> Self {
        let (set, names, stop) = (JoinSet::new(), HashMap::new(), watch::Sender::default());
        Self { set, names, stop, alive: alive.clone(), patience }
    }

    /// Begins one. It ends when what it is handed turns true, and not before.
    pub fn spawn<F>(&mut self, name: &'static str, task: impl FnOnce(watch::Receiver<bool>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (running, task) = (self.alive.begin(), task(self.stop.subscribe()));
        let begun = self.set.spawn(async move {
            let _running = running;
            task.await;
        });
        self.names.insert(begun.id(), name);
    }

    /// Waits for one that ends before it may.
    async fn fallen(&mut self) -> Fallen {
        match self.set.join_next_with_id().await {
            Some(Ok((id, ()))) => Fallen::Ended { task: self.name(id) },
            Some(Err(error)) => self.broken(error),
            None => std::future::pending().await,
        }
    }

    /// Has all of them end, and waits for it. Those that panic are told of.
    async fn end(mut self) -> Option<Fallen> {
        self.stop.send_replace(true);
        let (mut first, mut cut) = (None, false);
        let late = tokio::time::sleep(self.patience);
        tokio::pin!(late);
        loop {
            let ended = tokio::select! {
                ended = self.set.join_next_with_id() => ended,
                () = &mut late, if !cut => {
                    cut = true;
                    self.set.abort_all();
                    continue;
                }
            };
            let fallen = match ended {
                None => return first,
                Some(Ok(_)) => continue,
                Some(Err(error)) if error.is_cancelled() => Fallen::Late { task: self.name(error.id()) },
                Some(Err(error)) => self.broken(error),
            };
            tracing::error!(%fallen, "at the end");
            first.get_or_insert(fallen);
        }
    }

    fn name(&self, id: Id) -> &'static str {
        self.names.get(&id).copied().unwrap_or("unknown")
    }

    fn broken(&self, error: JoinError) -> Fallen {
        let task = self.name(error.id());
        match error.try_into_panic() {
            Ok(panic) => Fallen::Panicked { task, why: words(panic.as_ref()) },
            Err(_) => Fallen::Ended { task },
        }
    }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let said = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    plain(said.unwrap_or("without words"))
}

/// Serves until `stop` turns true, or until something ends that must not; then ends the listener and the work, and only after both the
/// guards over them. `halt` tells the listener.
pub async fn serve_with(
    serving: impl Future<Output = io::Result<()>>,
    halt: watch::Sender<bool>,
    (mut work, mut guards): (Tasks, Tasks),
    mut stop: watch::Receiver<bool>,
) -> Result<(), Fallen> {
    tokio::pin!(serving);
    let (mut served, mut fallen) = (None, None);
    tokio::select! {
        ended = &mut serving => served = Some(ended),
        // An error means that nobody can stop it any more: then it stops too.
        _ = stop.wait_for(|stop| *stop) => {}
        one = work.fallen() => fallen = Some(one),
        one = guards.fallen() => fallen = Some(one),
    }
    if let Some(fallen) = &fallen {
        tracing::error!(task = fallen.name(), "a background task ended that must not; the host stops");
    }
    halt.send_replace(true);
    let listener = async {
        match served {
            Some(ended) => ended,
            None => serving.await,
        }
    };
    let (listener, worked) = tokio::join!(listener, work.end());
    let guarded = guards.end().await;
    match fallen.or(listener.err().map(Fallen::Listener)).or(worked).or(guarded) {
        Some(fallen) => Err(fallen),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, Mutex},
        time::Duration,
    };

    use super::*;

    type Order = Arc<Mutex<Vec<&'static str>>>;

    /// A task that takes its time to end.
    fn ends(tasks: &mut Tasks, name: &'static str, takes: u64, order: &Order) {
        let order = order.clone();
        tasks.spawn(name, |mut stop| async move {
            let _ = stop.wait_for(|stop| *stop).await;
            tokio::time::sleep(Duration::from_millis(takes)).await;
            order.lock().unwrap().push(name);
        });
    }

    async fn listener(mut halted: watch::Receiver<bool>, order: Order) -> io::Result<()> {
        let _ = halted.wait_for(|halted| *halted).await;
        tokio::time::sleep(Duration::from_millis(60)).await;
        order.lock().unwrap().push("listener");
        Ok(())
    }

    async fn run(work: Tasks, guards: Tasks, order: &Order, stop: watch::Receiver<bool>) -> Result<(), Fallen> {
        let (halt, halted) = watch::channel(false);
        let serving = listener(halted, order.clone());
        let ended = serve_with(serving, halt, (work, guards), stop);
        tokio::time::timeout(Duration::from_secs(5), ended).await.unwrap()
    }

    #[tokio::test]
    async fn guards_outlive_the_work_and_the_listener() {
        let (mut work, mut guards, order) = (Tasks::new(), Tasks::new(), Order::default());
        ends(&mut work, "worker", 120, &order);
        ends(&mut guards, "freezes", 0, &order);
        let (stop, stopped) = watch::channel(false);
        stop.send_replace(true);
        run(work, guards, &order, stopped).await.unwrap();
        assert_eq!(*order.lock().unwrap(), ["listener", "worker", "freezes"]);
    }

    #[tokio::test]
    async fn a_task_that_panics_ends_the_host_in_good_order_and_by_its_name() {
        let (mut work, mut guards, order) = (Tasks::new(), Tasks::new(), Order::default());
        ends(&mut work, "worker", 20, &order);
        ends(&mut guards, "freezes", 0, &order);
        work.spawn("upgrades", |_| async { panic!("a bug") });
        let (_stop, stopped) = watch::channel(false);
        let fallen = run(work, guards, &order, stopped).await.unwrap_err();
        assert!(fallen.to_string().starts_with("the background task 'upgrades' panicked: a bug."), "{fallen}");
        assert_eq!(*order.lock().unwrap(), ["worker", "listener", "freezes"], "all else ended as ever");
    }

    #[tokio::test]
    async fn one_that_does_not_end_is_cut_off_and_named_and_counted_to_the_end() {
        let (alive, order) = (Alive::default(), Order::default());
        let (mut work, mut guards) = (Tasks::watched(&alive, Duration::from_millis(50)), Tasks::new());
        ends(&mut work, "worker", 0, &order);
        work.spawn("stuck", |_| std::future::pending());
        ends(&mut guards, "freezes", 0, &order);
        assert!(alive.all() && alive.begun() == 2);
        let (stop, stopped) = watch::channel(false);
        stop.send_replace(true);
        let fallen = run(work, guards, &order, stopped).await.unwrap_err();
        assert!(matches!(fallen, Fallen::Late { task: "stuck" }), "{fallen}");
        assert_eq!(order.lock().unwrap().last(), Some(&"freezes"), "the guards outlive it");
        assert_eq!((alive.running(), alive.begun()), (0, 2));
    }

    #[tokio::test]
    async fn a_guard_that_just_ends_is_noticed_too() {
        let (mut work, mut guards, order) = (Tasks::new(), Tasks::new(), Order::default());
        ends(&mut work, "worker", 0, &order);
        guards.spawn("ledger", |_| async {});
        let (_stop, stopped) = watch::channel(false);
        let fallen = run(work, guards, &order, stopped).await.unwrap_err();
        assert!(matches!(fallen, Fallen::Ended { task: "ledger" }), "{fallen}");
    }

    #[tokio::test]
    async fn a_panic_at_the_very_end_is_not_swallowed() {
        let (mut work, order) = (Tasks::new(), Order::default());
        work.spawn("worker", |mut stop| async move {
            let _ = stop.wait_for(|stop| *stop).await;
            panic!("late");
        });
        let (stop, stopped) = watch::channel(false);
        stop.send_replace(true);
        let fallen = run(work, Tasks::new(), &order, stopped).await.unwrap_err();
        assert!(matches!(&fallen, Fallen::Panicked { task: "worker", why } if why == "late"), "{fallen}");
    }
}
