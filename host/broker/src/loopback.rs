//! Answers for the command line's own requests to the host's listener on the same machine.
//!
//! Invariants: it speaks to a loopback address and to nothing else, in plain HTTP; no name is resolved; no redirect is
//! followed and no proxy is used; an answer is at most 16 MiB.

use std::{
    fmt,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, Response,
    body::Incoming,
    header::{HOST, HeaderName},
};
use tokio::{net::TcpStream, time::timeout};

use crate::wire::{BodyFailed, Failed, Outgoing, Wire, chain};

const MAX_ANSWER: usize = 16 * 1024 * 1024;
const MAX_IDLE: usize = 64;
const PATIENCE: Duration = Duration::from_secs(60);

/// Why there is no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LoopbackError {
    /// The address is not one of this machine's loopback addresses.
    #[error("{0} is not a loopback address")]
    NotLoopback(SocketAddr),
    /// Path or headers are unfit.
    #[error("the request cannot be made: {0}")]
    Request(String),
    /// Nobody listens, or the connection broke.
    #[error("{address}: {problem}")]
    Down {
        /// Who was asked.
        address: SocketAddr,
        /// What happened.
        problem: String,
    },
}

/// An answer, head and all. Its headers can hold secrets (cookies), so it is not printed.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    headers: HeaderMap,
}

impl Answer {
    /// The first header of this name, where it is text.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A client of one listener. Keeps connections open between requests.
pub struct Loopback {
    address: SocketAddr,
    idle: Mutex<Vec<Wire>>,
}

impl Loopback {
    /// A client of the listener at this address. Refuses any that is not loopback.
    pub fn new(address: SocketAddr) -> Result<Self, LoopbackError> {
        if !address.ip().is_loopback() {
            return Err(LoopbackError::NotLoopback(address));
        }
        Ok(Self { address, idle: Mutex::new(Vec::new()) })
    }

    /// Posts, and gives the answer's status and body.
    pub async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<(u16, Vec<u8>), LoopbackError> {
        let answer = self.request(Method::POST, path, headers, body).await?;
        Ok((answer.status, answer.body))
    }

    /// Gets, and gives the answer's status and body.
    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Result<(u16, Vec<u8>), LoopbackError> {
        let answer = self.request(Method::GET, path, headers, Vec::new()).await?;
        Ok((answer.status, answer.body))
    }

    /// Sends a request, and gives the whole answer: a redirect is one, and cookies are the caller's to keep.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer, LoopbackError> {
        let mut request = Request::builder().method(method).uri(path).header(HOST, self.address.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(body)));
        let request = request.map_err(|error| LoopbackError::Request(error.to_string()))?;
        let answered = timeout(PATIENCE, self.exchange(request)).await;
        answered.unwrap_or_else(|_| Err(self.down(format!("no answer within {PATIENCE:?}"))))
    }

    async fn exchange(&self, request: Outgoing) -> Result<Answer, LoopbackError> {
        let (response, mut wire) = self.answered(request).await?;
        let (head, body) = response.into_parts();
        let body = wire.collect(body, MAX_ANSWER).await.map_err(|failed| match failed {
            BodyFailed::TooLong => self.down(format!("the answer is longer than {MAX_ANSWER} bytes")),
            BodyFailed::Broken(error) => self.down(chain(&error)),
        })?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.push(wire);
        }
        Ok(Answer { status: head.status.as_u16(), body, headers: head.headers })
    }

    async fn answered(&self, mut request: Outgoing) -> Result<(Response<Incoming>, Wire), LoopbackError> {
        while let Some(mut wire) = self.waiting() {
            if !wire.is_ready() {
                continue;
            }
            match wire.send(request).await {
                Ok(response) => return Ok((response, wire)),
                Err(Failed::Unsent(again)) => request = *again,
                Err(Failed::Broken(error)) => return Err(self.down(chain(&error))),
            }
        }
        let stream = TcpStream::connect(self.address).await.map_err(|error| self.down(error.to_string()))?;
        stream.set_nodelay(true).map_err(|error| self.down(error.to_string()))?;
        let mut wire = Wire::over(stream).await.map_err(|error| self.down(chain(&error)))?;
        match wire.send(request).await {
            Ok(response) => Ok((response, wire)),
            Err(Failed::Unsent(_)) => Err(self.down("the connection was closed before the request".to_owned())),
            Err(Failed::Broken(error)) => Err(self.down(chain(&error))),
        }
    }

    fn waiting(&self) -> Option<Wire> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn down(&self, problem: String) -> LoopbackError {
        LoopbackError::Down { address: self.address, problem }
    }
}

impl fmt::Debug for Loopback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Loopback({})", self.address)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// Answers each request on each connection with the connection's number and the request's bytes.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            for number in 1.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    let mut buffer = [0; 4096];
                    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
                        let body = format!("{number} {}", String::from_utf8_lossy(&buffer[..length]));
                        let answer = format!("HTTP/1.1 202 Accepted\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                        stream.write_all(answer.as_bytes()).await.unwrap();
                    }
                });
            }
        });
        address
    }

    #[tokio::test]
    async fn posts_and_keeps_the_connection() {
        let client = Loopback::new(echo().await).unwrap();
        for _ in 0..3 {
            let (status, body) = client.post("/x", &[("x-a", "b")], b"hi".to_vec()).await.unwrap();
            let text = String::from_utf8(body).unwrap();
            assert_eq!(status, 202);
            assert!(text.starts_with("1 POST /x HTTP/1.1\r\n") && text.ends_with("\r\n\r\nhi"), "{text}");
            assert!(text.contains("x-a: b\r\n") && text.contains("content-length: 2\r\n"), "{text}");
        }
        assert!(String::from_utf8(client.get("/", &[]).await.unwrap().1).unwrap().starts_with("1 GET / "));
        let answer = client.request(Method::DELETE, "/x", &[], Vec::new()).await.unwrap();
        assert!(answer.body.starts_with(b"1 DELETE /x ") && answer.status == 202);
        let length = answer.header(&hyper::header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
        assert_eq!((length, answer.header(&HOST)), (Some(answer.body.len()), None));
    }

    #[tokio::test]
    async fn refuses_every_other_address_and_says_when_nobody_listens() {
        for other in
            ["192.168.0.1:80", "8.8.8.8:80", "0.0.0.0:80", "[::]:80", "[::ffff:127.0.0.1]:80", "169.254.169.254:80"]
        {
            assert!(matches!(Loopback::new(other.parse().unwrap()), Err(LoopbackError::NotLoopback(_))), "{other}");
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = Loopback::new(address).unwrap().post("/", &[], Vec::new()).await.unwrap_err();
        assert!(matches!(error, LoopbackError::Down { .. }), "{error}");
        let error = Loopback::new(address).unwrap().post("/", &[("a", "b\r\nc")], Vec::new()).await.unwrap_err();
        assert!(matches!(error, LoopbackError::Request(_)), "{error}");
    }
}
