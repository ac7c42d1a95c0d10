//! `portcullis plugin push` and `pull`, there and back.

use std::fs;

use portcullis_e2e::{Lab, TENANT};
use portcullis_model::{id::Digest, release::ReleaseId, time::Timestamp};
use portcullis_packages::{
    install::Order,
    release_dir::{add_report, add_statement, read_release},
    statement::{Decision, Statement, Verdict},
};

use crate::{World, files, package};

#[tokio::test(flavor = "multi_thread")]
async fn a_release_comes_back_as_it_went_and_can_be_installed() {
    let world = World::new().await;
    let image = world.push("release", "").await;
    for (rest, dir) in [(":1.0.0".to_owned(), "by-tag"), (format!("@{image}"), "by-digest")] {
        let ended = world.pull(&rest, dir).await;
        assert_eq!(ended.code, 0, "{ended:?}");
        let said = ended.json();
        assert_eq!(said["image"], image.to_string());
        assert_eq!((said["release"].as_u64(), said["checked"].as_bool()), (Some(1), Some(false)));
        assert_eq!(files(&world.at(dir)), files(&world.at("release")));
    }
    let key = world.key.public().to_string();
    let ended = world.run(&["plugin", "verify", "@by-tag", "--trust", &key], "").await;
    assert_eq!(ended.code, 0, "{ended:?}");

    let lab = Lab::new().await;
    let pulled = read_release(&world.at("by-tag")).unwrap();
    let order = || Order { tenant: TENANT.parse().unwrap(), grant: None, limits: None };
    assert!(lab.try_install(&pulled, order()).await.is_err(), "nobody trusts the key yet: to pull believes nothing");
    lab.host.trust_publisher(&package().parsed().publisher, &world.key.public()).await.unwrap();
    lab.try_install(&pulled, order()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_and_reports_travel_too_also_later() {
    let world = World::new().await;
    let first = world.push("release", ":1").await;
    let release = read_release(&world.at("release")).unwrap().stored.id();
    let report = b"{\"calls\":0}";
    add_report(&world.at("release"), report).unwrap();
    for reason in ["reads what it says", "looked again"] {
        let verdict = verdict(&release, report, reason).signed(&world.key).unwrap();
        add_statement(&world.at("release"), &verdict).unwrap();
    }
    let second = world.push("release", ":1").await;
    assert_eq!(first, second, "the component's manifest is the same");
    let ended = world.pull(":1", "pulled").await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(files(&world.at("pulled")), files(&world.at("release")));
    assert_eq!(files(&world.at("pulled")).len(), 6);
}

fn verdict(release: &ReleaseId, report: &[u8], reason: &str) -> Statement<Verdict> {
    let verdict = Verdict {
        decision: Decision::Approve,
        at_most: Vec::new(),
        issued: Timestamp(0),
        expires: Timestamp(86_400_000),
        report: Some(Digest::of(report)),
        reason: reason.to_owned(),
    };
    Statement::about(release, verdict)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_releases_the_highest_and_it_is_said() {
    let world = World::new().await;
    let mut newer = package();
    newer.manifest =
        newer.manifest.replace("release = 1\n", "release = 2\n").replace("For a test.", "For another test.");
    world.release("newer", &newer);
    let image = world.push("newer", ":1.0.0").await;
    assert_eq!(world.push("release", ":1.0.0").await, image, "the same component, version and tag");
    let ended = world.pull(":1.0.0", "pulled").await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(files(&world.at("pulled")), files(&world.at("newer")));
    let notes = ended.json()["notes"].to_string();
    assert!(notes.contains("taken: test.guests.pushed 1.0.0 (release 2), of "), "{notes}");
    let from = world.reference(":1.0.0");
    let ended = world.run(&["plugin", "pull", &from, "@older", "--plain-http", "--release", "1"], "").await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(files(&world.at("older")), files(&world.at("release")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_changes_bytes_on_its_disk() {
    let world = World::new().await;
    world.push("release", ":1").await;
    for name in ["plugin.wasm", "portcullis.toml", "release.dsse.json"] {
        let bytes = fs::read(world.at("release").join(name)).unwrap();
        let file = world.registry.file(&Digest::of(&bytes));
        assert_eq!(fs::read(&file).unwrap(), bytes);
        let mut changed = bytes.clone();
        changed[10] ^= 1;
        fs::write(&file, changed).unwrap();
        let ended = world.pull(":1", "pulled").await;
        assert_eq!(ended.code, 3, "{name}: {ended:?}");
        assert!(ended.stderr.contains("the registry gave something else"), "{name}: {ended:?}");
        assert!(!world.at("pulled").exists());
        fs::write(&file, bytes).unwrap();
    }
    assert_eq!(world.pull(":1", "pulled").await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_before_anything_is_sent() {
    let world = World::new().await;
    let to = world.reference("");
    let error = |arguments: Vec<String>| {
        let world = &world;
        async move {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let ended = world.run(&arguments, "").await;
            assert_ne!(ended.code, 0, "{ended:?}");
            ended.stderr
        }
    };
    let words = |text: String| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    for (arguments, expected) in [
        (format!("plugin push @release {to}"), "speaks plain HTTP needs --plain-http"),
        ("plugin push @release oci://registry.example.test/a --plain-http".to_owned(), "this very machine only"),
        (
            format!("plugin push @release {to}@{} --plain-http", Digest::of(b"x")),
            "a digest follows from what is pushed",
        ),
        (format!("plugin push @release {to}:sha256-x --plain-http"), "is kept for lists"),
        ("plugin push @release registry.example.test/a".to_owned(), "does not begin with 'oci://'"),
        (format!("plugin pull {to}:1 @release --plain-http"), "is there already"),
        (format!("plugin pull {to}:1 @new --plain-http"), "does not have the component under the tag '1'"),
        (format!("plugin pull {to} @new --plain-http"), "by :tag or @sha256:digest"),
    ] {
        let said = error(words(arguments.clone())).await;
        assert!(said.contains(expected), "{arguments}: {said}");
    }
    // An envelope about another manifest.
    let manifest = fs::read_to_string(world.at("release").join("portcullis.toml")).unwrap();
    fs::write(world.at("release").join("portcullis.toml"), manifest.replace("For a test.", "For a tset.")).unwrap();
    let said = error(words(format!("plugin push @release {to} --plain-http"))).await;
    assert!(said.contains("sign it again") && said.contains("manifest digest mismatch"), "{said}");
    assert!(!world.registry.dir.path().join("storage/docker").exists(), "nothing came to the registry");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_without_a_tag_says_which_there_are() {
    let world = World::new().await;
    world.push("release", "").await;
    world.push("release", ":stable").await;
    let ended = world.pull("", "new").await;
    assert!(ended.stderr.contains("there are tags such as stable, 1.0.0"), "{ended:?}");
    assert!(!ended.stderr.contains("sha256-"), "{ended:?}");
}
