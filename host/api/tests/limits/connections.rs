//! Connections at a time, and clients that do nothing with them.

use std::time::{Duration, Instant};

use portcullis_api::PeerConfig;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::host::Host;

const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n";

/// Whether the host ends the connection within this time.
async fn ends(stream: &mut TcpStream, within: Duration) -> bool {
    let mut rest = Vec::new();
    timeout(within, stream.read_to_end(&mut rest)).await.is_ok()
}

async fn answers(stream: &mut TcpStream) -> bool {
    let mut answer = [0; 15];
    let _ = stream.write_all(HEALTH).await;
    let read = timeout(Duration::from_secs(5), stream.read_exact(&mut answer)).await;
    read.is_ok_and(|read| read.is_ok()) && answer.starts_with(b"HTTP/1.1 200")
}

#[tokio::test]
async fn idle_connections_of_one_address_keep_nobody_else_out() {
    let host = Host::start(PeerConfig { connections: 12, connections_per_address: 4, ..PeerConfig::default() }).await;
    let mut idle = Vec::new();
    for _ in 0..40 {
        idle.push(host.connect_from("127.0.0.1").await);
    }
    let mut other = host.connect_from("127.0.0.2").await;
    assert!(answers(&mut other).await, "another address gets in");
    let mut open = 0;
    for stream in &mut idle {
        open += usize::from(!ends(stream, Duration::from_millis(20)).await);
    }
    assert_eq!(open, 4, "the others were closed at once");
    assert!(answers(&mut idle[0]).await, "those that are within the bound are served");
    drop(idle);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(answers(&mut host.connect_from("127.0.0.1").await).await, "room that is free again is given again");
    assert_eq!(host.stop().await, [("endpoint:listener".to_owned(), json!({ "too-many-connections": 36 }))]);
}

#[tokio::test]
async fn a_proxys_connections_are_not_one_clients() {
    let peers = PeerConfig {
        connections_per_address: 2,
        trusted_proxies: vec!["127.0.0.1".parse().unwrap()],
        ..PeerConfig::default()
    };
    let host = Host::start(peers).await;
    let mut all = Vec::new();
    for _ in 0..10 {
        all.push(host.connect_from("127.0.0.1").await);
    }
    for stream in &mut all {
        assert!(answers(stream).await);
    }
    assert_eq!(host.stop().await, []);
}

#[tokio::test]
async fn who_says_nothing_or_dribbles_is_let_go() {
    let peers = PeerConfig {
        first_byte: Duration::from_millis(300),
        head: Duration::from_millis(900),
        ..PeerConfig::default()
    };
    let host = Host::start(peers).await;
    let began = Instant::now();
    let mut silent = host.connect_from("127.0.0.1").await;
    assert!(ends(&mut silent, Duration::from_secs(5)).await);
    assert!(began.elapsed() >= Duration::from_millis(250) && began.elapsed() < Duration::from_millis(850));
    let began = Instant::now();
    let mut dribbling = host.connect_from("127.0.0.1").await;
    let dribble = async {
        for byte in HEALTH.iter().cycle() {
            if dribbling.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    assert!(timeout(Duration::from_secs(5), dribble).await.is_ok(), "no byte prolongs it");
    assert!(began.elapsed() >= Duration::from_millis(800));
    let mut kept = host.connect_from("127.0.0.1").await;
    assert!(answers(&mut kept).await);
    assert!(ends(&mut kept, Duration::from_secs(5)).await, "an idle connection is not kept for ever");
}

#[tokio::test]
async fn who_does_not_read_is_let_go() {
    let peers = PeerConfig { write: Duration::from_millis(300), ..PeerConfig::default() };
    let host = Host::start(peers).await;
    let mut deaf = host.connect_from("127.0.0.1").await;
    // One request after the other, without reading an answer: at some time the host can write no more, and reads no more.
    let flood = async {
        let many = HEALTH.repeat(1_000);
        while deaf.write_all(&many).await.is_ok() {}
    };
    assert!(timeout(Duration::from_secs(15), flood).await.is_ok());
}

#[tokio::test]
async fn a_silent_connection_does_not_hold_up_the_end() {
    let host = Host::start(PeerConfig::default()).await;
    let _silent = host.connect_from("127.0.0.1").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let began = Instant::now();
    host.stop().await;
    assert!(began.elapsed() < Duration::from_secs(5));
}
