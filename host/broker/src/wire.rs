//! Answers for one HTTP/1.1 connection: a request goes in, an answer comes out, within limits.
//!
//! Whoever sends over it does its reading and writing too. A task that did it for them would be woken for each request and
//! would have to wake them for each answer: on an idle machine that takes longer than all else that the host does for a request.
//! For the same reason whoever sends is not woken by what they are just doing themselves ([`Bell`]).
//!
//! Invariants: an answer's head is at most 64 KiB and 100 headers, kept while it is read; a body is read up to its cap and not
//! a byte further into memory; a connection that is dropped at any point is closed; nothing is read or written while nobody
//! sends, and what came in the meantime (an end, an answer that was not asked for) makes it unfit before the next request.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};

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
    task::coop::unconstrained,
};

use crate::bell::Bell;

/// The most headers that an answer may have.
pub const MAX_ANSWER_HEADERS: usize = 100;

/// The most that an answer's head may take, in bytes.
pub const MAX_ANSWER_HEAD: usize = 64 * 1024;

/// The most memory that is taken for a body before any of it has come, in bytes.
const FIRST: usize = 64 * 1024;

/// A request that is ready to go.
pub(crate) type Outgoing = Request<Full<Bytes>>;

/// Reads and writes for as long as the connection lasts.
type Working = Pin<Box<dyn Future<Output = Result<(), hyper::Error>> + Send>>;

/// An open connection.
pub(crate) struct Wire {
    sender: http1::SendRequest<Full<Bytes>>,
    /// `None` once the connection has ended.
    connection: Option<Working>,
    bell: Arc<Bell>,
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
        Ok(Self { sender, connection: Some(Box::pin(connection)), bell: Arc::default(), plaintext: false })
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

    /// Whether a request can go out now: the last one and its answer are through, and the other side has neither closed the
    /// connection nor said anything unasked.
    pub(crate) fn is_ready(&mut self) -> bool {
        // Whoever sends next asks anew, and nobody is to be woken before.
        let mut nobody = Context::from_waker(Waker::noop());
        // A task that used up its budget would see a dead connection as one that waits.
        if let Some(connection) = &mut self.connection
            && pin!(unconstrained(connection.as_mut())).poll(&mut nobody).is_ready()
        {
            self.connection = None;
        }
        matches!(self.sender.poll_ready(&mut nobody), Poll::Ready(Ok(())))
    }

    /// Sends, and waits for the answer's head. Nothing of it leaves before this is first polled, and then without a pause in
    /// between where the connection takes it.
    pub(crate) fn send(&mut self, request: Outgoing) -> impl Future<Output = Result<Response<Incoming>, Failed>> {
        let answer = self.sender.try_send_request(request);
        async move {
            self.meanwhile(pin!(unconstrained(answer))).await.map_err(|mut failed| match failed.take_message() {
                Some(unsent) => Failed::Unsent(Box::new(unsent)),
                None => Failed::Broken(failed.into_error()),
            })
        }
    }

    /// Reads the body of an answer that came over this connection, of at most `most` bytes. Trailers are dropped.
    pub(crate) async fn collect(&mut self, mut body: Incoming, most: usize) -> Result<Vec<u8>, BodyFailed> {
        let announced = body.size_hint().lower();
        if announced > most as u64 {
            return Err(BodyFailed::TooLong);
        }
        // What is announced is at most the cap, and taken as an advice: what comes is counted.
        let mut bytes = Vec::with_capacity(usize::try_from(announced).unwrap_or(0).min(FIRST));
        while let Some(frame) = self.meanwhile(pin!(body.frame())).await {
            let Ok(data) = frame.map_err(BodyFailed::Broken)?.into_data() else { continue };
            if bytes.len() + data.len() > most {
                return Err(BodyFailed::TooLong);
            }
            bytes.extend_from_slice(&data);
        }
        Ok(bytes)
    }

    /// Waits for what this connection brings, and keeps it going.
    async fn meanwhile<F: Future>(&mut self, mut brought: Pin<&mut F>) -> F::Output {
        let (connection, bell) = (&mut self.connection, &self.bell);
        poll_fn(|context| {
            bell.while_it_rings(context, |context| {
                advance(connection, context);
                // The connection alone brings it, and rings. A second waker would wake the task for what it is just doing.
                brought.as_mut().poll(&mut Context::from_waker(Waker::noop()))
            })
        })
        .await
    }
}

/// Reads and writes what can be read and written now.
fn advance(connection: &mut Option<Working>, context: &mut Context<'_>) {
    if let Some(working) = connection
        && working.as_mut().poll(context).is_ready()
    {
        // How it ended is told by the request that was under way, if there was one: dropping this answers what is left.
        *connection = None;
    }
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

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        task::Wake,
    };

    use tokio::{io::AsyncWriteExt as _, task::coop::consume_budget};

    use super::*;

    /// Does this in a task that has used up its budget.
    async fn exhausted<T>(mut work: impl FnMut() -> T) -> T {
        poll_fn(|context| {
            while pin!(consume_budget()).poll(context).is_ready() {}
            Poll::Ready(work())
        })
        .await
    }

    #[derive(Default)]
    struct Counted(AtomicUsize);

    impl Wake for Counted {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn whoever_reads_an_answer_that_is_there_is_not_woken_for_it() {
        let (ours, mut theirs) = tokio::io::duplex(1024);
        let mut wire = Wire::over(ours).await.ok().unwrap();
        assert!(wire.is_ready());
        let counted = Arc::new(Counted::default());
        let waker = Waker::from(counted.clone());
        let mut context = Context::from_waker(&waker);
        let woken = || counted.0.swap(0, Ordering::Relaxed);
        let response = {
            let mut sending = pin!(wire.send(Request::new(Full::default())));
            assert!(sending.as_mut().poll(&mut context).is_pending());
            assert_eq!(woken(), 0, "by what it sent itself");
            theirs.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
            assert_eq!(woken(), 1, "by what came");
            let Poll::Ready(Ok(response)) = sending.as_mut().poll(&mut context) else { panic!("no answer") };
            response
        };
        let collected = pin!(wire.collect(response.into_body(), 100)).poll(&mut context);
        assert!(matches!(collected, Poll::Ready(Ok(body)) if body == b"ok"));
        assert_eq!(woken(), 0);
    }

    #[tokio::test]
    async fn a_connection_that_was_closed_is_unfit_whatever_its_task_did_before() {
        let (ours, theirs) = tokio::io::duplex(1024);
        let mut wire = Wire::over(ours).await.ok().unwrap();
        assert!(wire.is_ready());
        assert!(exhausted(|| wire.is_ready()).await, "open");
        drop(theirs);
        assert!(!exhausted(|| wire.is_ready()).await, "closed");
    }
}
