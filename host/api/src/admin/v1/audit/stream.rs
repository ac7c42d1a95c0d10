//! Bodies of answers that are made while they are sent.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use axum::body::Bytes;
use hyper::body::{Body, Frame};
use tokio::{
    sync::mpsc,
    time::{Interval, Sleep},
};

/// Parts, one after the other.
pub(in crate::admin) struct Chunks(pub mpsc::Receiver<Bytes>);

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|chunk| chunk.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// Why a stream of events ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Its reader took too long.
    Slow,
    /// The host stops.
    Stopping,
    /// Whether its reader still may is to be looked at anew.
    Renewed,
}

/// Some events: the index of the last one's entry, and their text.
pub(super) type Event = (u64, Bytes);

/// Events as they come, a sign of life where none does, and a last word.
pub(super) struct Events {
    pub events: mpsc::Receiver<Event>,
    pub heartbeat: Interval,
    pub end: Arc<OnceLock<End>>,
    /// When it ends, whatever comes.
    pub until: Option<Pin<Box<Sleep>>>,
    /// After which entry a reader goes on.
    pub last: Option<u64>,
    pub ended: bool,
}

impl Events {
    fn farewell(&self) -> String {
        let (name, why) = match self.end.get() {
            Some(End::Slow) => ("cut-off", "you read more slowly than entries arrive"),
            Some(End::Renewed) => ("ending", "whether you may follow is looked at anew when you come again"),
            Some(End::Stopping) => ("ending", "the host stops"),
            None => ("ending", "the log cannot be read at the moment"),
        };
        let after = self.last.map_or("null".to_owned(), |last| last.to_string());
        format!("event: {name}\ndata: {{\"why\":\"{why}\",\"go-on-after\":{after}}}\n\n")
    }
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let some = |bytes: Bytes| Poll::Ready(Some(Ok(Frame::data(bytes))));
        if self.ended {
            return Poll::Ready(None);
        }
        if self.until.as_mut().is_some_and(|until| until.as_mut().poll(cx).is_ready()) {
            let _ = self.end.set(End::Renewed);
            self.ended = true;
            return some(self.farewell().into());
        }
        match self.events.poll_recv(cx) {
            Poll::Ready(Some((last, bytes))) => {
                self.last = Some(last);
                self.heartbeat.reset();
                return some(bytes);
            }
            Poll::Ready(None) => {
                self.ended = true;
                return some(self.farewell().into());
            }
            Poll::Pending => {}
        }
        if self.heartbeat.poll_tick(cx).is_ready() {
            // Asks to be woken at the next one.
            let _ = self.heartbeat.poll_tick(cx);
            return some(Bytes::from_static(b": still here\n\n"));
        }
        Poll::Pending
    }
}
