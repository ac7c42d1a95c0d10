//! A client that somebody else wrote reads what was pushed: `skopeo`.

use std::{fs, process::Output};

use portcullis_model::id::Digest;
use serde_json::Value;
use tokio::process::Command;

use crate::World;

async fn skopeo(arguments: &[&str]) -> Output {
    let output = Command::new("skopeo").arg("--insecure-policy").args(arguments).output().await;
    let output = output.unwrap_or_else(|error| panic!("skopeo: {error}; 'make setup' installs it"));
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

async fn raw(world: &World, rest: &str) -> (Digest, Value) {
    let from = format!("docker://{}/acme/guard{rest}", world.registry.address);
    let output = skopeo(&["inspect", "--raw", "--tls-verify=false", &from]).await;
    (Digest::of(&output.stdout), serde_json::from_slice(&output.stdout).unwrap())
}

/// Copies an image into a directory of skopeo's form.
async fn copied(world: &World, rest: &str, name: &str) {
    let from = format!("docker://{}/acme/guard{rest}", world.registry.address);
    let to = format!("dir:{}", world.at(name).display());
    skopeo(&["copy", "--quiet", "--src-tls-verify=false", &from, &to]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_reads_the_manifest_and_the_configuration() {
    let world = World::new().await;
    let image = world.push("release", ":1").await;
    let (digest, manifest) = raw(&world, ":1").await;
    assert_eq!(digest, image);
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 1);
    assert_eq!(manifest["layers"][0]["mediaType"], "application/wasm");
    assert_eq!(manifest["annotations"]["org.opencontainers.image.version"], "1.0.0");
    assert_eq!(manifest["annotations"]["dev.portcullis.plugin"], "test.guests.pushed");

    let from = format!("docker://{}/acme/guard:1", world.registry.address);
    let config = skopeo(&["inspect", "--raw", "--config", "--tls-verify=false", &from]).await.stdout;
    let config: Value = serde_json::from_slice(&config).unwrap();
    assert_eq!((&config["os"], &config["architecture"]), (&"wasip2".into(), &"wasm".into()));
    assert_eq!(config["layerDigests"][0], manifest["layers"][0]["digest"]);
    assert_eq!(config["component"]["target"], "portcullis:plugin/integration@0.1.0");
    let imports = config["component"]["imports"].to_string();
    assert!(imports.contains("portcullis:plugin/log@0.1.0"), "{imports}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_pulls_the_component_and_what_is_attached_byte_for_byte() {
    let world = World::new().await;
    let image = world.push("release", ":1").await;
    copied(&world, ":1", "copied").await;
    assert_eq!(Digest::of(&fs::read(world.at("copied/manifest.json")).unwrap()), image);
    let component = fs::read(world.at("release/plugin.wasm")).unwrap();
    let name = format!("copied/{}", Digest::of(&component).hex());
    assert_eq!(fs::read(world.at(&name)).unwrap(), component);

    let (_, index) = raw(&world, &format!(":sha256-{}", image.hex())).await;
    let attached = index["manifests"].as_array().unwrap();
    assert_eq!(attached.len(), 2);
    for (number, one) in attached.iter().enumerate() {
        let (digest, manifest) = raw(&world, &format!("@{}", one["digest"].as_str().unwrap())).await;
        assert_eq!(digest.to_string(), one["digest"]);
        assert_eq!(manifest["artifactType"], one["artifactType"]);
        assert_eq!(manifest["subject"]["digest"], image.to_string());
        let file = match one["artifactType"].as_str().unwrap() {
            "application/vnd.portcullis.manifest.v1+toml" => "portcullis.toml",
            "application/vnd.dsse.envelope.v1+json" => {
                let predicate = &manifest["annotations"]["in-toto.io/predicate-type"];
                assert_eq!(predicate, "https://portcullis.dev/attestation/release/v1");
                "release.dsse.json"
            }
            other => panic!("{other}"),
        };
        assert_eq!(manifest["layers"][0]["annotations"]["org.opencontainers.image.title"], file);
        let to = format!("attached-{number}");
        copied(&world, &format!("@{digest}"), &to).await;
        let document = fs::read(world.at("release").join(file)).unwrap();
        let name = format!("{to}/{}", Digest::of(&document).hex());
        assert_eq!(fs::read(world.at(&name)).unwrap(), document, "{file}");
    }
}

/// The other way round: what a stock client copied elsewhere is pulled from there, with all that is attached.
#[tokio::test(flavor = "multi_thread")]
async fn it_mirrors_a_release_to_another_registry() {
    let world = World::new().await;
    let image = world.push("release", ":1").await;
    let mirror = World::new().await;
    let (_, index) = raw(&world, &format!(":sha256-{}", image.hex())).await;
    let attached =
        index["manifests"].as_array().unwrap().iter().map(|one| format!("@{}", one["digest"].as_str().unwrap()));
    for rest in attached.chain([":1".to_owned()]) {
        let from = format!("docker://{}/acme/guard{rest}", world.registry.address);
        let to = format!("docker://{}/acme/guard{}", mirror.registry.address, rest.replace("@sha256:", ":x-"));
        skopeo(&["copy", "--quiet", "--src-tls-verify=false", "--dest-tls-verify=false", &from, &to]).await;
    }
    let ended = mirror.pull(":1", "pulled").await;
    assert!(ended.stderr.contains("was not pushed whole"), "the list of what is attached is missing: {ended:?}");
    let tag = format!(":sha256-{}", image.hex());
    let (from, to) = (
        format!("docker://{}/acme/guard{tag}", world.registry.address),
        format!("docker://{}/acme/guard{tag}", mirror.registry.address),
    );
    skopeo(&["copy", "--all", "--quiet", "--src-tls-verify=false", "--dest-tls-verify=false", &from, &to]).await;
    let ended = mirror.pull(&format!("@{image}"), "pulled").await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(crate::files(&mirror.at("pulled")), crate::files(&world.at("release")));
}
