//! Requests that are wrong below the level of any endpoint.

use std::time::Duration;

use portcullis_e2e::{Lab, Request, created_on, sign};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{CLOUDEVENTS, MARK, World, ZENDESK};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_endpoint_is_a_problem_too() {
    let world = World::new().await;
    let method = |method: &str, path: &str| Request { method: method.to_owned(), ..Request::post(path, "") };
    for (what, request, status) in [
        ("no such path", method("POST", "/v1/zq7mark"), 404),
        ("the root", method("GET", "/"), 404),
        ("no name", method("POST", "/v1/hooks/zendesk/"), 404),
        ("reading events", method("GET", CLOUDEVENTS), 405),
        ("deleting a hook", method("DELETE", ZENDESK), 405),
        ("a name that is not UTF-8", method("POST", "/v1/hooks/zendesk/zq7mark%ff"), 404),
    ] {
        let answer = world.send(request).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.text);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{what}: {}", answer.text);
        assert_eq!(answer.json()["status"], status, "{what}");
        assert!(!answer.text.contains(MARK), "{what}: {}", answer.text);
    }
    assert_eq!(world.rows("events"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn is_healthy() {
    let world = World::new().await;
    let request = Request { method: "GET".to_owned(), ..Request::post("/healthz", "") };
    assert_eq!(world.send(request).await.status, 200);
}

async fn raw(world: &World, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(world.host.address).await.unwrap();
    drop(stream.write_all(bytes).await);
    let mut answer = Vec::new();
    drop(tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await.unwrap());
    String::from_utf8_lossy(&answer).into_owned()
}

/// A body whose length nobody knows yet is cut at the limit, not gathered.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_a_length_has_the_same_limit() {
    let world = World::new().await;
    let head = format!("POST {ZENDESK} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n");
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(4096));
    let endless = [head.as_bytes(), chunk.repeat(64).as_bytes()].concat();
    let answer = raw(&world, &endless).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let body = created_on("1005", "chunked");
    let [(a, signature), (b, at)] = sign(Lab::SECRET, world.now(), body.as_bytes());
    let whole = format!(
        "POST {ZENDESK} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n{a}: {signature}\r\n\
         {b}: {at}\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    assert!(raw(&world, whole.as_bytes()).await.starts_with("HTTP/1.1 202 "));
    assert_eq!(world.rows("events"), 1);
}

/// The sender reads why, whatever it still had to say.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_far_too_large_gets_its_answer() {
    let world = World::new().await;
    for _ in 0..20 {
        let answer = world.send(Request::post(ZENDESK, vec![b'x'; 4 * 1024 * 1024])).await;
        assert_eq!(answer.status, 413, "{}", answer.text);
    }
}

/// Two lengths, or a length and chunks, are how one request is passed off as two (RFC 9112, 6.3).
#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_two_ends_is_refused() {
    let world = World::new().await;
    let body = created_on("1005", "smuggled");
    let [(a, signature), (b, at)] = sign(Lab::SECRET, world.now(), body.as_bytes());
    let signed = format!("{a}: {signature}\r\n{b}: {at}\r\n");
    for framing in
        ["content-length: 5\r\ncontent-length: 6\r\n", "content-length: +5\r\n", "transfer-encoding: gzip\r\n"]
    {
        let request = format!("POST {ZENDESK} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{framing}{signed}\r\n{body}");
        let answer = raw(&world, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") || answer.starts_with("HTTP/1.1 401 "), "{framing}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{framing}: {answer}");
    }
    assert_eq!(world.rows("events"), 0);
}

/// A sender that has stopped in the middle must not keep the host from stopping.
#[tokio::test(flavor = "multi_thread")]
async fn half_a_request_does_not_hold_up_the_stop() {
    let world = World::new().await;
    let mut idle = TcpStream::connect(world.host.address).await.unwrap();
    let mut head = TcpStream::connect(world.host.address).await.unwrap();
    head.write_all(format!("POST {ZENDESK} HTTP/1.1\r\nhost: x\r\n").as_bytes()).await.unwrap();
    let mut body = TcpStream::connect(world.host.address).await.unwrap();
    let half = format!("POST {ZENDESK} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{{");
    body.write_all(half.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    world.host.stop().await;
    // They are still here: nothing that they did has ended it.
    for stream in [&mut idle, &mut head, &mut body] {
        drop(stream.write_all(b" ").await);
    }
}
