//! The server on the other side, and plain hyper as its client.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    server,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    version::{TLS12, TLS13},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// The server's name.
pub const HOST: &str = "far.bench.test";
/// Bytes of an answer's body.
pub const ANSWER: usize = 1024;

/// The server.
pub struct Far {
    /// Where it listens.
    pub address: SocketAddr,
    /// Who signed its certificate.
    pub ca_pem: String,
}

impl Far {
    /// Starts it.
    pub async fn start() -> Result<Self> {
        let mut ca = CertificateParams::new(vec![])?;
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let (ca_key, key) = (KeyPair::generate()?, KeyPair::generate()?);
        let ca_pem = ca.self_signed(&ca_key)?.pem();
        let certificate = CertificateParams::new(vec![HOST.to_owned()])?.signed_by(&key, &Issuer::new(ca, ca_key))?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let acceptor: TlsAcceptor = Arc::new(config).into();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(acceptor.clone(), stream));
            }
        });
        Ok(Self { address, ca_pem })
    }
}

async fn serve(acceptor: TlsAcceptor, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let answer = Bytes::from(vec![b'x'; ANSWER]);
    let answer = service_fn(move |request: Request<Incoming>| {
        let answer = answer.clone();
        async move {
            request.into_body().collect().await?;
            anyhow::Ok(Response::builder().header("content-type", "text/plain").body(Full::new(answer))?)
        }
    });
    let _ = server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
}

/// Plain hyper, with connections that are open.
pub struct Plain {
    connections: Vec<Arc<tokio::sync::Mutex<SendRequest<Full<Bytes>>>>>,
}

impl Plain {
    /// Opens so many connections.
    #[expect(clippy::disallowed_methods, reason = "what the one HTTP client is measured against")]
    pub async fn open(far: &Far, count: usize) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(far.ca_pem.as_bytes())?)?;
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&TLS13, &TLS12])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector: TlsConnector = Arc::new(config).into();
        let mut connections = Vec::new();
        for _ in 0..count {
            let stream = TcpStream::connect(far.address).await?;
            stream.set_nodelay(true)?;
            let stream = connector.connect(ServerName::try_from(HOST)?, stream).await?;
            let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            connections.push(Arc::new(tokio::sync::Mutex::new(sender)));
        }
        Ok(Self { connections })
    }

    /// Each connection sends so many, one after the other. Gives the time that all took.
    pub async fn send(&self, each: usize) -> Result<Duration> {
        let one = |connection: &Arc<tokio::sync::Mutex<SendRequest<Full<Bytes>>>>| {
            let connection = connection.clone();
            async move {
                let mut sender = connection.lock().await;
                for _ in 0..each {
                    let request = Request::post("/v1/items")
                        .header("host", HOST)
                        .header("content-type", "application/json")
                        .header("user-agent", "bench")
                        .header("accept-encoding", "identity")
                        .header("authorization", "Bearer xoxb-1234567890-abcdefghij")
                        .body(Full::new(Bytes::from(super::host::BODY.to_vec())))?;
                    sender.ready().await?;
                    let answer = sender.send_request(request).await.context("plain hyper")?;
                    ensure!(answer.status() == 200, "{}", answer.status());
                    ensure!(answer.into_body().collect().await?.to_bytes().len() == ANSWER, "another answer");
                }
                Ok(())
            }
        };
        super::timed(self.connections.iter().map(one).collect()).await
    }
}
