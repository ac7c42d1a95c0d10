use std::{sync::atomic::AtomicBool, thread};

use super::*;

fn name() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

fn tenant() -> TenantId {
    "a".parse().unwrap()
}

/// What the work sees: the threads that it is on, from one wait to the next.
async fn names(account: Arc<Account>, steps: &[bool]) -> Vec<String> {
    let mut names = vec![name()];
    for step in steps {
        account.step(*step);
        tokio::task::yield_now().await;
        names.push(name());
    }
    names
}

#[tokio::test]
async fn work_goes_behind_and_comes_back_where_it_waits() {
    let shares = Shares::new();
    // It is looked no more: the test says who is behind.
    shares.next.store(u64::MAX, Ordering::Relaxed);
    let account = shares.book().account(&tenant());
    let work = async move { names(account, &[true, true, false, true]).await };
    let seen = shares.run(&tenant(), work).await;
    let here = name();
    let there = if shares.behind.is_there() { "behind".to_owned() } else { here.clone() };
    assert_eq!(seen, [here.clone(), there.clone(), there.clone(), here, there]);
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_dropped_behind_too() {
    struct Dropped(Arc<AtomicBool>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let shares = Shares::new();
    shares.next.store(u64::MAX, Ordering::Relaxed);
    shares.book().account(&tenant()).step(true);
    let held = shares.book().account(&tenant());
    held.step(true);
    let (dropped, begun) = (Arc::new(AtomicBool::new(false)), Arc::new(tokio::sync::Notify::new()));
    let (inside, began) = (Dropped(dropped.clone()), begun.clone());
    let run = async {
        let work = async move {
            let _inside = inside;
            began.notify_one();
            std::future::pending::<()>().await;
        };
        shares.run(&tenant(), work).await;
    };
    tokio::select! {
        () = run => unreachable!(),
        () = begun.notified() => {}
    }
    while !dropped.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
#[should_panic(expected = "from behind")]
async fn a_panic_behind_is_the_callers() {
    let shares = Shares::new();
    shares.next.store(u64::MAX, Ordering::Relaxed);
    let held = shares.book().account(&tenant());
    held.step(true);
    shares.run(&tenant(), async { panic!("from behind") }).await;
}

#[tokio::test]
async fn what_is_done_on_threads_that_block_is_charged_too() {
    let shares = Shares::new();
    shares.next.store(u64::MAX, Ordering::Relaxed);
    let work = async {
        let burn = payer::carried(|| {
            let began = thread_nanos();
            while thread_nanos() - began < 20_000_000 {}
        });
        tokio::task::spawn_blocking(burn).await.unwrap();
    };
    let held = shares.book().account(&tenant());
    shares.run(&tenant(), work).await;
    assert!(held.fresh() >= 20_000_000, "{}", held.fresh());
    assert!(held.fresh() < 20_000_000_000);
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn the_threads_behind_run_on_what_others_leave_and_nobody_else_does() {
    use thread_priority::{
        NormalThreadSchedulePolicy::{Idle, Other},
        ThreadSchedulePolicy::Normal,
        thread_schedule_policy,
    };
    let shares = Shares::new();
    shares.next.store(u64::MAX, Ordering::Relaxed);
    let held = shares.book().account(&tenant());
    held.step(true);
    let work = async {
        let blocking = tokio::task::spawn_blocking(|| thread_schedule_policy().unwrap()).await.unwrap();
        [thread_schedule_policy().unwrap(), blocking]
    };
    assert_eq!(shares.run(&tenant(), work).await, [Normal(Idle), Normal(Idle)]);
    assert_eq!(thread_schedule_policy().unwrap(), Normal(Other));
}
