//! Answers for the order of a push: bytes, then the component's manifest by its digest, then what is attached to it, and the
//! tag last, so that whoever finds the tag finds everything.
//!
//! Invariants: nothing is pushed that a pull would refuse for its size or number; to push the same again changes nothing.

use std::collections::BTreeMap;

use bytes::Bytes;
use portcullis_model::id::Digest;

use super::{
    Artifact, MAX_COMPONENT, MAX_DOCUMENT, MAX_REFERRERS, OciError, Signed,
    layout::{self, Attachment, Descriptor, EMPTY_BYTES, MANIFEST, PREDICATE},
    registry::{Registry, Which},
};

/// Something that was attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// What it is.
    pub kind: Attachment,
    /// The digest of the document itself.
    pub document: Digest,
    /// The digest of the manifest that it was attached by.
    pub manifest: Digest,
}

/// What was pushed.
#[derive(Clone, Debug)]
pub struct Pushed {
    /// The digest of the component's manifest: what others pull by.
    pub image: Digest,
    /// The digest of the component.
    pub component: Digest,
    /// What is attached.
    pub attached: Vec<Attached>,
    /// Whether the registry keeps the list of what is attached by itself; it lies under a tag otherwise.
    pub by_api: bool,
}

struct Document<'a> {
    kind: Attachment,
    name: String,
    bytes: &'a [u8],
    annotations: BTreeMap<String, String>,
}

/// Pushes a release, and lets the tag point to it, if one is given.
pub async fn push(registry: &Registry, artifact: &Artifact, tag: Option<&str>) -> Result<Pushed, OciError> {
    let documents = documents(artifact)?;
    registry.within(push_all(registry, artifact, &documents, tag)).await
}

async fn push_all(
    registry: &Registry,
    artifact: &Artifact,
    documents: &[Document<'_>],
    tag: Option<&str>,
) -> Result<Pushed, OciError> {
    let config = layout::config(&artifact.component, &artifact.imports, &artifact.exports, artifact.target.as_deref());
    let image = layout::component(&config, &artifact.component, artifact.annotations.clone());
    let bytes = checked("the component's manifest", image.bytes(), MAX_DOCUMENT)?;
    let subject = Descriptor::of(MANIFEST, &bytes);

    registry.put_blob(&Bytes::copy_from_slice(&artifact.component), "the component").await?;
    registry.put_blob(&config.into(), "the component's configuration").await?;
    registry.put_manifest(Which::Digest(&subject.digest), MANIFEST, bytes.clone(), "the component's manifest").await?;
    let (attached, by_api) = attach(registry, documents, &subject).await?;
    if let Some(tag) = tag {
        registry.put_manifest(Which::Tag(tag), MANIFEST, bytes, "the tag").await?;
    }
    Ok(Pushed { image: subject.digest, component: Digest::of(&artifact.component), attached, by_api })
}

async fn attach(
    registry: &Registry,
    documents: &[Document<'_>],
    subject: &Descriptor,
) -> Result<(Vec<Attached>, bool), OciError> {
    registry.put_blob(&Bytes::from_static(EMPTY_BYTES), "an empty configuration").await?;
    let (mut attached, mut unlisted) = (Vec::new(), Vec::new());
    for document in documents {
        let what = format!("the {} {}", document.kind.name(), document.name);
        registry.put_blob(&Bytes::copy_from_slice(document.bytes), &what).await?;
        let Document { kind, name, bytes, annotations } = document;
        let manifest = layout::attached(*kind, name, bytes, subject, annotations.clone()).bytes();
        let mut entry = Descriptor::of(MANIFEST, &manifest);
        attached.push(Attached { kind: *kind, document: Digest::of(bytes), manifest: entry.digest });
        if !registry.put_manifest(Which::Digest(&entry.digest), MANIFEST, manifest, &what).await? {
            entry.artifact_type = Some(kind.media_type().to_owned());
            entry.annotations = (!annotations.is_empty()).then(|| annotations.clone());
            unlisted.push(entry);
        }
    }
    let by_api = unlisted.is_empty();
    if !by_api {
        registry.list_under_tag(&subject.digest, &unlisted).await?;
    }
    Ok((attached, by_api))
}

/// What is to be attached, within its bounds.
fn documents(artifact: &Artifact) -> Result<Vec<Document<'_>>, OciError> {
    if artifact.component.len() > MAX_COMPONENT {
        return Err(OciError::TooLarge { what: "the component".to_owned(), most: MAX_COMPONENT });
    }
    let mut documents = vec![
        Document {
            kind: Attachment::Manifest,
            name: "portcullis.toml".to_owned(),
            bytes: artifact.manifest.as_bytes(),
            annotations: BTreeMap::new(),
        },
        envelope("release.dsse.json".to_owned(), &artifact.envelope),
    ];
    let statements = artifact.statements.iter().enumerate();
    documents.extend(statements.map(|(at, signed)| envelope(format!("{:04}.dsse.json", at + 1), signed)));
    documents.extend(artifact.reports.iter().map(|bytes| Document {
        kind: Attachment::Report,
        name: format!("{}.json", Digest::of(bytes).hex()),
        bytes,
        annotations: BTreeMap::new(),
    }));
    if documents.len() > MAX_REFERRERS {
        let problem = format!("{} documents; the most is {MAX_REFERRERS}", documents.len());
        return Err(OciError::form("what is to be attached", problem));
    }
    for document in &documents {
        checked(&document.name, document.bytes, document.kind.most())?;
    }
    Ok(documents)
}

fn envelope(name: String, signed: &Signed) -> Document<'_> {
    let annotations = BTreeMap::from([(PREDICATE.to_owned(), signed.predicate.clone())]);
    Document { kind: Attachment::Envelope, name, bytes: signed.text.as_bytes(), annotations }
}

fn checked<B: AsRef<[u8]>>(what: &str, bytes: B, most: usize) -> Result<B, OciError> {
    match bytes.as_ref().len() > most {
        true => Err(OciError::TooLarge { what: what.to_owned(), most }),
        false => Ok(bytes),
    }
}
