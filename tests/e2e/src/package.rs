//! A component with the manifest that it is handed over with.

use std::{fs, path::Path, sync::Arc};

use portcullis_cli::host::RULES;
use portcullis_model::{id::Digest, release::StoredRelease};
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

{scopes}[limits]
{limits}
"#,
        id = name.replace('_', "-"),
    )
}
