//! Where an outbound request goes: one canonical form, made once, that the grant is matched against and that is connected
//! to. There is no second parser to disagree with.
//!
//! Invariants: `https` only; a host name, never an address in any of its spellings; no user, no password, no fragment; the path
//! has no dot segments, no encoded separators and no backslashes; what is printed is read back as the same target.

use std::{borrow::Cow, fmt, str::FromStr};

use url::{Host, Url};

const MAX_LENGTH: usize = 8 * 1024;

/// A canonical target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    host: String,
    port: u16,
    path: String,
    query: Option<String>,
}

impl Target {
    /// The host name, in lower case, punycode where needed, without a trailing dot.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port; 443 where the URL has none.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The path, from its first slash.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The path with `{}` in place of what may be an id or a secret: what a log may keep of it.
    pub fn template(&self) -> String {
        crate::template::of(&self.path)
    }

    /// The host, and the port where it is not 443: what stands in a request's `Host` (RFC 9110, 7.2).
    pub fn authority(&self) -> Cow<'_, str> {
        match self.port {
            443 => Cow::Borrowed(&self.host),
            port => Cow::Owned(format!("{}:{port}", self.host)),
        }
    }

    /// The path, and the query where there is one: what stands in a request's first line (origin form; RFC 9112, 3.2.1).
    pub fn path_and_query(&self) -> Cow<'_, str> {
        match &self.query {
            None => Cow::Borrowed(&self.path),
            Some(query) => Cow::Owned(format!("{}?{query}", self.path)),
        }
    }

    /// The same without its query, which may hold a secret.
    #[must_use]
    pub fn without_query(&self) -> Self {
        Self { query: None, ..self.clone() }
    }

    /// The origin: scheme, host, and the port where it is not 443.
    pub fn origin(&self) -> String {
        format!("https://{}", self.authority())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}{}", self.authority(), self.path_and_query())
    }
}

impl FromStr for Target {
    type Err = String;

    /// Canonicalises, or says in one sentence what is wrong. The text itself is not repeated: it may hold a secret.
    fn from_str(text: &str) -> Result<Self, String> {
        let fail = |what: &str| Err(format!("url: {what}"));
        if text.len() > MAX_LENGTH {
            return fail("longer than 8 KiB");
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
            return fail("white space, control characters and backslashes are not allowed");
        }
        if !text.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://")) {
            return fail("must begin with 'https://'");
        }
        let Ok(url) = Url::parse(text) else { return fail("cannot be read") };
        if !url.username().is_empty() || url.password().is_some() {
            return fail("must not carry a user or password");
        }
        let authority = text[8..].split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return fail("must not carry a user or password");
        }
        // Some readers skip further slashes and find a host after them, others find none.
        if authority.is_empty() {
            return fail("must name a host right after 'https://'");
        }
        if url.fragment().is_some() {
            return fail("must not have a fragment");
        }
        let host = match url.host() {
            Some(Host::Domain(name)) => name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase(),
            Some(_) => return fail("must name a host; addresses are not allowed"),
            None => return fail("must name a host"),
        };
        if !name_is_fine(&host) {
            return fail("the host is not a public DNS name");
        }
        let path = url.path();
        let lower = text[8..].split('?').next().unwrap_or_default().to_ascii_lowercase();
        if ["%2e", "%2f", "%5c", "%00"].iter().any(|bad| lower.contains(bad)) {
            return fail("the path must not hold encoded dots, slashes, backslashes or zero bytes");
        }
        let port = url.port().unwrap_or(443);
        if port == 0 {
            return fail("port 0 cannot be connected to");
        }
        let target = Self { host, port, path: path.to_owned(), query: url.query().map(str::to_owned) };
        // Encoding makes text longer; what is printed must be readable again.
        match target.to_string().len() {
            0..=MAX_LENGTH => Ok(target),
            _ => fail("longer than 8 KiB once it is encoded"),
        }
    }
}

fn name_is_fine(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
    };
    let last_is_number = host.rsplit('.').next().is_some_and(|l| l.bytes().all(|b| b.is_ascii_digit()));
    host.len() <= 253 && host.contains('.') && host.split('.').all(label) && !last_is_number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_for_all_spellings() {
        for (text, canonical) in [
            ("https://Chat.Example.TEST/a", "https://chat.example.test/a"),
            ("https://chat.example.test:443", "https://chat.example.test/"),
            ("https://chat.example.test./a?b=c", "https://chat.example.test/a?b=c"),
            ("HTTPS://chat.example.test/a/../b/./c", "https://chat.example.test/b/c"),
            ("https://bücher.example/x", "https://xn--bcher-kva.example/x"),
            ("https://chat.example.test:8443/x", "https://chat.example.test:8443/x"),
        ] {
            assert_eq!(text.parse::<Target>().map(|t| t.to_string()).as_deref(), Ok(canonical), "{text}");
        }
    }

    #[test]
    fn refuses_what_could_be_two_things() {
        for text in [
            "http://chat.example.test/",
            "https:/chat.example.test/",
            "https:\\\\chat.example.test/",
            "//chat.example.test/",
            "https://user@chat.example.test/",
            "https://user:pass@chat.example.test/",
            "https://@chat.example.test/",
            "https://chat.example.test/#x",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://[::1]/",
            "https://[::ffff:169.254.169.254]/",
            "https://169.254.169.254/latest/meta-data/",
            "https://１２７.0.0.1/",
            "https://localhost/",
            "https://chat.example.test\\@evil.example/",
            "https://chat.example.test/a%2f..%2fb",
            "https://chat.example.test/%2e%2e/b",
            "https://chat.example.test/a b",
            "https://chat.example.test/a\r\nHost: evil.example",
            "https:///x",
            "https:///evil.example/",
            "https:////evil.example/x",
            "https://?@evil.example/",
            "https://chat.example.test:0/",
            "https://a..b/",
            "https://",
            "file:///etc/passwd",
            "",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_printed_can_be_read_again_however_long_it_became() {
        let of = |times: usize| format!("https://chat.example.test/{}", "ü".repeat(times)).parse::<Target>();
        let longest = of(1_361).unwrap().to_string();
        assert_eq!(longest.len(), 8_192);
        assert_eq!(longest.parse::<Target>().unwrap().to_string(), longest);
        assert_eq!(of(1_362).unwrap_err(), "url: longer than 8 KiB once it is encoded");
    }
}
