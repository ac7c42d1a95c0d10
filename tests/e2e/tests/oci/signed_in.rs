//! A registry that wants to know who is asking, and one that speaks TLS.

use std::fs;

use rcgen::{CertificateParams, KeyPair};

use crate::{World, registry::Registry};

const SECRET: &str = "correct horse battery";
/// `ann` with [`SECRET`], by bcrypt.
const HTPASSWD: &str = "ann:$2y$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo.";

async fn guarded() -> World {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("htpasswd");
    fs::write(&file, format!("{HTPASSWD}\n")).unwrap();
    let lines = format!("auth: {{htpasswd: {{realm: x, path: '{}'}}}}\n", file.display());
    World::with(Registry::start_in(dir, &lines).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_and_a_secret_from_standard_input() {
    let world = guarded().await;
    let to = world.reference(":1");
    let push = ["plugin", "push", "@release", &to, "--plain-http"];
    let ended = world.run(&push, "").await;
    assert!(ended.code == 1 && ended.stderr.contains("give --username"), "{ended:?}");
    let named = [&push[..], &["--username", "ann"]].concat();
    let ended = world.run(&named, "wrong").await;
    assert!(ended.code == 1 && ended.stderr.contains("they are not good for the component"), "{ended:?}");
    let ended = world.run(&named, &format!("{SECRET}\n")).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let ended = world.pull(":1", "pulled").await;
    assert!(ended.code == 1 && ended.stderr.contains("give --username"), "{ended:?}");
    let pull = ["plugin", "pull", &to, "@pulled", "--plain-http", "--username", "ann"];
    let ended = world.run(&pull, SECRET).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(![&ended.stdout, &ended.stderr].iter().any(|text| text.contains(SECRET)), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_entry_of_a_docker_config() {
    let world = guarded().await;
    let to = world.reference(":1");
    // base64 of `ann:` and the secret
    let auth = "YW5uOmNvcnJlY3QgaG9yc2UgYmF0dGVyeQ==";
    let entry = |host: &str| format!("{{\"auths\":{{\"{host}\":{{\"auth\":\"{auth}\"}}}}}}");
    let push = ["plugin", "push", "@release", &to, "--plain-http", "--docker-config", "@config.json"];
    fs::write(world.at("config.json"), entry("registry.example.test")).unwrap();
    let ended = world.run(&push, "").await;
    assert!(ended.code == 1 && ended.stderr.contains("no entry in 'auths' for it"), "{ended:?}");
    fs::write(world.at("config.json"), entry(&world.registry.address.to_string())).unwrap();
    let ended = world.run(&push, "").await;
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_by_the_authority_that_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    let (cert_file, key_file) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    fs::write(&cert_file, certificate.pem()).unwrap();
    fs::write(&key_file, key.serialize_pem()).unwrap();
    let lines = format!("  tls: {{certificate: '{}', key: '{}'}}\n", cert_file.display(), key_file.display());
    let world = World::with(Registry::start_in(dir, &lines).await);
    fs::write(world.at("ca.pem"), certificate.pem()).unwrap();
    for host in ["127.0.0.1", "localhost"] {
        let to = format!("oci://{host}:{}/acme/guard:1", world.registry.address.port());
        let ended = world.run(&["plugin", "push", "@release", &to], "").await;
        assert!(ended.code == 1 && ended.stderr.contains("invalid peer certificate"), "{ended:?}");
        let ended = world.run(&["plugin", "push", "@release", &to, "--ca-file", "@ca.pem"], "").await;
        assert_eq!(ended.code, 0, "{ended:?}");
    }
}
