//! Answers for where a credential may go: to which hosts, in which header (INT-4, INT-7).
//!
//! Invariants: every credential has its own list of hosts, each an exact name: no wildcards, no addresses; a host without a
//! port means port 443 and no other; a password (`Basic`) is refused, and so is a header that the connection itself needs.

use portcullis_model::{secret::Secret, target::Target};
use serde::{Deserialize, Serialize};

use crate::headers;

const MAX_HOSTS: usize = 32;
const MAX_PREFIX: usize = 64;

/// Where a credential goes. Its JSON is what the vault's row holds as `place`, and what the seal is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Exact host names, such as `api.example.test` for port 443, or `api.example.test:8443` for that port.
    pub hosts: Vec<String>,
    /// The header's name in lower case, such as `authorization`.
    pub header: String,
    /// What stands before the secret in the header's value, such as `Bearer ` with its space.
    #[serde(default)]
    pub prefix: String,
}

impl Place {
    /// A bearer token for one host.
    pub fn bearer(host: &str) -> Self {
        Self { hosts: vec![host.to_owned()], header: "authorization".to_owned(), prefix: "Bearer ".to_owned() }
    }

    /// Reads and checks the JSON form.
    pub fn parse(json: &str) -> Result<Self, String> {
        let place: Self = serde_json::from_str(json).map_err(|error| format!("place: {error}"))?;
        place.check()?;
        Ok(place)
    }

    /// The JSON form.
    pub fn json(&self) -> String {
        serde_json::json!(self).to_string()
    }

    /// Whether requests to this target carry the credential.
    pub fn covers(&self, target: &Target) -> bool {
        let authority = target.authority();
        self.hosts.iter().any(|host| *host == authority)
    }

    /// Says in one sentence what is wrong with it, if anything.
    pub fn check(&self) -> Result<(), String> {
        if self.hosts.is_empty() || self.hosts.len() > MAX_HOSTS {
            return Err(format!("hosts: 1 to {MAX_HOSTS} are needed"));
        }
        for host in &self.hosts {
            check_host(host)?;
        }
        if !headers::is_name(&self.header) || headers::is_forbidden_for_credentials(&self.header) {
            return Err(format!("header: '{}' cannot carry a credential", self.header));
        }
        if self.prefix.len() > MAX_PREFIX || !headers::is_value(&self.prefix) {
            return Err(format!("prefix: at most {MAX_PREFIX} printable ASCII characters"));
        }
        let password = self.prefix.trim().eq_ignore_ascii_case("basic");
        if password { Err("prefix: password (Basic) access is refused; use a token".to_owned()) } else { Ok(()) }
    }

    /// Whether this secret can stand in a header's value.
    pub fn check_secret(&self, secret: &Secret) -> Result<(), String> {
        let text = std::str::from_utf8(secret.expose()).unwrap_or("\0");
        if !headers::is_value(text) || text.trim() != text {
            return Err("the secret must be printable ASCII without space around it (is there a line end?)".to_owned());
        }
        let whole = format!("{}{text}", self.prefix);
        let password = whole.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("basic "));
        if password { Err("password (Basic) access is refused; use a token".to_owned()) } else { Ok(()) }
    }
}

fn check_host(host: &str) -> Result<(), String> {
    let wrong = || format!("hosts: '{host}' is not an exact host name in lower case, with or without a port");
    let target: Target = format!("https://{host}").parse().map_err(|_| wrong())?;
    if target.to_string() == format!("https://{host}/") { Ok(()) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Target {
        text.parse().unwrap()
    }

    #[test]
    fn covers_only_the_named_host_and_port() {
        let place = Place { hosts: vec!["a.example.test".into(), "b.example.test:8443".into()], ..Place::bearer("") };
        assert_eq!(place.check(), Ok(()));
        for yes in ["https://a.example.test/x", "https://A.example.test:443/", "https://b.example.test:8443/"] {
            assert!(place.covers(&target(yes)), "{yes}");
        }
        for no in [
            "https://a.example.test:8443/",
            "https://b.example.test/",
            "https://x.a.example.test/",
            "https://a.example.test.evil.test/",
            "https://example.test/",
        ] {
            assert!(!place.covers(&target(no)), "{no}");
        }
    }

    #[test]
    fn reads_what_it_writes_and_nothing_else() {
        let place = Place::bearer("a.example.test");
        assert_eq!(Place::parse(&place.json()), Ok(place));
        assert!(Place::parse(r#"{"hosts":["a.example.test"],"header":"authorization","host":"x"}"#).is_err());
        assert!(Place::parse("").is_err());
    }

    #[test]
    fn refuses_what_reaches_too_far() {
        for host in [
            "",
            "*",
            "*.example.test",
            "127.0.0.1",
            "localhost",
            "A.example.test",
            "a.example.test/x",
            "a.example.test:443",
            "u@a.example.test",
            "a.example.test.",
            "a.example.test?x",
            "https://a.example.test",
        ] {
            assert!(Place::bearer(host).check().is_err(), "{host}");
        }
        assert!(Place { hosts: vec![], ..Place::bearer("") }.check().is_err());
        for header in ["", "Authorization", "host", "cookie", "content-length", "connection", "a b", "x\r\ny", "te"] {
            assert!(Place { header: header.into(), ..Place::bearer("a.example.test") }.check().is_err(), "{header}");
        }
        for prefix in ["Basic ", "basic", " BASIC ", "x\r\n", "Bearer\t"] {
            assert!(Place { prefix: prefix.into(), ..Place::bearer("a.example.test") }.check().is_err(), "{prefix}");
        }
    }

    #[test]
    fn refuses_a_secret_that_is_a_password_or_more_than_one_line() {
        let bare = Place { prefix: String::new(), ..Place::bearer("a.example.test") };
        for bad in ["Basic dXNlcjpwYXNz", "basic x", "token\n", "token\r\nx: y", " token", "t\u{f6}ken"] {
            assert!(bare.check_secret(&Secret::new(bad.as_bytes().to_vec())).is_err(), "{bad}");
        }
        assert!(bare.check_secret(&Secret::new(vec![0xff; 9])).is_err());
        assert_eq!(bare.check_secret(&Secret::new(b"basically-fine".to_vec())), Ok(()));
    }
}
