//! The recorder as the audit log, the budgets' store, and whoever looks on.

use async_trait::async_trait;
use portcullis_model::{
    audit::{Actor, Entry, Kind, RecordError, Recorder},
    behaviour::Tried,
    budget::{BudgetStore, Budgets, Flush, Suspension},
    call::Call,
    error::StoreError,
    scope::ScopeText,
    time::Timestamp,
};
use portcullis_runtime::observe::{Observer, Unfit};

use super::Recording;
use crate::stage::{
    Stage,
    tape::{Asked, Request, What, generalised, place},
};

#[async_trait]
impl Recorder for Recording {
    async fn record(&self, entries: Vec<Entry>) -> Result<(), RecordError> {
        entries.into_iter().for_each(|entry| self.take(&entry));
        Ok(())
    }

    fn note(&self, entry: Entry) {
        self.take(&entry);
    }
}

impl Recording {
    fn take(&self, entry: &Entry) {
        let Actor::Plugin { call, .. } = &entry.actor else { return };
        let Some(stage) = self.0.by_id(call) else { return };
        match entry.kind {
            Kind::ActPermitted if entry.text("act") == Some("http.send") => request(&stage, entry, Tried::Permitted),
            Kind::ActDenied => denied(&stage, entry),
            Kind::ActOutcome => outcome(&stage, entry),
            _ => {}
        }
    }
}

fn denied(stage: &Stage, entry: &Entry) {
    let act = entry.text("act").unwrap_or_default();
    if act == "http.send" {
        request(stage, entry, Tried::Denied);
    }
    let scope = entry.text("scope").unwrap_or_default();
    let needed = scope.parse::<ScopeText>().unwrap_or_else(|_| {
        let (capability, action) = act.split_once('.').unwrap_or((act, ""));
        ScopeText::new(capability, action)
    });
    let (arguments, words) = stage.arguments(&(act, scope, entry.resource.as_deref().unwrap_or_default()));
    let id = entry.text("id").unwrap_or_default().to_owned();
    let (act, what) = (act.to_owned(), What::Denied(generalised(&needed)));
    let outcome = Some(format!("denied: {}", entry.text("reason").unwrap_or_default()));
    stage.inner().tape.ask(Asked { id, act, what, arguments, words, outcome });
}

fn outcome(stage: &Stage, entry: &Entry) {
    let mut inner = stage.inner();
    let id = entry.text("id");
    if let Some(asked) = inner.tape.asked.iter_mut().rev().find(|asked| Some(asked.id.as_str()) == id) {
        asked.outcome = entry.text("outcome").map(str::to_owned);
    }
}

/// What an entry about a request says: method, a space, and the URL less its query.
fn request(stage: &Stage, entry: &Entry, tried: Tried) {
    let (method, url) = entry.resource.as_deref().and_then(|what| what.split_once(' ')).unwrap_or_default();
    let (host, port) = place(url);
    stage.inner().tape.request(Request { host, port, method: method.to_owned(), tried, problem: None });
}

impl Observer for Recording {
    fn unfit(&self, call: &Call, request: Unfit<'_>) {
        let Some(stage) = self.0.by_id(&call.id) else { return };
        let (host, port) = place(request.url);
        let known = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT", "TRACE"];
        let method = known.into_iter().find(|known| *known == request.method).unwrap_or("(another)").to_owned();
        let problem = Some(request.problem.to_owned());
        stage.inner().tape.request(Request { host, port, method, tried: Tried::Refused, problem });
    }

    fn broke(&self, call: &Call, stack: &[String]) {
        if let Some(stage) = self.0.by_id(&call.id) {
            stage.inner().tape.stack = stack.to_vec();
        }
    }
}

#[async_trait]
impl BudgetStore for Recording {
    async fn load_budgets(&self, _: i64, _: Timestamp) -> Result<Budgets, StoreError> {
        Ok(Budgets::default())
    }

    async fn flush_budgets(&self, _: Flush, _: i64, _: Timestamp) -> Result<Vec<Suspension>, StoreError> {
        Ok(Vec::new())
    }

    async fn suspensions(&self, _: Timestamp) -> Result<Vec<Suspension>, StoreError> {
        Ok(Vec::new())
    }

    async fn lift_suspension(&self, _: &Suspension, _: Entry) -> Result<bool, StoreError> {
        Ok(false)
    }
}
