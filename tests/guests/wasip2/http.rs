//! Built for `wasm32-wasip2`: sends the request that the event's data describes (`{"scheme":..,"authority":..,"path":..,
//! "method":..,"headers":[[name,value]],"body":..,"trailers":..}`) through `wasi:http/outgoing-handler`, and prints the answer or
//! the error. Must get no further than the grant, and see no credential.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;
use serde::Deserialize;
use wasip2::{
    http::{
        outgoing_handler,
        types::{ErrorCode, Fields, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme},
    },
    io::streams::StreamError,
};

#[derive(Deserialize)]
struct Asked {
    scheme: Option<String>,
    authority: String,
    path: String,
    method: Option<String>,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: String,
    /// Sent this many times over.
    #[serde(default)]
    repeat: Option<usize>,
    #[serde(default)]
    trailers: bool,
    /// This many at once, and none of them read.
    #[serde(default)]
    at_once: usize,
}

struct Guest;

impl Events for Guest {
    fn handle(event: Event) -> Result<(), Error> {
        let asked: Asked = event.data()?;
        if asked.at_once > 0 {
            let all: Vec<_> = (0..asked.at_once).map(|_| begin(&asked)).collect();
            let sent = all.into_iter().filter(|one| matches!(one, Ok(future) if answered(future).is_ok())).count();
            println!("sent {sent}");
            return Ok(());
        }
        match begin(&asked).and_then(|future| answered(&future).map_err(|code| format!("{code:?}"))) {
            Ok(answer) => show(&answer),
            Err(error) => println!("error {error}"),
        }
        Ok(())
    }
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "DELETE" => Method::Delete,
        "CONNECT" => Method::Connect,
        other => Method::Other(other.to_owned()),
    }
}

fn scheme(name: &str) -> Scheme {
    match name {
        "https" => Scheme::Https,
        "http" => Scheme::Http,
        other => Scheme::Other(other.to_owned()),
    }
}

fn begin(asked: &Asked) -> Result<outgoing_handler::FutureIncomingResponse, String> {
    let headers = Fields::new();
    for (name, value) in &asked.headers {
        headers.append(name, value.as_bytes()).map_err(|error| format!("header {name}: {error:?}"))?;
    }
    let request = OutgoingRequest::new(headers);
    let set = |done: Result<(), ()>, what: &str| done.map_err(|()| format!("cannot set the {what}"));
    set(request.set_method(&method(asked.method.as_deref().unwrap_or("GET"))), "method")?;
    let scheme = asked.scheme.as_deref().map(scheme);
    set(request.set_scheme(scheme.as_ref()), "scheme")?;
    set(request.set_authority(Some(&asked.authority)), "authority")?;
    set(request.set_path_with_query(Some(&asked.path)), "path")?;
    let body = request.body().map_err(|()| "no body".to_owned())?;
    let future = outgoing_handler::handle(request, None).map_err(|code| format!("{code:?}"))?;
    write(&body, asked).map_err(|error| format!("body: {error:?}"))?;
    let trailers = asked.trailers.then(|| Fields::from_list(&[("x-trailer".to_owned(), b"1".to_vec())]));
    let trailers = trailers.transpose().map_err(|error| format!("trailers: {error:?}"))?;
    OutgoingBody::finish(body, trailers).map_err(|code| format!("finish: {code:?}"))?;
    Ok(future)
}

/// What is not taken any more is left: the answer says why.
fn write(body: &OutgoingBody, asked: &Asked) -> Result<(), ErrorCode> {
    let Ok(stream) = body.write() else { return Ok(()) };
    for _ in 0..asked.repeat.unwrap_or(1) {
        for piece in asked.body.as_bytes().chunks(4096) {
            match stream.blocking_write_and_flush(piece) {
                Ok(()) => {}
                Err(StreamError::Closed | StreamError::LastOperationFailed(_)) => return Ok(()),
            }
        }
    }
    Ok(())
}

fn answered(future: &outgoing_handler::FutureIncomingResponse) -> Result<IncomingResponse, ErrorCode> {
    future.subscribe().block();
    match future.get() {
        Some(Ok(answer)) => answer,
        _ => Err(ErrorCode::InternalError(Some("asked twice".to_owned()))),
    }
}

fn show(answer: &IncomingResponse) {
    println!("status {}", answer.status());
    for (name, value) in answer.headers().entries() {
        println!("header {name}: {}", String::from_utf8_lossy(&value));
    }
    let Ok(body) = answer.consume() else { return };
    let Ok(stream) = body.stream() else { return };
    let mut all = Vec::new();
    while let Ok(piece) = stream.blocking_read(65_536) {
        all.extend(piece);
    }
    println!("body {}", String::from_utf8_lossy(&all));
}

portcullis_sdk::export!(Guest: Events);
