//! Answers for one request and its answer: to the registry, or to a server that it sent us to.
//!
//! Invariants: what is spoken in plain HTTP goes to loopback addresses; a server that is not the registry is reached by `https`
//! at public addresses, or where the operator placed it; a redirect is an answer; an answer that says it is encoded is refused;
//! a body is read up to its cap; every wait has an end.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode, Uri,
    body::Incoming,
    header::{
        ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderValue,
        USER_AGENT,
    },
};
use rustls::pki_types::ServerName;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Url;

use super::{Config, OciError, Origin, origin::path_and_query};
use crate::{
    dial::{Dialer, first_open},
    egress,
    headers::AGENT,
    resolve::Resolve,
    tls,
    wire::{BodyFailed, Failed, Outgoing, Wire, chain},
};

/// The most that is read of an answer that says no: enough for its reason.
const MAX_REASON: usize = 16 * 1024;

/// How many bytes a millisecond a connection must carry at least, beside the time for the answer.
const BYTES_A_MS: u64 = 64;

/// A request.
pub(super) struct Call<'a> {
    /// What it is about, for errors.
    pub what: &'a str,
    pub method: Method,
    pub url: Url,
    /// The types of answer that are understood.
    pub accept: Option<&'a str>,
    /// What is sent, and its type.
    pub content: Option<(&'a str, Bytes)>,
    /// The most that the answer's body may have, in bytes.
    pub most: usize,
}

/// Its answer.
pub(super) struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    /// A header, where it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Who makes requests for one registry.
pub(super) struct Exchange {
    registry: Origin,
    /// Absent where the registry is spoken to in plain HTTP.
    own: Option<TlsConnector>,
    resolver: Arc<dyn Resolve>,
    others: Dialer,
    connect: Duration,
    answer: Duration,
    /// An open connection to the registry.
    idle: Mutex<Option<Wire>>,
}

impl Exchange {
    pub fn new(registry: &Origin, config: &Config, resolver: Arc<dyn Resolve>) -> Result<Self, OciError> {
        let own = match (&config.ca_pem, registry.is_plain()) {
            (_, true) => None,
            (Some(pem), _) => Some(tls::private(pem)),
            (None, _) => Some(tls::public()),
        };
        let own = own.transpose().map_err(|problem| OciError::down(registry.authority(), problem))?;
        let others = egress::Config {
            connect_timeout: config.connect_timeout,
            total_timeout: config.total_timeout,
            private: config.private.clone(),
            ..egress::Config::default()
        };
        let others = Dialer::new(&others, resolver.clone())
            .map_err(|error| OciError::down(registry.authority(), error.to_string()))?;
        Ok(Self {
            registry: registry.clone(),
            own,
            resolver,
            others,
            connect: config.connect_timeout,
            answer: config.answer_timeout,
            idle: Mutex::new(None),
        })
    }

    pub fn registry(&self) -> &Origin {
        &self.registry
    }

    /// Sends to the registry or, where the URL says so, elsewhere. Whoever gives a credential answers for where it goes.
    pub async fn send(&self, call: &Call<'_>, credential: Option<&HeaderValue>) -> Result<Reply, OciError> {
        let origin = Origin::of(&call.url).map_err(|problem| OciError::form(call.what, problem))?;
        let bytes = call.most + call.content.as_ref().map_or(0, |(_, body)| body.len());
        let patience = self.answer + Duration::from_millis(bytes as u64 / BYTES_A_MS);
        let answered = timeout(patience, self.exchange(&origin, call, credential)).await;
        answered.unwrap_or_else(|_| {
            let problem = format!("{}: no answer within {} seconds", call.what, patience.as_secs());
            Err(OciError::down(origin.authority(), problem))
        })
    }

    async fn exchange(
        &self,
        origin: &Origin,
        call: &Call<'_>,
        credential: Option<&HeaderValue>,
    ) -> Result<Reply, OciError> {
        let request = outgoing(origin, call, credential)?;
        let (response, mut wire) = self.answered(origin, request).await?;
        let (head, body) = response.into_parts();
        let most = if head.status.is_success() { call.most } else { MAX_REASON };
        if head.status.is_success() && head.headers.get(CONTENT_ENCODING).is_some_and(|value| value != "identity") {
            return Err(OciError::form(call.what, "the answer is compressed, which was not asked for and is not read"));
        }
        let body = match wire.collect(body, most).await {
            Ok(body) => body,
            Err(BodyFailed::TooLong) if head.status.is_success() => {
                return Err(OciError::TooLarge { what: call.what.to_owned(), most });
            }
            Err(BodyFailed::TooLong) => {
                return Ok(Reply { status: head.status, headers: head.headers, body: Vec::new() });
            }
            Err(BodyFailed::Broken(error)) => {
                return Err(OciError::down(origin.authority(), format!("{}: {}", call.what, chain(&error))));
            }
        };
        if *origin == self.registry {
            *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(wire);
        }
        Ok(Reply { status: head.status, headers: head.headers, body })
    }

    /// Sends over the connection that waits, or else over a new one.
    async fn answered(&self, origin: &Origin, mut request: Outgoing) -> Result<(Response<Incoming>, Wire), OciError> {
        let host = origin.authority();
        if *origin == self.registry
            && let Some(mut wire) = self.waiting()
            && wire.is_ready()
        {
            match wire.send(request).await {
                Ok(response) => return Ok((response, wire)),
                Err(Failed::Unsent(again)) => request = *again,
                Err(Failed::Broken(error)) => return Err(OciError::down(host, chain(&error))),
            }
        }
        let mut wire = self.open(origin).await?;
        match wire.send(request).await {
            Ok(response) => Ok((response, wire)),
            Err(Failed::Unsent(_)) => Err(OciError::down(host, "the connection was closed before the request")),
            Err(Failed::Broken(error)) => Err(OciError::down(host, chain(&error))),
        }
    }

    fn waiting(&self) -> Option<Wire> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    async fn open(&self, origin: &Origin) -> Result<Wire, OciError> {
        let host = origin.authority();
        if *origin != self.registry {
            return self.open_elsewhere(origin).await;
        }
        let opening = timeout(self.connect, self.open_registry()).await;
        let opened = opening.unwrap_or_else(|_| Err(format!("no connection within {:?}", self.connect)));
        opened.map_err(|problem| OciError::down(host, problem))
    }

    async fn open_elsewhere(&self, origin: &Origin) -> Result<Wire, OciError> {
        let host = origin.authority();
        if origin.is_plain() || origin.address().is_some() {
            let problem = format!("{host} is no host that is reached by its name and https");
            return Err(OciError::Elsewhere { host: self.registry.authority(), what: "requests".to_owned(), problem });
        }
        self.others.dial(&origin.name(), origin.port()).await.map_err(|error| OciError::down(host, error.to_string()))
    }

    async fn open_registry(&self) -> Result<Wire, String> {
        let name = self.registry.name();
        let addresses = match self.registry.known() {
            Some(addresses) => addresses,
            None => {
                let found = self.resolver.resolve(&name, self.registry.port()).await;
                found.map_err(|error| format!("name look-up: {error}"))?
            }
        };
        if addresses.is_empty() {
            return Err("the name has no address".to_owned());
        }
        // Only such hosts have an origin in plain HTTP; and this is where it is connected to.
        if self.own.is_none() && !addresses.iter().all(|address| address.ip().is_loopback()) {
            return Err("plain HTTP is spoken to this very machine only, and the name leads elsewhere".to_owned());
        }
        let stream = first_open(&addresses, self.connect).await?;
        let wire = match &self.own {
            None => Wire::over(stream).await,
            Some(connector) => {
                let name = ServerName::try_from(name).map_err(|error| error.to_string())?;
                let connected = connector.connect(name, stream).await;
                Wire::over(connected.map_err(|error| format!("TLS: {}{}", chain(&error), hint(&addresses)))?).await
            }
        };
        wire.map_err(|error| chain(&error))
    }
}

fn hint(addresses: &[SocketAddr]) -> &'static str {
    match addresses.iter().all(|address| address.ip().is_loopback()) {
        true => "; a registry on this machine that speaks plain HTTP needs --plain-http",
        false => "",
    }
}

fn outgoing(origin: &Origin, call: &Call<'_>, credential: Option<&HeaderValue>) -> Result<Outgoing, OciError> {
    let unfit = |what: &str| OciError::form(call.what, format!("the request cannot be made: {what}"));
    let (kind, body) = call.content.clone().map_or((None, Bytes::new()), |(kind, body)| (Some(kind), body));
    let length = body.len();
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = call.method.clone();
    *request.uri_mut() = path_and_query(&call.url).parse::<Uri>().map_err(|_| unfit("its path"))?;
    let headers = request.headers_mut();
    let value = |text: &str| HeaderValue::from_str(text).map_err(|_| unfit("a header"));
    headers.insert(HOST, value(&origin.authority())?);
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if let Some(accept) = call.accept {
        headers.insert(ACCEPT, value(accept)?);
    }
    if let Some(kind) = kind {
        headers.insert(CONTENT_TYPE, value(kind)?);
    }
    if matches!(call.method, Method::POST | Method::PUT) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    if let Some(credential) = credential {
        headers.insert(AUTHORIZATION, credential.clone());
    }
    Ok(request)
}
