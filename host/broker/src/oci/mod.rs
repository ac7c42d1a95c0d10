//! Answers for releases on their way to and from an OCI registry (OCI distribution and image specifications 1.1): transport,
//! and nothing else.
//!
//! A component lies there in the layout that CNCF's TAG Runtime describes for WebAssembly: one manifest with the configuration
//! `application/vnd.wasm.config.v0+json` and one layer `application/wasm`. What belongs to it (the plugin's manifest, signed
//! envelopes, reports) is attached as referrers: manifests of their own whose `subject` is the component's. Registries without
//! the referrers API get an index under a tag (the referrers tag schema) instead.
//!
//! - [`reference`] reads `oci://host/repository:tag`; [`credentials`] and [`docker`] say who is asking;
//! - [`Registry`] makes the calls; [`push`] and [`pull`] put them in order; [`layout`] is what lies in the registry.
//!
//! Built on the broker's own connections rather than on the crate `oci-client`, which reads answers of any length into memory,
//! follows redirects by its HTTP library's rules and sends a password to whatever token service an answer names.
//!
//! What is ABSENT here: a decision about whom to believe. What was pulled has the digests that the registry's documents name,
//! and is believed by nobody before its signature is checked.
//!
//! Invariants:
//! - every byte that is read was bounded before: by the descriptor that names it, and that by a cap of its kind;
//! - a tag is asked for once; from then on everything is named, and checked, by its SHA-256;
//! - nothing that is read is inflated;
//! - plain HTTP goes to loopback addresses only; a credential goes to the registry, and to the token service that the registry
//!   named over the same protected line; never along a redirect;
//! - redirects and token services elsewhere are reached by `https`, at public addresses.

pub mod credentials;
pub mod docker;
mod error;
mod exchange;
mod index;
pub mod layout;
mod origin;
pub mod pull;
pub mod push;
pub mod reference;
mod registry;
mod token;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

pub use error::OciError;
pub use origin::Origin;
pub use registry::{Access, Registry};

use crate::egress::Private;

/// The largest component, in bytes.
pub const MAX_COMPONENT: usize = 32 * 1024 * 1024;

/// The longest manifest of a plugin, envelope, or manifest in OCI's sense, in bytes.
pub const MAX_DOCUMENT: usize = 64 * 1024;

/// The longest report, in bytes.
pub const MAX_REPORT: usize = 1024 * 1024;

/// The most documents of ours that one component may have attached.
pub const MAX_REFERRERS: usize = 64;

/// How a registry is reached.
#[derive(Clone, Debug)]
pub struct Config {
    /// From the start of a connection to the end of its TLS handshake.
    pub connect_timeout: Duration,
    /// For one request and its answer, beside what their bytes take at 64 KB a second.
    pub answer_timeout: Duration,
    /// For all of a push or a pull.
    pub total_timeout: Duration,
    /// Certificates in PEM that are trusted for the registry's own host, in place of the public roots.
    pub ca_pem: Option<String>,
    /// Hosts at addresses that are not public which a registry may redirect to or name as its token service.
    pub private: Vec<Private>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(30),
            total_timeout: Duration::from_secs(20 * 60),
            ca_pem: None,
            private: Vec::new(),
        }
    }
}

/// A signed envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// What sort of statement it is: its `predicateType`. For readers; nothing is decided by it.
    pub predicate: String,
    /// The DSSE envelope, as JSON.
    pub text: String,
}

/// What is pushed.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// The component's bytes.
    pub component: Arc<[u8]>,
    /// What the component imports, such as `portcullis:plugin/tickets@0.1.0`.
    pub imports: Vec<String>,
    /// What it exports.
    pub exports: Vec<String>,
    /// The world that it was made for, if one is known.
    pub target: Option<String>,
    /// The text of `portcullis.toml`.
    pub manifest: String,
    /// The publisher's envelope.
    pub envelope: Signed,
    /// Envelopes of others about this release.
    pub statements: Vec<Signed>,
    /// Reports that statements name.
    pub reports: Vec<Vec<u8>>,
    /// What is said of it to readers of the registry: `org.opencontainers.image.title` and the like.
    pub annotations: BTreeMap<String, String>,
}
