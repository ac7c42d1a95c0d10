//! Texts of URLs: what is refused before anything is looked up, and what is read as what.

use crate::{Row, url};

const NO_ADDRESS: &str = "not read: must name a host; addresses are not allowed";
const NO_USER: &str = "not read: must not carry a user or password";
const NO_DNS: &str = "not read: the host is not a public DNS name";
const NO_SCHEME: &str = "not read: must begin with 'https://'";
const NO_SPACE: &str = "not read: white space, control characters and backslashes are not allowed";
const NO_HOST: &str = "not read: must name a host right after 'https://'";
const UNREADABLE: &str = "not read: cannot be read";
const NO_DOTS: &str = "not read: the path must not hold encoded dots";

pub const SHAPE: &[Row] = &[
    url("plain HTTP", "http://chat.lab.test/", NO_SCHEME),
    url("a file", "file:///etc/passwd", NO_SCHEME),
    url("gopher", "gopher://127.0.0.1:6379/_INFO", NO_SCHEME),
    url("ftp", "ftp://chat.lab.test/", NO_SCHEME),
    url("data", "data:text/plain,hello", NO_SCHEME),
    url("a socket of this machine", "unix:/var/run/docker.sock", NO_SCHEME),
    url("no scheme", "//chat.lab.test/", NO_SCHEME),
    url("one slash", "https:/chat.lab.test/", NO_SCHEME),
    url("no slash", "https:chat.lab.test/", NO_SCHEME),
    url("back slashes after the scheme", "https:\\\\chat.lab.test/", NO_SPACE),
    url("a scheme within a scheme", "https://https://chat.lab.test/", NO_DNS),
    url("a tab within the scheme", "ht\ttps://chat.lab.test/", NO_SPACE),
    url("a space in front", " https://chat.lab.test/", NO_SPACE),
    url("a line break and a header", "https://chat.lab.test/\r\nHost: 127.0.0.1", NO_SPACE),
    url("a zero byte", "https://chat.lab.test\0.evil.test/", NO_SPACE),
    url("a no-break space", "https://chat.lab.test\u{a0}/", NO_SPACE),
    url("an ideographic space", "https://chat.lab.test/\u{3000}", NO_SPACE),
    url("nothing", "", NO_SCHEME),
    url("nothing but a scheme", "https://", UNREADABLE),
    url("a fragment", "https://chat.lab.test/#x", "not read: must not have a fragment"),
    url("the scheme in capitals", "HTTPS://CHAT.LAB.TEST/a", "read as https://chat.lab.test/a"),
];

pub const HOSTS: &[Row] = &[
    url("a user", "https://chat.lab.test@127.0.0.1/", NO_USER),
    url("a user and a password", "https://user:pass@chat.lab.test/", NO_USER),
    url("an empty user", "https://@chat.lab.test/", NO_USER),
    url("an empty user and password", "https://:@chat.lab.test/", NO_USER),
    url("two at signs", "https://a@127.0.0.1@chat.lab.test/", NO_USER),
    url("a port that is a user's password", "https://chat.lab.test:443@evil.test/", NO_USER),
    url("an encoded at sign", "https://chat.lab.test%40evil.test/", UNREADABLE),
    url("a back slash before the at sign", "https://chat.lab.test\\@evil.test/", NO_SPACE),
    url("an encoded back slash before the at sign", "https://chat.lab.test%5c@evil.test/", NO_USER),
    url("a fragment before the at sign", "https://chat.lab.test#@evil.test/", "not read: must not have a fragment"),
    url("an encoded fragment sign before the at sign", "https://chat.lab.test%23@evil.test/", NO_USER),
    url(
        "a question mark before the at sign",
        "https://chat.lab.test?@evil.test/",
        "read as https://chat.lab.test/?@evil.test/",
    ),
    url("a slash before the at sign", "https://chat.lab.test/@evil.test/", "read as https://chat.lab.test/@evil.test/"),
    url("a semicolon before the at sign", "https://chat.lab.test;@evil.test/", NO_USER),
    url("a space and a second host", "https://chat.lab.test 127.0.0.1/", NO_SPACE),
    url("three slashes", "https:///127.0.0.1/", NO_HOST),
    url("four slashes", "https:////evil.test/", NO_HOST),
    url("a question mark in place of the host", "https://?@127.0.0.1/", UNREADABLE),
    url("a comma and a second host", "https://chat.lab.test,evil.test/", NO_DNS),
    url("an ampersand and a second host", "https://chat.lab.test&evil.test/", NO_DNS),
    url("brackets around a name", "https://[chat.lab.test]/", UNREADABLE),
    url("two ports", "https://chat.lab.test:80:443/", UNREADABLE),
    url(
        "the granted name in front of another",
        "https://chat.lab.test.evil.test/",
        "read as https://chat.lab.test.evil.test/",
    ),
    url("the granted name behind another", "https://evilchat.lab.test/", "read as https://evilchat.lab.test/"),
    url("an encoded dot in the host", "https://chat.lab%2etest/", NO_DOTS),
    url("an encoded slash in the host", "https://evil.test%2f.lab.test/", UNREADABLE),
    url("an encoded letter in the host", "https://%63hat.lab.test/", "read as https://chat.lab.test/"),
    url(
        "a target that names another in its query",
        "https://chat.lab.test/?url=https://169.254.169.254/",
        "read as https://chat.lab.test/?url=",
    ),
];

pub const ADDRESSES: &[Row] = &[
    url("loopback", "https://127.0.0.1/", NO_ADDRESS),
    url("a public address", "https://8.8.8.8/", NO_ADDRESS),
    url("metadata", "https://169.254.169.254/latest/meta-data/", NO_ADDRESS),
    url("two parts", "https://127.1/", NO_ADDRESS),
    url("three parts", "https://127.0.1/", NO_ADDRESS),
    url("one decimal number", "https://2130706433/", NO_ADDRESS),
    url("one hexadecimal number", "https://0x7f000001/", NO_ADDRESS),
    url("one octal number", "https://017700000001/", NO_ADDRESS),
    url("octal parts", "https://0177.0.0.01/", NO_ADDRESS),
    url("hexadecimal parts", "https://0xa9.0xfe.0xa9.0xfe/", NO_ADDRESS),
    url("parts of different bases", "https://0xa9.254.0251.254/", NO_ADDRESS),
    url("many zeros in front", "https://0000000000177.0.0.1/", NO_ADDRESS),
    url("hexadecimal without digits", "https://0x.0x.0/", NO_ADDRESS),
    url("a part too large", "https://127.0.0.256/", UNREADABLE),
    url("a number too large for an address", "https://4294967296/", UNREADABLE),
    url("five parts", "https://127.0.0.0.1/", UNREADABLE),
    url("a dot behind the address", "https://127.0.0.1./", NO_ADDRESS),
    url("two dots behind the address", "https://127.0.0.1../", NO_DNS),
    url("zero", "https://0/", NO_ADDRESS),
    url("fullwidth digits", "https://\u{ff11}\u{ff12}\u{ff17}.0.0.1/", NO_ADDRESS),
    url("circled digits", "https://\u{2460}\u{2461}\u{2466}.\u{24ea}.\u{24ea}.\u{2460}/", NO_ADDRESS),
    url("ideographic full stops", "https://127\u{3002}0\u{3002}0\u{3002}1/", NO_ADDRESS),
    url("fullwidth and halfwidth full stops", "https://127\u{ff0e}0\u{ff61}0\u{ff0e}1/", NO_ADDRESS),
    url("encoded digits", "https://%31%32%37.0.0.1/", NO_ADDRESS),
    url("IPv6 loopback", "https://[::1]/", NO_ADDRESS),
    url("IPv6 unspecified", "https://[::]:443/", NO_ADDRESS),
    url("IPv4 mapped into IPv6", "https://[::ffff:169.254.169.254]/", NO_ADDRESS),
    url("IPv4 mapped into IPv6, in hexadecimal", "https://[::ffff:7f00:1]/", NO_ADDRESS),
    url("IPv6 written out", "https://[0000:0000:0000:0000:0000:0000:0000:0001]/", NO_ADDRESS),
    url("IPv6 with a zone", "https://[fe80::1%25eth0]/", UNREADABLE),
    url("a public IPv6 address", "https://[2606:4700:4700::1111]/", NO_ADDRESS),
    url("IPv6 without brackets", "https://::1/", UNREADABLE),
    url("a future kind of address", "https://[v1.x]/", UNREADABLE),
];

pub const NAMES: &[Row] = &[
    url("localhost", "https://localhost/", NO_DNS),
    url("localhost with a dot behind", "https://localhost./", NO_DNS),
    url("one label, for a search domain", "https://metadata/", NO_DNS),
    url("a dot behind the name", "https://chat.lab.test./a", "read as https://chat.lab.test/a"),
    url("two dots behind the name", "https://chat.lab.test../", NO_DNS),
    url("a dot in front of the name", "https://.lab.test/", NO_DNS),
    url("an empty label", "https://chat..lab.test/", NO_DNS),
    url("fullwidth letters", "https://\u{ff43}hat.lab.test/", "read as https://chat.lab.test/"),
    url(
        "an ideographic full stop between labels",
        "https://chat\u{3002}lab\u{3002}test/",
        "read as https://chat.lab.test/",
    ),
    url("a soft hyphen within the name", "https://ch\u{ad}at.lab.test/", "read as https://chat.lab.test/"),
    url("a sharp s", "https://stra\u{df}e.lab.test/", "read as https://xn--strae-oqa.lab.test/"),
    url("a Cyrillic letter that looks Latin", "https://ch\u{430}t.lab.test/", "read as https://xn--cht-7cd.lab.test/"),
    url("a right-to-left override", "https://chat\u{202e}.lab.test/", UNREADABLE),
    url("a wildcard", "https://*.lab.test/", NO_DNS),
    url(
        "a label of 64 letters",
        "https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test/",
        NO_DNS,
    ),
    url("a name that ends in a number", "https://chat.lab.1/", UNREADABLE),
    url("port 0", "https://chat.lab.test:0/", "not read: port 0 cannot be connected to"),
    url("a port too large", "https://chat.lab.test:65536/", UNREADABLE),
    url("a negative port", "https://chat.lab.test:-1/", UNREADABLE),
    url("a port that is a word", "https://chat.lab.test:https/", UNREADABLE),
    url("zeros in front of the port", "https://chat.lab.test:000443/", "read as https://chat.lab.test/"),
    url("no port after the colon", "https://chat.lab.test:/", "read as https://chat.lab.test/"),
    url("another port, which a grant must name", "https://chat.lab.test:6379/", "read as https://chat.lab.test:6379/"),
];

pub const PATHS: &[Row] = &[
    url("dots that lead up", "https://chat.lab.test/a/../../admin", "read as https://chat.lab.test/admin"),
    url("encoded dots", "https://chat.lab.test/a/%2e%2e/admin", NO_DOTS),
    url("half encoded dots", "https://chat.lab.test/a/.%2E/admin", NO_DOTS),
    url("an encoded slash", "https://chat.lab.test/a%2f..%2fadmin", NO_DOTS),
    url("an encoded back slash", "https://chat.lab.test/a%5c..%5cadmin", NO_DOTS),
    url("an encoded zero byte", "https://chat.lab.test/a%00.png", NO_DOTS),
    url("a back slash", "https://chat.lab.test/a\\..\\admin", NO_SPACE),
    url(
        "a target in absolute form within the path",
        "https://chat.lab.test/https://127.0.0.1/",
        "read as https://chat.lab.test/https://127.0.0.1/",
    ),
    url("two slashes at the start", "https://chat.lab.test//127.0.0.1/", "read as https://chat.lab.test//127.0.0.1/"),
    url(
        "dots encoded twice",
        "https://chat.lab.test/%252e%252e/admin",
        "read as https://chat.lab.test/%252e%252e/admin",
    ),
];
