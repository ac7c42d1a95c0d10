//! Files of tickets: only what the grant covers is opened, nothing in which the scan found something, and what is read is
//! what is there (INT-14).

use portcullis_e2e::{Lab, Package, TENANT, acts};
use portcullis_model::{
    audit::Kind,
    helpdesk::Scan,
    installation::Installation,
    invoke::{CallEnd, CallReport},
};
use portcullis_store::helpdesk::NewAttachment;
use serde_json::json;

use crate::acts::{refused_at_load, said};

const RECEIVE: &str = "events:receive types=test.* data=full";
const ALL: &str = "attachments:read types=* bytes=20MiB scan=clean,unscanned";

/// A lab, and the guest with all that it asks for.
async fn lab(config: &str) -> (Lab, Package, Installation) {
    let lab = Lab::with(config).await;
    lab.seed(TENANT).await;
    let limits = "log-kib = 256\ncpu-ms = 5000\nwall-ms = 30000";
    let package = Package::guest("uses_attachments", &["log:write", ALL], limits);
    let guest = lab.install(&package).await;
    (lab, package, guest)
}

/// A file comes with the first comment of ticket 1005.
async fn arrives(
    lab: &Lab,
    guest: &Installation,
    name: &str,
    content_type: &str,
    bytes: Vec<u8>,
    scan: Scan,
) -> String {
    let comment = lab.desk.comments_of(&guest.tenant, "1005").await.unwrap().remove(0).id;
    let (name, content_type) = (name.to_owned(), content_type.to_owned());
    let new = NewAttachment { ticket: "1005".to_owned(), comment, name, content_type, bytes, scan };
    lab.desk.add_attachment(&guest.tenant, new).await.unwrap()
}

async fn granted(lab: &Lab, guest: &Installation, scopes: &[&str]) -> CallReport {
    let guest = lab.grant(guest, &[&[RECEIVE, "log:write"], scopes].concat()).await;
    let report = lab.call(&guest, json!({})).await;
    assert_eq!(report.end, CallEnd::Ok, "{:?}", report.log);
    report
}

fn fnv(bytes: &[u8]) -> String {
    let sum = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{sum:016x}")
}

#[tokio::test(flavor = "multi_thread")]
pub async fn uses_attachments() {
    let (lab, package, guest) = lab("").await;
    let content: Vec<u8> = (0..150_000_u32).map(|n| (n.wrapping_mul(n) / 7) as u8).collect();
    let big = arrives(&lab, &guest, "big.bin", "application/octet-stream", content.clone(), Scan::Clean).await;
    let report = lab.call(&guest, json!({})).await;
    assert_eq!(report.end, CallEnd::Ok);
    let ids = format!("Ok([\"360710001\", \"360710018\", \"360710035\", \"{big}\"])");
    assert_eq!((said(&report, "list: "), said(&report, "page: ")), (ids.as_str(), ids.as_str()));
    assert_eq!(said(&report, "file 360710018: "), "1005 30064058003207 \"checkout-log.txt\" text/plain 78 Scan::Clean");
    let read = said(&report, "read 360710018: ");
    assert!(read.starts_with("Ok(([78], ") && read.contains("09:14:02 voucher entered"), "{read}");
    // Streamed: no chunk is larger than 64 KiB, and all of them are the file.
    let sizes = "[65536, 65536, 18928]";
    assert_eq!(said(&report, &format!("read {big}: ")), format!("Ok(({sizes}, \"{}\", None))", fnv(&content)));
    let seen = acts(&lab.entries().await);
    assert_eq!((seen.permitted("attachments.list"), seen.permitted("attachments.open")), (3, 4));
    assert!(seen.permitted("attachments.read") >= 4 + 5, "one for each file, and one for each chunk: {seen:?}");
    assert!(seen.denied.is_empty() && seen.unknown == 0, "{seen:?}");
    // No content and no name of a file is in the audit log.
    let log = serde_json::to_string(&lab.entries().await).unwrap();
    assert!(log.contains("attachment:360710018") && !log.contains("checkout-log") && !log.contains("voucher"), "{log}");

    let after = lab.call(&guest, json!({ "after": "360710018" })).await;
    assert_eq!(said(&after, "page: "), format!("Ok([\"360710035\", \"{big}\"])"));
    assert_eq!(said(&lab.call(&guest, json!({ "ticket": "999999" })).await, "list: "), "Err(NotFound)");
    assert_eq!(said(&lab.call(&guest, json!({ "open": "999999" })).await, "open 999999: "), "Err(NotFound)");
    assert!(said(&lab.call(&guest, json!({ "ticket": "../1005" })).await, "list: ").starts_with("Err(Invalid("));
    let theirs = lab.install_in("beta", &package, None).await;
    let report = lab.call(&theirs, json!({ "open": "360710018" })).await;
    assert_eq!((said(&report, "list: "), said(&report, "open 360710018: ")), ("Err(NotFound)", "Err(NotFound)"));
    refused_at_load(&lab, &package, "attachments").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn type_size_and_scan_are_held_against_one_scope() {
    let (lab, _, guest) = lab("").await;
    let unscanned = arrives(&lab, &guest, "new.txt", "text/plain", b"unscanned words".to_vec(), Scan::Unscanned).await;
    let infected = arrives(&lab, &guest, "bad.txt", "text/plain", b"infected words".to_vec(), Scan::Infected).await;
    let report = granted(&lab, &guest, &[ALL]).await;
    assert!(said(&report, &format!("file {unscanned}: ")).ends_with("Scan::Unscanned"), "{:?}", report.log);
    assert!(said(&report, &format!("read {unscanned}: ")).starts_with("Ok("), "{:?}", report.log);
    assert!(said(&report, &format!("file {infected}: ")).ends_with("Scan::Infected"), "{:?}", report.log);

    let denied = |report: &CallReport, id: &str, reason: &str| {
        let answer = said(report, &format!("read {id}: ")).to_owned();
        assert!(answer.starts_with("Err(Denied(") && answer.contains(reason), "{id}: {answer}");
    };
    denied(&report, &infected, "the scan found something in this file; nobody may open it");

    // Of the right type and scan: only the size is too much. Of other types nothing is known at all.
    let report = granted(&lab, &guest, &["attachments:read types=text/plain bytes=77B scan=clean"]).await;
    assert_eq!(said(&report, "list: "), format!("Ok([\"360710018\", \"{unscanned}\", \"{infected}\"])"));
    denied(&report, "360710018", "reading a file of type text/plain with 78 bytes, clean, is not granted");
    denied(&report, &unscanned, "reading a file of type text/plain with 15 bytes, unscanned, is not granted");
    let guest =
        lab.grant(&guest, &[RECEIVE, "log:write", "attachments:read types=text/plain bytes=78B scan=clean"]).await;
    let report = lab.call(&guest, json!({ "open": "360710035" })).await;
    let answer = said(&report, "open 360710035: ");
    assert!(answer.contains("reading a file of type text/csv with 58 bytes, clean, is not granted"), "{answer}");
    assert!(answer.contains("scope: \"attachments:read bytes=58B scan=clean types=text/csv\""), "{answer}");
    assert!(said(&report, "read 360710018: ").starts_with("Ok(([78], "), "{:?}", report.log);

    // Two scopes do not add up: one allows the scan, the other one the size.
    let two =
        ["attachments:read types=* bytes=10B scan=clean,unscanned", "attachments:read types=* bytes=1MiB scan=clean"];
    denied(&granted(&lab, &guest, &two).await, &unscanned, "unscanned, is not granted");
    let everything = serde_json::to_string(&lab.entries_of(Kind::ActDenied).await).unwrap();
    assert!(!everything.contains("words"), "{everything}");
    acts(&lab.entries().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_tickets_outside_of_where_are_not_there() {
    let (lab, _, guest) = lab("").await;
    let elsewhere = "attachments:read types=* bytes=1MiB scan=clean where=status:closed";
    let guest = lab.grant(&guest, &[RECEIVE, "log:write", elsewhere]).await;
    let report = lab.call(&guest, json!({ "open": "360710018" })).await;
    assert_eq!(said(&report, "list: "), "Err(NotFound)");
    assert_eq!(said(&report, "open 360710018: "), "Err(NotFound)", "nothing tells that it is there");
    // Type and size of one brand do not open files of another.
    let (brand, other) = ("where=brand:360001204", "where=brand:360001217");
    let mixed = [
        &format!("attachments:read types=text/plain bytes=10B scan=clean {brand}")[..],
        &format!("attachments:read types=text/plain bytes=1MiB scan=clean {other}")[..],
    ];
    let report = granted(&lab, &guest, &mixed).await;
    assert_eq!(said(&report, "list: "), "Ok([\"360710018\"])");
    assert_eq!(said(&report, "read 360710018: "), "Err(NotFound)");
    acts(&lab.entries().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn card_numbers_in_text_are_covered_where_the_tenant_says_so() {
    for (config, covered) in [("[tenants.acme]\ncover-cards = true\n", true), ("", false)] {
        let (lab, _, guest) = lab(config).await;
        // Across the edge of the first chunk.
        let text = format!("{}4111 1111 1111 1111\n", "x".repeat(65_526)).into_bytes();
        let edge = arrives(&lab, &guest, "edge.txt", "text/plain", text.clone(), Scan::Clean).await;
        let report = lab.call(&guest, json!({ "open": "360710120" })).await;
        let read = said(&report, "open 360710120: ");
        assert!(read.contains("Card 4111 11"), "{read}");
        assert_eq!(read.contains("4111 1111 1111 1111"), !covered, "{read}");
        assert_eq!(said(&report, &format!("read {edge}: ")).contains(&fnv(&text)), !covered);
    }
}
