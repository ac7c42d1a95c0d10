use serde_json::{Value, json};

use super::*;
use crate::inspect::dependencies::{Dependency, Ecosystem, Evidence, SECTION, Source, compressed};

/// In the shape in which RustSec exports its records.
fn rustsec(id: &str, package: &str, events: Value, informational: Option<&str>) -> Value {
    json!({
        "id": id,
        "modified": "2024-05-01T12:00:00Z",
        "published": "2021-01-08T12:00:00Z",
        "withdrawn": null,
        "aliases": ["CVE-2021-25900", "GHSA-43w2-9j62-hq99"],
        "related": [],
        "summary": "Buffer overflow in SmallVec::insert_many",
        "details": "A bug in the `SmallVec::insert_many` method caused it to allocate a buffer that was too small.",
        "severity": [{ "type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" }],
        "affected": [{
            "package": { "ecosystem": "crates.io", "name": package, "purl": format!("pkg:cargo/{package}") },
            "ecosystem_specific": { "affects": { "arch": [], "os": [], "functions": [] }, "affected_functions": null },
            "database_specific": { "categories": ["memory-corruption"], "cvss": null, "informational": informational },
            "ranges": [{ "type": "SEMVER", "events": events }],
            "versions": []
        }],
        "references": [{ "type": "PACKAGE", "url": "https://crates.io/crates/smallvec" }],
        "database_specific": { "license": "CC0-1.0" }
    })
}

fn smallvec() -> Value {
    let events = json!([
        { "introduced": "0.6.3" }, { "fixed": "0.6.14" }, { "introduced": "1.0.0" }, { "fixed": "1.6.1" }
    ]);
    rustsec("RUSTSEC-2021-0003", "smallvec", events, None)
}

/// In the shape of GitHub's database.
fn lodash() -> Value {
    json!({
        "schema_version": "1.4.0", "id": "GHSA-35jh-r3h4-6jhm", "modified": "2025-01-02T03:04:05.678Z",
        "aliases": ["CVE-2021-23337"], "summary": "Command Injection in lodash", "details": "x",
        "severity": [{ "type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H" }],
        "affected": [
            { "package": { "ecosystem": "npm", "name": "lodash" },
              "ranges": [{ "type": "SEMVER", "events": [{ "introduced": "0" }, { "fixed": "4.17.21" }] }] },
            { "package": { "ecosystem": "RubyGems", "name": "lodash-rails" },
              "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }] }] }
        ],
        "database_specific": { "cwe_ids": ["CWE-77"], "severity": "HIGH", "github_reviewed": true }
    })
}

/// In the shape of PyPA's database.
fn requests() -> Value {
    json!({
        "id": "PYSEC-2023-74", "modified": "2023-11-08T04:12:00Z", "aliases": ["CVE-2023-32681"],
        "details": "Requests leaks Proxy-Authorization headers.\n\nMore.",
        "affected": [{
            "package": { "ecosystem": "PyPI", "name": "Requests" },
            "ranges": [
                { "type": "GIT", "repo": "https://github.com/psf/requests", "events": [{ "introduced": "0" }] },
                { "type": "ECOSYSTEM", "events": [{ "introduced": "2.3.0" }, { "last_affected": "2.30.post1" }] }
            ],
            "versions": ["2.0.0rc1"]
        }]
    })
}

fn collected(records: &[Value]) -> (Database, Collected) {
    let mut collector = Collector::default();
    for record in records {
        collector.add("a file", record.to_string().as_bytes());
    }
    collector.finish().unwrap()
}

fn dependency(ecosystem: Ecosystem, name: &str, version: &str) -> Dependency {
    Dependency {
        ecosystem,
        name: name.into(),
        version: (!version.is_empty()).then(|| version.into()),
        source: Source::Registry,
        build_only: false,
        root: false,
        evidence: Evidence::AuditableSection,
        needs: Vec::new(),
    }
}

/// Whether each version is found, as `id fixed`, `?` before it where it is not certain; `-` where it is not.
fn found(database: &Database, ecosystem: Ecosystem, name: &str, versions: &[&str]) -> Vec<String> {
    let one = |version: &&str| {
        let findings = database.matches(&[dependency(ecosystem, name, version)]);
        let words = findings.iter().map(|one| {
            let certain = if one.certain { "" } else { "?" };
            format!("{certain}{} {}", one.id, one.fixed.as_deref().unwrap_or("none"))
        });
        if findings.is_empty() { "-".to_owned() } else { words.collect::<Vec<_>>().join(", ") }
    };
    versions.iter().map(one).collect()
}

#[test]
fn finds_what_lies_in_a_range_and_nothing_else() {
    let database = collected(&[smallvec(), lodash(), requests()]).0;
    let of = |ecosystem, name, versions: &[&str]| found(&database, ecosystem, name, versions);
    let (old, new, none) = ("RUSTSEC-2021-0003 0.6.14", "RUSTSEC-2021-0003 1.6.1", "-");
    assert_eq!(
        of(
            Ecosystem::CratesIo,
            "smallvec",
            &["0.6.2", "0.6.3", "0.6.13", "0.6.14", "1.0.0-alpha", "1.0.0", "1.6.1-rc.1", "1.6.1", "2.0.0", "1.6.0+x"]
        ),
        [none, old, old, none, none, new, new, none, none, new]
    );
    assert_eq!(
        of(Ecosystem::Npm, "lodash", &["4.17.20", "4.17.21", "v4.17", "0.0.1-a"]),
        ["GHSA-35jh-r3h4-6jhm 4.17.21", "-", "GHSA-35jh-r3h4-6jhm 4.17.21", "GHSA-35jh-r3h4-6jhm 4.17.21"]
    );
    let requests = "PYSEC-2023-74 none";
    assert_eq!(
        of(Ecosystem::PyPi, "requests", &["2.2.1", "2.3.0", "2.30", "2.30.post1", "2.30.post2", "2.31.0", "2.0.0rc1"]),
        [none, requests, requests, requests, none, none, requests]
    );
    assert_eq!(of(Ecosystem::Npm, "smallvec", &["1.0.0"]), [none], "of another ecosystem");
    assert_eq!(of(Ecosystem::CratesIo, "smallvec2", &["1.0.0"]), [none]);
    assert_eq!(of(Ecosystem::CratesIo, "SMALLVEC", &["1.0.0"]), [new]);
}

#[test]
fn what_cannot_be_compared_is_uncertain_and_never_passed_over() {
    let database = collected(&[smallvec(), lodash(), requests()]).0;
    assert_eq!(
        found(&database, Ecosystem::CratesIo, "smallvec", &["", "newest"]),
        ["?RUSTSEC-2021-0003 none", "?RUSTSEC-2021-0003 none"]
    );
    let odd = rustsec("RUSTSEC-1", "odd", json!([{ "introduced": "a.b" }]), None);
    assert_eq!(found(&collected(&[odd]).0, Ecosystem::CratesIo, "odd", &["1.0.0"]), ["?RUSTSEC-1 none"]);
    let mut commits = requests();
    commits["affected"][0]["versions"] = json!([]);
    commits["affected"][0]["ranges"].as_array_mut().unwrap().pop();
    assert_eq!(found(&collected(&[commits]).0, Ecosystem::PyPi, "requests", &["9.0"]), ["?PYSEC-2023-74 none"]);
    let finding = &database.matches(&[dependency(Ecosystem::CratesIo, "smallvec", "")])[0];
    assert!(!finding.is_vulnerability());
}

#[test]
fn limits_bound_a_range() {
    let events = json!([{ "introduced": "1.0.0" }, { "limit": "1.5.0" }]);
    let database = collected(&[rustsec("A-1", "a", events, None)]).0;
    assert_eq!(found(&database, Ecosystem::CratesIo, "a", &["1.4.9", "1.5.0", "0.9.0"]), ["A-1 none", "-", "-"]);
    let events = json!([{ "introduced": "0" }, { "limit": "*" }, { "limit": "1.5.0" }]);
    let database = collected(&[rustsec("A-1", "a", events, None)]).0;
    assert_eq!(found(&database, Ecosystem::CratesIo, "a", &["9.0.0"]), ["A-1 none"]);
    // In any order.
    let events = json!([{ "fixed": "2.0.0" }, { "introduced": "1.0.0" }, { "introduced": "3.0.0" }]);
    let database = collected(&[rustsec("A-1", "a", events, None)]).0;
    assert_eq!(
        found(&database, Ecosystem::CratesIo, "a", &["1.0.0", "2.5.0", "3.0.0"]),
        ["A-1 2.0.0", "-", "A-1 none"]
    );
}

#[test]
fn tells_how_bad_it_is_and_what_is_only_news() {
    let news = rustsec("RUSTSEC-2024-1", "old", json!([{ "introduced": "0.0.0-0" }]), Some("unmaintained"));
    let mut worded = lodash();
    worded["severity"] = json!([]);
    let mut worst = smallvec();
    worst["severity"] = json!([
        { "type": "CVSS_V3", "score": "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N" },
        { "type": "CVSS_V4", "score": "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N" },
        { "type": "X", "score": "\u{1b}[2J" }
    ]);
    let database = collected(&[news, worded, worst]).0;
    let one = |ecosystem, name, version| database.matches(&[dependency(ecosystem, name, version)]).remove(0);
    let old = one(Ecosystem::CratesIo, "old", "1.0.0");
    assert_eq!((old.informational.as_deref(), old.is_vulnerability()), (Some("unmaintained"), false));
    let lodash = one(Ecosystem::Npm, "lodash", "1.0.0");
    assert_eq!(lodash.severity, Some(Severity { vector: None, rating: Some(Rating::High) }));
    let smallvec = one(Ecosystem::CratesIo, "smallvec", "1.0.0");
    assert_eq!(smallvec.rating(), Some(Rating::Critical));
    assert!(smallvec.severity.unwrap().vector.unwrap().starts_with("CVSS:4.0/"));
    assert!(smallvec.aliases.contains("CVE-2021-25900"));
}

#[test]
fn a_component_is_looked_up_by_its_own_list() {
    let info = r#"{"packages":[{"name":"smallvec","version":"1.6.0","source":"crates.io"}]}"#;
    let section = compressed(&info.parse().unwrap()).unwrap();
    let mut component = wat::parse_str("(component)").unwrap();
    component.extend([0, u8::try_from(section.len() + 8).unwrap(), 7]);
    component.extend([SECTION.as_bytes(), &section].concat());
    let database = collected(&[smallvec()]).0;
    let found = database.look(&component).unwrap();
    let one = &found[0];
    assert_eq!(
        (one.advisory.as_str(), one.dependency.as_str(), one.version.as_str()),
        ("RUSTSEC-2021-0003", "smallvec", "1.6.0")
    );
    assert_eq!(
        (one.severity.name(), one.fixed.as_deref(), one.certain, found.len()),
        ("critical", Some("1.6.1"), true, 1)
    );
    assert!(database.look(b"no component").is_err());
}

#[test]
fn two_records_of_one_thing_are_one_finding() {
    let mut github = smallvec();
    github["id"] = json!("GHSA-43w2-9j62-hq99");
    github["aliases"] = json!(["CVE-2021-25900"]);
    let found = collected(&[smallvec(), github]).0.matches(&[dependency(Ecosystem::CratesIo, "smallvec", "1.0.0")]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].id, "GHSA-43w2-9j62-hq99");
    assert_eq!(found[0].aliases.iter().collect::<Vec<_>>(), ["CVE-2021-25900", "RUSTSEC-2021-0003"]);
}

#[test]
fn what_was_never_published_is_not_matched_by_its_name() {
    let database = collected(&[smallvec()]).0;
    let of = |source, root| {
        let one = Dependency { source, root, ..dependency(Ecosystem::CratesIo, "smallvec", "1.0.0") };
        database.matches(&[one]).len()
    };
    assert_eq!([of(Source::Local, false), of(Source::Local, true), of(Source::Registry, true)], [0, 0, 0]);
    assert_eq!([of(Source::Registry, false), of(Source::OtherRegistry, false), of(Source::Git, false)], [1, 1, 1]);
}

#[test]
fn withdrawn_and_foreign_records_count_for_nothing_and_broken_ones_are_said() {
    let mut withdrawn = smallvec();
    withdrawn["withdrawn"] = json!("2024-06-01T00:00:00Z");
    let mut foreign = smallvec();
    foreign["affected"][0]["package"]["ecosystem"] = json!("Debian:12");
    let mut undated = smallvec();
    undated["modified"] = json!("yesterday");
    let mut unnamed = smallvec();
    unnamed["id"] = json!("a b");
    let mut collector = Collector::default();
    for record in [&withdrawn, &foreign, &undated, &unnamed] {
        collector.add("x.json", record.to_string().as_bytes());
    }
    collector.add("y.json", b"{");
    collector.add("z.json", &vec![b' '; MAX_RECORD + 1]);
    collector.add("list.json", json!([lodash(), 7]).to_string().as_bytes());
    let (database, became) = collector.finish().unwrap();
    assert_eq!((became.kept, became.passed_over, became.broken), (1, 2, 5));
    assert_eq!(database.summary().count, 1);
    let reasons = became.reasons.join("\n");
    for part in
        ["modified is 'yesterday', not RFC 3339", "'a b' is no id", "y.json: not an OSV record", "the most is 8388608"]
    {
        assert!(reasons.contains(part), "{part}: {reasons}");
    }
}

#[test]
fn the_newer_of_two_records_counts_in_whatever_order_they_come() {
    let mut newer = smallvec();
    newer["modified"] = json!("2024-05-01T12:00:00.5Z");
    newer["summary"] = json!("newer");
    for records in [[smallvec(), newer.clone()], [newer, smallvec()]] {
        let database = collected(&records).0;
        assert_eq!(database.summary().newest.as_deref(), Some("2024-05-01T12:00:00.5Z"));
        assert_eq!(database.matches(&[dependency(Ecosystem::CratesIo, "smallvec", "1.0.0")])[0].summary, "newer");
    }
}

#[test]
fn the_file_is_one_for_the_same_records_and_tells_when_it_was_changed() {
    let bytes = collected(&[smallvec(), lodash(), requests()]).0.to_bytes().unwrap();
    assert_eq!(collected(&[requests(), smallvec(), lodash()]).0.to_bytes().unwrap(), bytes);
    let database = Database::parse(&bytes).unwrap();
    assert_eq!(database.to_bytes().unwrap(), bytes);
    let summary = database.summary();
    assert_eq!((summary.count, summary.newest.as_deref()), (3, Some("2025-01-02T03:04:05.678Z")));
    assert_eq!(summary.ecosystems.into_iter().collect::<Vec<_>>(), [("PyPI", 1), ("crates.io", 1), ("npm", 1)]);

    let text = String::from_utf8(bytes).unwrap();
    for (from, to, reason) in [
        ("\"fixed\":\"1.6.1\"", "\"fixed\":\"1.0.1\"", "not those that it was written with"),
        ("\"count\":3", "\"count\":2", "not those that it was written with"),
        ("2025-01-02T03:04:05.678Z\",\"records", "2026-01-02T03:04:05.678Z\",\"records", "not those that it"),
        ("advisories-v1", "advisories-v2", "its format is"),
        ("\"count\":3", "\"count\":3,\"more\":1", "unknown field"),
    ] {
        assert!(text.contains(from), "{from}");
        let error = Database::parse(text.replace(from, to).as_bytes()).unwrap_err().to_string();
        assert!(error.contains(reason) && error.contains("portcullis advisories update"), "{error}");
    }
    for cut in [0, 1, text.len() / 2, text.len() - 1] {
        assert!(Database::parse(&text.as_bytes()[..cut]).is_err());
    }
}

#[test]
fn texts_of_strangers_are_escaped() {
    let mut record = requests();
    record["summary"] = json!("\u{1b}[2Jall\u{202e} is well");
    let found = collected(&[record]).0.matches(&[dependency(Ecosystem::PyPi, "requests", "2.30")]);
    assert_eq!(found[0].summary, "\\u{1b}[2Jall\\u{202e} is well");
    let mut record = requests();
    record["affected"][0]["ranges"][1]["events"][0]["introduced"] = json!("1\u{7}");
    assert_eq!(collected(&[record]).1.broken, 1);
    let without = collected(&[requests()]).0.matches(&[dependency(Ecosystem::PyPi, "requests", "2.30")]);
    assert_eq!(without[0].summary, "Requests leaks Proxy-Authorization headers.");
}
