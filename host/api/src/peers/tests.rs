//! Whom the host believes about whom it talks to.

use std::{net::IpAddr, sync::Arc};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::{ForwardedBy, From, Network, Peer, PeerConfig, Peers};

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn behind(trusted: &[&str], by: ForwardedBy) -> Peers {
    let trusted_proxies = trusted.iter().map(|text| text.parse().unwrap()).collect();
    Peers::new(Arc::new(PeerConfig { trusted_proxies, forwarded_by: by, ..PeerConfig::default() }))
}

fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
    let read = |(name, value): &(&'static str, &str)| {
        (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    let mut map = HeaderMap::new();
    for (name, value) in all.iter().map(read) {
        map.append(name, value);
    }
    map
}

#[test]
fn a_peer_is_an_address_or_a_64() {
    let of = |text: &str| Peer::of(address(text));
    assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    assert_eq!(of("2001:db8:0:1::1"), of("2001:db8:0:1:ffff::"));
    assert_ne!(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"));
    assert_ne!(of("::ffff:192.0.2.1"), of("::ffff:192.0.2.2"), "not one /64");
}

#[test]
fn a_network_is_written_as_it_is_meant() {
    let read = |text: &str| text.parse::<Network>();
    assert!(read("10.0.0.0/8").unwrap().contains(address("10.200.0.1")));
    assert!(read("10.0.0.0/8").unwrap().contains(address("::ffff:10.0.0.1")));
    assert!(
        read("127.0.0.1").unwrap().contains(address("127.0.0.1"))
            && !read("127.0.0.1").unwrap().contains(address("127.0.0.2"))
    );
    assert!(read("fd00::/8").unwrap().contains(address("fd12::1")) && read("::1").is_ok());
    for wrong in ["", "10.0.0.1/8", "10.0.0.0/33", "localhost", "*", "10.0.0.0/-1", "0.0.0.0/0", "::/0"] {
        assert!(read(wrong).is_err_and(|error| error.to_string().ends_with("not everybody (/0)")), "{wrong}");
    }
}

#[test]
fn a_stranger_is_not_believed_about_its_address() {
    let peers = behind(&["10.0.0.0/8"], ForwardedBy::XForwardedFor);
    let said = headers(&[("x-forwarded-for", "198.51.100.7"), ("forwarded", "for=198.51.100.7")]);
    assert_eq!(Peer::of(peers.client(From(address("203.0.113.9")), &said).0), Peer::of(address("203.0.113.9")));
    assert!(peers.is_proxy(address("10.1.1.1")) && !peers.is_proxy(address("203.0.113.9")));
}

#[test]
fn a_proxys_client_is_the_last_that_is_no_proxy() {
    let peers = behind(&["10.0.0.0/8", "127.0.0.1"], ForwardedBy::XForwardedFor);
    let client = |lines: &[&str]| {
        let lines: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
        Peer::of(peers.client(From(address("127.0.0.1")), &headers(&lines)).0)
    };
    let is = |text: &str| Peer::of(address(text));
    assert_eq!(client(&["198.51.100.7"]), is("198.51.100.7"));
    assert_eq!(client(&["198.51.100.7, 10.0.0.3"]), is("198.51.100.7"));
    assert_eq!(
        client(&["192.0.2.66, 198.51.100.7,10.0.0.3"]),
        is("198.51.100.7"),
        "the left end is the client's own invention"
    );
    assert_eq!(client(&["192.0.2.66", "198.51.100.7"]), is("198.51.100.7"), "two lines are one list");
    assert_eq!(client(&["198.51.100.7:4711"]), is("198.51.100.7"));
    assert_eq!(client(&["2001:db8::7"]), is("2001:db8::1"));
    assert_eq!(client(&["[2001:db8::7]:4711"]), is("2001:db8::1"));
    for unsaid in [&[][..], &["unknown"], &["198.51.100.7, unknown"], &["\u{fffd}"], &["198.51.100.7,"]] {
        assert_eq!(client(unsaid), is("127.0.0.1"), "{unsaid:?}");
    }
    assert_eq!(
        client(&["198.51.100.7, garbage, 10.0.0.3"]),
        is("10.0.0.3"),
        "the last one that is known to be in between"
    );
    let endless = ["10.0.0.3"; 100].join(",");
    assert_eq!(client(&[&format!("198.51.100.7,{endless}")]), is("10.0.0.3"));
}

#[test]
fn one_header_is_read_and_no_other() {
    let both = headers(&[
        ("x-forwarded-for", "192.0.2.66"),
        ("forwarded", "for=192.0.2.1;by=10.0.0.1, For=\"[2001:db8::7]:47\";proto=https"),
    ]);
    let of = |by| Peer::of(behind(&["10.0.0.1"], by).client(From(address("10.0.0.1")), &both).0);
    assert_eq!(of(ForwardedBy::XForwardedFor), Peer::of(address("192.0.2.66")));
    assert_eq!(of(ForwardedBy::Forwarded), Peer::of(address("2001:db8::1")));
    for unsaid in ["for=_hidden", "for=unknown", "proto=https", "for=192.0.2.1;for=192.0.2.2", ""] {
        let peers = behind(&["10.0.0.1"], ForwardedBy::Forwarded);
        let said = headers(&[("forwarded", unsaid)]);
        assert_eq!(
            Peer::of(peers.client(From(address("10.0.0.1")), &said).0),
            Peer::of(address("10.0.0.1")),
            "{unsaid}"
        );
    }
}
