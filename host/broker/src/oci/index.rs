//! Answers for the list of what is attached to a manifest: from the referrers API, or from the index under a tag that stands
//! for it where a registry has no such API (OCI distribution specification 1.1, "Listing Referrers", "Referrers Tag Schema").
//!
//! Copying tools that are older than the specification drop the type from an index's entries. Such an entry is looked into.
//!
//! Invariants: a list is read within bounds of pages, bytes and entries; what is of a type that is not ours is counted and not
//! fetched; to write the index keeps every entry that others put there, and is read again before it counts as done.

use hyper::{Method, StatusCode};
use portcullis_model::id::Digest;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::{
    MAX_REFERRERS, OciError, Origin,
    exchange::{Call, Reply},
    layout::{Attachment, Descriptor, INDEX, MANIFEST},
    registry::{Registry, Which},
};

/// The longest page of a list, in bytes.
const MAX_PAGE: usize = 256 * 1024;
const MAX_PAGES: usize = 8;
/// The most entries of a list, whatever their type.
const MAX_ENTRIES: usize = 1000;
/// How often the index is written again where somebody else wrote it at the same time.
const TRIES: usize = 4;

const WHAT: &str = "the list of what is attached";

/// Something of ours that is attached, or that may be.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Absent where the list does not say.
    pub kind: Option<Attachment>,
    pub manifest: Descriptor,
}

/// What is attached.
#[derive(Clone, Debug, Default)]
pub(super) struct Listed {
    pub ours: Vec<Entry>,
    /// How many entries are of other types.
    pub others: usize,
}

#[derive(Deserialize)]
struct Index {
    manifests: Vec<Value>,
}

impl Listed {
    fn add(&mut self, body: &[u8]) -> Result<(), OciError> {
        let index: Index = serde_json::from_slice(body)
            .map_err(|error| OciError::form(WHAT, format!("it is no image index: {error}")))?;
        for entry in index.manifests {
            let kind = entry["artifactType"].as_str().and_then(Attachment::of);
            let untyped = entry["artifactType"].is_null() && entry["mediaType"] == MANIFEST;
            if kind.is_none() && !untyped {
                self.others += 1;
                continue;
            }
            let manifest = Descriptor::deserialize(&entry)
                .map_err(|error| OciError::form(WHAT, format!("an entry names nothing: {error}")))?;
            if !self.ours.iter().any(|known| known.manifest.digest == manifest.digest) {
                self.ours.push(Entry { kind, manifest });
            }
        }
        if self.ours.len() + self.others > MAX_ENTRIES {
            return Err(OciError::form(
                WHAT,
                format!("it has more than {MAX_ENTRIES} entries, the most that are read"),
            ));
        }
        self.check()
    }

    fn check(&self) -> Result<(), OciError> {
        match self.ours.len() {
            0..=MAX_REFERRERS => Ok(()),
            found => {
                let problem =
                    format!("{found} manifests, envelopes and reports; the most that are read is {MAX_REFERRERS}");
                Err(OciError::form(WHAT, problem))
            }
        }
    }
}

impl Registry {
    /// What is attached to this manifest.
    pub(super) async fn referrers(&self, subject: &Digest) -> Result<Listed, OciError> {
        let mut listed = Listed::default();
        let mut next = Some(self.url(&format!("referrers/{subject}"))?);
        for page in 0..MAX_PAGES {
            let Some(url) = next.take() else { return Ok(listed) };
            let call =
                Call { what: WHAT, method: Method::GET, url, accept: Some(INDEX), content: None, most: MAX_PAGE };
            let reply = self.call(&call).await?;
            if page == 0 && !is_index(&reply) {
                return self.referrers_under_tag(subject, reply).await;
            }
            let reply = self.accepted(WHAT, reply)?;
            listed.add(&reply.body)?;
            next = self.next_page(&call.url, &reply)?;
        }
        match next {
            None => Ok(listed),
            Some(_) => Err(OciError::form(WHAT, format!("it has more than {MAX_PAGES} pages, the most that are read"))),
        }
    }

    async fn referrers_under_tag(&self, subject: &Digest, reply: Reply) -> Result<Listed, OciError> {
        // A registry that has the API and is in trouble does not pass for one that has none.
        let trouble =
            matches!(reply.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS)
                || reply.status.is_server_error() && reply.status != StatusCode::NOT_IMPLEMENTED;
        if trouble {
            self.accepted(WHAT, reply)?;
        }
        let mut listed = Listed::default();
        if let Some((body, _)) = self.manifest(Which::Tag(&tag(subject)), INDEX, MAX_PAGE, WHAT).await? {
            listed.add(&body)?;
        }
        Ok(listed)
    }

    /// Where the list goes on, within this registry.
    fn next_page(&self, here: &Url, reply: &Reply) -> Result<Option<Url>, OciError> {
        let link = reply.header("link").unwrap_or_default();
        let Some((url, rest)) = link.trim().strip_prefix('<').and_then(|link| link.split_once('>')) else {
            return Ok(None);
        };
        if !rest.replace([' ', '"'], "").to_ascii_lowercase().contains(";rel=next") {
            return Ok(None);
        }
        let next = here.join(url).map_err(|error| OciError::form(WHAT, error.to_string()))?;
        match Origin::of(&next) {
            Ok(origin) if origin == *self.exchange().registry() && next.path() == here.path() => Ok(Some(next)),
            _ => Err(OciError::form(WHAT, format!("its next page is elsewhere: {next}"))),
        }
    }

    /// Puts these entries into the index that stands for the list, beside those that are there.
    pub(super) async fn list_under_tag(&self, subject: &Digest, entries: &[Descriptor]) -> Result<(), OciError> {
        let tag = tag(subject);
        for _ in 0..TRIES {
            let there = self.manifest(Which::Tag(&tag), INDEX, MAX_PAGE, WHAT).await?;
            let Some(index) = with(there.as_ref().map(|(body, _)| body.as_slice()), entries)? else { return Ok(()) };
            self.put_manifest(Which::Tag(&tag), INDEX, index, WHAT).await?;
        }
        Err(OciError::form(WHAT, format!("others keep writing to it: {TRIES} tries; try again later")))
    }
}

fn is_index(reply: &Reply) -> bool {
    let kind = reply.header("content-type").unwrap_or_default();
    reply.status == StatusCode::OK && kind.split(';').next().is_some_and(|kind| kind.trim() == INDEX)
}

/// The tag of the index.
fn tag(subject: &Digest) -> String {
    format!("sha256-{}", subject.hex())
}

/// The index with these entries too. `None` where they are all there.
fn with(there: Option<&[u8]>, entries: &[Descriptor]) -> Result<Option<Vec<u8>>, OciError> {
    let wrong = |problem: &str| OciError::form(WHAT, format!("what lies under its tag is no image index: {problem}"));
    let mut index = match there {
        None => json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [] }),
        Some(body) => serde_json::from_slice(body).map_err(|error| wrong(&error.to_string()))?,
    };
    // As it is, and not as it is read here: members that others put into their entries are to stay.
    let Some(Value::Array(manifests)) = index.get_mut("manifests") else { return Err(wrong("it has no 'manifests'")) };
    let known: Vec<String> = manifests.iter().filter_map(|one| one["digest"].as_str()).map(str::to_owned).collect();
    let missing = entries.iter().filter(|entry| !known.contains(&entry.digest.to_string()));
    let missing: Vec<Value> = missing.map(|entry| json!(entry)).collect();
    if missing.is_empty() {
        return Ok(None);
    }
    manifests.extend(missing);
    let index = index.to_string().into_bytes();
    if index.len() > MAX_PAGE {
        return Err(OciError::TooLarge { what: WHAT.to_owned(), most: MAX_PAGE });
    }
    Listed::default().add(&index)?;
    Ok(Some(index))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(n: usize, kind: Attachment) -> Descriptor {
        let mut entry = Descriptor::of(super::super::layout::MANIFEST, n.to_string().as_bytes());
        entry.artifact_type = Some(kind.media_type().to_owned());
        entry
    }

    #[test]
    fn an_index_keeps_what_others_put_there() {
        let entries = [entry(1, Attachment::Manifest), entry(2, Attachment::Envelope)];
        let first = with(None, &entries[..1]).unwrap().unwrap();
        let text = String::from_utf8(first).unwrap();
        let theirs = text.replace("\"manifests\":[", "\"annotations\":{\"a\":\"b\"},\"manifests\":[{\"mediaType\":\"x\",\"digest\":\"sha256:0000000000000000000000000000000000000000000000000000000000000000\",\"size\":1,\"their\":\"own\"},");
        let both = with(Some(theirs.as_bytes()), &entries).unwrap().unwrap();
        let found: Value = serde_json::from_slice(&both).unwrap();
        assert_eq!(found["manifests"].as_array().unwrap().len(), 3);
        assert_eq!(found["manifests"][0]["their"], "own");
        assert_eq!(found["annotations"]["a"], "b");
        assert_eq!(found["manifests"][2]["artifactType"], "application/vnd.dsse.envelope.v1+json");
        assert_eq!(with(Some(&both), &entries).unwrap(), None, "again changes nothing");
        let mut listed = Listed::default();
        listed.add(&both).unwrap();
        assert_eq!((listed.ours.len(), listed.others), (2, 1));
        listed.add(&both).unwrap();
        assert_eq!(listed.ours.len(), 2, "once each");
    }

    #[test]
    fn a_list_has_bounds_and_a_form() {
        let most: Vec<_> = (0..MAX_REFERRERS).map(|n| entry(n, Attachment::Envelope)).collect();
        let full = with(None, &most).unwrap().unwrap();
        let error = with(Some(&full), &[entry(999, Attachment::Report)]).unwrap_err().to_string();
        assert!(error.contains("the most that are read is 64"), "{error}");
        let strange = r#"{"mediaType":"x","digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000","size":1}"#;
        let many = format!("{{\"manifests\":[{}]}}", vec![strange; MAX_ENTRIES + 1].join(","));
        let error = Listed::default().add(many.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("more than 1000 entries"), "{error}");
        for bad in [&b"[]"[..], b"{}", b"{\"manifests\":{}}", b"nothing"] {
            assert!(Listed::default().add(bad).is_err());
        }
        let nameless = format!("{{\"manifests\":[{{\"artifactType\":\"{}\"}}]}}", Attachment::Report.media_type());
        assert!(Listed::default().add(nameless.as_bytes()).is_err());
        assert!(with(Some(b"{\"manifests\":3}"), &most[..1]).is_err());
        assert!(with(Some(b"[]"), &most[..1]).is_err());
    }
}
