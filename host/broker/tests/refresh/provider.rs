//! A provider on loopback that counts, and the client of it that stands behind the engine: a line asks, a line answers.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use portcullis_broker::issue::{Conduct, Credential, IssueError, Issued, Issuer, Revoked};
use portcullis_model::{connection::Origin, id::ProviderId, secret::Secret};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// How it treats refresh tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// One works as often as one likes; the old access token goes on.
    Often,
    /// One works once. A second use revokes everything (RFC 9700, 4.14.2).
    Once,
    /// One works once, and the old pair ends at once; the one before may be used again, and gets the same successor.
    OnceWithGrace,
}

impl Way {
    pub fn name(self) -> &'static str {
        match self {
            Self::Often => "often",
            Self::Once => "once",
            Self::OnceWithGrace => "grace",
        }
    }

    pub fn conduct(name: &str) -> Option<Conduct> {
        let conduct = |refresh_once, renewal_ends_old| Conduct {
            renewable: true,
            renewal_ends_old,
            refresh_once,
            revocable: true,
        };
        match name {
            "often" => Some(conduct(false, false)),
            "once" => Some(conduct(true, true)),
            "grace" => Some(conduct(true, true)),
            _ => None,
        }
    }
}

/// A grant: one connection's.
#[derive(Default)]
struct Grant {
    number: u64,
    gone: bool,
}

/// What it has seen of a grant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// New pairs that it issued.
    pub issued: u64,
    /// Requests for a new pair.
    pub asked: u64,
    /// Uses of an access token that is not the present one.
    pub stale: u64,
    /// Uses of the present one.
    pub fresh: u64,
}

#[derive(Default)]
struct State {
    grants: HashMap<String, Grant>,
    seen: HashMap<String, Seen>,
}

#[derive(Clone)]
pub struct Provider {
    pub address: SocketAddr,
    pub way: Way,
    state: Arc<Mutex<State>>,
}

/// The tokens of a grant: `access` or `refresh`, its name, the number of the pair.
pub fn token(kind: &str, grant: &str, number: u64) -> String {
    format!("{kind}:{grant}:{number:08}")
}

impl Provider {
    pub async fn start(way: Way) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Self { address: listener.local_addr().unwrap(), way, state: Arc::default() };
        let shared = provider.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let provider = shared.clone();
                tokio::spawn(async move {
                    let (read, mut write) = stream.into_split();
                    let mut lines = BufReader::new(read).lines();
                    while let Ok(Some(line)) = lines.next_line().await {
                        if line.starts_with("renew") {
                            // So long that the others come while it is under way.
                            tokio::time::sleep(Duration::from_millis(3)).await;
                        }
                        let answer = provider.answer(&line);
                        if write.write_all(format!("{answer}\n").as_bytes()).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        provider
    }

    pub fn seen(&self, grant: &str) -> Seen {
        self.state.lock().unwrap().seen.get(grant).copied().unwrap_or_default()
    }

    fn answer(&self, line: &str) -> String {
        let (verb, token) = line.split_once(' ').unwrap();
        let parts: Vec<&str> = token.split(':').collect();
        let [_, name, number] = parts[..] else { panic!("{line}") };
        let number: u64 = number.parse().unwrap();
        let mut state = self.state.lock().unwrap();
        let State { grants, seen } = &mut *state;
        let (grant, seen) = (grants.entry(name.into()).or_default(), seen.entry(name.into()).or_default());
        match verb {
            "renew" => {
                seen.asked += 1;
                self.renew(grant, seen, name, number)
            }
            "use" if grant.gone || number != grant.number => {
                seen.stale += 1;
                "401".into()
            }
            "use" => {
                seen.fresh += 1;
                "200".into()
            }
            other => panic!("{other}"),
        }
    }

    fn renew(&self, grant: &mut Grant, seen: &mut Seen, name: &str, number: u64) -> String {
        if grant.gone {
            return "gone".into();
        }
        let present = number == grant.number;
        match self.way {
            // The refresh token never changes its number.
            Way::Often => grant.number += 1,
            Way::OnceWithGrace if number + 1 == grant.number => {}
            _ if present => grant.number += 1,
            _ => {
                grant.gone = true;
                return "gone".into();
            }
        }
        seen.issued += 1;
        token("", name, grant.number)
    }
}

/// The engine's client of it. `at` is called between the answer and its use.
pub struct Client {
    pub address: SocketAddr,
    pub at: Box<dyn Fn(&'static str) + Send + Sync>,
}

pub async fn ask(address: SocketAddr, line: String) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("{line}\n").as_bytes()).await?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).await?;
    Ok(answer.trim().to_owned())
}

#[async_trait]
impl Issuer for Client {
    fn conduct(&self, provider: &ProviderId) -> Option<Conduct> {
        Way::conduct(provider.as_str())
    }

    async fn renew(&self, origin: &Origin, credential: &Credential) -> Result<Issued, IssueError> {
        (self.at)("before-sending");
        let refresh = credential.refresh.clone().unwrap();
        let line = format!("renew {}", std::str::from_utf8(refresh.expose()).unwrap());
        let answer = ask(self.address, line).await.map_err(|error| IssueError::Unknown(error.to_string()))?;
        (self.at)("after-answer");
        let [_, grant, number] = answer.split(':').collect::<Vec<_>>()[..] else {
            return Err(IssueError::GrantGone(answer));
        };
        let secret = |kind: &str| Secret::new(token(kind, grant, number.parse().unwrap()).into_bytes());
        let refresh = (origin.provider.as_str() != "often").then(|| secret("refresh"));
        Ok(Issued { access: secret("access"), refresh, lifetime: Some(Duration::from_secs(60)), scopes: None })
    }

    async fn revoke(&self, _: &Origin, _: &Credential) -> Result<Revoked, IssueError> {
        Ok(Revoked::NotOffered)
    }
}
