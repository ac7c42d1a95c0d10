//! The directory of an installation as a standard library for WASI sees it: a guest that is built for `wasm32-wasip2` and uses
//! `/` as if it were a disk.

use std::sync::{Arc, LazyLock};

use portcullis_cli::build::{Target, Toolchain, What, build};
use portcullis_e2e::{Lab, Package, TENANT, acts, root};
use portcullis_model::{
    audit::Kind,
    installation::Installation,
    invoke::{CallEnd, CallReport},
};
use serde_json::json;

use crate::acts::said;

const NAME: &str = "wasip2_files";
const LIMITS: &str = "host-calls = 20000\ncpu-ms = 5000\nwall-ms = 60000";

/// Built from source with the product's own builder.
static COMPONENT: LazyLock<Arc<[u8]>> = LazyLock::new(|| {
    let dir = root().join("tests/guests");
    let what = What::Named { dir, feature: "wasip2".to_owned(), examples: vec![NAME.to_owned()] };
    let built = build(&what, &Toolchain::find(Target::WasiP2).unwrap()).unwrap();
    built.into_iter().find(|built| built.name == NAME).unwrap().component.into()
});

fn package(scopes: &[&str]) -> Package {
    Package::of(COMPONENT.clone(), NAME, scopes, LIMITS)
}

async fn lab(scopes: &[&str]) -> (Lab, Installation) {
    let lab = Lab::new().await;
    let guest = lab.install(&package(scopes)).await;
    (lab, guest)
}

async fn call(lab: &Lab, guest: &Installation, what: &str) -> CallReport {
    let report = lab.call(guest, json!({ "do": what })).await;
    if what != "leaves" && what != "hoards" {
        assert_eq!(report.end, CallEnd::Ok, "{:?}", report.log);
    }
    report
}

/// What the standard library says it failed with.
fn failed(report: &CallReport, words: &str) -> String {
    let said = said(report, words);
    said.strip_prefix("failed: ").unwrap_or_else(|| panic!("'{words}' did not fail: {said}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn works_like_a_disk() {
    let (lab, guest) = lab(&["log:write", "files:read", "files:write bytes=1MiB"]).await;
    let report = call(&lab, &guest, "works").await;
    for (what, seen) in [
        ("at first: ", "[]"),
        ("read: ", "hello"),
        ("changed: ", "hEllo, world"),
        ("before the sync: ", "hello"),
        ("after the sync: ", "hEllo, world"),
        ("appended: ", "\"hEllo, world!\\n\""),
        ("cut: ", "2 true true"),
        ("listed: ", "[\"a\"] [\"b\", \"empty\"] [\"file.txt\"]"),
        ("at last: ", "[\"copy\"]"),
        ("works: ", "()"),
    ] {
        assert_eq!(said(&report, what), seen, "{what}");
    }
    for (what, kind) in [
        ("again: ", "AlreadyExists"),
        ("exclusive: ", "AlreadyExists"),
        ("a directory: ", "IsADirectory"),
        ("a file as a directory: ", "NotADirectory"),
        ("nothing: ", "NotFound"),
        ("rename: ", "Unsupported"),
        // The library has no kind for what it means.
        ("not empty: ", "Uncategorized"),
        ("unlink a directory: ", "IsADirectory"),
        ("rmdir a file: ", "NotADirectory"),
    ] {
        assert_eq!(failed(&report, what), kind, "{what}");
    }
    let seen = acts(&lab.entries().await);
    for act in ["files.read", "files.write", "files.list", "files.stat", "files.make-dir", "files.remove"] {
        assert!(seen.permitted(act) > 0 && seen.denied(act) == 0, "{act}: {seen:?}");
    }
    let data = lab.host.home.files().join(TENANT).join(guest.id.as_str()).join("data");
    assert_eq!(std::fs::read_dir(data).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_grant_there_is_no_directory() {
    let (lab, guest) = lab(&["log:write"]).await;
    let report = call(&lab, &guest, "looks").await;
    for what in ["kept: ", "names: "] {
        failed(&report, what);
    }
    assert_eq!(said(&call(&lab, &guest, "escapes").await, "no directory"), "");
    assert!(!lab.host.home.files().join(TENANT).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_ends_badly_changes_no_file() {
    let (lab, guest) = lab(&["log:write", "files:read", "files:write bytes=1MiB"]).await;
    let report = call(&lab, &guest, "leaves").await;
    assert!(matches!(report.end, CallEnd::Trapped(_)), "{:?}", report.end);
    let report = call(&lab, &guest, "looks").await;
    assert_eq!((said(&report, "kept: "), said(&report, "names: ")), ("\"old\"", "[\"kept\"]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_path_and_no_link_leads_out() {
    let (lab, guest) = lab(&["log:write", "files:read", "files:write bytes=1MiB"]).await;
    let report = call(&lab, &guest, "escapes").await;
    for path in ["/../x", "../../etc/passwd", "/a/../../x", "/proc/self/environ", "/etc/passwd"] {
        assert_eq!(said(&report, &format!("read {path}: ")), "(false, false)");
    }
    assert_eq!(said(&report, "preopened: "), "/");
    for (path, code) in [
        ("..", "not-permitted"),
        ("../x", "not-permitted"),
        ("/etc/passwd", "not-permitted"),
        ("a/../../x", "not-permitted"),
        ("a\\..\\x", "invalid"),
        ("a\u{1}", "invalid"),
        ("", "no-entry"),
        (".", "is-directory"),
    ] {
        let words = portcullis_model::audit::plain(&format!("open {path:?}: "));
        assert!(said(&report, &words).contains(&format!("name: \"{code}\"")), "{path:?}: {}", said(&report, &words));
    }
    for (what, code) in [
        ("long: ", "name-too-long"),
        ("deep: ", "name-too-long"),
        ("symlink: ", "not-permitted"),
        ("link: ", "not-permitted"),
        ("readlink: ", "invalid"),
        ("remove root: ", "not-permitted"),
        ("beside: ", "not-permitted"),
    ] {
        assert!(said(&report, what).contains(&format!("name: \"{code}\"")), "{what}{}", said(&report, what));
    }
    let own = lab.host.home.files().join(TENANT).join(guest.id.as_str());
    let names: Vec<_> = std::fs::read_dir(own.join("data")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["below"], "nothing else was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_quota_shows_while_writing_or_at_the_sync() {
    let (lab, guest) = lab(&["log:write", "files:read", "files:write bytes=64KiB"]).await;
    let report = call(&lab, &guest, "fills").await;
    assert_eq!((said(&report, "kib: "), said(&report, "sync: ")), ("64", "()"));
    assert_eq!(failed(&report, "another: "), "QuotaExceeded");
    // Of a stream that failed not each toolchain's C library says why.
    let more = failed(&report, "more: ");
    assert!(["QuotaExceeded", "Uncategorized"].contains(&more.as_str()), "{more}");
    // Who closes without a sync is told nothing; the log is.
    assert_eq!((said(&report, "at closing: "), failed(&report, "closed: ")), ("()", "NotFound".into()));
    let warned = report.log.iter().filter(|(level, line)| {
        *level == "warn" && line == "a file at depth 1 was not written when it was closed: quota"
    });
    assert_eq!(warned.count(), 2, "{:?}", report.log);
    let data = lab.host.home.files().join(TENANT).join(guest.id.as_str()).join("data");
    let bytes: u64 = std::fs::read_dir(data).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum();
    assert_eq!(bytes, 64 * 1024);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_granted_is_denied_and_recorded() {
    let all = ["log:write", "files:read", "files:write bytes=1MiB"];
    let (lab, guest) = lab(&all).await;
    let receive = "events:receive types=test.* data=full";
    let writing = lab.grant(&guest, &[receive, "log:write", "files:write bytes=1MiB"]).await;
    let report = call(&lab, &writing, "only writes").await;
    assert_eq!((said(&report, "write: "), said(&report, "remove: ")), ("()", "()"));
    for what in ["read: ", "append: ", "list: ", "stat: "] {
        assert_eq!(failed(&report, what), "PermissionDenied", "{what}");
    }
    let seen = acts(&lab.entries().await);
    assert_eq!(
        (seen.denied("files.read"), seen.denied("files.list"), seen.denied("files.stat")),
        (2, 1, 1),
        "{seen:?}"
    );

    let reading = lab.grant(&guest, &[receive, "log:write", "files:read"]).await;
    let report = call(&lab, &reading, "only writes").await;
    assert_eq!(failed(&report, "write: "), "PermissionDenied", "at opening, not only at closing");
    assert_eq!((failed(&report, "read: "), said(&report, "list: ")), ("NotFound".into(), "[]"));
    assert_eq!(failed(&report, "append: "), "PermissionDenied");
    assert_eq!(acts(&lab.entries().await).denied("files.write"), 2);
    let denials = lab.entries_of(Kind::ActDenied).await;
    let scopes: Vec<_> = denials.iter().filter_map(|entry| entry.text("scope")).collect();
    assert!(scopes.contains(&"files:read") && scopes.iter().any(|scope| scope.starts_with("files:write bytes=")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_call_holds_open_is_bounded() {
    let (lab, guest) = lab(&["log:write", "files:read", "files:write bytes=1GiB"]).await;
    let report = call(&lab, &guest, "hoards").await;
    assert_eq!(said(&report, "full after "), "4: OutOfMemory");
    assert_eq!(failed(&report, "too large: "), "FileTooLarge");
    assert_eq!(report.end, CallEnd::Limit("handles"), "{:?}", report.log);
    let report = call(&lab, &guest, "looks").await;
    assert_eq!(
        said(&report, "names: "),
        "[\"hoard-4\", \"larger\"]",
        "what was closed, and nothing of what was left open"
    );
}
