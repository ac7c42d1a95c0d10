//! Sends the request that the event's data describes (`{"url":..,"method":..,"headers":[[name,value]],"body":..}`) and
//! logs the answer's status, headers and body, or the error. Must get no further than the grant, and see no credential.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Asked {
    url: String,
    method: Option<String>,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: String,
}

struct Guest;

impl Events for Guest {
    fn handle(event: Event) -> Result<(), Error> {
        let asked: Asked = event.data()?;
        let request = http::Request::new(asked.method.unwrap_or("GET".to_owned()), asked.url);
        let request = asked.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        match request.body(asked.body).send() {
            Ok(answer) => {
                log::info!("status {}", answer.status());
                log::info!("headers {:?}", answer.headers());
                log::info!("body {}", answer.text());
            }
            Err(error) => log::info!("error {error:?}"),
        }
        Ok(())
    }
}

portcullis_sdk::export!(Guest: Events);
