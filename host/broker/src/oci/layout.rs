//! Answers for what lies in a registry: the forms of the OCI image specification (1.1) that are read and written, the
//! configuration of a component (CNCF TAG Runtime, "Wasm OCI Artifact layout"), and what is attached to it.
//!
//! Invariants: the same input gives the same bytes, so that to push twice changes nothing; what is read may have more members
//! than are known here, as the specification asks.

use std::collections::BTreeMap;

use portcullis_model::id::Digest;
use serde::{Deserialize, Serialize};

use super::{MAX_DOCUMENT, MAX_REPORT, OciError};

/// An image manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// An image index.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The configuration of a component.
pub const CONFIG: &str = "application/vnd.wasm.config.v0+json";
/// A component.
pub const LAYER: &str = "application/wasm";
/// The configuration of what has none: `{}`.
pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// What [`EMPTY`] stands for.
pub(super) const EMPTY_BYTES: &[u8] = b"{}";

/// A document's name, for clients that write files.
pub const TITLE: &str = "org.opencontainers.image.title";
/// Which sort of statement an attached envelope holds.
pub const PREDICATE: &str = "in-toto.io/predicate-type";

/// The component's name, for clients that write files.
const COMPONENT_NAME: &str = "plugin.wasm";

/// Tools that read the configuration want a time; one that says nothing keeps the bytes the same.
const CREATED: &str = "1970-01-01T00:00:00Z";

/// What is attached to a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attachment {
    /// The plugin's manifest, `portcullis.toml`.
    Manifest,
    /// A DSSE envelope: the publisher's, or a statement of somebody else.
    Envelope,
    /// A report that statements name.
    Report,
}

impl Attachment {
    const ALL: [Self; 3] = [Self::Manifest, Self::Envelope, Self::Report];

    /// The media type, which is the `artifactType` too.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Manifest => "application/vnd.portcullis.manifest.v1+toml",
            Self::Envelope => "application/vnd.dsse.envelope.v1+json",
            Self::Report => "application/vnd.portcullis.report.v1+json",
        }
    }

    /// What it is called in errors and for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Envelope => "envelope",
            Self::Report => "report",
        }
    }

    /// The longest that is read, in bytes.
    pub fn most(self) -> usize {
        match self {
            Self::Manifest | Self::Envelope => MAX_DOCUMENT,
            Self::Report => MAX_REPORT,
        }
    }

    pub(super) fn of(media_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.media_type() == media_type)
    }
}

/// What names some bytes: their type, digest and size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    pub media_type: String,
    pub digest: Digest,
    pub size: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub artifact_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub annotations: Option<BTreeMap<String, String>>,
}

impl Descriptor {
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest: Digest::of(bytes),
            size: bytes.len() as u64,
            artifact_type: None,
            annotations: None,
        }
    }

    fn titled(mut self, name: &str) -> Self {
        self.annotations = Some(BTreeMap::from([(TITLE.to_owned(), name.to_owned())]));
        self
    }
}

/// An image manifest, as it is read and written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    pub schema_version: u32,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub media_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub artifact_type: Option<String>,
    pub config: Descriptor,
    pub layers: Vec<Descriptor>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<Descriptor>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub annotations: Option<BTreeMap<String, String>>,
}

impl Manifest {
    pub fn parse(bytes: &[u8], what: &str) -> Result<Self, OciError> {
        let manifest: Self = serde_json::from_slice(bytes)
            .map_err(|error| OciError::form(what, format!("it is no image manifest: {error}")))?;
        let kind = manifest.media_type.as_deref().unwrap_or(MANIFEST);
        if manifest.schema_version != 2 || kind != MANIFEST {
            return Err(OciError::form(what, format!("it is a '{kind}', not a '{MANIFEST}'")));
        }
        Ok(manifest)
    }

    /// Its one layer, of this type.
    pub fn layer(&self, media_type: &str, what: &str) -> Result<&Descriptor, OciError> {
        match self.layers.as_slice() {
            [one] if one.media_type == media_type => Ok(one),
            [one] => Err(OciError::form(what, format!("its layer is '{}', not '{media_type}'", one.media_type))),
            many => Err(OciError::form(what, format!("it has {} layers; expected one, '{media_type}'", many.len()))),
        }
    }

    /// Its bytes.
    pub fn bytes(&self) -> Vec<u8> {
        json(self)
    }
}

/// The manifest of a component.
pub(super) fn component(config: &[u8], component: &[u8], annotations: BTreeMap<String, String>) -> Manifest {
    Manifest {
        schema_version: 2,
        media_type: Some(MANIFEST.to_owned()),
        artifact_type: None,
        config: Descriptor::of(CONFIG, config),
        layers: vec![Descriptor::of(LAYER, component).titled(COMPONENT_NAME)],
        subject: None,
        annotations: Some(annotations),
    }
}

/// The manifest of what is attached to `subject`.
pub(super) fn attached(
    kind: Attachment,
    name: &str,
    document: &[u8],
    subject: &Descriptor,
    annotations: BTreeMap<String, String>,
) -> Manifest {
    Manifest {
        schema_version: 2,
        media_type: Some(MANIFEST.to_owned()),
        artifact_type: Some(kind.media_type().to_owned()),
        config: Descriptor::of(EMPTY, EMPTY_BYTES),
        layers: vec![Descriptor::of(kind.media_type(), document).titled(name)],
        subject: Some(subject.clone()),
        annotations: (!annotations.is_empty()).then_some(annotations),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WasmConfig<'a> {
    created: &'a str,
    architecture: &'a str,
    os: &'a str,
    layer_digests: Vec<Digest>,
    component: Interface<'a>,
}

#[derive(Serialize)]
struct Interface<'a> {
    exports: &'a [String],
    imports: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
}

/// The configuration of a component. `wasip2` stands for any component there, whether or not it imports WASI.
pub(super) fn config(component: &[u8], imports: &[String], exports: &[String], target: Option<&str>) -> Vec<u8> {
    json(&WasmConfig {
        created: CREATED,
        architecture: "wasm",
        os: "wasip2",
        layer_digests: vec![Digest::of(component)],
        component: Interface { exports, imports, target },
    })
}

/// JSON with its members in the order of their names.
pub(super) fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::json!(value).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_component_lies_there_as_the_layout_says() {
        let bytes = b"\0asm component";
        let (imports, exports) = (["a:b/c@1.0.0".to_owned()], ["d:e/f@1.0.0".to_owned()]);
        let config = config(bytes, &imports, &exports, Some("a:b/w@1.0.0"));
        let digest = Digest::of(bytes).to_string();
        let expected = json!({
            "created": "1970-01-01T00:00:00Z", "architecture": "wasm", "os": "wasip2", "layerDigests": [digest],
            "component": { "imports": imports, "exports": exports, "target": "a:b/w@1.0.0" },
        });
        assert_eq!(serde_json::from_slice::<Value>(&config).unwrap(), expected);
        let annotations = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
        let manifest = component(&config, bytes, annotations);
        let found: Value = serde_json::from_slice(&manifest.bytes()).unwrap();
        let expected = json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": { "mediaType": "application/vnd.wasm.config.v0+json", "digest": Digest::of(&config), "size": config.len() },
            "layers": [{ "mediaType": "application/wasm", "digest": digest, "size": bytes.len(),
                "annotations": { "org.opencontainers.image.title": "plugin.wasm" } }],
            "annotations": { "k": "v" },
        });
        assert_eq!(found, expected);

        let subject = Descriptor::of(MANIFEST, &manifest.bytes());
        let attached = attached(Attachment::Manifest, "portcullis.toml", b"id = 1", &subject, BTreeMap::new());
        let found: Value = serde_json::from_slice(&attached.bytes()).unwrap();
        assert_eq!(found["artifactType"], "application/vnd.portcullis.manifest.v1+toml");
        assert_eq!(found["subject"]["digest"], Digest::of(&manifest.bytes()).to_string());
        assert_eq!(
            found["config"]["digest"],
            "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
        assert_eq!(found["annotations"], Value::Null);
        assert_eq!(Manifest::parse(&attached.bytes(), "x").unwrap().bytes(), attached.bytes());
    }

    #[test]
    fn reads_only_manifests_with_one_layer_of_the_type() {
        let good = component(b"{}", b"x", BTreeMap::new());
        assert!(good.layer(LAYER, "x").is_ok());
        let error = |manifest: &Manifest| manifest.layer(LAYER, "the image").unwrap_err().to_string();
        let other = Manifest { layers: vec![Descriptor::of("text/plain", b"x")], ..good.clone() };
        assert!(error(&other).contains("its layer is 'text/plain', not 'application/wasm'"));
        let two = Manifest { layers: vec![good.layers[0].clone(), good.layers[0].clone()], ..good.clone() };
        assert!(error(&two).contains("it has 2 layers"));
        assert!(error(&Manifest { layers: Vec::new(), ..good.clone() }).contains("it has 0 layers"));
        let text = String::from_utf8(good.bytes()).unwrap();
        for (from, to) in [
            ("\"schemaVersion\":2", "\"schemaVersion\":1"),
            ("image.manifest.v1", "image.index.v1"),
            ("sha256:", "md5:"),
            ("\"size\":1", "\"size\":-1"),
            ("\"layers\"", "\"fsLayers\""),
        ] {
            assert!(text.contains(from));
            assert!(Manifest::parse(text.replacen(from, to, 1).as_bytes(), "x").is_err(), "{to}");
        }
        let more = text.replacen('{', "{\"new\":{\"x\":1},", 1);
        assert!(Manifest::parse(more.as_bytes(), "x").is_ok(), "unknown members are skipped");
    }
}
