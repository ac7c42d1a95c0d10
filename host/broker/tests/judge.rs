//! Every class of address that must not be reached, at its edges and inside, and the neighbours that may be.
//! The classes follow IANA's special-purpose registries and the deny lists of public egress proxies.
#![forbid(unsafe_code)]

use std::net::IpAddr;

use portcullis_broker::judge::judge;

const PUBLIC: &str = "public";

const TABLE: &[(&str, &str)] = &[
    ("0.0.0.0", "unspecified"),
    ("0.0.0.1", "this network"),
    ("0.255.255.255", "this network"),
    ("1.0.0.0", PUBLIC),
    ("1.1.1.1", PUBLIC),
    ("8.8.8.8", PUBLIC),
    ("9.255.255.255", PUBLIC),
    ("10.0.0.0", "private"),
    ("10.0.0.1", "private"),
    ("10.255.255.255", "private"),
    ("11.0.0.0", PUBLIC),
    ("100.63.255.255", PUBLIC),
    ("100.64.0.0", "carrier-grade NAT"),
    ("100.100.100.200", "cloud metadata"),
    ("100.127.255.255", "carrier-grade NAT"),
    ("100.128.0.0", PUBLIC),
    ("126.255.255.255", PUBLIC),
    ("127.0.0.0", "loopback"),
    ("127.0.0.1", "loopback"),
    ("127.0.0.53", "loopback"),
    ("127.255.255.255", "loopback"),
    ("128.0.0.0", PUBLIC),
    ("140.82.121.6", PUBLIC),
    ("168.63.129.15", PUBLIC),
    ("168.63.129.16", "cloud metadata"),
    ("169.253.255.255", PUBLIC),
    ("169.254.0.1", "link-local"),
    ("169.254.169.253", "link-local"),
    ("169.254.169.254", "cloud metadata"),
    ("169.254.170.2", "cloud metadata"),
    ("169.255.0.0", PUBLIC),
    ("172.15.255.255", PUBLIC),
    ("172.16.0.0", "private"),
    ("172.17.0.1", "private"),
    ("172.31.255.255", "private"),
    ("172.32.0.0", PUBLIC),
    ("191.255.255.255", PUBLIC),
    ("192.0.0.1", "protocol assignments"),
    ("192.0.0.170", "protocol assignments"),
    ("192.0.0.192", "cloud metadata"),
    ("192.0.1.0", PUBLIC),
    ("192.0.2.1", "documentation"),
    ("192.0.3.0", PUBLIC),
    ("192.88.99.1", "6to4 relay"),
    ("192.167.255.255", PUBLIC),
    ("192.168.0.1", "private"),
    ("192.168.255.255", "private"),
    ("192.169.0.0", PUBLIC),
    ("198.17.255.255", PUBLIC),
    ("198.18.0.0", "benchmarking"),
    ("198.19.255.255", "benchmarking"),
    ("198.20.0.0", PUBLIC),
    ("198.51.100.7", "documentation"),
    ("203.0.113.255", "documentation"),
    ("203.0.114.0", PUBLIC),
    ("223.255.255.255", PUBLIC),
    ("224.0.0.1", "multicast"),
    ("239.255.255.255", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.254", "reserved"),
    ("255.255.255.255", "broadcast"),
    ("::", "unspecified"),
    ("::1", "loopback"),
    ("::2", "IPv4-compatible"),
    ("::127.0.0.1", "IPv4-compatible"),
    ("::8.8.8.8", "IPv4-compatible"),
    ("::ffff:127.0.0.1", "IPv4-mapped"),
    ("::ffff:169.254.169.254", "IPv4-mapped"),
    ("::ffff:8.8.8.8", "IPv4-mapped"),
    ("::ffff:0:10.0.0.1", "IPv4-translated"),
    ("64:ff9b::8.8.8.8", PUBLIC),
    ("64:ff9b::127.0.0.1", "loopback"),
    ("64:ff9b::10.0.0.1", "private"),
    ("64:ff9b::169.254.169.254", "cloud metadata"),
    ("64:ff9b::1:8.8.8.8", "not global unicast"),
    ("64:ff9b:1::8.8.8.8", "local NAT64"),
    ("64:ff9b:1:7f00:0:100::", "local NAT64"),
    ("64:ff9b:2::8.8.8.8", "not global unicast"),
    ("100::1", "discard"),
    ("100:0:0:1::1", "not global unicast"),
    ("1fff:ffff::1", "not global unicast"),
    ("2001::1", "Teredo"),
    ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"),
    ("2001:2::1", "benchmarking"),
    ("2001:10::1", "protocol assignments"),
    ("2001:20::1", "protocol assignments"),
    ("2001:1ff:ffff::1", "protocol assignments"),
    ("2001:200::1", PUBLIC),
    ("2001:4860:4860::8888", PUBLIC),
    ("2001:db7:ffff::1", PUBLIC),
    ("2001:db8::1", "documentation"),
    ("2001:db8:ffff:ffff::1", "documentation"),
    ("2001:db9::1", PUBLIC),
    ("2002:7f00:1::1", "6to4"),
    ("2002:808:808::1", "6to4"),
    ("2003::1", PUBLIC),
    ("2606:4700:4700::1111", PUBLIC),
    ("2606:4700::5efe:10.0.0.1", "ISATAP"),
    ("2606:4700::200:5efe:10.0.0.1", "ISATAP"),
    ("2a00:1450:4001::200e", PUBLIC),
    ("3ffe::1", "returned 6bone range"),
    ("3fff::1", "documentation"),
    ("3fff:fff:ffff::1", "documentation"),
    ("3fff:1000::1", PUBLIC),
    ("4000::1", "not global unicast"),
    ("5f00::1", "segment routing"),
    ("fc00::1", "unique local"),
    ("fd00:ec2::254", "cloud metadata"),
    ("fd20:ce::254", "cloud metadata"),
    ("fd12:3456:789a::1", "unique local"),
    ("fdff:ffff:ffff::1", "unique local"),
    ("fe00::1", "not global unicast"),
    ("fe80::1", "link-local"),
    ("febf:ffff::1", "link-local"),
    ("fec0::1", "site-local"),
    ("feff::1", "site-local"),
    ("ff02::1", "multicast"),
    ("ff0e::1", "multicast"),
];

#[test]
fn every_class_of_address() {
    for (text, expected) in TABLE {
        let address: IpAddr = text.parse().unwrap();
        let reason = judge(address).err().map_or(PUBLIC, |refused| refused.0);
        assert_eq!(reason, *expected, "{text}");
    }
    assert!(TABLE.len() >= 110);
}

#[test]
fn every_ipv4_range_is_refused_in_every_ipv6_spelling() {
    let refused = TABLE.iter().filter(|(_, reason)| *reason != PUBLIC);
    for text in refused.map(|(text, _)| text).filter(|text| text.contains('.') && !text.contains(':')) {
        for spelling in [format!("::ffff:{text}"), format!("::{text}"), format!("64:ff9b::{text}")] {
            let address: IpAddr = spelling.parse().unwrap();
            assert!(judge(address).is_err(), "{spelling}");
        }
    }
}
