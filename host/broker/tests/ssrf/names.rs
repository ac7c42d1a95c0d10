//! Answers to a look-up that mix, lead on, change from one time to the next, or are none.

use crate::{Row, name};

const HOST: &str = "https://a.lab.test/";

const fn leads(what: &'static str, zone: &'static [&'static str], says: &'static str) -> Row {
    name(what, HOST, zone, says)
}

pub const ANSWERS: &[Row] = &[
    leads(
        "public over IPv4 and IPv6",
        &["a.lab.test 8.8.8.8 2606:4700:4700::1111"],
        "goes to a.lab.test at 8.8.8.8:443, [2606:4700:4700::1111]:443",
    ),
    leads("public first, private second", &["a.lab.test 8.8.8.8 10.0.0.1"], "refused: 10.0.0.1 is private"),
    leads("private first, public second", &["a.lab.test 10.0.0.1 8.8.8.8"], "refused: 10.0.0.1 is private"),
    leads("public over IPv4, loopback over IPv6", &["a.lab.test 8.8.8.8 ::1"], "refused: ::1 is loopback"),
    leads(
        "public over IPv6, private over IPv4",
        &["a.lab.test 192.168.0.1 2606:4700:4700::1111"],
        "refused: 192.168.0.1 is private",
    ),
    leads(
        "one bad address behind nine good ones, more than are ever tried",
        &["a.lab.test 8.8.8.1 8.8.8.2 8.8.8.3 8.8.8.4 8.8.8.5 8.8.8.6 8.8.8.7 8.8.8.8 8.8.8.9 127.0.0.1"],
        "refused: 127.0.0.1 is loopback",
    ),
    leads(
        "one address of this host among public ones",
        &["a.lab.test 8.8.8.8 198.200.1.1"],
        "refused: an address of this host",
    ),
    leads(
        "an alias of a public name",
        &["a.lab.test > b.lab.test", "b.lab.test 8.8.8.8"],
        "goes to a.lab.test at 8.8.8.8:443",
    ),
    leads(
        "an alias of a private name",
        &["a.lab.test > b.lab.test", "b.lab.test 10.0.0.1"],
        "refused: 10.0.0.1 is private",
    ),
    leads(
        "an alias of an alias of loopback",
        &["a.lab.test > b.lab.test", "b.lab.test > c.lab.test", "c.lab.test 127.0.0.1"],
        "refused: 127.0.0.1 is loopback",
    ),
    leads(
        "an alias of localhost",
        &["a.lab.test > localhost", "localhost 127.0.0.1 ::1"],
        "refused: 127.0.0.1 is loopback",
    ),
    leads(
        "an alias of a metadata service",
        &["a.lab.test > metadata.google.internal", "metadata.google.internal 169.254.169.254"],
        "is cloud metadata",
    ),
    leads(
        "aliases in a circle",
        &["a.lab.test > b.lab.test", "b.lab.test > a.lab.test"],
        "unavailable: a.lab.test: name look-up",
    ),
    leads(
        "rebinding: public the first time, loopback the second",
        &["a.lab.test 8.8.8.8 | 127.0.0.1"],
        "goes to a.lab.test at 8.8.8.8:443; the next connection: refused: 127.0.0.1 is loopback",
    ),
    leads(
        "rebinding: loopback the first time, public the second",
        &["a.lab.test 127.0.0.1 | 8.8.8.8"],
        "refused: 127.0.0.1 is loopback; the next connection: goes to a.lab.test at 8.8.8.8:443",
    ),
    leads(
        "rebinding: another public address, then metadata beside it",
        &["a.lab.test 8.8.8.8 | 8.8.4.4 169.254.169.254"],
        "goes to a.lab.test at 8.8.8.8:443; the next connection: refused: 169.254.169.254 is cloud metadata",
    ),
    leads("no address", &["a.lab.test -"], "unavailable: a.lab.test: the name has no address"),
    leads("no such name", &["b.lab.test 8.8.8.8"], "unavailable: a.lab.test: name look-up"),
    name(
        "another port changes nothing",
        "https://a.lab.test:8443/",
        &["a.lab.test 10.0.0.1"],
        "refused: 10.0.0.1 is private",
    ),
    name(
        "a dot behind the name changes nothing",
        "https://a.lab.test./",
        &["a.lab.test 127.0.0.1"],
        "refused: 127.0.0.1 is loopback",
    ),
    name(
        "a name in another script",
        "https://b\u{fc}cher.lab.test/",
        &["xn--bcher-kva.lab.test 10.0.0.1"],
        "refused: 10.0.0.1 is private",
    ),
];
