//! Names that lead to what is not public, in each class of address.

use crate::{Row, name};

const HOST: &str = "https://a.lab.test/";

const fn leads(what: &'static str, zone: &'static [&'static str], says: &'static str) -> Row {
    name(what, HOST, zone, says)
}

pub const V4: &[Row] = &[
    leads("a public address", &["a.lab.test 8.8.8.8"], "goes to a.lab.test at 8.8.8.8:443"),
    leads("loopback", &["a.lab.test 127.0.0.1"], "refused: 127.0.0.1 is loopback"),
    leads("loopback, far from its start", &["a.lab.test 127.255.255.254"], "is loopback"),
    leads("unspecified, which some systems take for loopback", &["a.lab.test 0.0.0.0"], "is unspecified"),
    leads("this network", &["a.lab.test 0.1.2.3"], "is this network"),
    leads("private, 10/8", &["a.lab.test 10.0.0.1"], "is private"),
    leads("private, 172.16/12 at its start", &["a.lab.test 172.16.0.1"], "is private"),
    leads("private, 172.16/12 at its end", &["a.lab.test 172.31.255.255"], "is private"),
    leads("just outside of 172.16/12", &["a.lab.test 172.32.0.1"], "goes to a.lab.test at 172.32.0.1:443"),
    leads("private, 192.168/16", &["a.lab.test 192.168.1.1"], "is private"),
    leads("carrier-grade NAT", &["a.lab.test 100.64.0.1"], "is carrier-grade NAT"),
    leads("just outside of carrier-grade NAT", &["a.lab.test 100.128.0.1"], "goes to"),
    leads("link-local", &["a.lab.test 169.254.0.1"], "is link-local"),
    leads("protocol assignments", &["a.lab.test 192.0.0.8"], "is protocol assignments"),
    leads("6to4 relay", &["a.lab.test 192.88.99.1"], "is 6to4 relay"),
    leads("benchmarking", &["a.lab.test 198.18.0.1"], "is benchmarking"),
    leads("documentation", &["a.lab.test 203.0.113.9"], "is documentation"),
    leads("multicast", &["a.lab.test 224.0.0.1"], "is multicast"),
    leads("reserved", &["a.lab.test 240.0.0.1"], "is reserved"),
    leads("broadcast", &["a.lab.test 255.255.255.255"], "is broadcast"),
    leads("an address of this host", &["a.lab.test 198.200.1.1"], "refused: an address of this host"),
    name(
        "a service that makes names of addresses",
        "https://127.0.0.1.nip.lab.test/",
        &["127.0.0.1.nip.lab.test 127.0.0.1"],
        "is loopback",
    ),
    name(
        "the same with dashes",
        "https://10-0-0-1.sslip.lab.test/",
        &["10-0-0-1.sslip.lab.test 10.0.0.1"],
        "is private",
    ),
    name(
        "the same in hexadecimal",
        "https://a9fea9fe.nip.lab.test/",
        &["a9fea9fe.nip.lab.test 169.254.169.254"],
        "is cloud metadata",
    ),
    name("a name that says localhost", "https://localhost.lab.test/", &["localhost.lab.test 127.0.0.1"], "is loopback"),
];

pub const V6: &[Row] = &[
    leads("a public address", &["a.lab.test 2606:4700:4700::1111"], "goes to a.lab.test at [2606:4700:4700::1111]:443"),
    leads("loopback", &["a.lab.test ::1"], "is loopback"),
    leads("unspecified", &["a.lab.test ::"], "is unspecified"),
    leads("loopback mapped", &["a.lab.test ::ffff:127.0.0.1"], "is IPv4-mapped"),
    leads("metadata mapped", &["a.lab.test ::ffff:169.254.169.254"], "is IPv4-mapped"),
    leads("a public address mapped", &["a.lab.test ::ffff:8.8.8.8"], "is IPv4-mapped"),
    leads("an address of this host, mapped", &["a.lab.test ::ffff:198.200.1.1"], "is IPv4-mapped"),
    leads("IPv4-compatible", &["a.lab.test ::127.0.0.1"], "is IPv4-compatible"),
    leads("IPv4-translated", &["a.lab.test ::ffff:0:10.0.0.1"], "is IPv4-translated"),
    leads("NAT64 of a private address", &["a.lab.test 64:ff9b::10.0.0.1"], "is private"),
    leads("NAT64 of metadata", &["a.lab.test 64:ff9b::169.254.169.254"], "is cloud metadata"),
    leads("NAT64 of a public address", &["a.lab.test 64:ff9b::8.8.8.8"], "goes to"),
    leads("NAT64 of an address of this host", &["a.lab.test 64:ff9b::198.200.1.1"], "refused: an address of this host"),
    leads("local NAT64", &["a.lab.test 64:ff9b:1::10.0.0.1"], "is local NAT64"),
    leads("6to4 of loopback", &["a.lab.test 2002:7f00:1::1"], "is 6to4"),
    leads("Teredo", &["a.lab.test 2001:0:4136:e378:8000:63bf:80ff:fffe"], "is Teredo"),
    leads("ISATAP of a private address", &["a.lab.test 2606:4700::5efe:10.0.0.1"], "is ISATAP"),
    leads("unique local", &["a.lab.test fd12:3456:789a::1"], "is unique local"),
    leads("link-local", &["a.lab.test fe80::1"], "is link-local"),
    leads("site-local", &["a.lab.test fec0::1"], "is site-local"),
    leads("multicast", &["a.lab.test ff02::1"], "is multicast"),
    leads("documentation", &["a.lab.test 2001:db8::1"], "is documentation"),
    leads("documentation, the newer range", &["a.lab.test 3fff::1"], "is documentation"),
    leads("discard", &["a.lab.test 100::1"], "is discard"),
    leads("segment routing", &["a.lab.test 5f00::1"], "is segment routing"),
    leads("what nobody has given out", &["a.lab.test 4000::1"], "is not global unicast"),
];

pub const METADATA: &[Row] = &[
    leads("most clouds", &["a.lab.test 169.254.169.254"], "is cloud metadata"),
    leads("containers' credentials", &["a.lab.test 169.254.170.2"], "is cloud metadata"),
    leads("Azure's platform address, which is public", &["a.lab.test 168.63.129.16"], "is cloud metadata"),
    leads("Alibaba's", &["a.lab.test 100.100.100.200"], "is cloud metadata"),
    leads("Oracle's", &["a.lab.test 192.0.0.192"], "is cloud metadata"),
    leads("Amazon's over IPv6", &["a.lab.test fd00:ec2::254"], "is cloud metadata"),
    leads("Google's over IPv6", &["a.lab.test fd20:ce::254"], "is cloud metadata"),
    name(
        "by the name that one cloud gives it",
        "https://metadata.google.internal/",
        &["metadata.google.internal 169.254.169.254"],
        "is cloud metadata",
    ),
];
