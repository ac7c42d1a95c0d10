//! A file that is handed over: its parts as its reader takes them.
//!
//! Invariant: whoever gets less than the length that was announced knows that it was cut off, and by the digest whether it is what it was.

use std::{
    io::{self, Read},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderName, header},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use portcullis_model::id::Digest;
use tokio::sync::mpsc;

use super::v1::audit::stream::Chunks;

/// What tars are called.
pub(super) const TAR: &str = "application/x-tar";
/// The digest of what is answered (RFC 9530).
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
/// The most that is read at once, in bytes.
const PART: usize = 64 * 1024;
/// Parts that wait for a reader, and how long a reader may take over one.
const WAITING: usize = 2;
const PATIENCE: Duration = Duration::from_secs(60);
/// How many bytes a second a reader takes at least, over the whole.
const SLOWEST: u64 = 256 * 1024;

/// A tar that is handed over.
pub struct Parcel {
    /// What is in it. Dropped when it was handed over, or its reader is gone.
    pub content: Box<dyn Read + Send>,
    /// How long it is.
    pub bytes: u64,
    /// Its SHA-256.
    pub digest: Digest,
}

impl Parcel {
    /// As an answer, to be saved under this name.
    pub(super) fn answer(self, name: &str) -> Response {
        let Self { content, bytes, digest } = self;
        let (sender, chunks) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            let handed = tokio::time::timeout(longest(bytes), hand_over(content, sender)).await;
            if handed.is_err() {
                tracing::warn!(bytes, "a file that is handed over was cut off: its reader is too slow");
            }
        });
        let digest = hex::decode(digest.hex()).unwrap_or_default();
        let head = [
            (header::CONTENT_TYPE, TAR.to_owned()),
            (header::CONTENT_LENGTH, bytes.to_string()),
            (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.tar\"")),
            (REPR_DIGEST, format!("sha-256=:{}:", BASE64_STANDARD.encode(digest))),
        ];
        (head, Body::new(Chunks(chunks))).into_response()
    }
}

/// How long its reader may take over all of it: nobody keeps others from it, and a disk full of it, by reading a little at a time.
fn longest(bytes: u64) -> Duration {
    PATIENCE + Duration::from_secs(bytes / SLOWEST)
}

/// The next part, and the rest; an empty one at the end.
async fn read(mut content: Box<dyn Read + Send>) -> io::Result<(Bytes, Box<dyn Read + Send>)> {
    let work = move || {
        let mut part = vec![0; PART];
        let length = content.read(&mut part)?;
        part.truncate(length);
        Ok::<_, io::Error>((Bytes::from(part), content))
    };
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

async fn hand_over(mut content: Box<dyn Read + Send>, sender: mpsc::Sender<Bytes>) {
    loop {
        let part = match read(content).await {
            Ok((part, rest)) => {
                content = rest;
                part
            }
            Err(error) => return tracing::error!(%error, "a file that is handed over was cut off"),
        };
        if part.is_empty() {
            return;
        }
        let handed = tokio::time::timeout(PATIENCE, sender.send(part)).await;
        if !matches!(handed, Ok(Ok(()))) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn a_file_is_handed_over_whole_with_its_length_and_digest() {
        let whole: Vec<u8> = (0..3 * PART + 7).map(|at| (at % 251) as u8).collect();
        let content = Box::new(io::Cursor::new(whole.clone()));
        let parcel = Parcel { content, bytes: whole.len() as u64, digest: Digest::of(&whole) };
        let response = parcel.answer("acme");
        let (head, body) = response.into_parts();
        assert_eq!(head.headers[header::CONTENT_LENGTH], whole.len().to_string());
        assert_eq!(head.headers[header::CONTENT_DISPOSITION], "attachment; filename=\"acme.tar\"");
        let said = head.headers[REPR_DIGEST].to_str().unwrap().to_owned();
        let said = said.strip_prefix("sha-256=:").unwrap().strip_suffix(':').unwrap();
        assert_eq!(hex::encode(BASE64_STANDARD.decode(said).unwrap()), Digest::of(&whole).hex());
        assert_eq!(to_bytes(body, usize::MAX).await.unwrap(), whole);
    }

    #[test]
    fn whoever_takes_a_little_at_a_time_is_cut_off_within_hours() {
        assert_eq!(longest(0), PATIENCE);
        assert_eq!(longest(1 << 30), PATIENCE + Duration::from_secs(4096));
    }

    /// Gives a part, and fails then.
    struct Broken(bool);

    impl Read for Broken {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            match std::mem::replace(&mut self.0, true) {
                true => Err(io::Error::other("the disk is gone")),
                false => {
                    into[0] = 1;
                    Ok(1)
                }
            }
        }
    }

    #[tokio::test]
    async fn what_cannot_be_read_any_more_ends_before_its_length() {
        let parcel = Parcel { content: Box::new(Broken(false)), bytes: 9, digest: Digest::of(b"") };
        let body = parcel.answer("acme").into_body();
        assert_eq!(to_bytes(body, usize::MAX).await.unwrap().len(), 1);
    }
}
