//! Clients that others wrote complete every flow against this server: npm's `oauth4webapi` and PyPI's `authlib`. Both generate keys of
//! their own, of which this side sees the public halves.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use portcullis_model::{audit::Kind, oauth::Authentication};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::served::Served;

const BACK: &str = "http://127.0.0.1:9/callback";

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/contract/oauth").canonicalize().unwrap()
}

async fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(Duration::from_secs(120), output).await.unwrap().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{out}\n{err}");
    out.into_owned()
}

/// Registers the clients for which a script made keys, and agrees to whatever they ask.
async fn prepare(served: &Served, keys: &Value) -> Value {
    let mut clients = json!({});
    for (index, (name, key)) in keys.as_object().unwrap().iter().enumerate() {
        let installation = format!("ins_{}", index + 10);
        served.world.install(&installation, "acme", &["tickets:read fields=body,subject", "kv:read"]).await;
        let authentication =
            if name.starts_with("dpop") { Authentication::Dpop } else { Authentication::PrivateKeyJwt };
        let client = served.world.register_keys(&installation, key, authentication, BACK).await;
        clients[name] = client.id.as_str().into();
    }
    let world = served.world.clone();
    tokio::spawn(async move {
        loop {
            world.agree_to_all().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    json!({ "issuer": format!("http://{}", served.address), "clients": clients, "redirect": BACK })
}

async fn complete(program: &Path, script: &str) -> (Served, String) {
    let script = scripts().join(script);
    assert!(
        program.exists() || program.components().count() == 1,
        "{} is missing: make setup-tests",
        program.display()
    );
    let served = Served::start().await;
    let dir = tempfile::tempdir().unwrap();
    run(Command::new(program).arg(&script).arg("keys").arg(dir.path())).await;
    let keys: Value = serde_json::from_str(&fs::read_to_string(dir.path().join("public.json")).unwrap()).unwrap();
    let config = prepare(&served, &keys).await;
    fs::write(dir.path().join("config.json"), config.to_string()).unwrap();
    let out = run(Command::new(program).arg(&script).arg("run").arg(dir.path())).await;
    println!("{out}");
    (served, out)
}

#[tokio::test(flavor = "multi_thread")]
async fn oauth4webapi_completes_every_flow() {
    let (served, out) = complete(Path::new("node"), "oauth4webapi_flows.mjs").await;
    let done: Vec<&str> = out.lines().filter_map(|line| line.strip_prefix("ok ")).collect();
    assert!(done.len() >= 20 && out.contains("all done"), "{out}");
    assert_eq!(served.world.count(Kind::CodeMisused).await, 1);
    assert_eq!(served.world.count(Kind::RefreshReused).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn authlib_completes_every_flow() {
    let (served, out) = complete(&scripts().join(".venv/bin/python"), "authlib_flows.py").await;
    let done: Vec<&str> = out.lines().filter_map(|line| line.strip_prefix("ok ")).collect();
    assert!(done.len() >= 9 && out.contains("all done"), "{out}");
    assert_eq!(served.world.count(Kind::CodeMisused).await, 0);
}
