use std::time::Duration;

use portcullis_model::audit::Kind;
use serde_json::{Value, json};

use super::{
    receiver::{Certified, NAME, Receiver},
    world::{World, leading_to},
};

const HOLD: Duration = Duration::from_millis(300);

/// The indices of what came.
fn indices(got: &[Value]) -> Vec<u64> {
    let index = |one: &Value| {
        assert!(one["wrong"].is_null(), "{one}");
        let id: Value = serde_json::from_str(one["message"].as_str().unwrap()).unwrap();
        id["id"].as_str().unwrap().rsplit('/').next().unwrap().parse().unwrap()
    };
    got.iter().map(index).collect()
}

/// Every index from the first on, each in its place when repetitions are left out.
fn in_order(indices: &[u64], from: u64, to: u64) {
    let mut seen = Vec::new();
    for index in indices {
        if !seen.contains(index) {
            seen.push(*index);
        }
    }
    assert_eq!(seen, (from..to).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stock_receiver_reads_each_entry_once_and_in_order() {
    let (world, certified) = (World::new(), Certified::new(NAME));
    world.write(3).await;
    for version in ["TLSv1.3", "TLSv1.2"] {
        let receiver = Receiver::syslog(&certified, 0, version);
        let config = leading_to(1, Some(&certified.ca_pem));
        let began = world.store.entry_count().await.unwrap();
        let running = world.follow(world.line(receiver.port, &config, HOLD)).await;
        world.write(600).await;
        let end = world.store.entry_count().await.unwrap();
        let got = receiver.wait_for(usize::try_from(end - began).unwrap()).await;
        assert_eq!(indices(&got), (began..end).collect::<Vec<_>>(), "{version}");
        running.stop().await;
        assert_eq!(world.outlet().await.next, end, "the receiver's farewell says that all has arrived");
        let last = got.last().unwrap();
        for (name, value) in [
            ("type", json!("RFC5424")),
            ("prival", json!(13 * 8 + 6)),
            ("host", json!("host.example")),
            ("appName", json!("portcullis")),
            ("msgID", json!("plugin.granted")),
            ("time", json!("2023-11-14T22:13:20.000Z")),
            ("tls", json!(version)),
        ] {
            assert_eq!(last[name], value, "{name}");
        }
        let data = &last["structuredData"];
        assert_eq!(data["portcullis@64000"], json!({ "index": (end - 1).to_string(), "kind": "plugin.granted" }));
        assert_eq!(data["meta"]["sequenceId"], end.to_string());
        assert!(!format!("{got:?}").contains("dana of accounts"), "personal values");
    }
    assert_eq!(world.told().await, [Kind::OutletStarted], "its settings are the same");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_was_away_misses_nothing() {
    let (world, certified) = (World::new(), Certified::new(NAME));
    let first = Receiver::syslog(&certified, 0, "TLSv1.3");
    let port = first.port;
    let config = leading_to(1, Some(&certified.ca_pem));
    let running = world.follow(world.line(port, &config, Duration::from_secs(2))).await;
    world.write(50).await;
    first.wait_for(51).await;
    // What it had taken and what it had not is nobody's knowledge now.
    let mut got = first.kill();
    world.write(20).await;
    let failing = world.until(|outlet| outlet.failing.is_some()).await;
    assert!(failing.problem.unwrap().contains(NAME));
    world.write(20).await;
    let second = Receiver::syslog(&certified, port, "TLSv1.3");
    let well = world.until(|outlet| outlet.failing.is_none()).await;
    assert_eq!(well.problem, None);
    let end = world.store.entry_count().await.unwrap();
    world.until(|outlet| outlet.next >= end).await;
    running.stop().await;
    got.extend(second.got());
    in_order(&indices(&got), 0, world.store.entry_count().await.unwrap());
    assert_eq!(indices(&second.got())[0], 0, "nothing was known to have arrived");
    assert_eq!(world.told().await, [Kind::OutletStarted, Kind::OutletFailing, Kind::OutletRecovered]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_between_sending_and_keeping_repeats_and_loses_nothing() {
    let (world, certified) = (World::new(), Certified::new(NAME));
    let receiver = Receiver::syslog(&certified, 0, "TLSv1.3");
    let config = leading_to(1, Some(&certified.ca_pem));
    let long = Duration::from_secs(60);
    for round in 1..=3_u64 {
        let running = world.follow(world.line(receiver.port, &config, long)).await;
        world.write(10).await;
        receiver.wait_for(usize::try_from(round * (round + 1) * 5 + round).unwrap()).await;
        running.die().await;
        assert_eq!(world.outlet().await.next, 0, "nothing was kept");
    }
    let running = world.follow(world.line(receiver.port, &config, HOLD)).await;
    world.until(|outlet| outlet.next == 31).await;
    running.stop().await;
    in_order(&indices(&receiver.got()), 0, 31);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_is_not_who_it_says_gets_nothing() {
    let (world, right, wrong) = (World::new(), Certified::new(NAME), Certified::new("other.example.test"));
    let cases = [
        (&wrong, Some(&wrong.ca_pem), "not valid for name"),
        (&wrong, Some(&right.ca_pem), "certificate"),
        (&right, None, "UnknownIssuer"),
    ];
    for (has, trusted, says) in cases {
        let receiver = Receiver::syslog(has, 0, "TLSv1.3");
        let config = leading_to(1, trusted.map(String::as_str));
        let running = world.follow(world.line(receiver.port, &config, HOLD)).await;
        let failing = world.until(|outlet| outlet.problem.as_deref().is_some_and(|why| why.contains(says))).await;
        assert!(failing.problem.unwrap().starts_with(NAME));
        running.die().await;
        assert!(receiver.got().is_empty());
        assert_eq!(world.outlet().await.next, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_disposed_of_before_it_was_sent_is_told_once() {
    let (world, certified) = (World::new(), Certified::new(NAME));
    let config = leading_to(1, Some(&certified.ca_pem));
    // Nobody listens there.
    let running = world.follow(world.line(1, &config, HOLD)).await;
    world.write(600).await;
    running.die().await;
    world.dispose(600).await;
    let receiver = Receiver::syslog(&certified, 0, "TLSv1.3");
    let running = world.follow(world.line(receiver.port, &config, HOLD)).await;
    let began = std::time::Instant::now();
    while !world.told().await.contains(&Kind::OutletMissed) {
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", world.outlet().await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let end = world.store.entry_count().await.unwrap();
    world.until(|outlet| outlet.next >= end).await;
    running.stop().await;
    let told = world.told().await;
    assert_eq!(told.iter().filter(|kind| **kind == Kind::OutletMissed).count(), 1, "{told:?}");
    let missed = world.store.entries(0, 10_000).await.unwrap();
    let missed = missed.iter().find(|one| one.kind == "outlet.missed").unwrap().read().unwrap();
    let gone = world.disposed().await;
    assert_eq!(missed.detail["count"], gone.len());
    assert_eq!((&missed.detail["from"], &missed.detail["to"]), (&gone[0].into(), &gone[gone.len() - 1].into()));
    let got = indices(&receiver.got());
    assert!(got.iter().all(|index| !gone.contains(index)) && got.is_sorted());
}
