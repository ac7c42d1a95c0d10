//! Whether a release may run: its bytes, what was signed about it, its scopes and its imports, all of them, each time.
//!
//! Invariants: the first check that fails ends it, and the reason names what is wrong; nothing of a manifest but its id (to
//! find the keys) is used before the signature over its digest held; what a component imports, its manifest asks for.

mod imports;
mod registry;

use std::sync::Arc;

use portcullis_model::{audit::plain, catalogue::Catalogue, id::Digest, release::VerifiedRelease};

pub(crate) use imports::Imports;
pub use registry::Registry;

use crate::{
    dsse::DsseError,
    inspect::{
        InspectError, Inspection,
        secrets::{self, Finding},
    },
    keys::KeyError,
    manifest::{Manifest, ManifestError},
    trust::Distrust,
};

/// What a release is held against, beside its publisher's keys.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// The capabilities that this host has, and what it makes of WASI.
    pub catalogue: &'a dyn Catalogue,
}

/// Why a release is refused.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refusal {
    /// The registry's component is another one.
    #[error("component digest mismatch: the release is {expected}, the component's bytes are {found}")]
    Component {
        /// What it should be.
        expected: Digest,
        /// What the bytes are.
        found: Digest,
    },
    /// The manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The envelope or a signature.
    #[error(transparent)]
    Envelope(#[from] DsseError),
    /// It is not trusted.
    #[error(transparent)]
    Trust(#[from] Distrust),
    /// The component is no component for this host.
    #[error(transparent)]
    Inspect(#[from] InspectError),
    /// Imports that are not ours.
    #[error(
        "the component imports {0}, which this host does not offer; build it without what needs that (for requests, use \
         portcullis:plugin/http or wasi:http/outgoing-handler)"
    )]
    Foreign(String),
    /// Imports of ours that this host does not have.
    #[error(
        "the component imports {0}, which this host has no capability or function for: build it with this host's SDK"
    )]
    Unknown(String),
    /// Imports that the manifest does not ask for.
    #[error(
        "the component imports {0}, but the manifest asks for no scope of it; ask for one in [[scopes]], or drop the import"
    )]
    Unasked(String),
    /// Something in it looks like a secret (MNT-4).
    #[error(
        "{place} carries what looks like a secret: {findings}. Whoever gets a release can read it: take the secret out, revoke it \
         where it is valid, and let an admin give it to the host as a connection"
    )]
    Secret {
        /// `the component` or `the manifest`.
        place: &'static str,
        /// What was found, and where.
        findings: String,
    },
    /// Whoever should sign did not.
    #[error("{0}")]
    Unsigned(String),
}

impl From<KeyError> for Refusal {
    fn from(error: KeyError) -> Self {
        Self::Unsigned(error.to_string())
    }
}

/// A release that held, with what was learnt on the way.
#[derive(Clone, Debug)]
pub struct Examined {
    /// What the runtime needs.
    pub release: VerifiedRelease,
    /// What it asks for.
    pub manifest: Manifest,
    /// What it is.
    pub inspection: Arc<Inspection>,
}

/// Checks what is not a matter of signatures: that the host understands every scope and can run the component, that neither it
/// nor the manifest's text carries a secret, and that imports ⊆ manifest.
pub fn fits(manifest: &Manifest, text: &str, component: &[u8], rules: Rules<'_>) -> Result<Inspection, Refusal> {
    let inspection = Inspection::of(component)?;
    suits(manifest, text, &inspection, rules)?;
    Ok(inspection)
}

/// As [`fits`], for a component that was inspected before.
fn suits(manifest: &Manifest, text: &str, inspection: &Inspection, rules: Rules<'_>) -> Result<(), Refusal> {
    manifest.check(rules.catalogue)?;
    no_secrets("the component", &inspection.secrets)?;
    no_secrets("the manifest", &secrets::scan(text.as_bytes())?)?;
    let imports = Imports::of(inspection, manifest, rules);
    if !imports.foreign.is_empty() {
        return Err(Refusal::Foreign(plain(&imports.foreign.join(", "))));
    }
    if !imports.unknown.is_empty() {
        return Err(Refusal::Unknown(plain(&imports.unknown.join(", "))));
    }
    if !imports.unasked.is_empty() {
        return Err(Refusal::Unasked(plain(&imports.unasked.join(", "))));
    }
    Ok(())
}

fn no_secrets(place: &'static str, findings: &[Finding]) -> Result<(), Refusal> {
    match findings {
        [] => Ok(()),
        found => Err(Refusal::Secret { place, findings: secrets::told(found) }),
    }
}

#[cfg(test)]
mod tests;
