//! A stand-in for the services at the other end: HTTPS, with an authority of its own. They demand a token that their authorization server
//! ([`super::provider`], at the chat service's name) issued and that is not over, and repeat it in their answers, as careless
//! services do; the chat service is busy now and then.

use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Result;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::provider::{Provider, SERVICE, WEB};

/// The chat service's name.
pub const CHAT: &str = "chat.example.test";
/// The dashboard's name.
pub const METRICS: &str = "metrics.example.test";

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// For which host.
    pub host: String,
    /// The `authorization` header.
    pub authorization: Option<String>,
    /// The `idempotency-key` header.
    pub key: Option<String>,
    /// How it was answered.
    pub status: u16,
}

/// The running services.
pub struct Chat {
    /// Where they listen.
    pub address: SocketAddr,
    /// The authority that their certificate comes from, in PEM.
    pub ca: String,
    /// Who issues tokens for them.
    pub provider: Arc<Provider>,
    received: Arc<Mutex<Vec<Received>>>,
}

struct State {
    provider: Arc<Provider>,
    received: Arc<Mutex<Vec<Received>>>,
    seen: Mutex<HashSet<String>>,
}

impl Chat {
    /// Starts them on a free loopback port.
    pub async fn start(provider: Provider) -> Result<Self> {
        let provider = Arc::new(provider);
        let (ca, tls) = certificates()?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let received = Arc::new(Mutex::new(Vec::new()));
        let state = Arc::new(State { provider: provider.clone(), received: received.clone(), seen: Mutex::default() });
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, state) = (acceptor.clone(), state.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let service = service_fn(move |request| answer(state.clone(), request));
                        let served = hyper::server::conn::http1::Builder::new()
                            .serve_connection(TokioIo::new(stream), service)
                            .await;
                        if let Err(error) = served {
                            tracing::debug!(%error, "the stand-in service lost a connection");
                        }
                    }
                });
            }
        });
        Ok(Self { address, ca, provider, received })
    }

    /// What arrived so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn certificates() -> Result<(String, rustls::ServerConfig)> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(vec![CHAT.to_owned(), METRICS.to_owned()])?.signed_by(&key, &issuer)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)?;
    Ok((issuer.pem(), tls))
}

async fn answer(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let text = |headers: &HeaderMap, name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let host = text(&parts.headers, "host").unwrap_or_default();
    if host == CHAT && parts.uri.path() == "/oauth/token" {
        let (status, answer) = state.provider.token(&body);
        return Ok(json(StatusCode::from_u16(status).unwrap_or_default(), answer.to_string()));
    }
    let (authorization, key) = (text(&parts.headers, "authorization"), text(&parts.headers, "idempotency-key"));
    let status = state.judge(&host, authorization.as_deref(), key.as_deref());
    let echo =
        format!("{{\"ok\":{},\"you_sent\":\"{}\"}}", status.is_success(), authorization.clone().unwrap_or_default());
    let received = Received { host, authorization, key, status: status.as_u16() };
    state.received.lock().unwrap_or_else(PoisonError::into_inner).push(received);
    Ok(json(status, echo))
}

fn json(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

impl State {
    fn judge(&self, host: &str, authorization: Option<&str>, key: Option<&str>) -> StatusCode {
        let client =
            authorization.and_then(|it| it.strip_prefix("Bearer ")).and_then(|token| self.provider.knows(token));
        match (host, client) {
            (CHAT, Some(SERVICE)) => {}
            (METRICS, Some(WEB)) => return StatusCode::OK,
            _ => return StatusCode::UNAUTHORIZED,
        }
        let Some(key) = key else { return StatusCode::BAD_REQUEST };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // Every fourth message is refused the first time: deliveries have to be tried again.
        let busy = seen.len() % 4 == 3;
        match (seen.insert(key.to_owned()), busy) {
            (true, true) => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::OK,
        }
    }
}
