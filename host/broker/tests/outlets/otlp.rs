use portcullis_model::audit::{Actor, Entry, Kind};
use serde_json::Value;

use super::{
    receiver::Receiver,
    world::{World, leading_to},
};

fn indices(got: &[Value]) -> Vec<u64> {
    got.iter().map(|one| one["attributes"]["portcullis.index"].as_u64().unwrap()).collect()
}

fn url(receiver: &Receiver) -> String {
    format!("http://127.0.0.1:{}/v1/logs", receiver.port)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stock_reader_finds_each_entry_as_a_record() {
    let (world, receiver) = (World::new(), Receiver::otlp(&[], 0));
    let headers = world.folder.path().join("headers");
    std::fs::write(&headers, "X-Api-Key: k-4711\n\n").unwrap();
    let running = world.follow(world.collector(&url(&receiver), Some(headers), &leading_to(1, None))).await;
    world.write(300).await;
    let trace = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
    let time = portcullis_model::time::Timestamp(1_700_000_000_250);
    world.record(Entry { trace, ..Entry::new(time, Kind::ActDenied, Actor::Host, None) }).await;
    let got = receiver.wait_for(302).await;
    assert_eq!(indices(&got), (0..302).collect::<Vec<_>>());
    let last = &got[301];
    assert_eq!(last["trace"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!((&last["span"], &last["event"]), (&"b7ad6b7169203331".into(), &"dev.portcullis.act.denied".into()));
    assert_eq!((&last["time"], &last["severity"]), (&1_700_000_000_250_000_000_u64.into(), &13.into()));
    assert_eq!((&last["service"], &last["authorization"]), (&"portcullis".into(), &"k-4711".into()));
    assert_eq!(last["body"]["id"], "host.example/audit/301");
    assert!(!format!("{got:?}").contains("dana of accounts"), "personal values");
    world.until(|outlet| outlet.next == 302).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_collector_is_left_alone_and_loses_nothing() {
    let (world, receiver) = (World::new(), Receiver::otlp(&["busy", "unauthorized", "busy"], 0));
    let began = std::time::Instant::now();
    let running = world.follow(world.collector(&url(&receiver), None, &leading_to(1, None))).await;
    world.write(10).await;
    world.until(|outlet| outlet.failing.is_some()).await;
    assert!(began.elapsed() >= std::time::Duration::from_secs(1), "Retry-After: 1");
    world.until(|outlet| outlet.failing.is_none() && outlet.next > 0).await;
    let end = world.store.entry_count().await.unwrap();
    world.until(|outlet| outlet.next == end).await;
    running.stop().await;
    assert_eq!(indices(&receiver.got()), (0..end).collect::<Vec<_>>(), "in order, each once");
    assert_eq!(world.told().await, [Kind::OutletStarted, Kind::OutletFailing, Kind::OutletRecovered]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_is_counted_and_holds_up_nothing() {
    let (world, receiver) = (World::new(), Receiver::otlp(&["partial"], 0));
    let unfit = |n: u64| {
        let entry =
            Entry::new(portcullis_model::time::Timestamp(n.cast_signed()), Kind::HostStarted, Actor::Host, None);
        entry.with("note", "unfit-for-collectors")
    };
    let running = world.follow(world.collector(&url(&receiver), None, &leading_to(1, None))).await;
    let partial = world.until(|outlet| outlet.refused == 1).await;
    assert!(partial.failing.is_some(), "and what the receiver says in its own words is not kept");
    assert_eq!(partial.problem.unwrap(), "the receiver would not keep 1 records: it answered 200");
    world.write(5).await;
    receiver.wait_for(6).await;
    running.stop().await;
    let before = world.store.entry_count().await.unwrap();
    world.record(unfit(1)).await;
    world.write(5).await;
    world.record(unfit(2)).await;
    let end = world.store.entry_count().await.unwrap();
    let running = world.follow(world.collector(&url(&receiver), None, &leading_to(1, None))).await;
    world.until(|outlet| outlet.next >= end).await;
    assert_eq!(world.outlet().await.refused, 3);
    running.stop().await;
    let got = indices(&receiver.got());
    let fit: Vec<u64> = (0..end).filter(|index| *index != before && *index != end - 1).collect();
    assert_eq!(got.into_iter().filter(|index| *index < end).collect::<Vec<_>>(), fit);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_takes_nothing_is_waited_for() {
    let (world, receiver) = (World::new(), Receiver::otlp(&[], 0));
    let wrong = format!("http://127.0.0.1:{}/v2/logs", receiver.port);
    let running = world.follow(world.collector(&wrong, None, &leading_to(1, None))).await;
    world.write(3).await;
    let failing = world.until(|outlet| outlet.failing.is_some()).await;
    assert!(failing.problem.unwrap().starts_with("nothing is taken: it answered 400"));
    running.stop().await;
    assert_eq!((world.outlet().await.next, world.outlet().await.refused), (0, 0), "nothing is thrown away");
}
