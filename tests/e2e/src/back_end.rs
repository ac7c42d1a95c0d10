//! The platform API of a lab, listening by itself, and the tokens of its back ends.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use portcullis_api::platform::routes;
use portcullis_cli::platform::api;
use portcullis_delivery::Directory;
use portcullis_model::{
    installation::Installation,
    oauth::{AccessTokens, Bearer, Presented, Rejected},
    scope::ScopeText,
    time::Timestamp,
};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{Answer, Lab, Request};

/// Tokens that a test gave out, and what each stands for.
#[derive(Default)]
struct Tokens(Mutex<BTreeMap<Vec<u8>, Bearer>>);

#[async_trait]
impl AccessTokens for Tokens {
    async fn check(&self, presented: &Presented) -> Result<Bearer, Rejected> {
        let known = self.0.lock().unwrap().get(presented.token.expose()).cloned();
        known.ok_or_else(|| Rejected::Token("the access token is unknown or over".to_owned()))
    }
}

/// The platform API of a lab.
pub struct BackEnds {
    /// Where it listens.
    pub address: SocketAddr,
    tokens: Arc<Tokens>,
    task: JoinHandle<()>,
}

impl Lab {
    /// Lets back ends in.
    pub async fn back_ends(&self) -> BackEnds {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let tokens = Arc::new(Tokens::default());
        let directory = Directory::new(self.host.store.clone());
        let api = api(self.runtime.clone(), directory, tokens.clone(), &format!("http://{address}"));
        let app = routes(api);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = TowerToHyperService::new(app.clone());
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        BackEnds { address, tokens, task }
    }
}

impl BackEnds {
    /// Gives a token out, in the name of an installation, for these scopes.
    pub fn token(&self, name: &str, installation: &Installation, scopes: &[&str]) -> String {
        let token = format!("pct_{name}");
        let scopes: Vec<ScopeText> = scopes.iter().map(|scope| scope.parse().unwrap()).collect();
        let bearer = Bearer {
            client: format!("client-{name}").parse().unwrap(),
            tenant: installation.tenant.clone(),
            installation: installation.id.clone(),
            release: installation.release,
            scopes,
            actors: vec![format!("client-{name}")],
            reference: format!("token-{name}"),
            expires: Timestamp(i64::MAX),
        };
        self.tokens.0.lock().unwrap().insert(token.clone().into_bytes(), bearer);
        token
    }

    /// Sends a request with a token.
    pub async fn send(&self, token: &str, request: Request) -> Answer {
        request.header("authorization", format!("Bearer {token}")).send(self.address).await
    }

    /// Asks for what is at a path below `/api/v2/`.
    pub async fn get(&self, token: &str, path: &str) -> Answer {
        self.send(token, Request::get(format!("/api/v2/{path}"))).await
    }
}

impl Drop for BackEnds {
    fn drop(&mut self) {
        self.task.abort();
    }
}
