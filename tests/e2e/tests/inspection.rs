//! Inspection of what is really built: the sample plugins and every guest.

use portcullis_e2e::{examples, plugin};
use portcullis_packages::{
    inspect::{
        Inspection,
        dependencies::{Dependency, Evidence},
    },
    sbom::Bom,
};

const SAMPLES: [&str; 4] = ["card-guard", "chat-notifier", "overreacher", "vip-escalator"];

#[test]
fn nothing_that_is_built_here_looks_like_a_secret() {
    let samples = SAMPLES.into_iter().map(|name| (name.to_owned(), plugin(name)));
    let mut looked_at = 0;
    for (name, component) in examples("tests/guests").into_iter().chain(samples) {
        // Some guests are made to be refused for other reasons.
        let Ok(found) = Inspection::of(&component) else { continue };
        assert!(found.secrets.is_empty(), "{name}: {:?}", found.secrets);
        looked_at += 1;
    }
    assert!(looked_at > 35, "{looked_at}");
}

#[test]
fn a_plugin_says_what_it_was_made_of() {
    for name in SAMPLES {
        let found = Inspection::of(&plugin(name)).unwrap();
        assert!(found.dependency_notes.is_empty(), "{name}: {:?}", found.dependency_notes);
        let roots: Vec<&Dependency> = found.dependencies.iter().filter(|one| one.root).collect();
        assert_eq!(roots.len(), 1, "{name}: {:?}", found.dependencies);
        assert_eq!(roots[0].name, name);
        let has = |name: &str, build_only: bool| {
            found.dependencies.iter().any(|one| one.name == name && one.build_only == build_only)
        };
        assert!(has("portcullis-sdk", false) && has("wit-bindgen", false), "{name}: {:?}", found.dependencies);
        assert!(!has("proptest", false) && !has("wasmtime", false), "{name}: {:?}", found.dependencies);
        assert!(found.dependencies.iter().all(|one| one.evidence == Evidence::AuditableSection));
        assert!(serde_json::to_string(&Bom::of(&found, None)).unwrap().contains("\"incomplete\""));
    }
}
