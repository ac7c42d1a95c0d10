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
    time::{Rng, Timestamp},
};

/// What pages stand on.
pub struct Pages {
    api: Local,
    access: Access,
    rng: Arc<dyn Rng>,
    base: String,
}

impl Pages {
    /// The admin API, for pages that browsers reach under this address, and what it decides by.
    pub fn new(api: &Api, access: Access, rng: Arc<dyn Rng>, base: String, now: Timestamp) -> Arc<Self> {
        // Nobody is this caller: each request is asked as somebody else.
        let nobody = Caller::at_the_terminal(Actor::Host, now);
        Arc::new(Self { api: api.local(nobody), access, rng, base })
    }
}

/// The pages; none where nobody can sign in.
pub fn pages(api: &Api, people: Option<&SignIn>, rng: &Arc<dyn Rng>, now: Timestamp) -> portcullis_console::Router {
    let pages = |people: &SignIn| Pages::new(api, people.access.clone(), rng.clone(), people.base.clone(), now);
    people.map(|people| portcullis_console::routes(pages(people))).unwrap_or_default()
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
        let headers = [("if-match", ask.version.as_deref()), ("idempotency-key", ask.key.as_deref())];
        let headers: Vec<(&str, &str)> = headers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let answer = api.ask_with(ask.method, &ask.path, &headers, ask.body.as_ref()).await;
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

    fn fresh(&self) -> String {
        let mut bytes = [0_u8; 16];
        self.rng.fill(&mut bytes);
        hex::encode(bytes)
    }

    fn base(&self) -> &str {
        &self.base
    }
}
