//! The table of what a plugin, or whoever owns a name, can try in order to reach what is not public, and how each is judged.
//! `docs/security/ssrf.md` is this table; it is written anew by `SSRF_DOC=1 cargo test -p portcullis-broker --test ssrf`
//! (`make ssrf`), and a stale one fails.
//!
//! Invariants: each row goes the way of a request, from its URL's text to the addresses that would be connected to, and nothing is
//! sent; a row that is judged otherwise than it says fails the test.
#![expect(clippy::unwrap_used, reason = "a test")]

mod addresses;
mod names;
mod urls;

use std::{
    fmt::Write as _,
    fs, io,
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use portcullis_broker::{
    judge::judge,
    resolve::{Resolve, public_addresses},
};
use portcullis_model::{egress::NOT_PUBLIC, error::ServiceError, target::Target};

/// One attempt.
pub struct Row {
    /// What is tried.
    what: &'static str,
    /// The URL that a plugin gives.
    url: &'static str,
    /// What names lead to: `NAME ADDRESS..` or `NAME > OTHER NAME`; answers of later look-ups after `|`.
    zone: &'static [&'static str],
    /// What the verdict says.
    says: &'static str,
}

/// A URL that never gets as far as a look-up.
const fn url(what: &'static str, url: &'static str, says: &'static str) -> Row {
    Row { what, url, zone: &[], says }
}

/// A name that leads somewhere.
const fn name(what: &'static str, url: &'static str, zone: &'static [&'static str], says: &'static str) -> Row {
    Row { what, url, zone, says }
}

type Table = &'static [(&'static str, &'static [Row])];

const TABLE: Table = &[
    ("Shape of the URL", urls::SHAPE),
    ("Whose host it is: readers that disagree", urls::HOSTS),
    ("Addresses in place of a name", urls::ADDRESSES),
    ("Names and ports", urls::NAMES),
    ("Paths", urls::PATHS),
    ("What a name leads to: IPv4", addresses::V4),
    ("What a name leads to: IPv6", addresses::V6),
    ("What a name leads to: metadata services", addresses::METADATA),
    ("Answers that are mixed, chained, changing or missing", names::ANSWERS),
];

const HEAD: &str = "# Server-side request forgery\n
How the [one door out](../operators/egress.md) judges what a plugin asks for, and what a name leads to. Each row went the way of a request,
from the text of its URL to the addresses that would be connected to. This file is written by the test that holds it (`make ssrf`).

`not read` means that the URL is refused before anything is looked up: the plugin gets `invalid` and the reason. `refused` means that the
name was looked up and an address behind it is not public: the plugin gets `invalid` without the address, the operator's log has it. `goes
to` means that exactly these addresses would be connected to, under that name in SNI, in the certificate's check and in `Host`; whether
the plugin may send there is a matter of its grant, which is held against the same name. Names under `lab.test` are what the look-up was
made to answer; the ideas are those of public deny lists and of published tricks against URL readers.

## What is not judged here

- **Hosts that the operator placed by hand** (`[[egress.private]]`, `[[egress.plaintext]]`): their addresses are not judged.
- **What a public server does with the request.** A host that forwards requests can reach what it likes. Its name is what is granted.
- **Public addresses of this machine** that are not in `listen.address` or `egress.own`.
";

/// The one public address that this host is said to have itself.
const OWN: &str = "198.200.1.1";

/// Answers as the zone says, one set of answers a look-up.
struct Zone(&'static [&'static str], AtomicUsize);

impl Zone {
    fn answers(&self, host: &str, time: usize) -> Option<Vec<IpAddr>> {
        let mut name = host.to_owned();
        for _ in 0..8 {
            let records = self.0.iter().find_map(|line| line.strip_prefix(name.as_str())?.strip_prefix(' '))?;
            match records.strip_prefix("> ") {
                Some(other) => name = other.to_owned(),
                None => {
                    let times: Vec<&str> = records.split(" | ").collect();
                    let records = times[time.min(times.len() - 1)];
                    return Some(records.split(' ').filter(|ip| *ip != "-").map(|ip| ip.parse().unwrap()).collect());
                }
            }
        }
        None
    }
}

#[async_trait]
impl Resolve for Zone {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let time = self.1.fetch_add(1, Ordering::Relaxed);
        let found = self.answers(host, time).ok_or_else(|| io::Error::other("no such name"))?;
        Ok(found.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
    }
}

/// How a row is judged, the whole way.
async fn judged(row: &Row) -> String {
    let target: Target = match row.url.parse() {
        Ok(target) => target,
        Err(problem) => return format!("not read: {}", problem.strip_prefix("url: ").unwrap()),
    };
    let zone = Zone(row.zone, AtomicUsize::new(0));
    let times = row.zone.iter().map(|line| line.split(" | ").count()).max().unwrap_or(0);
    if times == 0 {
        return format!("read as {target}");
    }
    let mut verdicts = Vec::new();
    for time in 0..times {
        verdicts.push(looked_up(&zone, &target, time).await);
        assert_eq!(zone.1.load(Ordering::Relaxed), time + 1, "a name is looked up once");
    }
    verdicts.join("; the next connection: ")
}

async fn looked_up(zone: &Zone, target: &Target, time: usize) -> String {
    let own = [OWN.parse().unwrap()];
    match public_addresses(zone, &own, target.host(), target.port()).await {
        Ok(addresses) => {
            let all: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            format!("goes to {} at {}", target.host(), all.join(", "))
        }
        Err(ServiceError::Invalid(text)) if text == NOT_PUBLIC => {
            let found = zone.answers(target.host(), time).unwrap();
            let why = found.iter().find_map(|ip| judge(*ip).err().map(|refused| format!("{ip} is {refused}")));
            format!("refused: {}", why.unwrap_or_else(|| "an address of this host".to_owned()))
        }
        Err(ServiceError::Unavailable(text)) => format!("unavailable: {text}"),
        Err(other) => panic!("{other:?}"),
    }
}

/// A text as it stands on the page: what cannot be seen is spelled out.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '|' => out.push_str("\\|"),
            '\\' => out.push_str("\\\\"),
            '`' => out.push('\''),
            c if c.is_control() || (c as u32 > 0x7f && !c.is_alphanumeric()) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    if out.is_empty() { "(nothing)".to_owned() } else { out }
}

#[tokio::test]
async fn every_attempt_is_judged_right() {
    let mut doc = HEAD.to_owned();
    let (mut number, mut failures) = (0, Vec::new());
    for (what, rows) in TABLE {
        write!(
            doc,
            "\n## {what}\n\n| # | what was tried | URL | the name leads to | judged |\n|---|---|---|---|---|\n"
        )
        .unwrap();
        for row in *rows {
            number += 1;
            let verdict = judged(row).await;
            println!("{number:3}  {:<60}  {verdict}", row.what);
            if !verdict.contains(row.says) {
                failures.push(format!("{number} {}: expected '{}', found '{verdict}'", row.what, row.says));
            }
            let zone = row.zone.iter().map(|line| cell(line)).collect::<Vec<_>>().join("; ");
            let url = if row.url.len() > 80 { format!("{}…", &row.url[..80]) } else { row.url.to_owned() };
            // Between back quotes a back slash stands for itself.
            let url = cell(&url).replace("\\\\", "\\");
            writeln!(doc, "| {number} | {} | `{url}` | {zone} | {} |", row.what, cell(&verdict)).unwrap();
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(number >= 100, "{number} attempts");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/security/ssrf.md");
    if std::env::var_os("SSRF_DOC").is_some() {
        fs::write(&path, &doc).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == doc, "{} is stale: run 'make ssrf'", path.display());
}
