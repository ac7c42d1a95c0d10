//! Which targets a scope means: `https://host/path` exactly, `https://host/path/*` and below, with `*.` for one leading label of
//! the host.

use std::fmt;

use portcullis_model::target::Target;

/// The most characters that a value in the text form of scopes has.
const LONGEST: usize = 512;

/// A set of targets. A meet-semilattice under [`Pattern::meet`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern {
    host: Host,
    port: u16,
    path: Path,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Host {
    Exact(String),
    /// Any one label, then a dot and this.
    Under(String),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Path {
    Exact(String),
    /// Ends with a slash.
    Under(String),
}

impl Host {
    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == name,
            Self::Under(domain) => name.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == domain),
        }
    }

    fn meet(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Exact(a), b) | (b, Self::Exact(a)) => b.matches(a).then(|| Self::Exact(a.clone())),
            (Self::Under(a), Self::Under(b)) => (a == b).then(|| self.clone()),
        }
    }
}

impl Path {
    fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == path,
            Self::Under(prefix) => path.starts_with(prefix.as_str()),
        }
    }

    fn meet(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Exact(a), b) | (b, Self::Exact(a)) => b.matches(a).then(|| Self::Exact(a.clone())),
            (Self::Under(a), b @ Self::Under(long)) if b.as_prefix().starts_with(a.as_str()) => {
                Some(Self::Under(long.clone()))
            }
            (Self::Under(long), Self::Under(b)) => long.starts_with(b.as_str()).then(|| self.clone()),
        }
    }

    fn as_prefix(&self) -> &str {
        match self {
            Self::Exact(path) | Self::Under(path) => path,
        }
    }
}

/// A path in the one spelling that patterns know: what means something in the text form of scopes is percent-encoded, so that
/// a path never reads back as another pattern, or as two.
fn spelt(path: &str) -> String {
    path.replace(',', "%2C").replace('=', "%3D").replace('*', "%2A")
}

impl Pattern {
    /// Reads a pattern, or says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (text, any_label) = match text.strip_prefix("https://*.") {
            Some(rest) => (format!("https://{rest}"), true),
            None => (text.to_owned(), false),
        };
        let (text, below) = match text.strip_suffix("/*") {
            Some(rest) => (format!("{rest}/"), true),
            None => (text, false),
        };
        if text.contains('*') {
            return Err("to: '*' stands only as the first label of the host and at the end of the path".into());
        }
        if text.contains(['{', '}']) {
            return Err("to: '{}' stands in the log for what may be an id or a secret; write the path itself, or '/*'".into());
        }
        if text.contains('?') {
            return Err("to: a query cannot be granted; grant the path".into());
        }
        let target: Target = text.parse().map_err(|problem: String| problem.replacen("url", "to", 1))?;
        let (host, path) = (target.host().to_owned(), spelt(target.path()));
        if any_label && !host.contains('.') {
            return Err("to: '*.' needs a domain of at least two labels after it".into());
        }
        let pattern = Self {
            host: if any_label { Host::Under(host) } else { Host::Exact(host) },
            port: target.port(),
            path: if below { Path::Under(path) } else { Path::Exact(path) },
        };
        // Encoded it is longer, and as long as that it must be read back.
        match pattern.to_string().chars().count() > LONGEST {
            true => Err(format!("to: longer than {LONGEST} characters once it is encoded")),
            false => Ok(pattern),
        }
    }

    /// Just this target, whatever its query.
    pub fn exactly(target: &Target) -> Self {
        Self {
            host: Host::Exact(target.host().to_owned()),
            port: target.port(),
            path: Path::Exact(spelt(target.path())),
        }
    }

    /// The host that is meant, with `*.` in front where it is any one label and that.
    pub fn host(&self) -> String {
        match &self.host {
            Host::Exact(host) => host.clone(),
            Host::Under(domain) => format!("*.{domain}"),
        }
    }

    /// Whether the target is meant.
    pub fn matches(&self, target: &Target) -> bool {
        self.port == target.port() && self.host.matches(target.host()) && self.path.matches(&spelt(target.path()))
    }

    /// The targets that both mean.
    pub fn meet(&self, other: &Self) -> Option<Self> {
        if self.port != other.port {
            return None;
        }
        Some(Self { host: self.host.meet(&other.host)?, port: self.port, path: self.path.meet(&other.path)? })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}", self.host())?;
        if self.port != 443 {
            write!(f, ":{}", self.port)?;
        }
        match &self.path {
            Path::Exact(path) => f.write_str(path),
            Path::Under(path) => write!(f, "{path}*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(pattern: &str, url: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(&url.parse().unwrap())
    }

    #[test]
    fn means_what_it_says() {
        assert!(hits("https://a.example/x/*", "https://a.example/x/y?z=1"));
        assert!(hits("https://a.example/x/*", "https://A.EXAMPLE:443/x/../x/y"));
        assert!(!hits("https://a.example/x/*", "https://a.example/x/../y"));
        assert!(!hits("https://a.example/x/*", "https://a.example/xy"));
        assert!(!hits("https://a.example/x/*", "https://a.example:8443/x/y"));
        assert!(!hits("https://a.example/x", "https://a.example/x/y"));
        assert!(!hits("https://a.example/*", "https://a.example.evil.example/"));
        assert!(!hits("https://a.example/*", "https://b.a.example/"));
        assert!(hits("https://*.a.example/*", "https://b.a.example/"));
        assert!(!hits("https://*.a.example/*", "https://c.b.a.example/"));
        assert!(!hits("https://*.a.example/*", "https://a.example/"));
    }

    #[test]
    fn names_its_host_alone() {
        for (pattern, host) in [
            ("https://A.example:8443/x/*", "a.example"),
            ("https://*.a.example/*", "*.a.example"),
            ("https://bücher.example/", "xn--bcher-kva.example"),
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap().host(), host);
        }
    }

    #[test]
    fn a_path_is_never_read_back_as_more() {
        for url in ["https://a.example/x,https://evil.example/", "https://a.example/x/*", "https://a.example/a=b"] {
            let target: Target = url.parse().unwrap();
            let text = Pattern::exactly(&target).to_string();
            assert!(!text.contains(['*', ',', '=']), "{text}");
            let back = Pattern::parse(&text).unwrap();
            assert!(back == Pattern::exactly(&target) && back.matches(&target), "{text}");
            assert!(!back.matches(&"https://evil.example/".parse().unwrap()));
            assert!(!back.matches(&"https://a.example/x/y".parse().unwrap()));
        }
    }

    #[test]
    fn refuses_what_is_too_wide_or_unclear() {
        for text in [
            "https://*/x",
            "https://*.example/*",
            "https://a.*.example/x",
            "https://a.example/*/x",
            "https://a.example/x?y",
            "http://a.example/",
            "https://10.0.0.1/",
            "a.example",
            "*",
            "https://a.example/items/{}",
            &format!("https://a.example/{}", "\"".repeat(200)),
        ] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }
}
