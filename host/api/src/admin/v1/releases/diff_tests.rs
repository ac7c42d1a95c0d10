use axum::http::{Method, StatusCode};
use portcullis_model::{
    audit::{Entry, Kind},
    behaviour::{Corpus, Determinism, FORMAT, Report, Subject},
    review::{Note, Step, Submission},
    trust::RootScope,
};
use portcullis_store::SqliteStore;
use serde_json::json;

use super::*;
use crate::admin::{Routes, local::Local, testing};

/// A report of what this release did, which is nothing.
fn report(of: &Submission) -> Vec<u8> {
    let report = Report {
        format: FORMAT.into(),
        release: Subject {
            plugin: of.plugin.clone(),
            version: of.version.clone(),
            release: of.number,
            component: of.component,
            manifest: of.manifest,
        },
        tool: "test".into(),
        seed: 1,
        corpus: Corpus { digest: Digest::of(b""), inputs: Default::default(), kinds: Vec::new(), statuses: Vec::new() },
        passes: Vec::new(),
        determinism: Determinism::default(),
    };
    report.encode().unwrap()
}

/// Hands this release in, and attaches a report to it.
async fn attach(store: &SqliteStore, listed: &ListedRelease) {
    let of = Submission {
        component: listed.id.component,
        manifest: listed.id.manifest,
        plugin: listed.plugin.clone(),
        publisher: "com.example".parse().unwrap(),
        version: listed.version.clone(),
        number: listed.number,
    };
    let bytes = report(&of);
    let attached = Step::Attached { report: Digest::of(&bytes) };
    store.put_report(Digest::of(&bytes), bytes).await.unwrap();
    for (after, step) in [Step::Submitted, attached].into_iter().enumerate() {
        let note = Note { at: testing::NOW, by: "dana".into(), root: RootScope::Platform, step };
        let entry = Entry::new(testing::NOW, Kind::ReviewSubmitted, Actor::Host, None);
        assert!(store.put_note(of.clone(), after, note, entry).await.unwrap());
    }
}

#[tokio::test]
async fn what_releases_did_when_they_were_run_is_compared_for_the_platform_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
    let keys = testing::keepers(&store).await;
    let ports = super::tests::ports(&store, keys.registry.clone());
    let frame = testing::frame_with(&store, b"operator", Arc::new(testing::Own));
    let local = Local::new(Routes::new(frame).mount(operations(), Arc::new(ports)).router(), testing::dana());
    for number in [1, 2] {
        let bundle = testing::packed(&keys.publisher, number);
        let published = local.send("/releases", "application/octet-stream", bundle).await;
        assert_eq!(published.status, StatusCode::OK, "{}", published.body);
    }
    let all = store.all_releases().await.unwrap();
    let [new, old] = all.as_slice() else { panic!("{all:?}") };
    let at = |new: &ListedRelease, component: &Digest| {
        let (id, older) = (new.id, format!("component={component}&manifest={}", old.id.manifest));
        format!("/releases/{}/{}/diff?{older}", id.component, id.manifest)
    };
    let path = at(new, &old.id.component);
    let ask = async |local: &Local, path: &str| local.ask(Method::GET, path, None, None).await;
    let same = ask(&local, &path).await;
    assert_eq!(same.body["words"], "com.example.quiet: 1.0.0 (release 1) -> 1.0.0 (release 2)\nNothing is different.");
    attach(&store, new).await;
    let tried = ask(&local, &path).await.body;
    assert_eq!(tried["diff"]["changes"][0]["area"], "behaviour", "{tried}");
    assert!(tried["words"].as_str().unwrap().contains("there is no report of the older one"), "{tried}");
    let tenants = ask(&local.as_caller(testing::of("acme")), &path).await;
    assert_eq!((tenants.status, &tenants.body["diff"]["changes"]), (StatusCode::OK, &json!([])), "{}", tenants.body);
    let missing = ask(&local, &at(new, &Digest::of(b"none"))).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND, "{}", missing.body);
}
