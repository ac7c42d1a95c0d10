//! The schema, judged by a validator that is not ours.

use std::{fs, path::PathBuf};

use boon::{Compiler, SchemaIndex, Schemas};

use super::*;
use crate::{
    manifest::Manifest,
    testing::{COMPLETE, MANIFEST},
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

struct Judge(Schemas, SchemaIndex);

impl Judge {
    fn new() -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("portcullis.schema.json", schema()).unwrap();
        let index = compiler.compile("portcullis.schema.json", &mut schemas).unwrap();
        Self(schemas, index)
    }

    fn judges(&self, manifest: &str) -> Result<(), String> {
        let table: toml::Table = manifest.parse().map_err(|error| format!("{error}"))?;
        let value = serde_json::to_value(&table).unwrap();
        self.0.validate(&value, self.1).map_err(|error| error.to_string())
    }
}

#[test]
fn the_published_schema_is_this_one() {
    let path = root().join("docs/schemas/portcullis.schema.json");
    if std::env::var_os("RENEW").is_some() {
        fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap())).unwrap();
    }
    let published: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert!(
        published == schema(),
        "{} is stale; renew it: portcullis plugin schema > docs/schemas/portcullis.schema.json, or run this test with RENEW=1",
        path.display()
    );
}

#[test]
fn it_is_a_schema() {
    let mut compiler = Compiler::new();
    let mut schemas = Schemas::new();
    let metaschema = compiler.compile("https://json-schema.org/draft/2020-12/schema", &mut schemas).unwrap();
    assert_eq!(schemas.validate(&schema(), metaschema).map_err(|error| error.to_string()), Ok(()));
}

/// Every example of a key is one that its own schema accepts.
#[test]
fn every_text_key_has_an_example_that_fits() {
    fn each(keys: &[Key], seen: &mut usize) {
        for key in keys {
            let inner = key.inner();
            each(inner, seen);
            if inner.is_empty() && !matches!(key.form, Form::Limits) {
                let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
                compiler.add_resource("key.json", property(key)).unwrap();
                let index = compiler.compile("key.json", &mut schemas).unwrap();
                let example = example(key).unwrap_or_else(|| panic!("{}: {}", key.name, key.example));
                assert!(schemas.validate(&example, index).is_ok(), "{}: {example}", key.name);
                *seen += 1;
            }
        }
    }
    let mut seen = 0;
    each(KEYS, &mut seen);
    assert!(seen > 30, "{seen}");
}

#[test]
fn accepts_every_manifest_that_there_is() {
    let judge = Judge::new();
    let mut manifests = vec![MANIFEST.to_owned(), COMPLETE.to_owned(), crate::manifest::documented()];
    for plugin in fs::read_dir(root().join("sample-plugins")).unwrap() {
        manifests.push(fs::read_to_string(plugin.unwrap().path().join("portcullis.toml")).unwrap());
    }
    let template = fs::read_to_string(root().join("host/cli/src/commands/plugin/template/portcullis.toml.in")).unwrap();
    let filled =
        template.replace("{publisher}", "com.example").replace("{name}", "greeter").replace("{until}", "2028-12-31");
    manifests.push(filled);
    assert!(manifests.len() >= 8, "{}", manifests.len());
    for text in manifests {
        Manifest::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(judge.judges(&text), Ok(()), "{text}");
    }
}

#[test]
fn refuses_what_reading_refuses() {
    let judge = Judge::new();
    for (from, to) in [
        ("summary", "sumary"),
        ("purpose = \"to know", "porpoise = \"to know"),
        ("cpu-ms", "cpu_ms"),
        ("cpu-ms = 250", "cpu-ms = 0"),
        ("cpu-ms = 250", "cpu-ms = \"250\""),
        ("release = 7", "release = 0"),
        ("release = 7", "release = 1.5"),
        ("\"com.example\"", "\"com\""),
        ("\"com.example.answers\"", "\"Com.example.answers\""),
        ("\"2.0.0-rc.1\"", "\"2.0\""),
        ("\"Answers\"", "\"  \""),
        ("\"Suggests answers\"", "[\"Suggests answers\"]"),
        ("https://example.com/terms", "http://example.com/terms"),
        ("mailto:help@example.com", "javascript:alert(1)"),
        ("\"tickets:read fields=personal,internal\"", "\"tickets\""),
        ("optional = true", "optional = \"yes\""),
        ("[\"internal\", \"personal\"]", "[\"internal\", \"personnal\"]"),
        ("[\"internal\", \"personal\"]", "[\"internal\", \"internal\", \"personal\"]"),
        ("data = [\"internal\"]", "data = []"),
        ("\"ai.example.test\"", "\"https://ai.example.test\""),
        ("region = \"DE\"", "region = \"de\""),
        ("sub-processor = true", "sub-processor = 1"),
        ("\"0 3 * * 1-5\"", "\"0 3 * *\""),
        ("\"nightly\"", "\"every night\""),
        ("storage = \"30d\"", "storage = \"30\""),
        ("outside = \"90d\"", "outside = \"none\""),
        ("outside-purpose = \"to find out why an answer was wrong\"\n", ""),
        ("uses = true", "uses = false"),
        ("uses = true\nprovider = \"Example AI GmbH\"\n", "uses = true\n"),
        ("\"2028-12-31\"", "\"31.12.2028\""),
        ("\"2028-12-31\"", "2028-12-31"),
        ("within = \"30d\"", "within = \"a month\""),
        ("[maintenance]", "[[maintenance]]"),
        ("[[egress]]", "[[egres]]"),
    ] {
        assert!(COMPLETE.contains(from), "{from}");
        let text = COMPLETE.replacen(from, to, 1);
        assert!(Manifest::parse(&text).is_err(), "read: {from} -> {to}");
        assert!(judge.judges(&text).is_err(), "accepted: {from} -> {to}");
    }
}

/// Whatever a line says instead: what is read is accepted.
#[test]
fn accepts_whatever_reading_accepts() {
    let longest = format!("\"{}\"", "x".repeat(300));
    let link = format!("\"https://example.com/{}\"", "x".repeat(492));
    let values = [
        "\"\"",
        "\" \"",
        "\"x\"",
        "\" x \"",
        "\"é\"",
        "\"\\n\"",
        "1",
        "0",
        "-1",
        "1.0",
        "true",
        "false",
        "[]",
        "[\"public\"]",
        "[\"personal\", \"internal\"]",
        "\"https://a.example\"",
        "\" https://a.example/ \"",
        "\"HTTPS://a.example/\"",
        "\"mailto:a@b.example\"",
        "\"mailto:\"",
        "\"com.example\"",
        "\"com.example.a-b\"",
        "\" 1.2.3 \"",
        "\"1.2.3+a\"",
        "\"01.2.3\"",
        "\" a:b  c=d \"",
        "\"a:b\"",
        "\"*.a.example\"",
        "\"EEA\"",
        "\"UK\"",
        "\"GB\"",
        "\"  0 0 1 1 *\"",
        "\"1d\"",
        "\"01d\"",
        "\"99999d\"",
        "\"none\"",
        "\"until-uninstalled\"",
        "\"2028-02-29\"",
        "\"2027-02-29\"",
        "2028-02-29",
        "{}",
        &longest,
        &link,
    ];
    let judge = Judge::new();
    let lines: Vec<&str> = COMPLETE.lines().collect();
    let (mut accepted, mut refused) = (0, 0);
    for (at, line) in lines.iter().enumerate() {
        let Some((key, _)) = line.split_once(" = ") else { continue };
        let others = values.iter().map(|value| format!("{key} = {value}")).chain([String::new()]);
        for other in others {
            let text: String = lines
                .iter()
                .enumerate()
                .map(|(i, line)| format!("{}\n", if i == at { other.as_str() } else { line }))
                .collect();
            match Manifest::parse(&text) {
                Ok(_) => {
                    assert_eq!(judge.judges(&text), Ok(()), "{other}");
                    accepted += 1;
                }
                Err(_) => refused += usize::from(judge.judges(&text).is_err()),
            }
        }
    }
    assert!(accepted > 150 && refused > 800, "{accepted} accepted by both, {refused} refused by both");
}
