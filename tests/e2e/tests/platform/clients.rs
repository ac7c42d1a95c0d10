//! PyPI `zenpy` and npm `node-zendesk`, unmodified. `make setup-tests` installs both, pinned by digest.

use std::{path::PathBuf, process::Output};

use portcullis_e2e::root;
use tokio::process::Command;

use crate::World;

fn here() -> PathBuf {
    root().join("tests/contract/platform")
}

async fn run(world: &World, program: PathBuf, script: &str) -> String {
    let [whole, narrow, held] = &world.tokens;
    let Output { status, stdout, stderr } = Command::new(&program)
        .arg(script)
        .current_dir(here())
        .env("PLATFORM_URL", format!("http://{}", world.back.address))
        .envs([("TOKEN", whole), ("NARROW_TOKEN", narrow), ("HELD_TOKEN", held)])
        .output()
        .await
        .unwrap_or_else(|error| panic!("{}: {error}; 'make setup-tests' installs what it needs", program.display()));
    let (said, failed) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{said}\n{failed}");
    println!("{said}");
    said.into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn zenpy_works_against_it() {
    let world = World::new().await;
    let said = run(&world, here().join(".venv/bin/python"), "zenpy_client.py").await;
    assert!(said.ends_with("beyond the hour: 429 with Retry-After, which zenpy keeps to\n"), "{said}");
    assert_eq!(world.lab.comments_by(&world.whole, "1005").await, ["Looked at by zenpy."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn node_zendesk_works_against_it() {
    let world = World::new().await;
    // The script finds the hour used up.
    let [_, _, held] = &world.tokens;
    assert_eq!(world.back.get(held, "users/me.json").await.status, 200);
    let said = run(&world, "node".into(), "node_zendesk_client.js").await;
    assert!(said.ends_with("beyond the hour: 429 Retry-After true\n"), "{said}");
    assert_eq!(world.lab.comments_by(&world.whole, "1006").await, ["Looked at by node."]);
}
