use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::{
    inspect::dependencies::Ecosystem,
    testing::{MANIFEST, component},
};

fn dependency(ecosystem: Ecosystem, name: &str, version: Option<&str>, needs: &[usize]) -> Dependency {
    Dependency {
        ecosystem,
        name: name.into(),
        version: version.map(Into::into),
        source: Source::Registry,
        build_only: false,
        root: false,
        evidence: Evidence::AuditableSection,
        needs: needs.to_vec(),
    }
}

fn inspection() -> Inspection {
    let mut inspection = Inspection::of(&component()).unwrap();
    inspection.dependencies = vec![
        dependency(Ecosystem::CratesIo, "serde", Some("1.0.228+x"), &[]),
        Dependency { source: Source::Git, ..dependency(Ecosystem::CratesIo, "forked", Some("0.1.0"), &[0]) },
        Dependency { build_only: true, ..dependency(Ecosystem::CratesIo, "cc", Some("1.2.0"), &[]) },
        Dependency {
            root: true,
            source: Source::Local,
            ..dependency(Ecosystem::CratesIo, "card-guard", Some("0.1.0"), &[1, 2])
        },
        dependency(Ecosystem::Npm, "@scope/pkg", None, &[]),
        dependency(Ecosystem::PyPi, "urllib3", Some("2.2.1"), &[]),
    ];
    inspection
}

fn bom(manifest: Option<&str>) -> Value {
    let manifest = manifest.map(|text| Manifest::parse(text).unwrap());
    serde_json::to_value(Bom::of(&inspection(), manifest.as_ref())).unwrap()
}

#[test]
fn says_what_was_found_and_that_it_is_not_all() {
    let bom = bom(Some(MANIFEST));
    let plugin = &bom["metadata"]["component"];
    assert_eq!((&plugin["name"], &plugin["version"]), (&"com.example.card-guard".into(), &"1.2.0".into()));
    assert_eq!(plugin["hashes"][0]["content"], Value::String(inspection().digest.hex()));
    let all = bom["components"].as_array().unwrap();
    let of = |key: &str| -> Vec<String> { all.iter().map(|one| one[key].as_str().unwrap_or("-").to_owned()).collect() };
    assert_eq!(of("name"), ["serde", "forked", "cc", "@scope/pkg", "urllib3"]);
    assert_eq!(of("scope"), ["required", "required", "excluded", "required", "required"]);
    assert_eq!(
        of("purl"),
        ["pkg:cargo/serde@1.0.228%2Bx", "-", "pkg:cargo/cc@1.2.0", "pkg:npm/%40scope/pkg", "pkg:pypi/urllib3@2.2.1"]
    );
    assert_eq!(bom["compositions"][0]["aggregate"], "incomplete");
    let direct = serde_json::json!([
        "1:crates.io/forked@0.1.0",
        "2:crates.io/cc@1.2.0",
        "4:npm/@scope/pkg@?",
        "5:PyPI/urllib3@2.2.1"
    ]);
    assert_eq!(bom["dependencies"][0], serde_json::json!({ "ref": "plugin", "dependsOn": direct }));
    let none = Bom::of(&Inspection::of(&component()).unwrap(), None);
    let none = serde_json::to_value(none).unwrap();
    assert_eq!(
        (&none["metadata"]["component"]["name"], &none["compositions"][0]["aggregate"]),
        (&"plugin.wasm".into(), &"unknown".into())
    );
}

#[test]
fn the_same_release_gives_the_same_bytes_and_another_one_another_serial() {
    assert_eq!(bom(Some(MANIFEST)).to_string(), bom(Some(MANIFEST)).to_string());
    let serial = |manifest: Option<&str>| bom(manifest)["serialNumber"].as_str().unwrap().to_owned();
    assert_ne!(serial(Some(MANIFEST)), serial(None));
    assert_ne!(serial(Some(MANIFEST)), serial(Some(&MANIFEST.replace("release = 3", "release = 4"))));
}

/// Members that the schema of CycloneDX 1.6 requires, and what it says of references. The schema itself is applied by
/// `tests/contract/sbom_check.py`, since it comes with a Python package.
#[test]
fn has_what_the_schema_requires() {
    let bom = bom(Some(MANIFEST));
    assert_eq!((&bom["bomFormat"], &bom["specVersion"]), (&"CycloneDX".into(), &"1.6".into()));
    let serial = bom["serialNumber"].as_str().unwrap();
    let uuid: Vec<&str> = serial.strip_prefix("urn:uuid:").unwrap().split('-').collect();
    assert_eq!(uuid.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    assert!(uuid[2].starts_with('8') && uuid[3].starts_with(['8', '9', 'a', 'b']), "{serial}");
    assert!(uuid.concat().bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)));
    let components = bom["components"].as_array().unwrap().iter().chain([&bom["metadata"]["component"]]);
    let mut references = BTreeSet::new();
    for one in components {
        assert!(one["type"].is_string() && one["name"].is_string(), "{one}");
        assert!(references.insert(one["bom-ref"].as_str().unwrap().to_owned()), "twice: {one}");
    }
    let needs = bom["dependencies"].as_array().unwrap();
    for one in needs {
        let each = one["dependsOn"].as_array().unwrap().iter().chain([&one["ref"]]);
        assert!(each.clone().all(|name| references.contains(name.as_str().unwrap())), "{one}");
    }
    assert_eq!(needs.len(), references.len());
}
