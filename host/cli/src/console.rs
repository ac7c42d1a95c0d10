//! The console, wired: whose a request is says the session, and what a page asks it asks the admin API in that person's name.

use std::sync::Arc;

use async_trait::async_trait;
use http::request::Parts;
use portcullis_access::Known;
use portcullis_api::{
    SignIn,
    admin::{Api, Local},
};
use portcullis_console::host::{Answer, Ask, Host, Unknown, Visitor};
use portcullis_model::{audit::Actor, people::Caller, time::Timestamp};

/// What pages stand on.
pub struct Pages {
    api: Local,
    base: String,
}

impl Pages {
    /// The admin API, for pages that browsers reach under this address.
    pub fn new(api: &Api, base: String, now: Timestamp) -> Arc<Self> {
        // Nobody is this caller: each request is asked as somebody else.
        let nobody = Caller::at_the_terminal(Actor::Host, now);
        Arc::new(Self { api: api.local(nobody), base })
    }
}

/// The pages; none where nobody can sign in.
pub fn pages(api: &Api, people: Option<&SignIn>, now: Timestamp) -> portcullis_console::Router {
    people.map(|people| portcullis_console::routes(Pages::new(api, people.base.clone(), now))).unwrap_or_default()
}

#[async_trait]
impl Host for Pages {
    async fn visitor(&self, head: &Parts) -> Result<Option<Visitor>, Unknown> {
        Ok(head.extensions.get::<Arc<Known>>().map(|known| Visitor {
            caller: known.caller.clone(),
            name: known.person.name.clone(),
            token: known.csrf.clone(),
        }))
    }

    async fn ask(&self, caller: &Caller, ask: Ask) -> Answer {
        let api = self.api.as_caller(caller.clone());
        let answer = api.ask(ask.method, &ask.path, ask.version.as_deref(), ask.body.as_ref()).await;
        Answer { status: answer.status, version: answer.etag, body: answer.body }
    }

    fn base(&self) -> &str {
        &self.base
    }
}
