//! What the operator says about the one door out.
//!
//! Invariant: what is unfit is found when the door is made, not when a request comes.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use portcullis_model::{egress::MAX_BODY, risk::AcceptedRisk, target::Target, time::Timestamp};

/// A host that the operator, by an explicit act, lets plugins reach at an address that is not public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Private {
    /// The exact host name. Grants and credentials work by it as by any other.
    pub host: String,
    /// The one address and port that requests to it go to, whatever port the request names. Not judged.
    pub address: SocketAddr,
    /// Certificates in PEM that are trusted for this host only, in place of the public roots.
    pub ca_pem: Option<String>,
}

/// A host that cannot do TLS and is reached without it, by a risk that somebody accepted (DAT-5). Plugins name it with `https`
/// like any other, so that there is one form of target; that it goes out in the clear is the operator's act, and is in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plaintext {
    /// The exact host name.
    pub host: String,
    /// The one address and port that requests to it go to, whatever port the request names. Not judged.
    pub address: SocketAddr,
    /// Whether requests to it carry credentials, which anybody on the way can then read.
    pub credentials: bool,
    /// Who took the risk, why, and until when.
    pub risk: AcceptedRisk,
}

/// How much an installation may send to one host, and when a host is left alone. Each holds for one installation and one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// Requests a minute; as many at once.
    pub requests_per_minute: u32,
    /// Bytes of bodies a minute, requests and answers together; as many at once. At least [`MAX_BODY`].
    pub bytes_per_minute: u64,
    /// Requests under way at a time.
    pub concurrent: u32,
    /// So many failures in a row open the circuit.
    pub failures: u32,
    /// How long an open circuit stays open the first time; each try that fails doubles it.
    pub pause: Duration,
    /// The longest that it does.
    pub longest_pause: Duration,
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            requests_per_minute: 12_000,
            bytes_per_minute: 256 * 1024 * 1024,
            concurrent: 64,
            failures: 5,
            pause: Duration::from_secs(10),
            longest_pause: Duration::from_secs(300),
        }
    }
}

/// What the operator configures.
#[derive(Clone, Debug)]
pub struct Config {
    /// From the start of a connection to its end of the TLS handshake.
    pub connect_timeout: Duration,
    /// From the request to the answer's last byte. The call's own limit ends it from outside if that is shorter.
    pub total_timeout: Duration,
    /// Hosts at addresses that are not public.
    pub private: Vec<Private>,
    /// Hosts that are reached without TLS.
    pub plaintext: Vec<Plaintext>,
    /// Public addresses of this host itself, which plugins may not reach.
    pub own: Vec<IpAddr>,
    /// Rates and circuits.
    pub traffic: Traffic,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            total_timeout: Duration::from_secs(30),
            private: Vec::new(),
            plaintext: Vec::new(),
            own: Vec::new(),
            traffic: Traffic::default(),
        }
    }
}

/// What is wrong with the configuration.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EgressError {
    /// TLS could not be set up.
    #[error("egress: {0}")]
    Tls(String),
    /// A private host is unfit.
    #[error("egress: private host '{host}': {problem}")]
    Private {
        /// Which one.
        host: String,
        /// What is wrong.
        problem: String,
    },
    /// A host without TLS is unfit.
    #[error("egress: plaintext host '{host}': {problem}")]
    Plaintext {
        /// Which one.
        host: String,
        /// What is wrong.
        problem: String,
    },
    /// A rate is unfit.
    #[error("egress: {0}")]
    Traffic(&'static str),
}

impl Traffic {
    /// Says what is wrong with it, if anything.
    pub(crate) fn check(&self) -> Result<(), EgressError> {
        let unfit = |what| Err(EgressError::Traffic(what));
        if self.requests_per_minute == 0 || self.concurrent == 0 || self.failures == 0 {
            return unfit("requests a minute, requests at a time and failures in a row are each at least 1");
        }
        if self.bytes_per_minute < MAX_BODY as u64 {
            return unfit("bytes a minute are at least 1 MiB, the largest body");
        }
        match self.pause.is_zero() || self.longest_pause < self.pause {
            true => unfit("a circuit's pause is longer than nothing, and its longest pause no shorter than the first"),
            false => Ok(()),
        }
    }
}

impl Plaintext {
    /// Says what is wrong with it, if anything. That its time is over is not: it is refused by itself then.
    pub(crate) fn check(&self) -> Result<(), EgressError> {
        let named = exact_name(&self.host).and_then(|()| self.risk.check(Timestamp(i64::MIN)));
        named.map_err(|problem| EgressError::Plaintext { host: self.host.clone(), problem })
    }
}

/// Whether this is one host's name in its one spelling.
pub(crate) fn exact_name(host: &str) -> Result<(), String> {
    let target: Result<Target, String> = format!("https://{host}/").parse();
    match target.is_ok_and(|target| target.host() == host && target.port() == 443) {
        true => Ok(()),
        false => Err("is not an exact host name in lower case, without a port".to_owned()),
    }
}
