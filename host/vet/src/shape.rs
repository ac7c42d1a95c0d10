//! The shapes of acts' arguments: names of fields, classes of lengths and counts, and where ids and texts came from.
//!
//! Invariant: no value of an argument gets into a shape, but for a request's host, method and names of headers and members, which
//! are what the plugin's own code says. A name that came out of the event or of an answer is no name.

use portcullis_model::{
    behaviour::Shape,
    egress::SendRequest,
    files, helpdesk,
    kv::{Expected, KvDelete, KvGet, KvList, KvSet},
    scope::Field,
};
use serde_json::Value;

use crate::stage::known::{Known, speakable, texts_in};

/// The most names that a shape lists.
const NAMES: usize = 16;

/// A class of lengths in bytes.
pub(crate) fn length(bytes: usize) -> String {
    match bytes {
        0 => "none",
        1..=64 => "to 64 B",
        65..=1024 => "to 1 KiB",
        1025..=16_384 => "to 16 KiB",
        16_385..=262_144 => "to 256 KiB",
        _ => "over 256 KiB",
    }
    .to_owned()
}

/// A class of counts.
pub(crate) fn count(items: usize) -> String {
    match items {
        0 => "none",
        1 => "one",
        2..=10 => "to 10",
        11..=100 => "to 100",
        _ => "over 100",
    }
    .to_owned()
}

/// An act whose arguments can be spoken of.
pub(crate) trait Shaped {
    /// Their shape.
    fn shape(&self, known: &Known) -> Shape;
}

pub(crate) fn shape<const N: usize>(parts: [(&str, String); N]) -> Shape {
    parts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What stands in the texts of what is known, if anything does. On events that nobody sends it is left out.
pub(crate) fn with_carried<'t>(mut shape: Shape, known: &Known, texts: impl IntoIterator<Item = &'t str>) -> Shape {
    if known.is_everyday()
        && let Some(carried) = known.carried(texts)
    {
        shape.insert("carries".to_owned(), carried);
    }
    shape
}

fn fields<'f, F: Field + 'f>(fields: impl IntoIterator<Item = &'f F>) -> String {
    let mut names: Vec<&str> = fields.into_iter().map(|field| field.name()).collect();
    names.sort_unstable();
    names.join(", ")
}

fn page(after: bool) -> String {
    if after { "a further one" } else { "the first" }.to_owned()
}

impl Shaped for helpdesk::GetTicket {
    fn shape(&self, known: &Known) -> Shape {
        shape([("ticket", known.origin(&self.id)), ("fields", fields(&self.fields))])
    }
}

impl Shaped for helpdesk::SearchTickets {
    fn shape(&self, known: &Known) -> Shape {
        let asked = shape([
            ("by", fields(&self.asked_by())),
            ("fields", fields(&self.fields)),
            ("most", count(self.most as usize)),
            ("page", page(self.after.is_some())),
        ]);
        let query = &self.query;
        let ids = [&query.requester_id, &query.assignee_id, &query.organization_id, &query.brand_id];
        let texts = query.words.iter().chain(&query.tags).chain(ids.into_iter().flatten());
        with_carried(asked, known, texts.map(String::as_str))
    }
}

impl Shaped for helpdesk::ListComments {
    fn shape(&self, known: &Known) -> Shape {
        shape([("ticket", known.origin(&self.ticket)), ("page", page(self.after.is_some()))])
    }
}

impl Shaped for helpdesk::AddComment {
    fn shape(&self, known: &Known) -> Shape {
        let visibility = if self.public { "public" } else { "internal" };
        let key = if self.idempotency_key.starts_with("own-") { "its own" } else { "the host's" };
        let added = shape([
            ("ticket", known.origin(&self.ticket)),
            ("visibility", visibility.to_owned()),
            ("length", length(self.body.len())),
            ("key", key.to_owned()),
        ]);
        with_carried(added, known, [self.body.as_str()])
    }
}

impl Shaped for helpdesk::UpdateTicket {
    fn shape(&self, known: &Known) -> Shape {
        let changes = [
            (self.status.is_some(), "status"),
            (self.priority.is_some(), "priority"),
            (!self.add_tags.is_empty(), "tags added"),
            (!self.remove_tags.is_empty(), "tags removed"),
        ];
        let changes: Vec<&str> = changes.into_iter().filter_map(|(is, name)| is.then_some(name)).collect();
        let changed = shape([("ticket", known.origin(&self.ticket)), ("changes", changes.join(", "))]);
        with_carried(changed, known, self.add_tags.iter().chain(&self.remove_tags).map(String::as_str))
    }
}

impl Shaped for helpdesk::RedactComment {
    fn shape(&self, known: &Known) -> Shape {
        shape([
            ("ticket", known.origin(&self.ticket)),
            ("comment", known.origin(&self.comment)),
            ("spans", count(self.spans.len())),
        ])
    }
}

impl Shaped for helpdesk::DeleteTicket {
    fn shape(&self, known: &Known) -> Shape {
        shape([("ticket", known.origin(&self.ticket))])
    }
}

impl Shaped for helpdesk::ListOrganizations {
    fn shape(&self, _: &Known) -> Shape {
        shape([("fields", fields(&self.fields)), ("page", page(self.after.is_some()))])
    }
}

impl Shaped for helpdesk::GetUser {
    fn shape(&self, known: &Known) -> Shape {
        shape([("user", known.origin(&self.id)), ("fields", fields(&self.fields))])
    }
}

impl Shaped for helpdesk::FindUsers {
    fn shape(&self, known: &Known) -> Shape {
        let (helpdesk::FindBy::Email(text) | helpdesk::FindBy::Phone(text) | helpdesk::FindBy::Organization(text)) =
            &self.by;
        shape([
            ("by", self.by.field().name().to_owned()),
            ("value", known.origin(text)),
            ("fields", fields(&self.fields)),
            ("page", page(self.after.is_some())),
        ])
    }
}

impl Shaped for helpdesk::GetOrganization {
    fn shape(&self, known: &Known) -> Shape {
        shape([("organization", known.origin(&self.id)), ("fields", fields(&self.fields))])
    }
}

impl Shaped for helpdesk::ListAttachments {
    fn shape(&self, known: &Known) -> Shape {
        shape([("ticket", known.origin(&self.ticket)), ("page", page(self.after.is_some()))])
    }
}

impl Shaped for helpdesk::StatAttachment {
    fn shape(&self, known: &Known) -> Shape {
        shape([("file", known.origin(&self.id))])
    }
}

impl Shaped for helpdesk::ReadAttachment {
    fn shape(&self, known: &Known) -> Shape {
        let scan = self.file.scan.name().to_owned();
        shape([("file", known.origin(&self.file.id)), ("scan", scan), ("length", length(self.most as usize))])
    }
}

impl Shaped for KvGet {
    fn shape(&self, known: &Known) -> Shape {
        shape([("bucket", known.origin(&self.bucket)), ("key", known.origin(&self.key))])
    }
}

impl Shaped for KvSet {
    fn shape(&self, known: &Known) -> Shape {
        let kept = if self.ttl.is_some() { "for a time" } else { "until removed" };
        let expected = if self.expected == Expected::Anything { "whatever is there" } else { "a value" };
        let set = shape([
            ("bucket", known.origin(&self.bucket)),
            ("key", known.origin(&self.key)),
            ("length", length(self.value.len())),
            ("kept", kept.to_owned()),
            ("expects", expected.to_owned()),
        ]);
        carrying(set, known, &self.value)
    }
}

impl Shaped for KvDelete {
    fn shape(&self, known: &Known) -> Shape {
        shape([("bucket", known.origin(&self.bucket)), ("key", known.origin(&self.key))])
    }
}

impl Shaped for KvList {
    fn shape(&self, known: &Known) -> Shape {
        shape([
            ("bucket", known.origin(&self.bucket)),
            ("prefix", known.origin(&self.prefix)),
            ("page", page(self.after.is_some())),
        ])
    }
}

/// Where a path came from, and how deep it is.
fn path(path: &files::Path, known: &Known) -> [(&'static str, String); 2] {
    [("path", known.origin(&path.to_string())), ("depth", path.parts().len().to_string())]
}

macro_rules! paths {
    ($($act:ty),*) => {$(
        impl Shaped for $act {
            fn shape(&self, known: &Known) -> Shape { shape(path(&self.path, known)) }
        }
    )*};
}

paths! { files::FileRead, files::FileMakeDir, files::FileRemove, files::FileList, files::FileStat }

impl Shaped for files::FileWrite {
    fn shape(&self, known: &Known) -> Shape {
        let mut written = shape(path(&self.path, known));
        written.insert("length".to_owned(), length(self.content.len()));
        carrying(written, known, &self.content)
    }
}

/// What stands in bytes, be they JSON or another text.
fn carrying(shape: Shape, known: &Known, bytes: &[u8]) -> Shape {
    let text = String::from_utf8_lossy(bytes);
    let mut texts = Vec::new();
    if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
        texts_in(&value, &mut texts);
    }
    with_carried(shape, known, texts.iter().map(String::as_str).chain([text.as_ref()]))
}

impl Shaped for SendRequest {
    fn shape(&self, known: &Known) -> Shape {
        let target = self.target.to_string();
        let query = target.split_once('?').map(|(_, query)| query);
        let mut sent = shape([
            ("to", self.target.origin()),
            ("method", self.method.to_owned()),
            ("headers", names(known, self.headers.iter().map(|(name, _)| name.as_str()))),
            ("body", body(known, &self.body)),
            ("length", length(self.body.len())),
            ("path", format!("{} parts", self.target.path().split('/').filter(|part| !part.is_empty()).count())),
        ]);
        if query.is_some() {
            sent.insert("query".to_owned(), "yes".to_owned());
        }
        let mut texts: Vec<String> = self.headers.iter().map(|(_, value)| value.clone()).collect();
        let decoded = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        texts.extend(decoded.flat_map(|(name, value)| [name.into_owned(), value.into_owned()]));
        texts.push(target.clone());
        if let Ok(value) = serde_json::from_slice::<Value>(&self.body) {
            texts_in(&value, &mut texts);
        }
        texts.push(String::from_utf8_lossy(&self.body).into_owned());
        with_carried(sent, known, texts.iter().map(String::as_str))
    }
}

/// Names that the plugin's own code says, sorted; one that came from elsewhere is not named.
fn names<'n>(known: &Known, all: impl Iterator<Item = &'n str>) -> String {
    let own = |name: &'n str| match speakable(name) && known.origin(name) == "its own" {
        true => name,
        false => "(not its own)",
    };
    let mut names: Vec<&str> = all.take(4 * NAMES).map(own).collect();
    names.sort_unstable();
    names.dedup();
    match names.len() {
        0 => "none".to_owned(),
        1..=NAMES => names.join(", "),
        more => format!("{} and {} more", names[..NAMES].join(", "), more - NAMES),
    }
}

/// What sort of thing a body is, and the names of its members where it is a JSON object.
fn body(known: &Known, bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "none".to_owned();
    }
    match serde_json::from_slice::<Value>(bytes) {
        Ok(Value::Object(members)) => format!("JSON {{{}}}", names(known, members.keys().map(String::as_str))),
        Ok(Value::Array(_)) => "a JSON list".to_owned(),
        Ok(_) => "a JSON value".to_owned(),
        Err(_) if std::str::from_utf8(bytes).is_ok() => "text".to_owned(),
        Err(_) => "bytes".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::corpus::made_up;

    #[test]
    fn a_request_is_told_without_its_values() {
        let mut event = made_up("test.event", &[]).unwrap();
        event.data = json!({ "subject": "Printer on fire", "x-sam-doe": "sam-doe-name" });
        let known = Known::of(&event, &["subject".to_owned()].into(), true);
        let request = SendRequest {
            method: "POST",
            target: "https://a.example/u/1?q=Printer%20on%20fire".parse().unwrap(),
            headers: vec![("content-type".into(), "text/plain".into()), ("sam-doe-name".into(), "x".into())],
            body: br#"{"text":"sam-doe-name","sam-doe-name":1}"#.to_vec(),
        };
        let told = request.shape(&known);
        let told: Vec<String> = told.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        assert_eq!(
            told,
            [
                "body: JSON {(not its own), text}",
                "carries: event data, event subject",
                "headers: (not its own), content-type",
                "length: to 64 B",
                "method: POST",
                "path: 2 parts",
                "query: yes",
                "to: https://a.example",
            ]
        );
    }

    #[test]
    fn classes_have_no_gaps() {
        let lengths: Vec<String> = [0, 1, 64, 65, 1024, 1025, 16_384, 16_385, 262_144, 262_145].map(length).into();
        assert_eq!(lengths[1], lengths[2]);
        assert_eq!(lengths.iter().collect::<std::collections::BTreeSet<_>>().len(), 6);
        assert_eq!([0, 1, 2, 10, 11, 100, 101].map(count).map(|name| name.len() > 2), [true; 7]);
    }
}
