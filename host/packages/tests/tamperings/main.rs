//! The table of tamperings: what a publisher, a reviewer, a mirror or a thief of keys can do to a release and to what was signed
//! about it, and with which words it is refused. `docs/security/tamperings.md` is this table; it is written anew by
//! `TAMPERINGS_DOC=1 cargo test -p portcullis-packages --test tamperings` (`make tamperings`), and a stale one fails.
//!
//! Invariants: each row starts from a host where everything holds, which is asserted; a row that is accepted fails the test.
#![expect(clippy::unwrap_used, reason = "a test")]

mod bundles;
mod releases;
mod reviews;
mod roots;
#[expect(dead_code, reason = "shared with the crate's own tests, which use all of it")]
#[path = "../../src/testing.rs"]
mod testing;
mod withdrawals;
mod world;

use std::{fmt::Write as _, fs, path::Path};

// What the shared file names as its own crate's.
use portcullis_packages::{keys, trust};

use world::World;

/// One tampering.
struct Row {
    /// What is done.
    name: &'static str,
    /// What the refusal must say.
    says: &'static str,
    /// Does it to a host where everything holds, and gives the refusal; `None`: it was accepted.
    attempt: fn(&World) -> Option<String>,
}

const fn row(name: &'static str, says: &'static str, attempt: fn(&World) -> Option<String>) -> Row {
    Row { name, says, attempt }
}

type Table = &'static [(&'static str, &'static [Row])];

const TABLE: Table = &[
    ("The component", releases::COMPONENT),
    ("The manifest", releases::MANIFEST),
    ("The publisher's envelope", releases::ENVELOPE),
    ("The publisher's statement", releases::STATEMENT),
    ("Reviewers' verdicts", reviews::VERDICTS),
    ("Downgrades and overrides", reviews::OVERRIDES),
    ("Roots", roots::ROOTS),
    ("Roots of tenants", roots::TENANTS),
    ("Withdrawals", withdrawals::WITHDRAWALS),
    ("Bundles", bundles::BUNDLES),
];

const HEAD: &str = "# Tamperings\n
What was done to a release, to what was signed about it or to the rows in which a host keeps that, and why each was refused. Each
row was carried out on a host where everything held. This file is written by the test that holds it (`make tamperings`).

## What cannot be seen

- **Withheld news.** Whoever carries statements to a host can keep the newest ones back: a rejection, a withdrawal, the next
  version of a root. A host that never got them cannot miss them. What bounds that is expiry: the root's and each verdict's. Keep
  both short where what carries them is not trusted.
- **Rows taken out of the database.** Whoever can write to the host's own database can take a withdrawal or the newest root out of
  it, and nothing in the rows that are left says so. The log has their entries (`release.withdrawn`, `trust.changed`) and is signed:
  compare `portcullis plugin withdrawals` and `portcullis trust show` with it. A home directory that was put back whole from an old
  copy agrees with itself: compare its checkpoint with one that was kept elsewhere.
- **Keys in the wrong hands.** A threshold that is met is met. Revoke the key: see docs/operators/trust.md.
";

/// A refusal for the page: without the digests, which change with every build of the tests, and without places in texts.
fn steady(text: &str) -> String {
    let text = text.split_once(" at line ").map_or(text, |(text, _)| text);
    let mut out = String::new();
    let mut run = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_hexdigit() {
            run.push(c);
            continue;
        }
        out.push_str(if run.len() == 64 { "…" } else { &run });
        run.clear();
        out.push(c);
    }
    let out = out.strip_prefix("release sha256:… is refused: ").unwrap_or(&out);
    out.trim_end().replace('|', "\\|").replace('\n', " ")
}

#[test]
fn every_tampering_is_refused() {
    let mut doc = HEAD.to_owned();
    let (mut number, mut failures) = (0, Vec::new());
    for (what, rows) in TABLE {
        write!(doc, "\n## {what}\n\n| # | what was done | refused because |\n|---|---|---|\n").unwrap();
        for row in *rows {
            number += 1;
            let world = World::new();
            assert_eq!(world.load(), None, "everything holds before {}", row.name);
            let refusal = (row.attempt)(&world);
            let said = refusal.as_deref().unwrap_or("ACCEPTED");
            println!("{number:3}  {:<66}  {said}", row.name);
            if refusal.is_none() || !said.contains(row.says) {
                failures.push(format!("{}: expected '{}', found '{said}'", row.name, row.says));
            }
            writeln!(doc, "| {number} | {} | {} |", row.name, steady(said)).unwrap();
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(number >= 60, "{number} tamperings");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/security/tamperings.md");
    if std::env::var_os("TAMPERINGS_DOC").is_some() {
        fs::write(&path, &doc).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == doc, "{} is stale: run 'make tamperings'", path.display());
}

/// A table that a broken check cannot pass: what is not tampered with is accepted, on each way that the rows go.
#[test]
fn what_is_whole_is_accepted() {
    let world = World::new();
    assert_eq!(world.load(), None);
    assert_eq!(world.fetch(), None);
    assert_eq!(world.install(|_| ()), None);
    assert_eq!(world.put_root(&world.next(|_| ()), &[world::KEEPER]), None);
    assert_eq!(world.reloaded(), None);
    assert_eq!(world.put_tenants(&world.tenants(), &[world::TENANT_KEEPER, world::KEEPER]), None);
    assert_eq!(world.state(&world::approval(), world::REVIEWERS[0]), None);
    assert_eq!(world.withdraw(&withdrawals::quarantine(), &world::WITHDRAWERS), None);
    assert!(world.reloaded().unwrap().contains("withdrawn"));
}
