//! The one door out, against a real TLS server on this machine: what goes out, what does not, and what comes back.
#![forbid(unsafe_code)]

#[expect(clippy::unwrap_used, reason = "tests")]
#[path = "egress/channel.rs"]
mod channel;
#[path = "egress/duties.rs"]
mod duties;
#[expect(clippy::unwrap_used, reason = "tests")]
#[path = "egress/freezes.rs"]
mod freezes;
#[expect(clippy::unwrap_used, reason = "tests")]
#[path = "egress/stale.rs"]
mod stale;
mod support;
#[path = "egress/traffic.rs"]
mod traffic;

use std::{sync::Arc, time::Duration};

use portcullis_broker::{
    egress::{Config, Outbound, Private},
    resolve::SystemResolver,
};
use portcullis_model::{
    egress::{MAX_BODY, SendRequest},
    error::ServiceError,
};
use support::{
    server::{self, NAMES, Server},
    world::{Fixed, TOKEN, World, get, leading_to, with},
};

const CHAT: &str = "https://chat.example.test";

async fn both() -> (Server, World) {
    let server = Server::start().await;
    let world = World::new(&leading_to(&server, &NAMES)).await;
    (server, world)
}

fn unavailable<T: std::fmt::Debug>(result: Result<T, ServiceError>, why: &str) {
    match result {
        Err(ServiceError::Unavailable(text)) => assert!(text.contains(why), "{text}"),
        other => panic!("not unavailable because of '{why}': {other:?}"),
    }
}

#[tokio::test]
async fn the_token_is_added_and_arrives() {
    let (server, world) = both().await;
    let request = SendRequest { method: "POST", body: b"hello".to_vec(), ..get(&format!("{CHAT}/a/b?c=d%20e")) };
    let answer = world.send(with(request, &[("content-type", "text/plain"), ("x-own", "1")])).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice(), answer.sent), (200, b"fine".as_slice(), 5));
    assert!(answer.headers.contains(&("x-here".into(), "yes".into())));
    let arrived = server.last();
    assert!(arrived.text.starts_with("POST /a/b?c=d%20e HTTP/1.1\r\n"), "{}", arrived.text);
    assert!(arrived.text.ends_with("\r\n\r\nhello"));
    assert_eq!(arrived.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    assert_eq!(arrived.header("host"), Some("chat.example.test"));
    assert_eq!(arrived.header("content-length"), Some("5"));
    assert_eq!(arrived.header("accept-encoding"), Some("identity"));
    assert_eq!(arrived.header("x-own"), Some("1"));
    assert!(world.log().contains("ActPermitted") && !world.log().contains("SECRET"));
}

#[tokio::test]
async fn a_plugins_own_credentials_and_framing_are_dropped() {
    let (server, world) = both().await;
    let headers = [
        ("Authorization", "Bearer stolen"),
        ("cookie", "session=stolen"),
        ("proxy-authorization", "stolen"),
        ("host", "evil.example.test"),
        ("transfer-encoding", "chunked"),
        ("content-length", "999"),
        ("connection", "upgrade"),
        ("upgrade", "stolen"),
        ("expect", "100-continue"),
        ("accept-encoding", "gzip"),
    ];
    for url in [format!("{CHAT}/"), "https://other.example.test/".to_owned()] {
        world.send(with(get(&url), &headers)).await.unwrap();
        let arrived = server.last();
        assert!(!arrived.text.contains("stolen") && !arrived.text.contains("evil"), "{}", arrived.text);
        let dropped = ["transfer-encoding", "content-length", "connection", "upgrade", "expect"];
        assert!(dropped.iter().all(|name| arrived.header(name).is_none()), "{}", arrived.text);
    }
}

#[tokio::test]
async fn a_request_carries_the_place_of_its_own_act_and_none_of_the_plugins() {
    let (server, world) = both().await;
    let own = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let request = with(get(&format!("{CHAT}/a")), &[("TraceParent", own), ("tracestate", "x=1"), ("traceparent", own)]);
    world.send(request).await.unwrap();
    let arrived = server.last();
    assert_eq!(arrived.text.matches("traceparent").count(), 1, "{}", arrived.text);
    assert_eq!(arrived.header("tracestate"), None);
    let carried = arrived.header("traceparent").unwrap();
    assert_ne!(carried, own);
    assert!(world.log().contains(&format!("trace: Some(\"{carried}\")")), "it leads to its permit");
}

#[tokio::test]
async fn no_other_host_port_installation_or_tenant_gets_the_token() {
    let (server, world) = both().await;
    world.send(get("https://other.example.test/")).await.unwrap();
    assert_eq!(server.last().header("authorization"), None);
    world.send(get("https://chat.example.test:8443/")).await.unwrap();
    assert_eq!(server.last().header("authorization"), None);
    assert_eq!(server.last().header("host"), Some("chat.example.test:8443"));
    for (tenant, installation) in [("acme", "ins_2"), ("other", "ins_1")] {
        world.send_as(tenant, installation, get(CHAT)).await.unwrap();
        assert_eq!(server.last().header("authorization"), None);
    }
    assert_eq!(server.arrived().len(), 4);
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let (server, world) = both().await;
    let answer = world.send(get(&format!("{CHAT}/redirect"))).await.unwrap();
    assert_eq!(answer.status, 302);
    assert!(answer.headers.contains(&("location".into(), "https://other.example.test/stolen".into())));
    assert_eq!(server.arrived().len(), 1);
}

#[tokio::test]
async fn bodies_and_heads_have_limits() {
    let (server, world) = both().await;
    assert_eq!(world.send(get(&format!("{CHAT}/exact"))).await.unwrap().body.len(), MAX_BODY);
    let too_long = Err(ServiceError::limited("http-response-bytes", MAX_BODY as u64));
    assert_eq!(world.send(get(&format!("{CHAT}/big"))).await, too_long);
    assert_eq!(world.send(get(&format!("{CHAT}/big-chunked"))).await, too_long);
    let too_many = Err(ServiceError::limited("http-response-headers", 100));
    assert_eq!(world.send(get(&format!("{CHAT}/many-headers"))).await, too_many);
    assert_eq!(world.send(get(&format!("{CHAT}/long-header"))).await, too_many);
    let head = SendRequest { method: "HEAD", ..get(&format!("{CHAT}/redirect")) };
    assert_eq!(world.send(head).await.unwrap().status, 302);
    let before = server.arrived().len();
    let large = SendRequest { method: "POST", body: vec![0; MAX_BODY + 1], ..get(CHAT) };
    assert_eq!(world.send(large).await, Err(ServiceError::limited("http-request-bytes", MAX_BODY as u64)));
    assert_eq!(server.arrived().len(), before);
}

#[tokio::test]
async fn a_reflected_token_is_taken_out() {
    let (_server, world) = both().await;
    let answer = world.send(get(&format!("{CHAT}/reflect"))).await.unwrap();
    let body = String::from_utf8(answer.body.clone()).unwrap();
    assert!(body.starts_with("raw=Bearer [redacted] b64="), "{body}");
    assert_eq!(body.matches("[redacted]").count(), 3, "{body}");
    assert!(answer.headers.contains(&("x-reflected".into(), "Bearer [redacted]".into())));
    assert!(answer.headers.iter().all(|(name, _)| name != "set-cookie" && name != "content-length"));
    assert!(!world.connections.needles().find_in(format!("{answer:?}").as_bytes()));
}

#[tokio::test]
async fn a_token_in_pieces_is_taken_out_too_and_trailers_and_reasons_do_not_arrive() {
    let (_server, world) = both().await;
    let answer = world.send(get(&format!("{CHAT}/reflect-in-pieces"))).await.unwrap();
    assert_eq!(answer.body, b"Bearer [redacted]");
    assert!(!world.connections.needles().find_in(format!("{answer:?}").as_bytes()), "{answer:?}");
    assert!(!format!("{answer:?}").contains("trailer"));
}

#[tokio::test]
async fn what_is_compressed_is_refused_beside_a_credential_and_never_unpacked() {
    let (_server, world) = both().await;
    for path in ["/gzip", "/gzip-transfer", "/bomb"] {
        unavailable(world.send(get(&format!("{CHAT}{path}"))).await, "compressed");
    }
    assert_eq!(world.send(get("https://other.example.test/gzip")).await.unwrap().body, b"\x1f\x8b");
    let bomb = world.send(get("https://other.example.test/bomb")).await.unwrap();
    assert_eq!(bomb.body, server::bomb(), "as it came");
}

#[tokio::test]
async fn addresses_that_are_not_public_are_refused() {
    let (server, world) = both().await;
    for name in ["loop", "mixed", "meta", "mapped"] {
        let url = format!("https://{name}.example.test:{}/", server.address.port());
        let refused = ServiceError::Invalid("the host's address is not public".into());
        assert_eq!(world.send(get(&url)).await, Err(refused), "{name}");
    }
    unavailable(world.send(get("https://unknown.example.test/")).await, "name look-up");
    // A name below a private host is another name.
    unavailable(world.send(get("https://x.chat.example.test/")).await, "name look-up");
    assert!(server.arrived().is_empty());
}

#[tokio::test]
async fn only_the_named_ca_is_believed_and_only_for_its_host() {
    let (server, other) = (Server::start().await, Server::start().await);
    let private = |host: &str, ca_pem: Option<&String>| Private {
        host: host.to_owned(),
        address: server.address,
        ca_pem: ca_pem.cloned(),
    };
    let config = Config {
        private: vec![private("chat.example.test", Some(&server.ca_pem)), private("other.example.test", None)],
        ..Config::default()
    };
    let world = World::new(&config).await;
    assert!(world.send(get(CHAT)).await.is_ok());
    unavailable(world.send(get("https://other.example.test/")).await, "UnknownIssuer");

    let wrong = Config { private: vec![private("chat.example.test", Some(&other.ca_pem))], ..Config::default() };
    unavailable(World::new(&wrong).await.send(get(CHAT)).await, "invalid peer certificate");

    let name = Config { private: vec![private("third.example.test", Some(&server.ca_pem))], ..Config::default() };
    unavailable(World::new(&name).await.send(get("https://third.example.test/")).await, "not valid for name");
    assert_eq!(server.arrived().len(), 1);
}

#[tokio::test]
async fn a_header_cannot_end_its_line() {
    let (server, world) = both().await;
    for (name, value) in [("x-a", "b\r\nhost: evil.example.test"), ("x-a\r\nx-b", "c"), ("x a", "b"), ("x-a", "b\0")] {
        let sent = world.send(with(get(CHAT), &[(name, value)])).await;
        assert!(matches!(sent, Err(ServiceError::Invalid(_))), "{sent:?}");
    }
    assert!(server.arrived().is_empty());
}

#[tokio::test]
async fn a_connection_is_used_again_only_by_the_same_installation_and_generation() {
    let (server, world) = both().await;
    for (installation, connection) in [("ins_1", 1), ("ins_1", 1), ("ins_2", 2), ("ins_1", 1)] {
        world.send_as("acme", installation, get(CHAT)).await.unwrap();
        assert_eq!(server.last().connection, connection, "{installation}");
    }
    world.store("xoxb-rotated-SECRET").await;
    world.send(get(CHAT)).await.unwrap();
    assert_eq!(server.last().connection, 3);
    assert_eq!(server.last().header("authorization"), Some("Bearer xoxb-rotated-SECRET"));
}

#[tokio::test]
async fn anothers_renewal_closes_no_connection() {
    let (server, world) = both().await;
    for (round, token) in ["xoxb-first-SECRET", "xoxb-second-SECRET", "xoxb-third-SECRET"].into_iter().enumerate() {
        world.store_for("ins_2", token).await;
        world.send(get(CHAT)).await.unwrap();
        assert_eq!(server.last().connection, 1, "that of ins_1 is still open");
        world.send_as("acme", "ins_2", get(CHAT)).await.unwrap();
        assert_eq!(server.last().connection, 2 + round, "ins_2 has another credential");
        assert_eq!(server.last().header("authorization"), Some(format!("Bearer {token}").as_str()));
    }
}

#[tokio::test]
async fn what_comes_unasked_is_nobodys_answer() {
    let (server, world) = both().await;
    for path in ["/twice", "/twice-apart"] {
        let first = world.send(get(&format!("{CHAT}{path}"))).await.unwrap();
        assert_eq!(first.body, b"fine");
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(world.send(get(CHAT)).await.unwrap().body, b"fine");
        let arrived = server.arrived();
        let [.., asked, after] = arrived.as_slice() else { panic!("two requests") };
        assert_eq!(after.connection, asked.connection + 1, "{path}: the connection is not used again");
    }
}

#[tokio::test]
async fn hosts_that_misbehave_are_unavailable_and_nothing_is_sent_twice() {
    let (server, world) = both().await;
    for (path, why) in [("/drop", ""), ("/garbage", ""), ("/switch", "switched protocols")] {
        let before = server.arrived().len();
        unavailable(world.send(get(&format!("{CHAT}{path}"))).await, why);
        assert_eq!(server.arrived().len(), before + 1, "{path}");
    }
    // The server closes after this answer: the next request needs, and gets, a new connection.
    let first = world.send(get(&format!("{CHAT}/once"))).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(world.send(get(CHAT)).await.unwrap().status, first.status);
}

#[tokio::test]
async fn time_is_limited() {
    let server = Server::start().await;
    let config = Config { total_timeout: Duration::from_millis(300), ..leading_to(&server, &NAMES) };
    let world = World::new(&config).await;
    unavailable(world.send(get(&format!("{CHAT}/slow"))).await, "no answer within");
    assert_eq!(server.arrived().len(), 1);
}

#[tokio::test]
async fn private_hosts_are_exact_names_with_a_ca_that_can_be_read() {
    let (server, world) = both().await;
    let good = leading_to(&server, &["chat.example.test"]).private.remove(0);
    for bad in [
        vec![Private { host: "*.example.test".into(), ..good.clone() }],
        vec![Private { host: "Chat.example.test".into(), ..good.clone() }],
        vec![Private { host: "chat.example.test:443".into(), ..good.clone() }],
        vec![Private { host: "127.0.0.1".into(), ..good.clone() }],
        vec![Private { ca_pem: Some(String::new()), ..good.clone() }],
        vec![Private { ca_pem: Some("no certificate".into()), ..good.clone() }],
        vec![good.clone(), good.clone()],
    ] {
        let config = Config { private: bad, ..Config::default() };
        let made =
            Outbound::new(&config, world.connections.clone(), Arc::new(SystemResolver::default()), Arc::new(Fixed));
        assert!(made.is_err(), "{:?}", config.private);
    }
}
