//! The host's side of each function in `wit/http.wit`.

use portcullis_runtime::{gate::HostResult, wit::types};

use super::{State, wit};

impl wit::Host for State {
    async fn send(&mut self, request: wit::Request) -> HostResult<wit::Response> {
        self.door.gate.count()?;
        let act = match self.door.act(&request.method, &request.url, request.headers, request.body) {
            Ok(act) => act,
            Err(unfit) => return Ok(Err(types::Error::Invalid(unfit.to_string()))),
        };
        let answer = self.door.send(act).await?;
        Ok(answer.map(|a| wit::Response { status: a.status, headers: a.headers, body: a.body }))
    }
}
