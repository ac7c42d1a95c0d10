//! Answers for one HTTP/1.1 connection: a request goes in, an answer comes out, within limits.
//!
//! Invariants: an answer's head is at most 64 KiB and 100 headers, kept while it is read; a body is read up to its cap and not
//! a byte further into memory; a connection that is dropped at any point is closed.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Body, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinHandle,
};

/// The most headers that an answer may have.
pub const MAX_ANSWER_HEADERS: usize = 100;

/// The most that an answer's head may take, in bytes.
pub const MAX_ANSWER_HEAD: usize = 64 * 1024;

/// The most memory that is taken for a body before any of it has come, in bytes.
const FIRST: usize = 64 * 1024;

/// A request that is ready to go.
pub(crate) type Outgoing = Request<Full<Bytes>>;

/// An open connection.
pub(crate) struct Wire {
    sender: http1::SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
    plaintext: bool,
}

/// Why there is no answer.
pub(crate) enum Failed {
    /// Nothing of the request was sent: it may be tried on another connection.
    Unsent(Box<Outgoing>),
    /// It may have arrived.
    Broken(hyper::Error),
}

/// Why a body could not be read.
pub(crate) enum BodyFailed {
    /// It is longer than allowed.
    TooLong,
    /// The connection broke.
    Broken(hyper::Error),
}

impl Wire {
    /// Speaks HTTP/1.1 over this stream.
    #[expect(clippy::disallowed_methods, reason = "this is the one HTTP client")]
    pub(crate) async fn over<S>(stream: S) -> Result<Self, hyper::Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = http1::Builder::new();
        builder.max_headers(MAX_ANSWER_HEADERS).max_buf_size(MAX_ANSWER_HEAD);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await?;
        let driver = tokio::spawn(async move {
            // How it ended is told by the request that was under way, if there was one.
            let _ = connection.await;
        });
        Ok(Self { sender, driver, plaintext: false })
    }

    /// The same, marked as one without TLS (DAT-5).
    pub(crate) fn in_the_clear(mut self) -> Self {
        self.plaintext = true;
        self
    }

    /// Whether it is without TLS.
    pub(crate) fn is_plaintext(&self) -> bool {
        self.plaintext
    }

    /// Waits until the last answer is out of the way. False where the connection is closed.
    pub(crate) async fn ready(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Sends, and waits for the answer's head.
    pub(crate) async fn send(&mut self, request: Outgoing) -> Result<Response<Incoming>, Failed> {
        self.sender.try_send_request(request).await.map_err(|mut failed| match failed.take_message() {
            Some(unsent) => Failed::Unsent(Box::new(unsent)),
            None => Failed::Broken(failed.into_error()),
        })
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Reads a body of at most `most` bytes. Trailers are dropped.
pub(crate) async fn collect(mut body: Incoming, most: usize) -> Result<Vec<u8>, BodyFailed> {
    let announced = body.size_hint().lower();
    if announced > most as u64 {
        return Err(BodyFailed::TooLong);
    }
    // What is announced is at most the cap, and taken as an advice: what comes is counted.
    let mut bytes = Vec::with_capacity(usize::try_from(announced).unwrap_or(0).min(FIRST));
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(BodyFailed::Broken)?.into_data() else { continue };
        if bytes.len() + data.len() > most {
            return Err(BodyFailed::TooLong);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// An error and what is behind it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
