//! Answers for opening a connection: to judged addresses, or to the one that the operator named for a host.
//!
//! Invariants: a name is resolved once for a connection; the certificate is checked against the name; an address that was
//! not judged is reached only where the operator's configuration names both the host and the address; nothing goes out without
//! TLS but to such a host, while the risk of it is accepted (DAT-5).

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use portcullis_model::{error::ServiceError, time::Timestamp};
use rustls::pki_types::ServerName;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    resolve::{Resolve, public_addresses},
    settings::{Config, EgressError, Plaintext, Private, exact_name},
    tls,
    wire::{Wire, chain},
};

/// More addresses than these are judged, but not tried.
const MAX_TRIES: usize = 8;

pub(crate) struct Dialer {
    resolver: Arc<dyn Resolve>,
    own: Vec<IpAddr>,
    public: TlsConnector,
    private: BTreeMap<String, (SocketAddr, TlsConnector)>,
    plaintext: BTreeMap<String, Plaintext>,
    patience: Duration,
}

impl Dialer {
    pub(crate) fn new(config: &Config, resolver: Arc<dyn Resolve>) -> Result<Self, EgressError> {
        let public = tls::public().map_err(EgressError::Tls)?;
        let mut private = BTreeMap::new();
        for one in &config.private {
            let problem = |problem: String| EgressError::Private { host: one.host.clone(), problem };
            let connector = connector_for(one, &public).map_err(problem)?;
            if private.insert(one.host.clone(), (one.address, connector)).is_some() {
                return Err(problem("is named twice".to_owned()));
            }
        }
        let mut plaintext = BTreeMap::new();
        for one in &config.plaintext {
            one.check()?;
            if private.contains_key(&one.host) || plaintext.insert(one.host.clone(), one.clone()).is_some() {
                let problem = "is named twice".to_owned();
                return Err(EgressError::Plaintext { host: one.host.clone(), problem });
            }
        }
        let patience = config.connect_timeout;
        Ok(Self { resolver, own: config.own.clone(), public, private, plaintext, patience })
    }

    /// Whether requests to this host carry credentials. Fails where it is reached without TLS and nobody accepts the risk of
    /// that any more.
    pub(crate) fn trusts(&self, host: &str, now: Timestamp) -> Result<bool, ServiceError> {
        let Some(plaintext) = self.plaintext.get(host) else { return Ok(true) };
        plaintext.risk.check(now).map_err(|problem| down(host, &format!("without TLS: {problem}")))?;
        Ok(plaintext.credentials)
    }

    /// Whether this host is reached without TLS.
    pub(crate) fn is_in_the_clear(&self, host: &str) -> bool {
        self.plaintext.contains_key(host)
    }

    /// Opens a connection for requests to this host.
    pub(crate) async fn dial(&self, host: &str, port: u16) -> Result<Wire, ServiceError> {
        let connecting = timeout(self.patience, self.connect(host, port)).await;
        connecting.unwrap_or_else(|_| Err(down(host, &format!("no connection within {:?}", self.patience))))
    }

    /// Opens a connection for something else than requests, by this connector. Where the operator placed the host, its address is that one,
    /// and the port the caller's.
    pub(crate) async fn line(
        &self,
        host: &str,
        port: u16,
        connector: &TlsConnector,
    ) -> Result<TlsStream<TcpStream>, ServiceError> {
        let connecting = async {
            let addresses = match self.private.get(host) {
                Some((address, _)) => vec![SocketAddr::new(address.ip(), port)],
                None => public_addresses(&*self.resolver, &self.own, host, port).await?,
            };
            self.secured(host, &addresses, connector).await
        };
        let late = || Err(down(host, &format!("no connection within {:?}", self.patience)));
        timeout(self.patience, connecting).await.unwrap_or_else(|_| late())
    }

    async fn secured(
        &self,
        host: &str,
        addresses: &[SocketAddr],
        connector: &TlsConnector,
    ) -> Result<TlsStream<TcpStream>, ServiceError> {
        let name = ServerName::try_from(host.to_owned()).map_err(|error| down(host, &error.to_string()))?;
        let stream = first_open(addresses, self.patience).await.map_err(|error| down(host, &error))?;
        connector.connect(name, stream).await.map_err(|error| down(host, &chain(&error)))
    }

    async fn connect(&self, host: &str, port: u16) -> Result<Wire, ServiceError> {
        if let Some(plaintext) = self.plaintext.get(host) {
            let stream = first_open(&[plaintext.address], self.patience).await.map_err(|error| down(host, &error))?;
            let wire = Wire::over(stream).await.map_err(|error| down(host, &chain(&error)))?;
            return Ok(wire.in_the_clear());
        }
        let (addresses, connector) = match self.private.get(host) {
            Some((address, connector)) => (vec![*address], connector),
            None => (public_addresses(&*self.resolver, &self.own, host, port).await?, &self.public),
        };
        let stream = self.secured(host, &addresses, connector).await?;
        Wire::over(stream).await.map_err(|error| down(host, &chain(&error)))
    }
}

/// Connects to the first of these that answers: one after the other, each with its share of the time.
pub(crate) async fn first_open(addresses: &[SocketAddr], patience: Duration) -> Result<TcpStream, String> {
    let tries = addresses.len().clamp(1, MAX_TRIES);
    let share = patience / u32::try_from(tries).unwrap_or(1);
    let mut last = String::new();
    for address in addresses.iter().take(tries) {
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true).map_err(|error| error.to_string())?;
                return Ok(stream);
            }
            Ok(Err(error)) => last = format!("{address}: {error}"),
            Err(_) => last = format!("{address}: no connection within {share:?}"),
        }
    }
    Err(last)
}

fn connector_for(private: &Private, public: &TlsConnector) -> Result<TlsConnector, String> {
    exact_name(&private.host)?;
    match &private.ca_pem {
        Some(pem) => tls::private(pem),
        None => Ok(public.clone()),
    }
}

pub(crate) fn down(host: &str, problem: &str) -> ServiceError {
    ServiceError::Unavailable(format!("{host}: {problem}"))
}
