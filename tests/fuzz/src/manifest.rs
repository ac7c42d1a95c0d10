//! Manifests.
//!
//! Input: the text of a manifest.
//!
//! Holds: errors are short and readable; what is read is what a TOML parser finds under the same keys, and nothing else stands
//! in the text; written out again and read again it is the same manifest, but for its digest; names, purposes and links are
//! readable, and links lead where they seem to; what is sent and what a model is given is declared; the catalogue's answer about
//! its scopes is readable too, and so are the remarks about what it lets pass.

use portcullis_capabilities::Catalogue;
use portcullis_model::id::Digest;
use portcullis_packages::manifest::{MAX_MANIFEST, MAX_SCOPES, Manifest};
use toml::{Table, Value};
use url::Url;

use crate::text::assert_readable;

const MAX_ERROR: usize = 16 * 1024;

/// Checks one input.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let manifest = match Manifest::parse(text) {
        Ok(manifest) => manifest,
        Err(error) => return assert_readable(&error.to_string(), MAX_ERROR, "the error"),
    };
    assert!(text.len() <= MAX_MANIFEST && manifest.scopes.len() <= MAX_SCOPES);
    assert_eq!(manifest.digest, Digest::of(data));
    let table: Table = text.parse().unwrap_or_else(|e| panic!("read as a manifest, but not as TOML: {e}"));
    let written = written(&manifest);
    within(&Value::Table(table), &Value::Table(written.clone()), "");
    read_again(&manifest, &written);
    readable(&manifest);
    match manifest.check(&Catalogue).and_then(|()| manifest.remarks(&Catalogue)) {
        Ok(remarks) => remarks.iter().for_each(|remark| assert_readable(remark, MAX_ERROR, "a remark")),
        Err(error) => assert_readable(&error.to_string(), MAX_ERROR, "the refusal"),
    }
}

/// The manifest as TOML, without the digest of the text that it came from.
fn written(manifest: &Manifest) -> Table {
    let mut table = Table::try_from(manifest).unwrap_or_else(|e| panic!("{manifest:?} cannot be written: {e}"));
    assert!(table.remove("digest").is_some());
    table
}

/// Whatever stands in the text stands in the manifest, under the same key and with the same value but for white space and a
/// scope's one form.
fn within(text: &Value, read: &Value, place: &str) {
    match (text, read) {
        (Value::Table(text), Value::Table(read)) => {
            for (key, value) in text {
                let found = read.get(key).unwrap_or_else(|| panic!("{place}.{key} is ignored"));
                within(value, found, &format!("{place}.{key}"));
            }
        }
        (Value::Array(text), Value::Array(read)) => {
            assert_eq!(text.len(), read.len(), "{place}");
            text.iter().zip(read).for_each(|(text, read)| within(text, read, place));
        }
        (Value::String(text), Value::String(read)) if place.ends_with(".scope") => {
            assert_eq!(text.parse::<portcullis_model::scope::ScopeText>().map(String::from).as_ref(), Ok(read));
        }
        (Value::String(text), Value::String(read)) => assert_eq!(text.trim(), read, "{place}"),
        (text, read) => assert_eq!(text, read, "{place}"),
    }
}

fn read_again(manifest: &Manifest, written: &Table) {
    let text = toml::to_string(written).unwrap_or_else(|e| panic!("{manifest:?} cannot be written: {e}"));
    if text.len() > MAX_MANIFEST {
        return; // Default limits and long forms of short texts may take it over the most.
    }
    let expected = Manifest { digest: Digest::of(text.as_bytes()), ..manifest.clone() };
    match Manifest::parse(&text) {
        Ok(again) => assert_eq!(again, expected),
        Err(error) => panic!("written out it is refused: {error}\n{text}"),
    }
}

fn readable(manifest: &Manifest) {
    let scopes = manifest.scopes.iter().map(|asked| (asked.purpose.as_str(), 300));
    let egress = manifest.egress.iter().flat_map(|to| [(to.purpose.as_str(), 300), (to.operator.as_str(), 120)]);
    let schedules = manifest.schedules.iter().map(|one| (one.purpose.as_str(), 300));
    let ai = manifest.ai.iter().flat_map(|ai| [(ai.purpose.as_str(), 300), (ai.provider.as_str(), 120)]);
    let outside = manifest.retention.iter().filter_map(|kept| Some((kept.outside_purpose.as_deref()?, 300)));
    let texts = [(manifest.name.as_str(), 80), (&manifest.summary, 200), (&manifest.version, 64)];
    for (text, most) in texts.into_iter().chain(scopes).chain(egress).chain(schedules).chain(ai).chain(outside) {
        assert_readable(text, most * 4, "a text");
        assert_eq!(text.trim(), text);
        assert!(text.chars().count() <= most);
    }
    let below = manifest.id.as_str().strip_prefix(manifest.publisher.as_str());
    assert!(below.is_some_and(|rest| rest.starts_with('.')), "{} is not below {}", manifest.id, manifest.publisher);
    assert!(manifest.release > 0);
    let sent = manifest.egress.iter().flat_map(|to| &to.data).chain(manifest.ai.iter().flat_map(|ai| &ai.data));
    sent.for_each(|class| assert!(manifest.data_classes.contains(class), "{class} is sent and not declared"));
    for (at, one) in manifest.egress.iter().enumerate() {
        let mut others = manifest.egress[at + 1..].iter();
        assert!(!others.any(|other| one.host.covers(&other.host) || other.host.covers(&one.host)), "{}", one.host);
    }
    for (link, schemes) in
        [(&manifest.terms, &["https"][..]), (&manifest.privacy, &["https"]), (&manifest.support, &["https", "mailto"])]
    {
        leads_where_it_seems(link, schemes);
    }
    if let Some(maintenance) = &manifest.maintenance {
        leads_where_it_seems(&maintenance.contact, &["https", "mailto"]);
    }
}

fn leads_where_it_seems(link: &str, schemes: &[&str]) {
    assert_readable(link, 8_000, "a link");
    let url = Url::parse(link).unwrap_or_else(|e| panic!("{link:?}: {e}"));
    assert!(schemes.contains(&url.scheme()), "{link:?}");
    if url.scheme() == "https" {
        assert!(link.to_ascii_lowercase().starts_with("https://"), "{link:?}");
        assert!(!link.contains('\\') && !link.contains(char::is_whitespace), "{link:?}");
        let authority = link[8..].split(['/', '?', '#']).next().unwrap_or_default();
        assert!(!authority.is_empty() && !authority.contains('@'), "{link:?} hides its host behind a user");
    }
}
