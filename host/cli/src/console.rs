//! The console, wired: whose a request is says the session, and what a page asks it asks the admin API in that person's name.

use std::sync::Arc;

use async_trait::async_trait;
use http::request::Parts;
use portcullis_access::{Access, Known};
use portcullis_api::{
    SignIn,
    admin::{Api, Local},
};
use portcullis_console::host::{Answer, Ask, Host, Unknown, Visitor};
use portcullis_model::{
    audit::Actor,
    people::{Action, Caller, Decide as _, Resource, Why},
    time::Timestamp,
};

/// What pages stand on.
pub struct Pages {
    api: Local,
    access: Access,
    base: String,
}

impl Pages {
    /// The admin API, for pages that browsers reach under this address, and what it decides by.
    pub fn new(api: &Api, access: Access, base: String, now: Timestamp) -> Arc<Self> {
        // Nobody is this caller: each request is asked as somebody else.
        let nobody = Caller::at_the_terminal(Actor::Host, now);
        Arc::new(Self { api: api.local(nobody), access, base })
    }
}

/// The pages; none where nobody can sign in.
pub fn pages(api: &Api, people: Option<&SignIn>, now: Timestamp) -> portcullis_console::Router {
    let routes =
        |people: &SignIn| portcullis_console::routes(Pages::new(api, people.access.clone(), people.base.clone(), now));
    people.map(routes).unwrap_or_default()
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

    async fn may(&self, caller: &Caller, action: &Action, on: &Resource) -> bool {
        match self.access.decide(caller, action, on).await {
            Ok(decided) => decided.map_or_else(|refusal| refusal.rule == Why::StepUp, |()| true),
            Err(error) => {
                tracing::error!(%error, "it cannot be decided what a page may offer");
                false
            }
        }
    }

    fn base(&self) -> &str {
        &self.base
    }
}
