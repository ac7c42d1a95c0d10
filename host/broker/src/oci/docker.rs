//! Answers for the credentials in a file of Docker's form (`config.json`), which other tools write too.
//!
//! Invariants: an entry counts for exactly the registry that it names; no program that the file names is run.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use portcullis_model::{audit::plain, secret::Secret};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{OciError, Origin, credentials::Credentials};

/// The longest such file, in bytes.
pub const MAX_CONFIG: usize = 256 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
    #[serde(default)]
    creds_store: Option<String>,
    #[serde(default)]
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
struct Entry {
    #[serde(default)]
    auth: String,
    #[serde(default, rename = "identitytoken")]
    identity: String,
}

/// The credentials that the file has for this registry.
pub fn credentials(text: &str, registry: &Origin) -> Result<Credentials, OciError> {
    let host = registry.authority();
    let wrong = |problem: &str| OciError::Credentials { host: host.clone(), problem: plain(problem) };
    if text.len() > MAX_CONFIG {
        return Err(wrong(&format!("the file is larger than {MAX_CONFIG} bytes")));
    }
    // Not serde's words: they can quote the file.
    let file: File = serde_json::from_str(text).map_err(|error| {
        wrong(&format!("line {} of the file is not of the form of Docker's config.json", error.line()))
    })?;
    let Some((_, entry)) = file.auths.iter().find(|(name, _)| means(name, registry)) else {
        let helper = file.creds_store.is_some() || file.cred_helpers.keys().any(|name| means(name, registry));
        return Err(wrong(if helper {
            "the file names a helper program, which is not run; give --username and the secret on standard input"
        } else {
            "the file has no entry in 'auths' for it"
        }));
    };
    if !entry.identity.is_empty() {
        return Err(wrong("the entry holds an identity token, which is not used here; give --username"));
    }
    let unfit = || wrong("the entry's 'auth' is not base64 of 'user:password'");
    let pair = Zeroizing::new(STANDARD.decode(entry.auth.trim()).map_err(|_| unfit())?);
    let at = pair.iter().position(|byte| *byte == b':').ok_or_else(unfit)?;
    let name = std::str::from_utf8(&pair[..at]).map_err(|_| unfit())?;
    Credentials::new(&host, name, Secret::new(pair[at + 1..].to_vec()))
}

/// Entries are a host and port, or a URL whose path says nothing.
fn means(name: &str, registry: &Origin) -> bool {
    let authority = name.strip_prefix("https://").or_else(|| name.strip_prefix("http://")).unwrap_or(name);
    let authority = authority.split('/').next().unwrap_or_default();
    Origin::parse(authority, registry.is_plain()).is_ok_and(|origin| origin == *registry)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, host: &str) -> Result<String, String> {
        let origin = Origin::parse(host, false).unwrap();
        let credentials = credentials(text, &origin).map_err(|error| error.to_string())?;
        Ok(credentials.basic().unwrap().to_str().unwrap().to_owned())
    }

    #[test]
    fn an_entry_counts_for_its_own_registry() {
        let file = r#"{"auths": {
            "a.test": {"auth": "dTpw"}, "https://b.test/v1/": {"auth": "dTpwOnE=", "email": "x"},
            "c.test:8443": {"auth": "dTpw"}, "d.test": {"auth": "", "identitytoken": "secret-token"},
            "e.test": {"auth": "c2VjcmV0"}, "f.test": {"auth": "?"}}, "credsStore": "desktop", "HttpHeaders": {}}"#;
        assert_eq!(found(file, "a.test").unwrap(), "Basic dTpw");
        assert_eq!(found(file, "b.test").unwrap(), "Basic dTpwOnE=", "a password may hold a colon");
        assert_eq!(found(file, "c.test:8443").unwrap(), "Basic dTpw");
        for (host, problem) in [
            ("c.test", "helper program, which is not run"),
            ("x.a.test", "helper program"),
            ("d.test", "identity token"),
            ("e.test", "not base64 of 'user:password'"),
            ("f.test", "not base64 of 'user:password'"),
        ] {
            let error = found(file, host).unwrap_err();
            assert!(error.contains(problem), "{host}: {error}");
            assert!(!error.contains("secret-token") && !error.contains("c2VjcmV0"), "{error}");
        }
        assert!(found("{}", "a.test").unwrap_err().contains("no entry in 'auths'"));
        let error = found("{\n\"auths\": {\"a.test\": \"secret\"}}", "a.test").unwrap_err();
        assert!(error.contains("line 2 of the file") && !error.contains("secret"), "{error}");
        assert!(found(&" ".repeat(MAX_CONFIG + 1), "a.test").unwrap_err().contains("larger than"));
    }
}
