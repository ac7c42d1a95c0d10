//! Answers for the order of a pull: the component's manifest, once; then the component and what is attached, each by the digest
//! and within the size that was named before.
//!
//! Invariants: a tag is asked for once; a document counts only if its own manifest says that it belongs to this very manifest;
//! nothing is left out in silence. Who wrote any of it is checked by nobody yet.

use std::{collections::BTreeMap, sync::Arc};

use portcullis_model::id::Digest;

use super::{
    MAX_COMPONENT, MAX_DOCUMENT, OciError,
    index::Entry,
    layout::{Attachment, CONFIG, LAYER, MANIFEST, Manifest},
    reference::Reference,
    registry::{Registry, Which},
};

/// A document as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The digest of its bytes.
    pub digest: Digest,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What was pulled: everything that is attached to one component, believed by nobody yet. There can be several manifests
/// and envelopes for one component.
#[derive(Clone, Debug)]
pub struct Pulled {
    /// The digest of the component's manifest in the registry.
    pub image: Digest,
    /// The component's bytes.
    pub component: Arc<[u8]>,
    /// What the registry's manifest says of it to readers.
    pub annotations: BTreeMap<String, String>,
    /// Texts of `portcullis.toml`.
    pub manifests: Vec<Document>,
    /// DSSE envelopes: of publishers and of others.
    pub envelopes: Vec<Document>,
    /// Reports.
    pub reports: Vec<Document>,
    /// How many things of other types are attached, which were not fetched.
    pub others: usize,
}

/// Pulls what a reference names by its digest or else by its tag.
pub async fn pull(registry: &Registry, reference: &Reference) -> Result<Pulled, OciError> {
    let which = match (reference.digest(), reference.tag()) {
        (Some(digest), _) => Which::Digest(digest),
        (None, Some(tag)) => Which::Tag(tag),
        (None, None) => {
            let problem = "for a pull a tag or a digest is needed".to_owned();
            return Err(OciError::Reference { text: reference.to_string(), problem });
        }
    };
    registry.within(pull_all(registry, which)).await
}

async fn pull_all(registry: &Registry, which: Which<'_>) -> Result<Pulled, OciError> {
    let what = match which {
        Which::Tag(tag) => format!("the component under the tag '{tag}'"),
        Which::Digest(digest) => format!("the component's manifest {digest}"),
    };
    let found = registry.manifest(which, MANIFEST, MAX_DOCUMENT, &what).await?;
    let (bytes, image) = found.ok_or_else(|| OciError::Missing { host: registry.host(), what: what.clone() })?;
    let manifest = Manifest::parse(&bytes, &what)?;
    if manifest.config.media_type != CONFIG {
        let problem =
            format!("its configuration is '{}', not '{CONFIG}': it is no component", manifest.config.media_type);
        return Err(OciError::form(what, problem));
    }
    let component = registry.blob(manifest.layer(LAYER, &what)?, MAX_COMPONENT, "the component").await?;
    let listed = registry.referrers(&image).await?;
    let mut pulled = Pulled {
        image,
        component: component.into(),
        annotations: manifest.annotations.unwrap_or_default(),
        manifests: Vec::new(),
        envelopes: Vec::new(),
        reports: Vec::new(),
        others: listed.others,
    };
    for entry in listed.ours {
        let Some((kind, document)) = document(registry, &image, &entry).await? else {
            pulled.others += 1;
            continue;
        };
        let documents = match kind {
            Attachment::Manifest => &mut pulled.manifests,
            Attachment::Envelope => &mut pulled.envelopes,
            Attachment::Report => &mut pulled.reports,
        };
        if !documents.contains(&document) {
            documents.push(document);
        }
    }
    Ok(pulled)
}

/// A document that is attached. `None` where it turns out to be of a type that is not ours.
async fn document(
    registry: &Registry,
    image: &Digest,
    entry: &Entry,
) -> Result<Option<(Attachment, Document)>, OciError> {
    let digest = entry.manifest.digest;
    let what = format!("the attached {} ({digest})", entry.kind.map_or("document", Attachment::name));
    if entry.manifest.size > MAX_DOCUMENT as u64 {
        return Err(OciError::TooLarge { what, most: MAX_DOCUMENT });
    }
    let size = usize::try_from(entry.manifest.size).unwrap_or(MAX_DOCUMENT);
    let found = registry.manifest(Which::Digest(&digest), MANIFEST, size, &what).await?;
    let (bytes, _) = found.ok_or_else(|| OciError::Missing { host: registry.host(), what: what.clone() })?;
    let manifest = Manifest::parse(&bytes, &what)?;
    if manifest.subject.as_ref().map(|subject| subject.digest) != Some(*image) {
        return Err(OciError::form(what, "the registry lists it, but it is attached to something else"));
    }
    let kind = match (entry.kind, manifest.artifact_type.as_deref().and_then(Attachment::of)) {
        (None, None) => return Ok(None),
        (listed, Some(kind)) if listed.is_none_or(|listed| listed == kind) => kind,
        _ => return Err(OciError::form(what, "the registry lists it as what it is not")),
    };
    let layer = manifest.layer(kind.media_type(), &what)?;
    let bytes = registry.blob(layer, kind.most(), &what).await?;
    Ok(Some((kind, Document { digest: layer.digest, bytes })))
}
