//! Answers for syslog over TLS (RFC 5425): one connection, octet counting, TLS 1.2 or 1.3, the certificate checked against the receiver's
//! name (section 5.2).
//!
//! Syslog has no acknowledgements. What was written counts as arrived when the connection has held for [`HOLD`] since, which is longer
//! than the operating system waits for the other side's to take it: a receiver that was cut off, or ended with messages unread, is known
//! by then, and they are sent again. In good order the receiver's own `close_notify` says that it has read everything.
//!
//! Invariants: nothing counts as arrived on a connection that broke before its time; what the receiver sends is read and dropped, a
//! little at a time; nothing is sent without TLS.

use std::{collections::VecDeque, future::poll_fn, pin::Pin, sync::Arc, task::Poll, time::Duration};

use portcullis_model::error::ServiceError;
use tokio::{
    io::{AsyncRead as _, AsyncReadExt as _, AsyncWriteExt as _, ReadBuf},
    net::TcpStream,
    task::coop::unconstrained,
    time::{Instant, timeout},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::Trouble;
use crate::{
    dial::Dialer,
    egress::{Config, EgressError},
    resolve::Resolve,
    settings::exact_name,
    tls,
    wire::chain,
};

/// How long the operating system waits for the other side's to acknowledge what was written, before the connection is broken.
const UNACKNOWLEDGED: Duration = Duration::from_secs(8);
/// How long a connection must have held for what was written to count as arrived.
pub const HOLD: Duration = Duration::from_secs(10);
/// How long a write may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the receiver has to answer the end of a connection.
const FAREWELL: Duration = Duration::from_secs(3);

/// Where a receiver of syslog is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyslogTarget {
    /// Its exact host name, which its certificate must have.
    pub host: String,
    /// Its port; 6514 as registered.
    pub port: u16,
    /// Certificates in PEM that are trusted for it alone, in place of the public roots and of what the operator names for that host.
    pub ca_pem: Option<String>,
}

/// A connection to a receiver, opened when there is something to send.
pub struct Line {
    target: SyslogTarget,
    dialer: Dialer,
    connector: TlsConnector,
    hold: Duration,
    open: Option<Box<Open>>,
}

struct Open {
    stream: TlsStream<TcpStream>,
    /// What was written, by the first entry after it, and when.
    written: VecDeque<(u64, Instant)>,
}

impl Line {
    /// To this receiver, with names looked up by this resolver.
    ///
    /// # Errors
    /// The name is no host's, or the certificates are none.
    pub fn new(target: SyslogTarget, config: &Config, resolver: Arc<dyn Resolve>) -> Result<Self, EgressError> {
        let unfit = |problem: String| EgressError::Private { host: target.host.clone(), problem };
        exact_name(&target.host).map_err(unfit)?;
        let placed = config.private.iter().find(|one| one.host == target.host).and_then(|one| one.ca_pem.as_deref());
        let connector = tls::line(target.ca_pem.as_deref().or(placed)).map_err(unfit)?;
        let dialer = Dialer::new(config, resolver)?;
        Ok(Self { target, dialer, connector, hold: HOLD, open: None })
    }

    /// The same with another time to hold: for whoever tests, and cannot wait.
    #[must_use]
    pub fn holding(mut self, hold: Duration) -> Self {
        self.hold = hold;
        self
    }

    pub(super) async fn send(&mut self, upto: u64, batch: &[Vec<u8>]) -> Result<(), Trouble> {
        let mut frames = Vec::with_capacity(batch.iter().map(|message| message.len() + 6).sum());
        for message in batch {
            frames.extend_from_slice(format!("{} ", message.len()).as_bytes());
            frames.extend_from_slice(message);
        }
        let open = match &mut self.open {
            Some(open) => open,
            closed => {
                // In a box of its own: a handshake's state is large.
                let dialling = Box::pin(self.dialer.line(&self.target.host, self.target.port, &self.connector));
                let stream = dialling.await.map_err(unreached)?;
                give_up_after(&stream, UNACKNOWLEDGED);
                closed.insert(Box::new(Open { stream, written: VecDeque::new() }))
            }
        };
        let host = &self.target.host;
        let writing = async {
            open.stream.write_all(&frames).await?;
            open.stream.flush().await
        };
        match timeout(PATIENCE, writing).await {
            Ok(Ok(())) => {
                open.written.push_back((upto, Instant::now()));
                Ok(())
            }
            Ok(Err(error)) => Err(Trouble::new(format!("{host}: {}", chain(&error)))),
            Err(_) => Err(Trouble::new(format!("{host}: it took nothing within {PATIENCE:?}"))),
        }
    }

    pub(super) async fn arrived(&mut self) -> Result<Option<u64>, Trouble> {
        let Some(open) = &mut self.open else { return Ok(None) };
        if let Err(problem) = open.is_alive().await {
            let nothing_is_lost = open.written.is_empty();
            self.open = None;
            return match nothing_is_lost {
                true => Ok(None),
                false => Err(Trouble::new(format!("{}: {problem}", self.target.host))),
            };
        }
        let mut arrived = None;
        while let Some((upto, at)) = open.written.front()
            && at.elapsed() >= self.hold
        {
            arrived = Some(*upto);
            open.written.pop_front();
        }
        Ok(arrived)
    }

    /// Says farewell (RFC 5425, section 4.4); all has arrived where the receiver does too.
    pub(super) async fn close(&mut self) -> Option<u64> {
        let mut open = self.open.take()?;
        let (last, _) = open.written.back().copied()?;
        let farewell = async {
            open.stream.shutdown().await.ok()?;
            let mut rest = [0; 256];
            while open.stream.read(&mut rest).await.ok()? > 0 {}
            Some(last)
        };
        timeout(FAREWELL, farewell).await.ok().flatten()
    }

    pub(super) fn forget(&mut self) {
        self.open = None;
    }
}

/// Why there is no connection, for the operator.
fn unreached(error: ServiceError) -> Trouble {
    Trouble::new(match error {
        ServiceError::Unavailable(problem) => problem,
        ServiceError::Invalid(problem) => format!("{problem}; the operator places it by [[egress.private]]"),
        other => other.to_string(),
    })
}

impl Open {
    /// An error where the connection has ended. What was sent unasked is dropped.
    async fn is_alive(&mut self) -> Result<(), String> {
        let mut bytes = [0; 1024];
        let mut buffer = ReadBuf::new(&mut bytes);
        let stream = &mut self.stream;
        unconstrained(poll_fn(|context| {
            buffer.clear();
            Poll::Ready(match Pin::new(&mut *stream).poll_read(context, &mut buffer) {
                Poll::Pending => Ok(()),
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => {
                    Err("the receiver closed the connection".to_owned())
                }
                Poll::Ready(Ok(())) => Ok(()),
                Poll::Ready(Err(error)) => Err(chain(&error)),
            })
        }))
        .await
    }
}

/// Has the operating system break a connection on which nothing was acknowledged for so long.
#[cfg(target_os = "linux")]
fn give_up_after(stream: &TlsStream<TcpStream>, time: Duration) {
    let milliseconds = u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
    if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(stream.get_ref().0, milliseconds) {
        tracing::warn!(%error, "a connection for syslog keeps the machine's own time-out");
    }
}

/// Elsewhere the machine's own time-out holds.
#[cfg(not(target_os = "linux"))]
fn give_up_after(_: &TlsStream<TcpStream>, _: Duration) {}
