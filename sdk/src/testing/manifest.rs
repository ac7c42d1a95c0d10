//! Grants exactly what a plugin's own manifest asks for.

use std::path::Path;

use serde::Deserialize;

use super::Host;

/// The part of `portcullis.toml` that a test needs.
#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    scopes: Vec<Asked>,
}

#[derive(Deserialize)]
struct Asked {
    scope: String,
}

impl Host {
    /// A host that grants every scope of a manifest, the optional ones too, and nothing else. Takes the
    /// manifest's text: `Host::from_manifest(include_str!("../portcullis.toml"))`.
    ///
    /// # Panics
    /// When the text is no manifest.
    #[track_caller]
    pub fn from_manifest(text: &str) -> Self {
        match toml::from_str::<Manifest>(text) {
            Ok(manifest) => manifest.scopes.iter().fold(Self::new(), |host, asked| host.ask(&asked.scope)),
            Err(error) => panic!("the manifest cannot be read: {error}"),
        }
    }

    /// [`from_manifest`](Self::from_manifest) with the manifest's path.
    ///
    /// # Panics
    /// When there is no such file, or it is no manifest.
    #[track_caller]
    pub fn from_manifest_file(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::from_manifest(&text),
            Err(error) => panic!("{}: {error}", path.display()),
        }
    }
}
