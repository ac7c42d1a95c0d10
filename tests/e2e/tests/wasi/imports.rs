//! What is imported, interface by interface: let in, held against the grant, or refused by its full name.

use portcullis_e2e::{Lab, Package, TENANT};
use portcullis_model::{id::Digest, invoke::CallEnd, release::StoredRelease};
use portcullis_packages::{inspect::Inspection, install::Order, release_dir::ReleaseFiles, statement::Statement};
use serde_json::json;

use crate::{GUESTS, http, package};

/// A component that imports these, and exports nothing that could be called.
fn importing(names: &[&str]) -> Package {
    let imports: String = names.iter().map(|name| format!("(import \"{name}\" (instance))")).collect();
    let component = wat::parse_str(format!("(component {imports})")).unwrap();
    Package::of(component.into(), "imports", &["log:write", "http:send to=https://api.example.test/* methods=GET"], "")
}

/// As its publisher would sign it with a tool that checks nothing.
fn signed_blindly(lab: &Lab, package: &Package) -> ReleaseFiles {
    let digest = Digest::of(&package.component);
    let statement = Statement::new(&package.parsed(), &digest);
    let envelope = statement.signed(&lab.key).unwrap().to_json();
    let stored = StoredRelease { digest, manifest: package.manifest.clone(), envelope };
    ReleaseFiles::new(stored, package.component.clone())
}

async fn refusal(lab: &Lab, package: &Package) -> Option<String> {
    lab.trust(package).await;
    let order = Order { tenant: TENANT.parse().unwrap(), grant: None, limits: None };
    lab.try_install(&signed_blindly(lab, package), order).await.err().map(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_offered_is_refused_by_name() {
    let lab = Lab::new().await;
    for import in [
        "wasi:sockets/tcp@0.2.0",
        "wasi:sockets/udp@0.2.3",
        "wasi:sockets/ip-name-lookup@0.2.0",
        "wasi:sockets/instance-network@0.2.0",
        "wasi:http/incoming-handler@0.2.0",
        "wasi:keyvalue/store@0.2.0-draft",
        "wasi:config/store@0.2.0-rc.1",
        "wasi:io/poll@0.3.0",
        "wasi:io/poll@0.2.0-rc-2023-11-10",
        "wasi:clocks/timezone@0.2.0",
        "wasi:cli/run@0.2.0",
        "wasi:nn/graph@0.2.0",
    ] {
        let refusal = refusal(&lab, &importing(&["wasi:io/streams@0.2.0", import])).await;
        let refusal = refusal.unwrap_or_else(|| panic!("{import} was installed"));
        let expected = format!("the component imports {import}, which this host does not offer; build it without");
        assert!(refusal.contains(&expected), "{import}: {refusal}");
    }
    assert!(lab.installations().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_harmless_or_asked_for_is_installed() {
    let lab = Lab::new().await;
    for import in [
        "wasi:cli/environment@0.2.0",
        "wasi:cli/terminal-stdout@0.2.12",
        "wasi:io/streams@0.2.6",
        "wasi:filesystem/types@0.2.0",
        "wasi:clocks/wall-clock@0.2.0",
        "wasi:random/random@0.2.0",
        "wasi:http/types@0.2.4",
    ] {
        assert_eq!(refusal(&lab, &importing(&[import])).await, None, "{import}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http_is_held_against_the_manifest_and_the_grant() {
    let lab = Lab::new().await;
    let asked = "http:send to=https://api.example.test/v1/* methods=GET";
    let silent = package(http::GUEST, &["log:write"], "");
    let refusal = refusal(&lab, &silent).await.unwrap();
    assert!(refusal.contains("wasi:http/") && refusal.contains("asks for no scope of it"), "{refusal}");
    let package = package(http::GUEST, &["log:write", asked], "");
    let guest = lab.install_in(TENANT, &package, Some(&["events:receive types=test.* data=full", "log:write"])).await;
    let report = lab.call(&guest, json!({ "authority": "api.example.test", "path": "/v1/x" })).await;
    let CallEnd::Refused(why) = &report.end else { panic!("{:?}", report.end) };
    assert!(why.contains("'wasi:http/") && why.contains("a scope that begins with 'http:'"), "{why}");
    assert_eq!((report.usage.host_calls, report.log.len()), (0, 0), "nothing of it ran");
}

#[test]
fn the_guests_import_what_this_test_is_about() {
    for (name, component) in GUESTS.iter() {
        let inspection = Inspection::of(component).unwrap();
        let foreign = inspection.foreign_imports();
        // Some toolchains leave out what is not used: what opens no file is held to none.
        let files = (name == "wasip2_std_world").then_some("wasi:filesystem/preopens@0.2.");
        for interface in ["wasi:cli/stdout@0.2.", "wasi:io/streams@0.2."].into_iter().chain(files) {
            assert!(foreign.iter().any(|import| import.starts_with(interface)), "{name}: {interface}: {foreign:?}");
        }
        assert_eq!(foreign.iter().any(|import| import.starts_with("wasi:http/")), name == http::GUEST, "{name}");
    }
}
