//! Providers on this machine: an API over TLS that knows its tokens, and counts whoever comes with one that was revoked.

use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

#[derive(Debug, Default)]
struct Tokens {
    valid: HashSet<String>,
    revoked: HashSet<String>,
    minted: usize,
}

/// One provider.
#[derive(Clone)]
pub struct Upstream {
    pub name: &'static str,
    pub host: String,
    pub address: SocketAddr,
    pub ca_pem: String,
    pub latency: Duration,
    tokens: Arc<Mutex<Tokens>>,
    served: Arc<AtomicUsize>,
    revoked_uses: Arc<AtomicUsize>,
    strangers: Arc<AtomicUsize>,
}

impl Upstream {
    pub async fn start(name: &'static str, latency: Duration) -> Self {
        let host = format!("{name}.example.test");
        let (ca_pem, acceptor) = certified(&host);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Self {
            name,
            host,
            address: listener.local_addr().unwrap(),
            ca_pem,
            latency,
            tokens: Arc::default(),
            served: Arc::default(),
            revoked_uses: Arc::default(),
            strangers: Arc::default(),
        };
        let shared = upstream.clone();
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let (acceptor, upstream) = (acceptor.clone(), shared.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        upstream.serve(stream).await;
                    }
                });
            }
        });
        upstream
    }

    /// A new token.
    pub fn mint(&self) -> String {
        let mut tokens = self.tokens.lock().unwrap();
        tokens.minted += 1;
        let token = format!("{}-token-{:08}", self.name, tokens.minted);
        tokens.valid.insert(token.clone());
        token
    }

    /// From now on it counts as revoked.
    pub fn revoke(&self, token: &str) {
        let mut tokens = self.tokens.lock().unwrap();
        if tokens.valid.remove(token) {
            tokens.revoked.insert(token.to_owned());
        }
    }

    /// Requests with a valid token, with a revoked one, and with one that it never issued.
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
        (count(&self.served), count(&self.revoked_uses), count(&self.strangers))
    }

    pub fn revoked(&self) -> usize {
        self.tokens.lock().unwrap().revoked.len()
    }

    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) {
        let mut stream = BufReader::new(stream);
        loop {
            let mut token = String::new();
            loop {
                let mut line = String::new();
                match stream.read_line(&mut line).await {
                    Ok(0) | Err(_) => return,
                    Ok(_) if line == "\r\n" => break,
                    Ok(_) => {}
                }
                if let Some(value) = line.strip_prefix("authorization: Bearer ") {
                    value.trim_end().clone_into(&mut token);
                }
            }
            let status = self.judge(&token);
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 4\r\n\r\nfine");
            if stream.write_all(answer.as_bytes()).await.is_err() || stream.flush().await.is_err() {
                return;
            }
        }
    }

    fn judge(&self, token: &str) -> &'static str {
        let tokens = self.tokens.lock().unwrap();
        let (counter, status) = if tokens.valid.contains(token) {
            (&self.served, "200 OK")
        } else if tokens.revoked.contains(token) {
            (&self.revoked_uses, "401 Unauthorized")
        } else {
            (&self.strangers, "401 Unauthorized")
        };
        counter.fetch_add(1, Ordering::SeqCst);
        status
    }
}

fn certified(name: &str) -> (String, TlsAcceptor) {
    let mut ca = CertificateParams::new(vec![]).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate().unwrap();
    let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    (ca_pem, Arc::new(config).into())
}
