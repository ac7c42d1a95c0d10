//! The server. Answers are raw bytes, so that they can be wrong.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use portcullis_model::egress::MAX_BODY;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{HandshakeKind, ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

/// The names in the server's certificate.
pub const NAMES: [&str; 2] = ["chat.example.test", "other.example.test"];

/// One request as it arrived, and on the how-manieth connection.
#[derive(Clone, Debug)]
pub struct Arrived {
    pub connection: usize,
    pub text: String,
}

impl Arrived {
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.text.split("\r\n").take_while(|line| !line.is_empty());
        lines.filter_map(|line| line.split_once(": ")).find(|(n, _)| *n == name).map(|(_, value)| value)
    }
}

#[derive(Clone)]
pub struct Server {
    pub address: SocketAddr,
    pub ca_pem: String,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    handshakes: Arc<Mutex<Vec<HandshakeKind>>>,
}

impl Server {
    /// With a certificate for [`NAMES`].
    pub async fn start() -> Self {
        let (ca_pem, config) = certified(|_| ());
        Self::listen(ca_pem, Some(config.into())).await
    }

    /// With a certificate that was tampered with before it was signed.
    pub async fn with(tamper: impl FnOnce(&mut CertificateParams)) -> Self {
        let (ca_pem, config) = certified(tamper);
        Self::listen(ca_pem, Some(config.into())).await
    }

    /// Without TLS.
    pub async fn plain() -> Self {
        Self::listen(String::new(), None).await
    }

    async fn listen(ca_pem: String, acceptor: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Self { address, ca_pem, arrived: Arc::default(), handshakes: Arc::default() };
        let shared = server.clone();
        tokio::spawn(async move {
            for number in 1.. {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, server) = (acceptor.clone(), shared.clone());
                tokio::spawn(async move {
                    let Some(acceptor) = acceptor else { return server.serve(stream, number).await };
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    server.handshakes.lock().unwrap().extend(stream.get_ref().1.handshake_kind());
                    server.serve(stream, number).await;
                });
            }
        });
        server
    }

    /// How each connection began.
    pub fn handshakes(&self) -> Vec<HandshakeKind> {
        self.handshakes.lock().unwrap().clone()
    }

    pub fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }

    pub fn last(&self) -> Arrived {
        self.arrived().last().unwrap().clone()
    }

    async fn serve<S: AsyncRead + tokio::io::AsyncWrite + Unpin>(&self, mut stream: S, connection: usize) {
        while let Some(text) = read_request(&mut stream).await {
            let path = text.split(' ').nth(1).unwrap().to_owned();
            let arrived = Arrived { connection, text };
            let answer = answer_to(&path, &arrived);
            self.arrived.lock().unwrap().push(arrived);
            if stream.write_all(&answer).await.is_err() || stream.flush().await.is_err() {
                return;
            }
            match path.as_str() {
                "/slow" => std::future::pending().await,
                "/once" | "/drop" => return,
                "/twice-apart" => {
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                    let _ = stream.write_all(&plain("200 OK", b"unasked")).await;
                    let _ = stream.flush().await;
                }
                _ => {}
            }
        }
    }
}

fn certified(tamper: impl FnOnce(&mut CertificateParams)) -> (String, Arc<ServerConfig>) {
    let mut ca = CertificateParams::new(vec![]).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate().unwrap();
    let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
    let mut certificate = CertificateParams::new(names).unwrap();
    tamper(&mut certificate);
    let certificate = certificate.signed_by(&key, &issuer).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    // This side would resume sessions.
    config.ticketer = ring::Ticketer::new().unwrap();
    (ca_pem, Arc::new(config))
}

async fn read_request<S: AsyncRead + Unpin>(stream: &mut S) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.ok()?);
    }
    let head = Arrived { connection: 0, text: String::from_utf8(bytes.clone()).unwrap() };
    let length = head.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    bytes.extend(body);
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn plain(head: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn answer_to(path: &str, arrived: &Arrived) -> Vec<u8> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let token = arrived.header("authorization").unwrap_or("none").to_owned();
    match path {
        "/redirect" => plain("302 Found\r\nlocation: https://other.example.test/stolen", b""),
        "/exact" => plain("200 OK", &vec![b'x'; MAX_BODY]),
        "/big" => plain("200 OK", &vec![b'x'; MAX_BODY + 1]),
        "/big-chunked" => {
            let chunk = format!("{:x}\r\n{}\r\n", 65_536, "x".repeat(65_536));
            format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}0\r\n\r\n", chunk.repeat(17)).into_bytes()
        }
        "/reflect" => {
            let body = format!(
                "raw={token} b64={} hex={}",
                STANDARD.encode(token.as_bytes()),
                token.bytes().map(|byte| format!("{byte:02X}")).collect::<String>()
            );
            plain(&format!("200 OK\r\nx-reflected: {token}\r\nset-cookie: s={token}"), body.as_bytes())
        }
        "/reflect-in-pieces" => {
            let pieces: String = token.chars().map(|c| format!("1\r\n{c}\r\n")).collect();
            format!("HTTP/1.1 200 {token}\r\ntransfer-encoding: chunked\r\n\r\n{pieces}0\r\nx-trailer: {token}\r\n\r\n")
                .into_bytes()
        }
        "/bomb" => plain("200 OK\r\ncontent-encoding: gzip", &bomb()),
        "/gzip-transfer" => {
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n2\r\n\x1f\x8b\r\n0\r\n\r\n".to_vec()
        }
        "/gzip" => plain("200 OK\r\ncontent-encoding: gzip", b"\x1f\x8b"),
        "/many-headers" => {
            let lines: Vec<_> = (0..101).map(|n| format!("x-{n}: 1")).collect();
            plain(&format!("200 OK\r\n{}", lines.join("\r\n")), b"")
        }
        "/long-header" => plain(&format!("200 OK\r\nx-long: {}", "v".repeat(70_000)), b""),
        "/switch" => b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n".to_vec(),
        "/token" => plain(
            "200 OK\r\ncontent-type: application/json",
            br#"{"access_token":"issued-access-token","refresh_token":"issued-refresh-token","token_type":"bearer"}"#,
        ),
        "/twice" => [plain("200 OK", b"fine"), plain("200 OK", b"unasked")].concat(),
        "/slow" | "/drop" => Vec::new(),
        "/garbage" => b"SSH-2.0-server\r\n\r\n".to_vec(),
        path if path.strip_prefix("/only/").is_some_and(|one| token != format!("Bearer {one}")) => {
            plain("401 Unauthorized", token.as_bytes())
        }
        _ => plain("200 OK\r\nx-here: yes", b"fine"),
    }
}

/// 32 KiB of gzip that would become 32 MiB: one deflate block of zeros, as its smallest code, over and over.
pub fn bomb() -> Vec<u8> {
    let head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xec\xc1\x01\x01\x00\x00\x00\x80\x90\xfe\xaf\xee\x08\x0a";
    [head.as_slice(), &vec![0; 32 * 1024]].concat()
}
