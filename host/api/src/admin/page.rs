//! Pages of lists.
//!
//! Invariants: a cursor is good for the operation and the query that it was handed out for, and for nothing else: what it
//! names is bound by a key of the host; what is added while somebody pages is neither shown twice nor makes anything be left
//! out.

use std::borrow::Cow;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use portcullis_broker::hmac::{digest, same};
use serde::Serialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, Ref, RefOr, Schema, Type},
};

use super::{frame::Frame, given::wrong};
use crate::problem::Problem;

/// How many a page has at most.
pub const LARGEST: u64 = 200;
/// How many it has where nobody says.
pub const USUAL: u64 = 50;

const TAG: usize = 16;

/// A page of a list.
#[derive(Debug, Serialize)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next one is: a path and query, as in the `Link` header. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T: ToSchema> PartialSchema for Page<T> {
    fn schema() -> RefOr<Schema> {
        let next = "Where the next page is: a path and query, as in the `Link` header. Absent on the last one.";
        let next = ObjectBuilder::new().schema_type(Type::String).description(Some(next));
        let item: RefOr<Schema> = Ref::from_schema_name(T::name()).into();
        let items = ArrayBuilder::new().items(item).description(Some("What is on it."));
        let page = ObjectBuilder::new().schema_type(Type::Object).description(Some("A page of a list."));
        page.property("items", items).required("items").property("next", next).into()
    }
}

/// Each is a schema of its own, called after what is on it.
impl<T: ToSchema> ToSchema for Page<T> {
    fn name() -> Cow<'static, str> {
        format!("PageOf{}", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
        schemas.push((T::name().into_owned(), T::schema()));
    }
}

/// Which page is asked for.
#[derive(Clone, Debug, Default)]
pub struct Turn {
    /// How many.
    pub(super) most: usize,
    /// After which.
    pub(super) after: Option<String>,
    /// The rest of the query, as it was given.
    pub(super) query: Vec<(String, String)>,
    /// The path of the list, with all that it names.
    pub(super) path: String,
    /// What cursors are bound to: the action, the path and the query.
    pub(super) bound: String,
}

impl Turn {
    /// Reads it from what the frame knows of a query.
    pub(super) fn read(
        frame: &Frame,
        action: &str,
        path: String,
        limit: Option<&str>,
        cursor: Option<&str>,
        query: Vec<(String, String)>,
    ) -> Result<Self, Problem> {
        let most: u64 = match limit {
            None => USUAL,
            Some(text) => text
                .parse()
                .ok()
                .filter(|most| (1..=LARGEST).contains(most))
                .ok_or_else(|| wrong(format!("limit: expected 1 to {LARGEST}.")))?,
        };
        let mut sorted = query.clone();
        sorted.sort();
        let bound = std::iter::once(format!("{action} {path} "))
            .chain(sorted.iter().map(|(name, value)| format!("{}:{name}{}:{value}", name.len(), value.len())))
            .collect::<String>();
        let after = cursor.map(|text| open(frame, &bound, text)).transpose()?;
        Ok(Self { most: usize::try_from(most).unwrap_or(1), after, query, path, bound })
    }

    /// The page of these that this means.
    pub(super) fn page<T>(
        &self,
        all: impl Iterator<Item = T>,
        key: impl Fn(&T) -> String,
        frame: &Frame,
    ) -> Result<Page<T>, Problem> {
        let mut found = self.after.is_none();
        let mut items: Vec<T> = Vec::new();
        let mut more = false;
        for item in all {
            if !found {
                found = self.after.as_deref() == Some(key(&item).as_str());
            } else if items.len() < self.most {
                items.push(item);
            } else {
                more = true;
                break;
            }
        }
        let next = items.last().filter(|_| more).map(|last| self.link(frame, &key(last)));
        // What the cursor names does not stand in the list any more: to say that it ends here would leave the rest out.
        if !found {
            return Err(wrong(
                "cursor: what it stands at is not in this list any more; begin anew without one.".to_owned(),
            ));
        }
        Ok(Page { items, next })
    }

    pub(super) fn link(&self, frame: &Frame, key: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        self.query.iter().for_each(|(name, value)| {
            query.append_pair(name, value);
        });
        query.append_pair("limit", &self.most.to_string());
        query.append_pair("cursor", &seal(frame, &self.bound, key));
        format!("/admin/v1{}?{}", self.path, query.finish())
    }
}

fn tag(frame: &Frame, bound: &str, key: &str) -> [u8; 32] {
    let length = (bound.len() as u64).to_be_bytes();
    digest(&frame.cursors, &[&length, bound.as_bytes(), key.as_bytes()])
}

fn seal(frame: &Frame, bound: &str, key: &str) -> String {
    let mut bytes = tag(frame, bound, key)[..TAG].to_vec();
    bytes.extend(key.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn open(frame: &Frame, bound: &str, text: &str) -> Result<String, Problem> {
    let read = || {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (given, key) = bytes.split_at_checked(TAG)?;
        let key = String::from_utf8(key.to_vec()).ok()?;
        same(given, &tag(frame, bound, &key)[..TAG]).then_some(key)
    };
    read().ok_or_else(|| wrong("cursor: it is not of this list and query, or not whole; begin anew without one."))
}

impl<T> Page<T> {
    /// The same, with each item made into another.
    pub fn map<U>(self, make: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(make).collect(), next: self.next }
    }
}

/// A path with what it names in the places for it, each of these as one segment.
pub(super) fn filled<'a>(template: &str, named: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let named: Vec<(&str, &str)> = named.collect();
    let segments = template.split('/').skip(1).map(|segment| {
        let name = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        name.and_then(|name| named.iter().find(|(known, _)| *known == name)).map_or(segment, |(_, value)| *value)
    });
    let Ok(mut url) = url::Url::parse("http://host/") else { return template.to_owned() };
    if let Ok(mut path) = url.path_segments_mut() {
        path.clear().extend(segments);
    }
    url.path().to_owned()
}

/// The names of the parameters that pages take.
pub(super) const NAMES: [&str; 2] = ["limit", "cursor"];

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use portcullis_store::SqliteStore;

    use super::*;
    use crate::admin::testing;

    fn frame(token: &[u8]) -> Arc<Frame> {
        let dir = tempfile::tempdir().unwrap();
        testing::frame(&SqliteStore::open(&dir.path().join("host.db")).unwrap(), token)
    }

    fn turn(frame: &Frame, action: &str, limit: &str, cursor: Option<&str>, tenant: &str) -> Result<Turn, Problem> {
        Turn::read(frame, action, "/a".into(), Some(limit), cursor, vec![("tenant".into(), tenant.into())])
    }

    fn cursor(page: &Page<u32>) -> String {
        let next = page.next.as_deref().unwrap();
        let query = next.split_once('?').unwrap().1;
        url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "cursor").unwrap().1.into_owned()
    }

    #[test]
    fn each_item_is_on_one_page_whatever_is_added() {
        let frame = frame(b"k");
        let (mut seen, mut after) = (Vec::<u32>::new(), None::<String>);
        for round in 0..9 {
            let asked = turn(&frame, "a.list", "3", after.as_deref(), "acme").unwrap();
            let page = asked.page(0..10 + round, u32::to_string, &frame).unwrap();
            seen.extend(&page.items);
            if page.next.is_none() {
                break;
            }
            after = Some(cursor(&page));
        }
        assert_eq!(seen, (0..u32::try_from(seen.len()).unwrap()).collect::<Vec<_>>());
        assert!(seen.len() > 10);
    }

    #[test]
    fn a_cursor_is_good_for_nothing_else() {
        let frame_ = frame(b"k");
        let page = turn(&frame_, "a.list", "1", None, "acme").unwrap().page(0..3, u32::to_string, &frame_).unwrap();
        let text = cursor(&page);
        assert!(turn(&frame_, "a.list", "200", Some(&text), "acme").is_ok());
        assert!(turn(&frame_, "b.list", "1", Some(&text), "acme").is_err());
        assert!(turn(&frame_, "a.list", "1", Some(&text), "other").is_err());
        assert!(turn(&frame(b"other"), "a.list", "1", Some(&text), "acme").is_err());
        let made = BASE64_URL_SAFE_NO_PAD.encode([&[0; TAG][..], b"2"].concat());
        for bad in [made.as_str(), "", "x", &text[1..]] {
            assert!(turn(&frame_, "a.list", "1", Some(bad), "acme").is_err(), "{bad}");
        }
        let elsewhere =
            Turn::read(&frame_, "a.list", "/b".into(), Some("1"), Some(&text), vec![("tenant".into(), "acme".into())]);
        assert!(elsewhere.is_err(), "of what another path names");
        for limit in ["0", "201", "-1", "x"] {
            assert!(turn(&frame_, "a.list", limit, None, "acme").is_err());
        }
    }

    #[test]
    fn a_path_is_filled_with_what_it_names_and_with_nothing_else() {
        let at = |named: &[(&'static str, &'static str)]| filled("/a/{one}/b/{other}", named.iter().copied());
        assert_eq!(at(&[("one", "x"), ("other", "y")]), "/a/x/b/y");
        assert_eq!(at(&[("one", "x/../y?z#w"), ("other", "{one}")]), "/a/x%2F..%2Fy%3Fz%23w/b/%7Bone%7D");
    }
}
