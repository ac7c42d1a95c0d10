//! Answers for whom the host believes to be who they say: TLS 1.2 or 1.3 by rustls with ring.
//!
//! Public hosts are checked against the roots that are compiled in (webpki-roots: Mozilla's list), not against the
//! machine's: what a request may trust is then the same on every machine, and a root that somebody added to a machine (an
//! inspecting proxy's, say) does not come to see credentials. An operator who needs another root names it, for one host.
//!
//! Invariants: the roots of a private host are trusted for that host only, and replace the public ones there; there is no
//! switch that turns a check off; sessions are not resumed, so that no two installations share one.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
    version::{TLS12, TLS13},
};
use tokio_rustls::TlsConnector;

/// What is spoken over a connection: HTTP/1.1, and a server that wants another protocol is none for us.
const HTTP: &[&[u8]] = &[b"http/1.1"];

/// A connector that trusts the public roots.
pub(crate) fn public() -> Result<TlsConnector, String> {
    connector(public_roots(), HTTP)
}

/// A connector for syslog, which has no name among protocols: it trusts these certificates alone, or the public roots.
pub(crate) fn line(pem: Option<&str>) -> Result<TlsConnector, String> {
    connector(pem.map_or_else(|| Ok(public_roots()), named_roots)?, &[])
}

fn public_roots() -> RootCertStore {
    webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()
}

/// A connector that trusts the certificates in this PEM text, and nothing else.
pub(crate) fn private(pem: &str) -> Result<TlsConnector, String> {
    connector(named_roots(pem)?, HTTP)
}

fn named_roots(pem: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| format!("the CA's PEM text: {error}"))?;
        roots.add(certificate).map_err(|error| format!("the CA's certificate: {error}"))?;
    }
    if roots.is_empty() {
        return Err("the CA's PEM text holds no certificate".to_owned());
    }
    Ok(roots)
}

#[expect(clippy::disallowed_methods, reason = "this is the place")]
fn connector(roots: RootCertStore, protocols: &[&[u8]]) -> Result<TlsConnector, String> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config).into())
}
