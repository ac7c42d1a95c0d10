//! The standard way to `http`: `wasi:http/types` and `outgoing-handler`.
//!
//! The handler collects the request's body, makes the same act of it as the small client does, and sends it through the same
//! door; what the plugin may not set in a header falls away there. Trailers are dropped. The time-outs of `request-options`
//! are taken and not kept: the host's own and the call's wall-clock limit hold. A denial has no text in `wasi:http`, so what
//! would have covered it goes to the plugin's log.
//!
//! What bounds the host's memory: [`AT_ONCE`] requests of a call hold a body or an answer at a time, each of at most 1 MiB;
//! bodies that were begun and not sent hold [`CHUNK`] each, fields [`FIELDS`], as many as there are handles.
//!
//! Invariants: a request leaves only through the door; it is counted before, so that a call over its limit sends nothing.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, uri::Scheme};
use http_body_util::{BodyExt, Full};
use portcullis_model::egress::{Answer, MAX_BODY, NOT_PUBLIC};
use portcullis_runtime::{
    wasi::{Holds, Imports, View},
    wasmtime::{self, component::Linker},
    wasmtime_wasi_http::{
        Error, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttp, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks,
        p2::bindings::{LinkOptions, http as interfaces},
    },
    wit::types,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    Cap,
    door::{Door, Unfit},
};

/// Requests of one call that are under way or whose answers are held, at a time.
const AT_ONCE: usize = 8;

/// The most that one write to a body takes, in bytes.
const CHUNK: usize = 16 * 1024;

/// The most that one set of fields takes in memory, in bytes: twice what a request may have.
const FIELDS: usize = 32 * 1024;

type Sent = Result<(Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>), Error>;

/// Links what the component imports of both interfaces.
pub(super) fn link<T: Holds<Cap>>(linker: &mut Linker<T>, imports: &Imports) -> wasmtime::Result<()> {
    if imports.has("wasi:http/types") {
        interfaces::types::add_to_linker::<T, WasiHttp>(linker, &(&LinkOptions::default()).into(), view)?;
    }
    if imports.has("wasi:http/outgoing-handler") {
        interfaces::outgoing_handler::add_to_linker::<T, WasiHttp>(linker, view)?;
    }
    Ok(())
}

fn view<T: Holds<Cap>>(store: &mut T) -> WasiHttpCtxView<'_> {
    let View { state, table } = store.view();
    let Hooks { sender, ctx } = &mut state.wasi;
    WasiHttpCtxView { hooks: sender, table, ctx }
}

/// What one call's `wasi:http` works on.
pub(super) struct Hooks {
    sender: Sender,
    ctx: WasiHttpCtx,
}

impl Hooks {
    pub fn new(door: Door) -> Self {
        let mut ctx = WasiHttpCtx::new();
        ctx.set_field_size_limit(FIELDS);
        Self { sender: Sender { door, room: None }, ctx }
    }
}

struct Sender {
    door: Door,
    /// Made when the first request is sent.
    room: Option<Arc<Semaphore>>,
}

impl WasiHttpHooks for Sender {
    /// None: the door drops what a plugin may not set, as it does for the small client.
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(|_: &HeaderName| false)
    }

    fn is_supported_scheme(&mut self, scheme: &Scheme) -> bool {
        *scheme == Scheme::HTTPS
    }

    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let room = self.room.get_or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE))).clone();
        let (door, room) = (self.door.clone(), room.try_acquire_owned());
        Box::new(async move {
            let room = room.map_err(|_| Error::ConnectionLimitReached)?;
            let answer = send(&door, request).await?;
            let done: Box<dyn Future<Output = Result<(), Error>> + Send> = Box::new(std::future::ready(Ok(())));
            Ok((response(answer, room)?, done))
        })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK
    }
}

async fn send(door: &Door, request: Request<WasiBody>) -> Result<Answer, Error> {
    let (head, body) = request.into_parts();
    let (url, headers) = (head.uri.to_string(), pairs(&head.headers));
    // The method and the target first: what cannot be granted is not waited for.
    door.act(head.method.as_str(), &url, Vec::new(), Vec::new()).map_err(unfit)?;
    let body = collect(body).await?;
    let act = door.act(head.method.as_str(), &url, headers, body).map_err(unfit)?;
    // Asking was counted when the plugin asked, but could not be refused there.
    door.gate.count().map_err(|error| Error::InternalError(Some(error.to_string())))?;
    match door.send(act).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(refused(door, error)),
        Err(error) => Err(Error::InternalError(Some(error.to_string()))),
    }
}

/// What is no text is refused further on, like any other value that no header may have.
fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

/// All of a body, less its trailers.
async fn collect(mut body: WasiBody) -> Result<Vec<u8>, Error> {
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        if all.len() + data.len() > MAX_BODY {
            return Err(Error::HttpRequestBodySize(Some(MAX_BODY as u64)));
        }
        all.extend_from_slice(&data);
    }
    Ok(all)
}

fn unfit(unfit: Unfit) -> Error {
    match unfit {
        Unfit::Method => Error::HttpRequestMethodInvalid,
        Unfit::Url(_) => Error::HttpRequestUriInvalid,
        Unfit::Body => Error::HttpRequestBodySize(Some(MAX_BODY as u64)),
    }
}

fn refused(door: &Door, error: types::Error) -> Error {
    match error {
        types::Error::Denied(denial) => {
            door.gate
                .log("warn", &format!("http: {} was denied: {}; it needs {}", denial.id, denial.reason, denial.scope));
            Error::HttpRequestDenied
        }
        types::Error::Invalid(what) if what == NOT_PUBLIC => Error::DestinationIpProhibited,
        types::Error::Invalid(what) => Error::InternalError(Some(what)),
        types::Error::Limited(limit) => match limit.name.as_str() {
            "http-request-bytes" => Error::HttpRequestBodySize(Some(limit.allowed)),
            "http-response-bytes" => Error::HttpResponseBodySize(Some(limit.allowed)),
            "http-response-headers" => Error::HttpResponseHeaderSectionSize(u32::try_from(limit.allowed).ok()),
            name => Error::InternalError(Some(format!("limit '{name}' reached: {} allowed", limit.allowed))),
        },
        types::Error::Unavailable | types::Error::NotFound | types::Error::Conflict => Error::DestinationUnavailable,
    }
}

/// The answer, which holds its room until the plugin has read it or let go of it.
fn response(answer: Answer, room: OwnedSemaphorePermit) -> Result<Response<WasiBody>, Error> {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    let body = Full::new(Bytes::from(answer.body)).map_err(Error::from).map_frame(move |frame| {
        let _held = &room;
        frame
    });
    response.body(body.boxed_unsync()).map_err(|error| Error::InternalError(Some(error.to_string())))
}
