//! What the attacking guests share: bindings to everything that a plugin can import, with nothing between them and the host
//! (the SDK is too nice for this), and words for what must happen.
//!
//! A guest that finds a way out says so: it returns `invalid("ESCAPED: ...")`. One that is refused in another way than it
//! should be, or finds that its attempt did not get as far as it must, says `MISSED: ...`. So `expect: ok` means that it
//! tried everything and was refused each time, as it should be.
//!
//! Invariant: a guest imports only the interfaces whose functions it calls.

use std::fmt::{Debug, Display};

#[doc(hidden)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit",
        world: "portcullis:plugin/integration",
        additional_derives: [PartialEq],
        pub_export_macro: true,
        generate_all,
    });
}

pub use bindings::{
    exports::portcullis::plugin::events::{Event, Guest},
    portcullis::plugin::{
        attachments, clocks, files, http, kv, log, random, tickets,
        types::{Denial, Error, Limit},
        users,
    },
};

/// What a handler returns.
pub type Outcome = Result<(), Error>;

/// Exports a function as the handler: `attack!(|event| { ...; Ok(()) });`.
#[macro_export]
macro_rules! attack {
    (|$event:pat_param| $body:expr) => {
        struct Attack;

        impl $crate::Guest for Attack {
            fn handle($event: $crate::Event) -> $crate::Outcome {
                $body
            }
        }

        // Off wasm nothing is exported, but it must be a handler all the same, and count as used.
        const _: fn($crate::Event) -> $crate::Outcome = <Attack as $crate::Guest>::handle;
        #[cfg(target_family = "wasm")]
        $crate::bindings::export!(Attack with_types_in $crate::bindings);
    };
}

/// A way out was found.
pub fn escaped(what: impl Display) -> Error {
    Error::Invalid(cut(format!("ESCAPED: {what}")))
}

/// What should have been tried was not.
pub fn missed(what: impl Display) -> Error {
    Error::Invalid(cut(format!("MISSED: {what}")))
}

fn cut(text: String) -> String {
    text.chars().take(400).collect()
}

fn expected<T: Debug>(what: &str, result: Result<T, Error>, name: &str, is: impl Fn(&Error) -> bool) -> Outcome {
    match result {
        Ok(got) => Err(escaped(format!("{what}: {got:?}"))),
        Err(error) if is(&error) => Ok(()),
        Err(error) => Err(missed(format!("{what}: {error:?} instead of {name}"))),
    }
}

/// It must be denied.
pub fn denied<T: Debug>(what: &str, result: Result<T, Error>) -> Outcome {
    expected(what, result, "denied", |error| matches!(error, Error::Denied(_)))
}

/// It must be refused for its form.
pub fn invalid<T: Debug>(what: &str, result: Result<T, Error>) -> Outcome {
    expected(what, result, "invalid", |error| matches!(error, Error::Invalid(_)))
}

/// There must be no such thing.
pub fn not_found<T: Debug>(what: &str, result: Result<T, Error>) -> Outcome {
    expected(what, result, "not-found", |error| matches!(error, Error::NotFound))
}

/// It must be refused for its form, or there must be no such thing.
pub fn nothing<T: Debug>(what: &str, result: Result<T, Error>) -> Outcome {
    expected(what, result, "invalid or not-found", |error| matches!(error, Error::Invalid(_) | Error::NotFound))
}

/// It must be refused for its form, or by authority.
pub fn refused<T: Debug>(what: &str, result: Result<T, Error>) -> Outcome {
    expected(what, result, "invalid or denied", |error| matches!(error, Error::Invalid(_) | Error::Denied(_)))
}

/// This limit must be reached.
pub fn limited<T: Debug>(what: &str, name: &str, result: Result<T, Error>) -> Outcome {
    expected(what, result, name, |error| matches!(error, Error::Limited(limit) if limit.name == name))
}

/// It must not be done, whatever the reason.
pub fn fails<T: Debug>(what: &str, result: Result<T, Error>) -> Outcome {
    expected(what, result, "any error", |_| true)
}

/// It must work: what follows would prove nothing otherwise.
pub fn works<T>(what: &str, result: Result<T, Error>) -> Result<T, Error> {
    result.map_err(|error| missed(format!("{what}: {error:?}")))
}

/// A claim that must be true. `MISSED: ...` says that the attempt did not get as far as it must.
pub fn must(claim: bool, otherwise: impl Display) -> Outcome {
    if claim {
        return Ok(());
    }
    let otherwise = otherwise.to_string();
    Err(otherwise.strip_prefix("MISSED: ").map_or_else(|| escaped(&otherwise), missed))
}

/// Writes a line to the plugin's log.
pub fn say(line: &str) {
    log::write(log::Level::Info, line);
}

/// Names of fields, as the contract takes them.
pub fn names(fields: &[&str]) -> Vec<String> {
    fields.iter().map(|&field| field.to_owned()).collect()
}

/// A search that restricts nothing.
pub fn any() -> tickets::Query {
    tickets::Query {
        words: None,
        status: Vec::new(),
        priority: Vec::new(),
        tags: Vec::new(),
        requester_id: None,
        assignee_id: None,
        organization_id: None,
        brand_id: None,
        updated_since: None,
    }
}

/// An update that changes nothing.
pub fn no_changes() -> tickets::Changes {
    tickets::Changes { status: None, priority: None, add_tags: Vec::new(), remove_tags: Vec::new() }
}

/// An internal note with this key.
pub fn note(body: &str, key: Option<&str>) -> tickets::NewComment {
    tickets::NewComment { body: body.to_owned(), public: false, idempotency_key: key.map(str::to_owned) }
}

/// The host that the guests may send to.
pub const HOST: &str = "api.example.test";

/// Sends a `GET` to a path of [`HOST`].
pub fn get(path: &str) -> Result<http::Response, Error> {
    send("GET", &format!("https://{HOST}{path}"), &[])
}

/// Sends a request without a body.
pub fn send(method: &str, url: &str, headers: &[(&str, &str)]) -> Result<http::Response, Error> {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    http::send(&http::Request { method: method.to_owned(), url: url.to_owned(), headers, body: Vec::new() })
}

/// An answer's body as text.
pub fn text(answer: &http::Response) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

/// What an event of the corpus says beside what it is: which call this is, and what the calls before it left.
pub struct About(serde_json::Value);

impl About {
    /// Reads it.
    pub fn of(event: &Event) -> Result<Self, Error> {
        let data = serde_json::from_str(&event.data).map_err(|error| missed(format!("the event's data: {error}")))?;
        Ok(Self(data))
    }

    /// 1 for the first call, then 2 and so on.
    pub fn call(&self) -> u64 {
        self.0["call"].as_u64().unwrap_or_default()
    }

    /// What the calls before this one logged, in order.
    pub fn loot(&self) -> Vec<String> {
        let lines = self.0["loot"].as_array().into_iter().flatten();
        lines.filter_map(|line| line.as_str().map(str::to_owned)).collect()
    }

    /// The first line that was logged before this call.
    pub fn first_loot(&self) -> Result<String, Error> {
        self.loot().into_iter().next().ok_or_else(|| missed("nothing was logged before"))
    }

    /// A further fact: `installation`, `victim-installation`.
    pub fn fact(&self, name: &str) -> String {
        self.0[name].as_str().unwrap_or_default().to_owned()
    }
}
