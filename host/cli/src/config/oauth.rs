//! `[oauth]`: where the host is reached from outside, and for what it issues tokens.

use std::net::SocketAddr;

use anyhow::{Result, anyhow};
use portcullis_broker::authz::Settings as AuthzSettings;
use serde::Deserialize;

/// Tokens for back ends outside of the sandbox.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct OAuth {
    /// Where the host is reached from outside: `https://host.example`. Absent: `http://` and the listener, for loopback alone.
    pub issuer: Option<String>,
    /// Resource servers that tokens are issued for. Absent: the platform API, `<issuer>/api`.
    pub resources: Option<Vec<String>>,
}

impl OAuth {
    pub(super) fn check(&self) -> Result<()> {
        if let Some(issuer) = &self.issuer {
            check_issuer(issuer).map_err(|why| anyhow!("issuer: {why}"))?;
        }
        match &self.resources {
            Some(all) if all.is_empty() || all.iter().any(|one| !one.starts_with("http") || one.contains('#')) => {
                Err(anyhow!("resources: expected absolute addresses without a fragment (RFC 8707), and at least one"))
            }
            _ => Ok(()),
        }
    }

    /// The authorization server's settings, where the listener has this address. `None` where nobody could reach it safely: an
    /// issuer that is not loopback must be named, and be https (DAT-5).
    pub fn settings(&self, listen: SocketAddr) -> Option<AuthzSettings> {
        let own = || listen.ip().is_loopback().then(|| format!("http://{listen}"));
        let settings = AuthzSettings::new(self.issuer.clone().or_else(own)?);
        Some(AuthzSettings { resources: self.resources.clone().unwrap_or(settings.resources), ..settings })
    }
}

/// An issuer is an address without path, query and fragment; without TLS only on this machine.
fn check_issuer(issuer: &str) -> Result<(), &'static str> {
    let (rest, tls) = match (issuer.strip_prefix("https://"), issuer.strip_prefix("http://")) {
        (Some(rest), _) => (rest, true),
        (_, Some(rest)) => (rest, false),
        _ => return Err("expected https://host"),
    };
    let fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-:[]".contains(c);
    if rest.is_empty() || !rest.chars().all(fit) {
        return Err("expected https://host in lower case, without user, path, query and slash at its end");
    }
    let local = rest.parse::<SocketAddr>().is_ok_and(|address| address.ip().is_loopback());
    if tls || local { Ok(()) } else { Err("expected https; http is for 127.0.0.1:PORT and [::1]:PORT alone (DAT-5)") }
}
