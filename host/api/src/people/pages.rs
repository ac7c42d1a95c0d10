//! Whose a request for a page is, noted in it before the page is made; and the same for the admin API, where a browser asks it itself.
//!
//! Invariant: only a session's cookie makes a request somebody's; what a page changes it takes from a form with the session's own token,
//! which the page checks, and what a script changes has that token in a header, which is checked here.

use std::{net::IpAddr, sync::Arc};

use async_trait::async_trait;
use axum::{
    Router,
    extract::{Request, State},
    http::{Method, StatusCode, request::Parts},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use portcullis_model::people::Caller;

use super::SignIn;
use crate::{
    admin::Recognise,
    peers::{Client, Known},
    problem::{Problem, Reason},
};

/// What pages are drawn with: the same for everybody, and nothing is looked up for it.
const ASSETS: &str = "/console/assets/";

/// These pages, each request with whose it is.
pub(crate) fn pages(router: Router, own: Arc<SignIn>) -> Router {
    router.layer(from_fn_with_state(own, noted))
}

async fn noted(State(own): State<Arc<SignIn>>, mut request: Request, next: Next) -> Response {
    if request.uri().path().starts_with(ASSETS) {
        return Known::Proved.note(next.run(request).await);
    }
    let Some(client) = request.extensions().get::<Client>().copied() else { return next.run(request).await };
    match own.known(&Method::GET, request.headers(), client.0).await {
        Ok(Some(known)) => {
            request.extensions_mut().insert(Arc::new(known));
            Known::Proved.note(next.run(request).await)
        }
        Ok(None) => next.run(request).await,
        Err(refused) => refused.response(),
    }
}

#[async_trait]
impl Recognise for SignIn {
    async fn recognise(&self, head: &Parts, address: Option<IpAddr>) -> Result<Option<Caller>, Problem> {
        let client = head.extensions.get::<Client>().map(|client| client.0).or(address);
        let Some(address) = client else { return Ok(None) };
        let known = self.known(&head.method, &head.headers, address).await;
        let known = known.map_err(|refused| match refused.status() {
            StatusCode::SERVICE_UNAVAILABLE => Problem::new(Reason::Unavailable, refused.detail()),
            _ => {
                let help = "Load the page again, or sign in anew: the request is not of your session.";
                Problem::new(Reason::SignIn, help)
            }
        })?;
        Ok(known.map(|known| known.caller))
    }
}
