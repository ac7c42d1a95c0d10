//! A far server, on loopback: what plugins send to by HTTPS. It keeps what arrives.
//!
//! It is not public, so a host reaches it only by the operator's explicit word in the configuration.

use std::{
    convert::Infallible,
    fs,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// Its method.
    pub method: String,
    /// Its path and query.
    pub path: String,
    /// Its headers, in order.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

impl Arrived {
    /// All values of a header.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }
}

/// The server. Paths: `/never` does not answer, `/slow` takes [`Far::SLOW`], `/redirect` sends away, `/big` is too long, `/reflect` gives back the
/// credential that it got; any other answers `fine`.
pub struct Far {
    address: SocketAddr,
    dir: TempDir,
    arrived: Arc<Mutex<Vec<Arrived>>>,
}

impl Far {
    /// The name under which plugins know it.
    pub const HOST: &'static str = "api.example.test";
    /// Another name that leads to it.
    pub const OTHER: &'static str = "other.example.test";

    /// How long `/slow` takes.
    pub const SLOW: Duration = Duration::from_secs(4);

    /// Starts one.
    pub async fn start() -> Self {
        let (ca_pem, acceptor) = certified();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let far = Self {
            address: listener.local_addr().unwrap(),
            dir: tempfile::tempdir().unwrap(),
            arrived: Arc::default(),
        };
        fs::write(far.dir.path().join("ca.pem"), ca_pem).unwrap();
        let arrived = far.arrived.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, arrived) = (acceptor.clone(), arrived.clone());
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = service_fn(|request| answer(arrived.clone(), request));
                    let served =
                        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                    drop(served.await);
                });
            }
        });
        far
    }

    /// The lines of a host's configuration that lead to it.
    pub fn config(&self) -> String {
        let ca = self.dir.path().join("ca.pem");
        let one = |host: &str| {
            format!(
                "[[egress.private]]\nhost = \"{host}\"\naddress = \"{}\"\nca-file = \"{}\"\n",
                self.address,
                ca.display()
            )
        };
        // Many tests make it fail on purpose, and go on.
        format!("[egress]\ncircuit-failures = 1000\n{}", [Self::HOST, Self::OTHER].map(one).concat())
    }

    /// What has arrived so far.
    pub fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }

    /// What has arrived since the last time, at most one request.
    pub fn take(&self) -> Option<Arrived> {
        let mut all = std::mem::take(&mut *self.arrived.lock().unwrap());
        assert!(all.len() <= 1, "more than one request: {all:?}");
        all.pop()
    }
}

async fn answer(
    arrived: Arc<Mutex<Vec<Arrived>>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let body = text(&body.collect().await.map(|all| all.to_bytes()).unwrap_or_default());
    let headers: Vec<_> = head.headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect();
    let one = Arrived { method: head.method.to_string(), path: head.uri.to_string(), headers, body };
    let credential = one.all("authorization").join(" ");
    arrived.lock().unwrap().push(one);
    let reply = Response::builder();
    let reply = match head.uri.path() {
        "/never" => std::future::pending().await,
        "/slow" => {
            tokio::time::sleep(Far::SLOW).await;
            reply.body("at last".to_owned())
        }
        "/redirect" => {
            reply.status(302).header("location", format!("https://{}/elsewhere", Far::OTHER)).body(String::new())
        }
        "/big" => reply.body("x".repeat(1024 * 1024 + 1)),
        "/reflect" => reply.header("set-cookie", "a=b").body(format!("your credential is {credential}")),
        _ => reply.body("fine".to_owned()),
    };
    Ok(reply.unwrap().map(|text| Full::new(Bytes::from(text))))
}

/// An authority of its own, and a certificate from it for both names.
fn certified() -> (String, TlsAcceptor) {
    let ca_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_pem = params.self_signed(&ca_key).unwrap().pem();
    let issuer = Issuer::new(params, ca_key);
    let key = KeyPair::generate().unwrap();
    let names = [Far::HOST, Far::OTHER].map(str::to_owned).to_vec();
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    (ca_pem, Arc::new(config).into())
}
