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

/// A connector that trusts the public roots.
pub(crate) fn public() -> Result<TlsConnector, String> {
    connector(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect())
}

/// A connector that trusts the certificates in this PEM text, and nothing else.
pub(crate) fn private(pem: &str) -> Result<TlsConnector, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| format!("the CA's PEM text: {error}"))?;
        roots.add(certificate).map_err(|error| format!("the CA's certificate: {error}"))?;
    }
    if roots.is_empty() {
        return Err("the CA's PEM text holds no certificate".to_owned());
    }
    connector(roots)
}

#[expect(clippy::disallowed_methods, reason = "this is the place")]
fn connector(roots: RootCertStore) -> Result<TlsConnector, String> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config).into())
}
