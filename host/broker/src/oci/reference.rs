//! Answers for what is meant by `oci://host[:port]/repository[:tag][@sha256:digest]`.
//!
//! Invariant: repository and tag have the forms of the OCI distribution specification (1.1, "Pulling manifests"), so that they
//! can stand in a path as they are.

use std::fmt;

use portcullis_model::{audit::plain, id::Digest};

use super::{OciError, Origin};

const SCHEME: &str = "oci://";
const MAX_REPOSITORY: usize = 255;
const MAX_TAG: usize = 128;

/// Something in a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    origin: Origin,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Reference {
    /// Reads one. `plain_http` is the word of whoever gave it that the registry is spoken to in plain HTTP, which is refused
    /// for any host but this machine.
    pub fn parse(text: &str, plain_http: bool) -> Result<Self, OciError> {
        Self::read(text, plain_http).map_err(|problem| OciError::Reference { text: plain(text), problem })
    }

    fn read(text: &str, plain_http: bool) -> Result<Self, String> {
        let rest = text.strip_prefix(SCHEME).ok_or_else(|| format!("it does not begin with '{SCHEME}'"))?;
        let (authority, path) = rest.split_once('/').ok_or("there is no repository in it")?;
        let origin = Origin::parse(authority, plain_http)?;
        let (path, digest) = match path.split_once('@') {
            None => (path, None),
            Some((path, text)) => {
                let digest = text.parse::<Digest>().ok().filter(|digest| digest.to_string() == text);
                (path, Some(digest.ok_or("what stands after '@' is not 'sha256:' and 64 hexadecimal digits")?))
            }
        };
        let (repository, tag) = match path.split_once(':') {
            None => (path, None),
            Some((path, tag)) => (path, Some(tag.to_owned())),
        };
        if repository.len() > MAX_REPOSITORY || !repository.split('/').all(is_part) {
            return Err(format!(
                "a repository is parts of a-z, 0-9 and single '.', '_' or '-' between them, with '/' between the parts, at \
                 most {MAX_REPOSITORY} characters"
            ));
        }
        if tag.as_deref().is_some_and(|tag| !is_tag(tag)) {
            return Err(format!("a tag is 1 to {MAX_TAG} of A-Z a-z 0-9 . _ - and begins with none of '.' and '-'"));
        }
        Ok(Self { origin, repository: repository.to_owned(), tag, digest })
    }

    /// Which registry.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Which repository.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Which tag, if one is named.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Which manifest, if it is named by its digest. That is then what is meant, whatever the tag.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The same repository, and this manifest in it.
    #[must_use]
    pub fn at(&self, digest: Digest) -> Self {
        Self { tag: None, digest: Some(digest), ..self.clone() }
    }

    /// The same repository, and this tag in it.
    pub fn tagged(&self, tag: &str) -> Result<Self, OciError> {
        if !is_tag(tag) {
            let problem = "that cannot be a tag".to_owned();
            return Err(OciError::Reference { text: plain(&format!("{self}:{tag}")), problem });
        }
        Ok(Self { tag: Some(tag.to_owned()), digest: None, ..self.clone() })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.origin.authority(), self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_part(part: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let gap = |gap: &str| matches!(gap, "." | "_" | "__") || gap.bytes().all(|b| b == b'-');
    part.starts_with(word) && part.ends_with(word) && part.split(word).filter(|gap| !gap.is_empty()).all(gap)
}

fn is_tag(tag: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    tag.len() <= MAX_TAG
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|b| word(b) || b == b'.' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let digest = Digest::of(b"x");
        for text in [
            "oci://registry.example.test/acme/card-guard:1.2.0".to_owned(),
            "oci://registry.example.test:8443/a/b__c/d--e.f_g".to_owned(),
            format!("oci://registry.example.test/a@{digest}"),
            format!("oci://registry.example.test/a:v1@{digest}"),
        ] {
            assert_eq!(Reference::parse(&text, false).unwrap().to_string(), text);
        }
        let local = Reference::parse("oci://127.0.0.1:5000/a:1", true).unwrap();
        assert_eq!((local.repository(), local.tag(), local.digest()), ("a", Some("1"), None));
        assert_eq!(local.at(digest).to_string(), format!("oci://127.0.0.1:5000/a@{digest}"));
        assert_eq!(local.tagged("2").unwrap().tag(), Some("2"));
        assert!(local.tagged("1.0.0+x").is_err());
    }

    #[test]
    fn refuses_what_would_mean_something_else_in_a_path() {
        let hex = Digest::of(b"x").hex().to_uppercase();
        for (text, problem) in [
            ("registry.example.test/a:1", "does not begin with 'oci://'"),
            ("oci://registry.example.test", "no repository"),
            ("oci:///a", "no host"),
            ("oci://u:p@h.test/a", "no host"),
            ("oci://h.test/", "a repository is"),
            ("oci://h.test/../a", "a repository is"),
            ("oci://h.test/a/../b", "a repository is"),
            ("oci://h.test/a//b", "a repository is"),
            ("oci://h.test/A", "a repository is"),
            ("oci://h.test/a___b", "a repository is"),
            ("oci://h.test/a?x=y", "a repository is"),
            ("oci://h.test/a%2fb", "a repository is"),
            ("oci://h.test/a:", "a tag is"),
            ("oci://h.test/a:../x", "a tag is"),
            ("oci://h.test/a:.x", "a tag is"),
            ("oci://h.test/a:b?c", "a tag is"),
            ("oci://h.test/a@sha256:00", "64 hexadecimal digits"),
            (&format!("oci://h.test/a@sha256:{hex}"), "64 hexadecimal digits"),
            (&format!("oci://h.test/{}", "a".repeat(256)), "a repository is"),
            (&format!("oci://h.test/a:{}", "a".repeat(129)), "a tag is"),
        ] {
            let error = Reference::parse(text, false).unwrap_err().to_string();
            assert!(error.contains(problem), "{text}: {error}");
        }
        let error = Reference::parse("oci://h.test/a:1", true).unwrap_err().to_string();
        assert!(error.contains("this very machine only"), "{error}");
    }
}
