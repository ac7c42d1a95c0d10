//! The document that describes the API: OpenAPI 3.1, made of what the operations say of themselves.
//!
//! Invariant: every answer that an operation can give is in it, by status.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use utoipa::{IntoParams as _, ToSchema, openapi::path::ParameterIn};

use super::{
    body::Taken as _,
    mount::DRY_RUN,
    operation::{About, Effect, On, Operation, Version},
    page::{LARGEST, USUAL},
};
use crate::problem::Reason;

/// What the document says of an operation.
#[derive(Clone, Debug)]
pub struct Described {
    /// What is fixed about it.
    pub about: About,
    parameters: Vec<Value>,
    body: Option<Value>,
    needs_body: bool,
    media: &'static str,
    answer: Value,
    pub(super) schemas: Vec<(String, Value)>,
}

impl Described {
    /// All that there is to say about an operation.
    pub fn of<O: Operation>() -> Self {
        let mut schemas = Vec::new();
        let path = O::Path::into_params(|| Some(ParameterIn::Path));
        let query = O::Query::into_params(|| Some(ParameterIn::Query));
        let parameters = path.iter().chain(&query).filter_map(|one| serde_json::to_value(one).ok()).collect();
        let body = O::Body::schema(&mut schemas);
        let answer = reference::<O::Answer>(&mut schemas);
        Self {
            about: O::ABOUT,
            parameters,
            body,
            needs_body: O::Body::REQUIRED,
            media: O::Body::MEDIA,
            answer,
            schemas,
        }
    }

    /// Why a request for it can be refused.
    pub fn refuses(&self) -> Vec<Reason> {
        let about = &self.about;
        let mut all = vec![
            Reason::NotOperator,
            Reason::SignIn,
            Reason::Forbidden,
            Reason::WrongQuery,
            Reason::WrongBody,
            Reason::TooLarge,
            Reason::Slow,
            Reason::TooMany,
            Reason::Unavailable,
        ];
        let mut when = |holds: bool, reasons: &[Reason]| {
            if holds {
                all.extend(reasons);
            }
        };
        when(about.action.privileged, &[Reason::StepUp]);
        when(about.path.contains('{'), &[Reason::Unknown]);
        when(self.body.is_some(), &[Reason::WrongType]);
        when(self.body.is_some() && self.media == "application/json", &[Reason::NotJson]);
        when(about.version == Version::Needed, &[Reason::NoVersion, Reason::OtherVersion]);
        when(about.takes_key(), &[Reason::KeyInUse, Reason::KeyReused]);
        when(true, about.refuses);
        all.sort_unstable();
        all.dedup();
        all
    }

    fn operation(&self) -> Value {
        let about = &self.about;
        let tag = about.id.split('.').next().unwrap_or_default();
        let mut operation = json!({
            "operationId": about.id,
            "summary": about.title,
            "tags": [tag],
            "parameters": self.all_parameters(),
            "responses": self.responses(),
            "x-portcullis-action": about.action.name,
            "x-portcullis-effect": if about.effect == Effect::Read { "read" } else { "write" },
            "x-portcullis-privileged": about.action.privileged,
            "x-portcullis-on": match about.on {
                On::Host => "host",
                On::Tenants => "tenants",
                On::Tenant => "tenant",
                On::Installation => "installation",
            },
        });
        if !about.text.is_empty() {
            operation["description"] = about.text.into();
        }
        if let Some(schema) = &self.body {
            let media = self.media;
            operation["requestBody"] =
                json!({ "required": self.needs_body, "content": { media: { "schema": schema } } });
        }
        operation
    }

    fn all_parameters(&self) -> Vec<Value> {
        let mut all = self.parameters.clone();
        let about = &self.about;
        let parameter = |name: &str, place: &str, required: bool, text: &str, schema: Value| json!({ "name": name, "in": place, "required": required, "description": text, "schema": schema });
        if about.paged {
            let limit = json!({ "type": "integer", "minimum": 1, "maximum": LARGEST, "default": USUAL });
            all.push(parameter("limit", "query", false, "How many a page has at most.", limit));
            let text = "Where to go on, out of the 'next' of the page before. Good for this list and query alone.";
            all.push(parameter("cursor", "query", false, text, json!({ "type": "string" })));
        }
        if about.dry_run {
            let text = "Answers what would be done, and does nothing.";
            all.push(parameter(DRY_RUN, "query", false, text, json!({ "type": "boolean", "default": false })));
        }
        if about.version == Version::Needed {
            let text = "The ETag of the state that the change was made for.";
            let schema = json!({ "type": "string", "pattern": "^\"[0-9]+\"$" });
            all.push(parameter("If-Match", "header", true, text, schema));
        }
        if about.takes_key() {
            let text = "Makes it safe to send this again: for 24 hours, the same key and request get the same answer, and \
                        nothing is done twice.";
            let schema = json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$" });
            all.push(parameter("Idempotency-Key", "header", false, text, schema));
        }
        all
    }

    fn responses(&self) -> Value {
        let about = &self.about;
        let mut done = json!({ "description": "Done." });
        if about.status != StatusCode::NO_CONTENT {
            done["content"] = match about.media {
                "application/json" => json!({ "application/json": { "schema": self.answer } }),
                other => json!({ other: { "schema": { "type": "string" } } }),
            };
        }
        let mut headers = Map::new();
        if about.version != Version::None {
            headers.insert("ETag".into(), header("The version of what is answered.", true));
        }
        if about.status == StatusCode::CREATED {
            headers.insert("Location".into(), header("Where what was made is found.", true));
        }
        if about.paged {
            headers.insert("Link".into(), header("The next page, where there is one (RFC 8288).", false));
        }
        if !headers.is_empty() {
            done["headers"] = headers.into();
        }
        let mut all = Map::new();
        if about.dry_run && about.status != StatusCode::OK {
            let mut tried = done.clone();
            tried["description"] = "Tried out: this is what would be done.".into();
            // What is not there has no version.
            if let Some(tried) = tried.as_object_mut() {
                tried.remove("headers");
            }
            all.insert(StatusCode::OK.as_u16().to_string(), tried);
        }
        all.insert(about.status.as_u16().to_string(), done);
        let mut by_status: BTreeMap<u16, Vec<Reason>> = BTreeMap::new();
        self.refuses()
            .into_iter()
            .for_each(|reason| by_status.entry(reason.status().as_u16()).or_default().push(reason));
        for (status, reasons) in by_status {
            let words: Vec<String> = reasons.iter().map(|r| format!("{} (`{}`)", r.title(), r.name())).collect();
            let text = format!("{}.", words.join("; "));
            let mut response = json!({
                "description": text,
                "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
            });
            if status == 429 {
                response["headers"] = json!({ "Retry-After": header("How many seconds to wait.", true) });
            }
            all.insert(status.to_string(), response);
        }
        all.into()
    }
}

fn header(text: &str, required: bool) -> Value {
    json!({ "description": text, "required": required, "schema": { "type": "string" } })
}

/// A reference to a type's schema, which is put to the others together with all that it refers to.
pub(super) fn reference<T: ToSchema>(into: &mut Vec<(String, Value)>) -> Value {
    let schema = serde_json::to_value(T::schema()).unwrap_or_default();
    let mut inner = Vec::new();
    T::schemas(&mut inner);
    into.extend(inner.into_iter().filter_map(|(name, one)| Some((name, serde_json::to_value(one).ok()?))));
    let name = T::name().into_owned();
    into.push((name.clone(), schema));
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// The document, for these operations.
pub fn document(all: &[Described]) -> Value {
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let mut schemas: BTreeMap<String, Value> = BTreeMap::from([("Problem".to_owned(), problem())]);
    for one in all {
        let path = paths.entry(format!("/admin/v1{}", one.about.path)).or_default();
        path.insert(one.about.method.as_str().to_lowercase(), one.operation());
        schemas.extend(one.schemas.iter().cloned());
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Portcullis admin API",
            "version": "1",
            "description": "Everything that admins, reviewers and auditors do, for programs. Errors are RFC 9457 problem details.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "bearer": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer" } },
        },
    });
    document.sort_all_objects();
    document
}

fn problem() -> Value {
    json!({
        "type": "object",
        "description": "Why a request was refused (RFC 9457).",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": { "type": "string", "format": "uri", "description": "What is wrong. It never changes its meaning." },
            "title": { "type": "string", "description": "The same in words." },
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": { "type": "string", "description": "What to do about it." },
            "refusal": { "type": "object", "description": "Which rule says no, and what would be needed, where that is known." },
        },
    })
}
