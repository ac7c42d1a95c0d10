//! Answers for which server is meant: scheme, host and port, in one canonical form.
//!
//! Invariants: `https`, or plain HTTP at a loopback host; no user, no password; two origins are equal exactly if requests to
//! them go to the same place.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::{Host, Position, Url};

use super::OciError;

/// A server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    plain: bool,
    host: Host<String>,
    port: u16,
}

impl Origin {
    /// The server of a URL. The error says in a few words what is wrong.
    pub(super) fn of(url: &Url) -> Result<Self, &'static str> {
        let host = url.host().ok_or("it has no host")?.to_owned();
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it carries a user or a password");
        }
        let plain = match url.scheme() {
            "https" => false,
            "http" if is_loopback(&host) => true,
            "http" => return Err("plain HTTP is spoken to this very machine only"),
            _ => return Err("it is neither https nor http"),
        };
        let port = url.port_or_known_default().filter(|port| *port != 0).ok_or("port 0 is none")?;
        Ok(Self { plain, host, port })
    }

    /// Reads `host` or `host:port`.
    pub(super) fn parse(authority: &str, plain: bool) -> Result<Self, String> {
        let odd = |c: char| c.is_whitespace() || c.is_control() || "/\\?#@%".contains(c);
        if authority.is_empty() || authority.contains(odd) {
            return Err("there is no host in it".to_owned());
        }
        let scheme = if plain { "http" } else { "https" };
        let url = Url::parse(&format!("{scheme}://{authority}/")).map_err(|error| format!("host: {error}"))?;
        Self::of(&url).map_err(str::to_owned)
    }

    /// Whether it is spoken to in plain HTTP.
    pub(super) fn is_plain(&self) -> bool {
        self.plain
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Its address, where it was named by one.
    pub(super) fn address(&self) -> Option<IpAddr> {
        match &self.host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some((*address).into()),
            Host::Ipv6(address) => Some((*address).into()),
        }
    }

    /// Where it is, if that needs no look-up: `localhost` is this machine whatever a name server says (RFC 6761, 6.3).
    pub(super) fn known(&self) -> Option<Vec<SocketAddr>> {
        let addresses = match &self.host {
            Host::Domain(name) if name == "localhost" => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            _ => vec![self.address()?],
        };
        Some(addresses.into_iter().map(|address| SocketAddr::new(address, self.port)).collect())
    }

    /// The host's name or address, without brackets.
    pub(super) fn name(&self) -> String {
        self.address().map_or_else(|| self.host.to_string(), |address| address.to_string())
    }

    /// `host`, or `host:port` where the port is not the scheme's own.
    pub fn authority(&self) -> String {
        match (self.plain, self.port) {
            (false, 443) | (true, 80) => self.host.to_string(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }

    /// A path on this server, perhaps with a query.
    pub(super) fn url(&self, path: &str) -> Result<Url, OciError> {
        let scheme = if self.plain { "http" } else { "https" };
        let url = Url::parse(&format!("{scheme}://{}{path}", self.authority()));
        url.map_err(|error| OciError::form("a path in the registry", error.to_string()))
    }
}

/// What stands in a request's first line.
pub(super) fn path_and_query(url: &Url) -> &str {
    &url[Position::BeforePath..Position::AfterQuery]
}

fn is_loopback(host: &Host<String>) -> bool {
    match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_for_one_server() {
        let origin = |text: &str| Origin::parse(text, false).unwrap();
        assert_eq!(origin("Registry.Example.TEST:443"), origin("registry.example.test"));
        assert_eq!(origin("0x7f.1").authority(), "127.0.0.1");
        assert_eq!(origin("[::1]:5000").name(), "::1");
        assert_eq!(origin("[::1]:5000").authority(), "[::1]:5000");
        assert_ne!(origin("a.test"), origin("a.test:8443"));
        assert_ne!(Origin::parse("localhost:443", true).unwrap(), origin("localhost"));
        assert_eq!(origin("a.test:8443").url("/v2/x?y=z").unwrap().as_str(), "https://a.test:8443/v2/x?y=z");
        assert_eq!(path_and_query(&origin("a.test").url("/v2/x?y=z").unwrap()), "/v2/x?y=z");
    }

    #[test]
    fn plain_http_is_for_loopback_alone() {
        for loopback in ["localhost:5000", "127.0.0.1:5000", "127.3.2.1", "[::1]:80", "0x7f.1"] {
            assert!(Origin::parse(loopback, true).is_ok(), "{loopback}");
        }
        for other in
            ["a.test", "localhost.a.test", "10.0.0.1", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]", "169.254.169.254"]
        {
            let error = Origin::parse(other, true).unwrap_err();
            assert!(error.contains("this very machine"), "{other}: {error}");
        }
        for odd in ["", "a b", "user@a.test", "a.test/x", "a.test:0", "a.test:99999", "a%2eb", "a.test?x"] {
            assert!(Origin::parse(odd, false).is_err(), "{odd}");
        }
        for odd in ["ftp://a.test/", "https://user@a.test/", "https://u:p@a.test/", "http://a.test/"] {
            assert!(Origin::of(&Url::parse(odd).unwrap()).is_err(), "{odd}");
        }
    }
}
