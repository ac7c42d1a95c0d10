//! A server that does not play by the rules. It speaks TLS, reads each request byte by byte, keeps it as it came, and answers
//! with whatever bytes its path asks for.

use std::{
    fs,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
#[cfg(target_os = "linux")]
use thread_priority::{
    NormalThreadSchedulePolicy::Idle, ThreadPriority, ThreadSchedulePolicy::Normal, set_thread_priority_and_policy,
    thread_native_id,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::answers;

pub type Stream = TlsStream<TcpStream>;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// The request line.
    pub line: String,
    /// The header lines.
    pub headers: Vec<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Arrived {
    /// The target of the request line.
    pub fn target(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }

    /// The values of a header.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let values = self.headers.iter().filter_map(|line| line.split_once(':'));
        values.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
    }
}

/// The server. Every host name under `example.test` that the configuration names leads to it.
pub struct Rogue {
    address: SocketAddr,
    ca: std::path::PathBuf,
    arrived: Arc<Mutex<Vec<Arrived>>>,
}

impl Rogue {
    /// The name that guests may send to.
    pub const HOST: &'static str = "api.example.test";
    /// Names that they may not send to, and that lead here all the same: what arrives under them got out.
    const OTHERS: [&'static str; 2] = ["other.example.test", "evil.example.test"];

    /// Starts one; it keeps its certificate in this directory.
    pub async fn start(dir: &std::path::Path) -> Self {
        let (ca_pem, acceptor) = certified();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let ca = dir.join("rogue-ca.pem");
        fs::write(&ca, ca_pem).unwrap();
        let arrived: Arc<Mutex<Vec<Arrived>>> = Arc::default();
        let kept = arrived.clone();
        // It stands for another machine: on a thread of its own, which leaves the processor to the host.
        std::thread::spawn(move || {
            #[cfg(target_os = "linux")]
            set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, Normal(Idle)).unwrap();
            let alone = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            alone.block_on(async { serve(TcpListener::from_std(listener).unwrap(), &acceptor, &kept).await });
        });
        Self { address, ca, arrived }
    }

    /// The lines of a host's configuration that lead here.
    pub fn config(&self) -> String {
        let one = |host: &str| {
            format!(
                "[[egress.private]]\nhost = \"{host}\"\naddress = \"{}\"\nca-file = \"{}\"\n",
                self.address,
                self.ca.display()
            )
        };
        Self::OTHERS.iter().chain(&[Self::HOST]).map(|host| one(host)).collect()
    }

    /// What has arrived since the last time.
    pub fn take(&self) -> Vec<Arrived> {
        std::mem::take(&mut *self.arrived.lock().unwrap())
    }
}

async fn serve(listener: TcpListener, acceptor: &TlsAcceptor, kept: &Arc<Mutex<Vec<Arrived>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, kept) = (acceptor.clone(), kept.clone());
        tokio::spawn(async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            while let Some(request) = read(&mut stream).await {
                kept.lock().unwrap().push(request.clone());
                if answers::answer(&mut stream, &request).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// Reads one request; `None` where the connection ends.
async fn read(stream: &mut Stream) -> Option<Arrived> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let mut lines = text.trim_end_matches("\r\n").split("\r\n").map(str::to_owned);
    let (line, headers) = (lines.next()?, lines.collect());
    let mut request = Arrived { line, headers, body: Vec::new() };
    let length = request.all("content-length").first().and_then(|value| value.parse().ok()).unwrap_or(0usize);
    request.body = vec![0; length];
    stream.read_exact(&mut request.body).await.ok()?;
    Some(request)
}

/// Writes and sends at once.
pub async fn say(stream: &mut Stream, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
    stream.write_all(bytes.as_ref()).await?;
    stream.flush().await
}

/// An authority of its own, and a certificate from it for all names.
fn certified() -> (String, TlsAcceptor) {
    let ca_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_pem = params.self_signed(&ca_key).unwrap().pem();
    let issuer = Issuer::new(params, ca_key);
    let key = KeyPair::generate().unwrap();
    let names = ["*.example.test", "*.rebind.example.test"].map(str::to_owned).to_vec();
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    (ca_pem, Arc::new(config).into())
}
