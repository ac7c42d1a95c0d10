//! Answers for one request on its way: who sends it, and how it is written out.
//!
//! Invariants: it is written in origin form, with a `Host` of the host's own making and no header that was passed through; it
//! can be written out a second time, and is then the same but for its credential.

use bytes::Bytes;
use hyper::{
    Method, Request, Uri, Version,
    header::{HOST, HeaderValue},
    http::uri::PathAndQuery,
};
use portcullis_model::{
    egress::{MAX_BODY, SendRequest},
    error::ServiceError,
    freeze::Subject,
    permit::{Begun, Spent},
    target::Target,
    trace::Traceparent,
};

use crate::{connection::Connection, headers, wire::Outgoing};

/// A request on its way.
pub(crate) struct Sending {
    pub(crate) subject: Subject,
    pub(crate) target: Target,
    method: &'static str,
    headers: Vec<(String, String)>,
    body: Bytes,
    /// The act's place in its trace, so that what arrives can be led back to the entry.
    trace: Traceparent,
    /// Marked before the first byte leaves.
    pub(crate) begun: Begun,
}

impl Sending {
    /// The request that was permitted.
    pub(crate) fn new(act: Spent<SendRequest>) -> Self {
        let call = act.call();
        let subject = Subject {
            tenant: call.tenant.clone(),
            installation: call.installation.clone(),
            plugin: call.plugin.clone(),
        };
        let trace = call.trace_of(act.id());
        let begun = act.begun().clone();
        let SendRequest { method, target, headers, body } = act.into_act();
        Self { subject, target, method, headers, body: body.into(), trace, begun }
    }

    /// Where to.
    pub(crate) fn host(&self) -> &str {
        self.target.host()
    }

    /// Bytes of its body.
    pub(crate) fn bytes(&self) -> u64 {
        self.body.len() as u64
    }

    /// As it goes out with these credentials.
    pub(crate) fn with(&self, credentials: &[&Connection]) -> Result<Outgoing, ServiceError> {
        if self.body.len() > MAX_BODY {
            return Err(ServiceError::limited("http-request-bytes", MAX_BODY as u64));
        }
        let invalid = |what: &str| ServiceError::Invalid(what.to_owned());
        let host = HeaderValue::from_str(&self.target.authority());
        let path = PathAndQuery::try_from(&*self.target.path_and_query());
        let mut headers = headers::build(&self.headers, credentials)?;
        headers.insert(HOST, host.map_err(|_| invalid("url: the host is unfit"))?);
        let trace = HeaderValue::from_bytes(&self.trace.header());
        headers.insert("traceparent", trace.map_err(|_| invalid("traceparent: is unfit"))?);
        let mut request = Request::new(self.body.clone().into());
        *request.method_mut() = Method::from_bytes(self.method.as_bytes()).map_err(|_| invalid("method: is unfit"))?;
        *request.uri_mut() = Uri::from(path.map_err(|_| invalid("url: has characters that must be escaped"))?);
        *request.version_mut() = Version::HTTP_11;
        *request.headers_mut() = headers;
        Ok(request)
    }
}
