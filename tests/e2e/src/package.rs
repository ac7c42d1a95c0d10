//! A component with the manifest that it is handed over with.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

use portcullis_cli::host::RULES;
use portcullis_model::{catalogue::ScopeDescription, class::Class, id::Digest, release::StoredRelease};
use portcullis_packages::{keys::SecretKey, manifest::Manifest, publish::sign_release, release_dir::ReleaseFiles};

use crate::components::{guest, plugin, root};

/// What every guest asks for beside its own scopes: the two kinds of events that the tests make.
const EVENTS: [&str; 2] = ["events:receive types=test.* data=full", "events:receive types=zen:event-type:*"];

/// A component and its manifest, not signed yet.
#[derive(Clone, Debug)]
pub struct Package {
    /// The component's bytes.
    pub component: Arc<[u8]>,
    /// The manifest's text.
    pub manifest: String,
}

impl Package {
    /// A guest that asks for these scopes, and for events. `limits` are lines of the manifest's `[limits]`.
    pub fn guest(name: &str, scopes: &[&str], limits: &str) -> Self {
        let scopes: Vec<&str> = EVENTS.iter().chain(scopes).copied().collect();
        Self { component: guest(name), manifest: manifest(name, &scopes, limits) }
    }

    /// A component from elsewhere, under this name: as [`Package::guest`].
    pub fn of(component: Arc<[u8]>, name: &str, scopes: &[&str], limits: &str) -> Self {
        let scopes: Vec<&str> = EVENTS.iter().chain(scopes).copied().collect();
        Self { component, manifest: manifest(name, &scopes, limits) }
    }

    /// A guest that asks for these scopes and nothing else, with the default limits.
    pub fn bare(name: &str, scopes: &[&str]) -> Self {
        Self { component: guest(name), manifest: manifest(name, scopes, "") }
    }

    /// A sample plugin with its own manifest.
    pub fn sample(name: &str) -> Self {
        let file = root().join("sample-plugins").join(name).join("portcullis.toml");
        Self { component: plugin(name), manifest: fs::read_to_string(file).unwrap() }
    }

    /// What the manifest says.
    pub fn parsed(&self) -> Manifest {
        Manifest::parse(&self.manifest).unwrap()
    }

    /// Signs it, as its publisher would.
    pub fn signed(&self, key: &SecretKey) -> ReleaseFiles {
        let envelope = sign_release(&self.component, &self.manifest, key, RULES).unwrap();
        let stored = StoredRelease {
            digest: Digest::of(&self.component),
            manifest: self.manifest.clone(),
            envelope: envelope.to_json(),
        };
        ReleaseFiles::new(stored, self.component.clone())
    }

    /// Signs it and writes the three files in which a release is handed over.
    pub fn write(&self, dir: &Path, key: &SecretKey) {
        let files = self.signed(key);
        fs::write(dir.join("plugin.wasm"), &files.component).unwrap();
        fs::write(dir.join("portcullis.toml"), &files.stored.manifest).unwrap();
        fs::write(dir.join("release.dsse.json"), &files.stored.envelope).unwrap();
    }
}

fn manifest(name: &str, scopes: &[&str], limits: &str) -> String {
    let Declared { classes, egress } = Declared::by(scopes);
    let scopes: String =
        scopes.iter().map(|scope| format!("[[scopes]]\nscope = \"{scope}\"\npurpose = \"For a test.\"\n\n")).collect();
    format!(
        r#"id = "test.guests.{id}"
name = "{name}"
version = "1.0.0"
release = 1
publisher = "test.guests"
summary = "A guest of the tests"
terms = "https://example.test/terms"
privacy = "https://example.test/privacy"
support = "mailto:help@example.test"
data-classes = [{classes}]

{scopes}{egress}[limits]
{limits}
"#,
        id = name.replace('_', "-"),
    )
}

/// What a manifest has to say about the data of its scopes, as TOML.
struct Declared {
    classes: String,
    egress: String,
}

impl Declared {
    /// What nobody understands declares nothing: it is refused for itself.
    fn by(scopes: &[&str]) -> Self {
        let read = |scope: &&str| RULES.catalogue.describe(&scope.parse().ok()?).ok();
        let means: Vec<ScopeDescription> = scopes.iter().filter_map(read).flatten().collect();
        let incoming = means.iter().filter(|means| means.destinations.is_empty()).flat_map(|means| &means.classes);
        let classes: BTreeSet<Class> = incoming.copied().chain([Class::Internal]).collect();
        let hosts: BTreeSet<&String> = means.iter().flat_map(|means| &means.destinations).collect();
        // One entry speaks of a host, and that of all hosts under a domain of each of them.
        let under = |host: &str| host.split_once('.').map(|(_, domain)| format!("*.{domain}"));
        let own =
            hosts.iter().filter(|host| host.starts_with("*.") || !under(host).is_some_and(|all| hosts.contains(&all)));
        let entry = |host: &&String| {
            format!(
                "[[egress]]\nhost = \"{host}\"\nregion = \"GLOBAL\"\noperator = \"Nobody\"\nsub-processor = false\n\
                 purpose = \"For a test.\"\ndata = [\"internal\"]\n\n"
            )
        };
        let quoted: Vec<String> = classes.iter().map(|class| format!("\"{class}\"")).collect();
        Self { classes: quoted.join(", "), egress: own.map(entry).collect() }
    }
}
