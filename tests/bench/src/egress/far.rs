//! The server on the other side, and plain hyper as its client.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, anyhow, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, Response,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    server,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use portcullis_model::egress::MAX_BODY;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    version::{TLS12, TLS13},
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::Took;

/// The server's name.
pub const HOST: &str = "far.bench.test";
/// How long a client waits, as the door does by default.
const PATIENCE: Duration = Duration::from_secs(30);

/// What it answers: about a kilobyte of JSON.
pub fn answer() -> String {
    let one = |id: usize| format!(r#"{{"id":{},"subject":"Printer on fire","tags":["hardware","urgent"]}}"#, 1042 + id);
    format!(r#"{{"items":[{}],"next":null}}"#, (0..15).map(one).collect::<Vec<_>>().join(","))
}

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
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let acceptor: TlsAcceptor = Arc::new(config).into();
        let (tells, told) = std::sync::mpsc::channel();
        std::thread::Builder::new().name("far".to_owned()).spawn(move || tells.send(listen(listener, acceptor)))?;
        // It ends only where it could not begin.
        match told.recv_timeout(Duration::from_millis(100)) {
            Ok(ended) => Err(ended.err().unwrap_or_else(|| anyhow!("the server ended"))),
            Err(_) => Ok(Self { address, ca_pem }),
        }
    }
}

/// Serves in a runtime of its own: what answers a host is never woken by the host's own scheduler.
fn listen(listener: std::net::TcpListener, acceptor: TlsAcceptor) -> Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async move {
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(serve(acceptor.clone(), stream));
        }
    })
}

async fn serve(acceptor: TlsAcceptor, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let answer = Bytes::from(answer());
    let answer = service_fn(move |request: Request<Incoming>| {
        let answer = answer.clone();
        async move {
            request.into_body().collect().await?;
            anyhow::Ok(Response::builder().header("content-type", "application/json").body(Full::new(answer))?)
        }
    });
    let _ = server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
}

type Sender = SendRequest<Full<Bytes>>;

/// Plain hyper, with connections that are open.
pub struct Plain {
    idle: Mutex<Vec<Sender>>,
    count: usize,
    answer: usize,
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
        let mut idle = Vec::new();
        for _ in 0..count {
            let stream = TcpStream::connect(far.address).await?;
            stream.set_nodelay(true)?;
            let stream = connector.connect(ServerName::try_from(HOST)?, stream).await?;
            let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            idle.push(sender);
        }
        Ok(Self { idle: Mutex::new(idle), count, answer: answer().len() })
    }

    /// Each connection sends so many, one after the other.
    pub async fn send_bare(self: &Arc<Self>, each: usize) -> Result<Took> {
        self.send(move |plain| async move {
            let mut sender = plain.take()?;
            for _ in 0..each {
                plain.exchange(&mut sender).await?;
            }
            plain.put(sender);
            Ok(())
        })
        .await
    }

    /// The same, each request over a connection out of the pool and within its time.
    pub async fn send_as_client(self: &Arc<Self>, each: usize) -> Result<Took> {
        self.send(move |plain| async move {
            for _ in 0..each {
                let mut sender = plain.take()?;
                timeout(PATIENCE, plain.exchange(&mut sender)).await??;
                plain.put(sender);
            }
            Ok(())
        })
        .await
    }

    async fn send<F>(self: &Arc<Self>, one: impl Fn(Arc<Self>) -> F) -> Result<Took>
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        super::timed((0..self.count).map(|_| one(self.clone())).collect()).await
    }

    async fn exchange(&self, sender: &mut Sender) -> Result<()> {
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
        let body = Limited::new(answer.into_body(), MAX_BODY).collect().await.map_err(|error| anyhow!(error))?;
        ensure!(body.to_bytes().len() == self.answer, "another answer");
        Ok(())
    }

    fn take(&self) -> Result<Sender> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().context("no connection waits")
    }

    fn put(&self, sender: Sender) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
    }
}
