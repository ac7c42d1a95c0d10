//! The admin API, asked by the person at the keyboard: a command reads its arguments, asks here, and prints what was answered.
//!
//! Invariants: what is asked here is asked as the person at the terminal, and answered by the operation that everybody else asks;
//! what was recorded on the way, a refusal too, is published before the answer is given.

use std::{
    io::Write,
    sync::{Arc, OnceLock},
};

use anyhow::{Context as _, Result};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use portcullis_api::{
    Reason,
    admin::{Local, LocalAnswer, Method},
    audit::{Live, LiveSettings},
};
use portcullis_model::{budget::Suspension, installation::Installation, people::Caller};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::watch;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::{Lines, api};
use crate::{
    host::{Host, person},
    reading::LogReader,
};

/// How many items a page is asked for.
const PAGE: &str = "200";

/// As what a release is sent.
const BUNDLE: &str = "application/octet-stream";

/// The API, asked by the person at the keyboard.
pub struct Keyboard {
    host: Host,
    local: Local,
    live: Arc<Live>,
    /// There as soon as anything is followed: what is new is looked for as long as it is.
    following: OnceLock<watch::Sender<bool>>,
    caller: Caller,
}

/// What was asked for was refused.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{detail}")]
pub struct NotDone {
    /// What to do about it, or what is wrong.
    pub detail: String,
    /// Whether it was a release that was refused for what it is.
    pub release: bool,
    /// Whether there is no such thing.
    pub unknown: bool,
}

impl Keyboard {
    /// Of this host.
    pub fn of(host: &Host) -> Result<Self> {
        let reader = Arc::new(LogReader::new(&host.home, host.store.clone()));
        let live = Live::new(reader.clone(), LiveSettings::default());
        let caller = Caller::at_the_terminal(person(), host.clock.now());
        let local = api(host, &reader, &live, None)?.local(caller.clone());
        Ok(Self { host: host.clone(), local, live, following: OnceLock::new(), caller })
    }

    /// The same, where the person at the keyboard says by what name they speak.
    #[must_use]
    pub fn known_as(self, name: Option<String>) -> Self {
        let caller = self.caller.known_as(name);
        Self { local: self.local.as_caller(caller.clone()), caller, ..self }
    }

    /// Reads something. `path` is below `/admin/v1`; see [`asked`] for its query.
    ///
    /// # Errors
    /// [`NotDone`] with what the API advises.
    pub async fn read(&self, path: &str) -> Result<Value> {
        said(self.local.ask(Method::GET, path, None, None).await)
    }

    /// The same, as what it is.
    pub async fn read_as<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        given(self.read(path).await?)
    }

    /// The same, with the version that a change of it names.
    pub async fn read_version(&self, path: &str) -> Result<(Value, Option<u64>)> {
        let answer = self.local.ask(Method::GET, path, None, None).await;
        let version = answer.etag.as_deref().and_then(|tag| tag.trim_matches('"').parse().ok());
        Ok((said(answer)?, version))
    }

    /// Reads what is made while it is sent, line by line.
    ///
    /// # Errors
    /// [`NotDone`] with what the API advises.
    pub async fn lines(&self, path: &str) -> Result<Lines> {
        let opened = self.local.open(path, &[]).await;
        opened.map(Lines::of).map_err(refused)
    }

    /// Follows something, after the event of this number where there is one.
    ///
    /// # Errors
    /// [`NotDone`] with what the API advises.
    pub async fn follow(&self, path: &str, after: Option<u64>) -> Result<Lines> {
        self.following.get_or_init(|| {
            let (stop, stopped) = watch::channel(false);
            tokio::spawn(self.live.clone().run(stopped));
            stop
        });
        let after = after.map(|after| after.to_string());
        let headers: Vec<(&str, &str)> = after.iter().map(|after| ("last-event-id", after.as_str())).collect();
        let opened = self.local.open(path, &headers).await;
        opened.map(Lines::of).map_err(refused)
    }

    /// Saves what is made while it is sent, and publishes that it was taken out.
    ///
    /// # Errors
    /// [`NotDone`] with what the API advises, or the file cannot be written.
    pub async fn save(&self, path: &str, to: &mut impl Write) -> Result<()> {
        let opened = self.local.open(path, &[]).await;
        self.publish().await?;
        let mut stream = opened.map_err(refused)?;
        while let Some(part) = stream.next().await {
            to.write_all(&part)?;
        }
        Ok(to.flush()?)
    }

    /// All pages of a list.
    pub async fn pages(&self, path: &str, query: &[(&str, Option<String>)]) -> Result<Vec<Value>> {
        let mut query = query.to_vec();
        query.push(("limit", Some(PAGE.to_owned())));
        let (mut all, mut path) = (Vec::new(), Some(asked(path, &query)));
        while let Some(at) = path {
            let page = self.read(&at).await?;
            path = next(&page);
            all.push(page);
        }
        Ok(all)
    }

    /// All items of a list.
    pub async fn all(&self, path: &str, query: &[(&str, Option<String>)]) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        for mut page in self.pages(path, query).await? {
            all.append(page["items"].as_array_mut().unwrap_or(&mut Vec::new()));
        }
        Ok(all)
    }

    /// The first so many items of a list.
    pub async fn first(&self, path: &str, query: &[(&str, Option<String>)], most: usize) -> Result<Vec<Value>> {
        let mut query = query.to_vec();
        query.push(("limit", Some(PAGE.to_owned())));
        let (mut found, mut path) = (Vec::new(), Some(asked(path, &query)));
        while let Some(at) = path.filter(|_| found.len() < most) {
            let mut page = self.read(&at).await?;
            path = next(&page);
            found.append(page["items"].as_array_mut().unwrap_or(&mut Vec::new()));
        }
        found.truncate(most);
        Ok(found)
    }

    /// Does something, to the version that is known here where it takes one, and publishes what was recorded.
    ///
    /// # Errors
    /// [`NotDone`] with what the API advises.
    pub async fn act(&self, method: Method, path: &str, version: Option<u64>, body: Option<&Value>) -> Result<Value> {
        let version = version.map(|version| format!("\"{version}\""));
        let answer = self.local.ask(method, path, version.as_deref(), body).await;
        self.publish().await?;
        said(answer)
    }

    /// Publishes what was recorded, which reading alone does not.
    pub async fn publish(&self) -> Result<()> {
        crate::commands::publish(&self.host).await
    }

    /// Does something by a `POST` with this body.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.act(Method::POST, path, None, Some(body)).await
    }

    /// Reads what there is to say of a release that was put into one file; nothing is done with it.
    ///
    /// # Errors
    /// [`NotDone`] with what the API advises.
    pub async fn read_of(&self, path: &str, bundle: Vec<u8>) -> Result<Value> {
        said(self.local.send(path, BUNDLE, bundle).await)
    }

    /// Has a release that was put into one file taken, by a `POST`.
    pub async fn send(&self, path: &str, bundle: Vec<u8>) -> Result<Value> {
        let answer = self.local.send(path, BUNDLE, bundle).await;
        self.publish().await?;
        said(answer)
    }

    /// All installations that are not erased, with what budgets have suspended of each.
    pub async fn installations(&self) -> Result<Vec<(Installation, Vec<Suspension>)>> {
        let items = self.all("/installations", &[]).await?;
        let read = |mut item: Value| {
            let suspensions = match item["suspensions"].take() {
                Value::Null => Vec::new(),
                some => given(some)?,
            };
            Ok((given(item)?, suspensions))
        };
        items.into_iter().map(read).collect()
    }

    /// Changes an installation as it is known here, by the operation of this name. Gives how it is then.
    pub async fn change(
        &self,
        method: Method,
        installation: &Installation,
        operation: &str,
        body: Option<&Value>,
    ) -> Result<Installation> {
        let path = format!("/installations/{}/{operation}", installation.id);
        let mut changed = self.act(method, &path, Some(installation.generation), body).await?;
        given(changed["installation"].take())
    }
}

/// A path with its query, in which what is `None` is left out.
pub fn asked(path: &str, query: &[(&str, Option<String>)]) -> String {
    let mut text = Serializer::new(String::new());
    for (name, value) in query {
        if let Some(value) = value {
            text.append_pair(name, value);
        }
    }
    match text.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

/// A text as one part of a path.
pub fn escaped(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// Where the page after this one is.
fn next(page: &Value) -> Option<String> {
    page["next"].as_str()?.strip_prefix("/admin/v1").map(str::to_owned)
}

/// What was answered, where it went well.
fn said(answer: LocalAnswer) -> Result<Value> {
    if answer.status.is_success() { Ok(answer.body) } else { Err(refused(answer)) }
}

fn refused(answer: LocalAnswer) -> anyhow::Error {
    let text = |name: &str| answer.body[name].as_str().unwrap_or_default();
    let is = |reason: Reason| text("type") == reason.uri();
    let detail = match (part(text("detail")), is(Reason::Unavailable)) {
        (detail, _) if detail.is_empty() => format!("the host answered {} and nothing else", answer.status),
        (detail, true) => format!("{detail}; the log lines above or of the running host say why"),
        (detail, false) => detail,
    };
    NotDone { detail, release: is(Reason::ReleaseRefused), unknown: is(Reason::Unknown) }.into()
}

/// A sentence as the errors of commands have it: part of a line, with no capital at its beginning and no full stop.
fn part(sentence: &str) -> String {
    let mut letters = sentence.strip_suffix('.').unwrap_or(sentence).chars();
    let first = letters.next().into_iter();
    match letters.clone().next() {
        // What has a second capital, or a digit, is a name.
        Some(second) if second.is_lowercase() || second == ' ' => {
            first.flat_map(char::to_lowercase).chain(letters).collect()
        }
        _ => first.chain(letters).collect(),
    }
}

/// The same, where an error that there is no such thing is said in a command's words: the API's own name another of its operations.
pub fn or_unknown<T>(answer: Result<T>, words: impl FnOnce() -> String) -> Result<T> {
    answer.map_err(|error| match error.downcast_ref() {
        Some(NotDone { unknown: true, .. }) => anyhow::Error::msg(words()),
        _ => error,
    })
}

/// What is to be signed, out of what a rehearsal answered.
pub fn payload(answer: &Value) -> Result<Vec<u8>> {
    let payload = answer["sign"]["payload"].as_str().context("the host did not answer what is to be signed")?;
    BASE64_STANDARD.decode(payload).context("what is to be signed cannot be read")
}

/// A part of an answer, as what it is.
pub fn given<T: DeserializeOwned>(shown: Value) -> Result<T> {
    serde_json::from_value(shown).context("what the host answered cannot be read")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_escaped_and_lacks_what_is_not_given() {
        assert_eq!(asked("/x", &[("a", None)]), "/x");
        let given = Some("b c&d".to_owned());
        assert_eq!(asked("/x", &[("a", given), ("b", None)]), "/x?a=b+c%26d");
        assert_eq!(escaped("a b/c"), "a%20b%2Fc");
    }

    #[test]
    fn a_refusal_says_what_the_api_advises() {
        let answer = |status: u16, body: Value| LocalAnswer { status: status.try_into().unwrap(), etag: None, body };
        let body = serde_json::json!({ "type": Reason::Unknown.uri(), "detail": "There is none. Look again." });
        let error = said(answer(404, body)).unwrap_err();
        let not_done: &NotDone = error.downcast_ref().unwrap();
        assert_eq!((not_done.detail.as_str(), not_done.unknown), ("there is none. Look again", true));
        for (sentence, words) in
            [("A limit.", "a limit"), ("INT-3 is open.", "INT-3 is open"), ("'a' is on.", "'a' is on"), ("", "")]
        {
            assert_eq!(part(sentence), words);
        }
        assert!(said(answer(200, Value::Null)).unwrap().is_null());
    }
}
