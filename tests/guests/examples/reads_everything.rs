//! Asks for all that there is about the event's ticket and its people, in every way: event data, each field alone and all
//! at once, comments, searches by every field, people and organizations by id and by search, and writes that must fail. It
//! logs every answer and every error, and says them again in the error that it ends with.
//! Must get each value only as its grant shows it, wherever it looks.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;
use portcullis_sdk::tickets::{Changes, NewComment, Query, Sort, Status};
use portcullis_sdk::users::{Field as UserField, OrganizationField};
use serde_json::Value;
use std::fmt::Debug;

const TICKET: [&str; 13] = [
    "subject",
    "description",
    "status",
    "priority",
    "type",
    "requester_id",
    "assignee_id",
    "organization_id",
    "tags",
    "custom_fields",
    "created_at",
    "updated_at",
    "brand_id",
];
const USER: [UserField; 8] = [
    UserField::Name,
    UserField::Email,
    UserField::Phone,
    UserField::Role,
    UserField::OrganizationId,
    UserField::Tags,
    UserField::Locale,
    UserField::TimeZone,
];
const ORGANIZATION: [OrganizationField; 4] = [
    OrganizationField::Name,
    OrganizationField::DomainNames,
    OrganizationField::Tags,
    OrganizationField::OrganizationFields,
];

struct Guest;

/// What was said so far.
struct Said(String);

impl Said {
    fn note(&mut self, what: &str, answer: impl Debug) {
        let line = format!("{what}: {answer:?}");
        log::info!("{line}");
        self.0.push_str(&line);
    }
}

impl Events for Guest {
    fn handle(event: Event) -> Result<(), Error> {
        let mut said = Said(String::new());
        let ticket = event.ticket_id()?;
        said.note("event", &event);
        for name in TICKET {
            said.note(&format!("get {name}"), tickets::get_named(ticket, &[name]));
            said.note(&format!("search {name}"), search(Query::new(), &[name]).page());
        }
        // All that can be had, at once: one field that is denied denies the whole.
        let denied = |name: &str| matches!(tickets::get_named(ticket, &[name]), Err(Error::Denied(_)));
        let shown: Vec<&str> = TICKET.into_iter().filter(|name| !denied(name)).collect();
        said.note("get all", tickets::get_named(ticket, &shown));
        said.note("get more", tickets::get_named(ticket, &TICKET));
        said.note("comments", tickets::comments(ticket, None));
        let about = known(&event);
        by_every_field(&mut said, &shown, &about);
        if about["people"] == true {
            people(&mut said, &about);
        }
        said.note("update", tickets::update(ticket, Changes::new().add_tag("guest")));
        said.note("comment", tickets::add_comment(ticket, NewComment::internal("x")));
        said.note("redact", tickets::redact(ticket, "1", &[(0..1).into()]));
        said.note("delete", tickets::delete(ticket));
        Err(Error::invalid(said.0))
    }
}

/// The first two that are found: the test's own ticket is the newest.
fn search(query: Query, fields: &[&str]) -> tickets::Search {
    tickets::search(query).fields_named(fields.iter().copied()).page_size(2)
}

/// The values to search by, which the test knows: JSON written backwards in the envelope's `account_id`, so that they are
/// in no log but by an answer.
fn known(event: &Event) -> Value {
    let data = event.json().unwrap_or_default();
    let text: String = data["account_id"].as_str().unwrap_or_default().chars().rev().collect();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Searches by values that are right: the answer must not tell that they are.
fn by_every_field(said: &mut Said, shown: &[&str], about: &Value) {
    let text = |key: &str| about[key].as_str().unwrap_or("1").to_owned();
    let queries = [
        ("words", Query::new().words(text("words"))),
        ("status", Query::new().status(Status::Open)),
        ("priority", Query::new().priority(tickets::Priority::Normal)),
        ("tag", Query::new().tag(text("tag"))),
        ("requester", Query::new().requester(text("requester"))),
        ("assignee", Query::new().assignee(text("assignee"))),
        ("organization", Query::new().organization(text("organization"))),
        ("brand", Query::new().brand(text("brand"))),
        ("since", Query::new().updated_since("2020-01-01T00:00:00Z")),
    ];
    for (name, query) in queries {
        said.note(&format!("by {name}"), search(query, shown).page());
    }
    let updated = search(Query::new(), shown).order(Sort::Updated);
    said.note("by change", updated.page());
}

fn people(said: &mut Said, about: &Value) {
    let text = |key: &str| about[key].as_str().unwrap_or("1");
    for field in USER {
        said.note(&format!("user {}", field.name()), users::get(text("requester"), &[field]));
        said.note(&format!("email {}", field.name()), users::find_by_email(text("email"), &[field]));
        said.note(&format!("phone {}", field.name()), users::find_by_phone(text("phone"), &[field]));
        said.note(&format!("of {}", field.name()), users::find_by_organization(text("organization"), &[field], None));
    }
    said.note("user all", users::get(text("requester"), &USER));
    for field in ORGANIZATION {
        said.note(&format!("organization {}", field.name()), users::organization(text("organization"), &[field]));
    }
}

portcullis_sdk::export!(Guest: Events);
