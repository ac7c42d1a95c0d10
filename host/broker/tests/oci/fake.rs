//! A registry that stores what it is given. A test can put rules before it, whose answers are raw bytes, so that they can be
//! wrong in any way.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use portcullis_model::id::Digest;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Arrived {
    pub method: String,
    pub path: String,
    pub head: String,
    pub body: Vec<u8>,
}

impl Arrived {
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.split("\r\n").filter_map(|line| line.split_once(": "));
        lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    pub fn is(&self, method: &str, part: &str) -> bool {
        self.method == method && self.path.contains(part)
    }
}

/// What a rule answers: raw bytes, after which the connection stays open; or nothing, and the registry answers itself.
pub type Rule = Box<dyn Fn(&Arrived) -> Option<Vec<u8>> + Send>;

#[derive(Default)]
struct State {
    blobs: BTreeMap<String, Vec<u8>>,
    manifests: BTreeMap<String, (String, Vec<u8>)>,
    arrived: Vec<Arrived>,
    connections: usize,
    rules: Vec<Rule>,
}

#[derive(Clone)]
pub struct Fake {
    pub address: SocketAddr,
    /// The authority that its certificate comes from; absent where it speaks plain HTTP.
    pub ca_pem: Option<String>,
    api: bool,
    state: Arc<Mutex<State>>,
}

impl Fake {
    /// One in plain HTTP, with the referrers API or without.
    pub async fn plain(api: bool) -> Self {
        Self::start(api, None).await
    }

    /// One with a certificate for this name.
    pub async fn tls(name: &str) -> Self {
        Self::start(true, Some(certified(name))).await
    }

    async fn start(api: bool, tls: Option<(String, TlsAcceptor)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (ca_pem, acceptor) = tls.unzip();
        let fake = Self { address: listener.local_addr().unwrap(), ca_pem, api, state: Arc::default() };
        let shared = fake.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (fake, acceptor) = (shared.clone(), acceptor.clone());
                fake.state.lock().unwrap().connections += 1;
                tokio::spawn(async move {
                    match acceptor {
                        None => fake.serve(stream).await,
                        Some(acceptor) => {
                            let Ok(stream) = acceptor.accept(stream).await else { return };
                            fake.serve(stream).await;
                        }
                    }
                });
            }
        });
        fake
    }

    pub fn rule(&self, rule: impl Fn(&Arrived) -> Option<Vec<u8>> + Send + 'static) {
        self.state.lock().unwrap().rules.push(Box::new(rule));
    }

    pub fn arrived(&self) -> Vec<Arrived> {
        self.state.lock().unwrap().arrived.clone()
    }

    /// How many connections were made, whatever came over them.
    pub fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }

    pub fn count(&self, method: &str, part: &str) -> usize {
        self.arrived().iter().filter(|one| one.is(method, part)).count()
    }

    /// Stores a manifest under its digest and this tag, whatever it holds. Gives its digest.
    pub fn put_manifest(&self, tag: &str, kind: &str, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        let one = (kind.to_owned(), bytes.to_vec());
        let manifests = &mut self.state.lock().unwrap().manifests;
        manifests.insert(digest.to_string(), one.clone());
        manifests.insert(tag.to_owned(), one);
        digest
    }

    pub fn blob(&self, digest: &Digest) -> Option<Vec<u8>> {
        self.state.lock().unwrap().blobs.get(&digest.to_string()).cloned()
    }

    pub fn manifest(&self, reference: &str) -> Option<Value> {
        let state = self.state.lock().unwrap();
        state.manifests.get(reference).map(|(_, bytes)| serde_json::from_slice(bytes).unwrap())
    }

    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(&self, mut stream: S) {
        while let Some(arrived) = read(&mut stream).await {
            let answer = {
                let mut state = self.state.lock().unwrap();
                state.arrived.push(arrived.clone());
                let ruled = state.rules.iter().find_map(|rule| rule(&arrived));
                ruled.unwrap_or_else(|| state.answer(&arrived, self.api))
            };
            let endless = answer.ends_with(ENDLESS);
            if stream.write_all(answer.strip_suffix(ENDLESS).unwrap_or(&answer)).await.is_err() {
                return;
            }
            while endless && stream.write_all(&chunk()).await.is_ok() {}
            if stream.flush().await.is_err() {
                return;
            }
        }
    }
}

/// At the end of an answer: a chunked body that never ends follows.
pub const ENDLESS: &[u8] = b"\0endless\0";

fn chunk() -> Vec<u8> {
    [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat()
}

impl State {
    fn answer(&mut self, arrived: &Arrived, api: bool) -> Vec<u8> {
        let (path, query) = arrived.path.split_once('?').unwrap_or((&arrived.path, ""));
        let parts: Vec<&str> = path.rsplitn(3, '/').collect();
        let &[last, kind, _] = parts.as_slice() else { return reply("404 Not Found", b"") };
        match (arrived.method.as_str(), kind) {
            ("HEAD" | "GET", "blobs") => match self.blobs.get(last) {
                Some(_) if arrived.method == "HEAD" => b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n".to_vec(),
                Some(bytes) => reply("200 OK\r\ncontent-type: application/octet-stream", bytes),
                None => reply("404 Not Found", b""),
            },
            ("POST", "uploads") => reply(&format!("202 Accepted\r\nlocation: {path}one?state=a%2Fb"), b""),
            ("PUT", "uploads") => {
                let digest =
                    query.split('&').find_map(|pair| pair.strip_prefix("digest=")).unwrap().replace("%3A", ":");
                assert!(query.contains("state=a%2Fb"), "the upload's place is kept as it was given: {query}");
                assert_eq!(Digest::of(&arrived.body).to_string(), digest);
                self.blobs.insert(digest, arrived.body.clone());
                reply("201 Created", b"")
            }
            ("PUT", "manifests") => self.store(last, arrived, api),
            ("GET", "manifests") => match self.manifests.get(last) {
                Some((kind, bytes)) => reply(&format!("200 OK\r\ncontent-type: {kind}"), bytes),
                None => reply("404 Not Found", b""),
            },
            ("GET", "referrers") if api => index(&self.referrers(last)),
            ("GET", "tags") => {
                let tags: Vec<&String> = self.manifests.keys().filter(|key| !key.starts_with("sha256:")).collect();
                reply("200 OK", json!({ "name": "x", "tags": tags }).to_string().as_bytes())
            }
            _ => reply("404 Not Found", b"404 page not found"),
        }
    }

    fn store(&mut self, reference: &str, arrived: &Arrived, api: bool) -> Vec<u8> {
        let manifest: Value = serde_json::from_slice(&arrived.body).unwrap();
        let digest = Digest::of(&arrived.body).to_string();
        let one = (arrived.header("content-type").unwrap().to_owned(), arrived.body.clone());
        self.manifests.insert(digest.clone(), one.clone());
        self.manifests.insert(reference.to_owned(), one);
        let subject = manifest["subject"]["digest"].as_str();
        let taken = subject.filter(|_| api).map_or(String::new(), |subject| format!("\r\noci-subject: {subject}"));
        reply(&format!("201 Created\r\ndocker-content-digest: {digest}{taken}"), b"")
    }

    fn referrers(&self, subject: &str) -> Vec<Value> {
        let all = self.manifests.iter().filter(|(key, _)| key.starts_with("sha256:"));
        let all = all.map(|(digest, (kind, bytes))| (digest, kind, bytes.len(), serde_json::from_slice(bytes)));
        all.filter_map(|(digest, kind, size, manifest)| {
            let manifest: Value = manifest.ok()?;
            (manifest["subject"]["digest"] == subject).then(|| {
                json!({ "mediaType": kind, "digest": digest, "size": size, "artifactType": manifest["artifactType"] })
            })
        })
        .collect()
    }
}

/// A whole answer.
pub fn reply(head: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// The answer of the referrers API.
pub fn index(entries: &[Value]) -> Vec<u8> {
    let kind = "application/vnd.oci.image.index.v1+json";
    let body = json!({ "schemaVersion": 2, "mediaType": kind, "manifests": entries }).to_string();
    reply(&format!("200 OK\r\ncontent-type: {kind}"), body.as_bytes())
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Arrived> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let mut words = head.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut arrived = Arrived { method, path, head, body: Vec::new() };
    let length = arrived.header("content-length").map_or(0, |length| length.parse().unwrap());
    arrived.body = vec![0; length];
    stream.read_exact(&mut arrived.body).await.ok()?;
    Some(arrived)
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
