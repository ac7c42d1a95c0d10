//! The manifests that come with the product, held against the real capabilities.

use std::{fs, path::Path};

use portcullis_cli::host::RULES;
use portcullis_packages::manifest::Manifest;

#[test]
fn samples_template_and_documentation_say_what_their_scopes_need() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    let page = read("docs/developers/manifest.md");
    let (_, example) = page.split_once("```toml\n").unwrap();
    let template = read("host/cli/src/commands/plugin/template/portcullis.toml.in");
    let mut manifests = vec![
        ("the documentation".to_owned(), example.split_once("```").unwrap().0.to_owned(), true),
        (
            "the template".to_owned(),
            template
                .replace("{publisher}", "com.example")
                .replace("{name}", "greeter")
                .replace("{until}", "2028-12-31"),
            false,
        ),
    ];
    for plugin in fs::read_dir(root.join("sample-plugins")).unwrap() {
        let name = plugin.unwrap().file_name().into_string().unwrap();
        manifests.push((name.clone(), read(&format!("sample-plugins/{name}/portcullis.toml")), name == "card-guard"));
    }
    assert!(manifests.len() >= 6, "{manifests:?}");
    for (name, text, remarked) in manifests {
        let manifest = Manifest::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        manifest.check(RULES.catalogue).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(
            manifest.maintenance.is_some() && manifest.retention.is_some(),
            "{name} does not say all that it could"
        );
        let remarks = manifest.remarks(RULES.catalogue).unwrap();
        assert_eq!(!remarks.is_empty(), remarked, "{name}: {remarks:?}");
    }
}

#[test]
fn what_a_real_scope_touches_and_where_it_sends_must_be_said() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = fs::read_to_string(root.join("sample-plugins/chat-notifier/portcullis.toml")).unwrap();
    for (from, to, error) in [
        (
            "to=https://chat.example.test/",
            "to=https://*.example.test:8443/",
            "sends to *.example.test, which no [[egress]] speaks of",
        ),
        ("fields=subject,priority", "fields=subject,priority,comments where=brand:acme", ""),
        ("tickets:read fields=subject,priority", "tickets:read fields=subject mask=personal", ""),
        ("[\"internal\", \"personal\"]", "[\"internal\"]", "'personal' is not among the manifest's data-classes"),
        (
            "http:send to=https://chat.example.test/services/* methods=POST",
            "clocks:read",
            "no scope sends to 'chat.example.test'",
        ),
    ] {
        assert!(text.contains(from), "{from}");
        let found = Manifest::parse(&text.replacen(from, to, 1)).and_then(|manifest| manifest.check(RULES.catalogue));
        match found {
            Ok(()) => assert_eq!(error, "", "{from} -> {to}"),
            Err(found) => {
                let found = found.to_string();
                assert!(!error.is_empty() && found.contains(error), "{from} -> {to}: {found}");
            }
        }
    }
    let silent = text.replace("data-classes = [\"internal\", \"personal\"]", "data-classes = [\"internal\"]");
    let silent = silent.replace("data = [\"internal\", \"personal\"]", "data = [\"internal\"]");
    let error = Manifest::parse(&silent).unwrap().check(RULES.catalogue).unwrap_err().to_string();
    assert!(error.contains("'tickets:read fields=priority,subject' touches personal data"), "{error}");
}
