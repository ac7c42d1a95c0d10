//! The host's side of each function in `wit/http.wit`.

use portcullis_model::{
    egress::{MAX_BODY, SendRequest},
    target::Target,
};
use portcullis_runtime::{
    gate::HostResult,
    wit::{refused, types},
};

use super::{State, scope::method, wit};

fn invalid<T>(what: impl Into<String>) -> HostResult<T> {
    Ok(Err(types::Error::Invalid(what.into())))
}

impl wit::Host for State {
    async fn send(&mut self, request: wit::Request) -> HostResult<wit::Response> {
        self.gate.count()?;
        let method = match method(&request.method) {
            Ok(method) => method,
            Err(_) => return invalid("method: expected GET, POST, PUT, PATCH, DELETE or HEAD"),
        };
        let target: Target = match request.url.parse() {
            Ok(target) => target,
            Err(problem) => return invalid(problem),
        };
        if request.body.len() > MAX_BODY {
            return invalid("body: expected at most 1 MiB");
        }
        if let Err(error) = self.gate.count_http() {
            return Ok(Err(refused(error)));
        }
        let act = SendRequest { method, target, headers: request.headers, body: request.body };
        let egress = self.egress.clone();
        let answer = self.gate.act(&self.authority, act, |spent| async move { egress.send(spent).await }).await?;
        Ok(answer.map(|a| wit::Response { status: a.status, headers: a.headers, body: a.body }))
    }
}
