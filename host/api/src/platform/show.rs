//! Records in Zendesk's JSON. A field that the grant does not show is absent.

use portcullis_model::{
    helpdesk::{Comment, CustomField, Organization, Ticket, User},
    platform::Identity,
};
use serde_json::{Map, Value, json};

/// An id: a number where it is one, as Zendesk's are; a text where it is a stand-in.
pub(super) fn id(text: &str) -> Value {
    match text.parse::<u64>() {
        Ok(number) if number.to_string() == text => json!(number),
        _ => json!(text),
    }
}

/// A record that grows by what there is.
struct Record(Map<String, Value>);

impl Record {
    fn new(own: &str, url: String) -> Self {
        Self(Map::from_iter([("id".to_owned(), id(own)), ("url".to_owned(), json!(url))]))
    }

    fn with(mut self, name: &str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
        self
    }

    fn id(self, name: &str, value: Option<&str>) -> Self {
        self.with(name, value.map(id))
    }
}

fn custom(all: Vec<CustomField>) -> Value {
    all.into_iter().map(|field| json!({ "id": id(&field.id), "value": field.value })).collect()
}

pub(super) fn ticket(base: &str, ticket: Ticket) -> Value {
    let record = Record::new(&ticket.id, format!("{base}/tickets/{}.json", ticket.id))
        .with("subject", ticket.subject)
        .with("description", ticket.description)
        .with("status", ticket.status.map(|status| status.name()))
        .with("priority", ticket.priority.map(|priority| priority.name()))
        .with("type", ticket.kind.map(|kind| kind.name()))
        .id("requester_id", ticket.requester_id.as_deref())
        .id("assignee_id", ticket.assignee_id.as_deref())
        .id("organization_id", ticket.organization_id.as_deref())
        .with("tags", ticket.tags)
        .with("custom_fields", ticket.custom_fields.map(custom))
        .with("created_at", ticket.created_at)
        .with("updated_at", ticket.updated_at)
        .id("brand_id", ticket.brand_id.as_deref());
    Value::Object(record.0)
}

pub(super) fn comment(comment: Comment) -> Value {
    json!({
        "id": id(&comment.id),
        "type": "Comment",
        "author_id": id(&comment.author_id),
        "plain_body": comment.body,
        "body": comment.body,
        "public": comment.public,
        "created_at": comment.created_at,
    })
}

pub(super) fn user(base: &str, user: User) -> Value {
    let record = Record::new(&user.id, format!("{base}/users/{}.json", user.id))
        .with("name", user.name)
        .with("email", user.email)
        .with("phone", user.phone)
        .with("role", user.role.map(|role| role.name()))
        .id("organization_id", user.organization_id.as_deref())
        .with("tags", user.tags)
        .with("locale", user.locale)
        .with("time_zone", user.time_zone);
    Value::Object(record.0)
}

pub(super) fn organization(base: &str, one: Organization) -> Value {
    let fields = |all: Vec<CustomField>| -> Value { all.into_iter().map(|field| (field.id, field.value)).collect() };
    let record = Record::new(&one.id, format!("{base}/organizations/{}.json", one.id))
        .with("name", one.name)
        .with("domain_names", one.domain_names)
        .with("tags", one.tags)
        .with("organization_fields", one.organization_fields.map(fields));
    Value::Object(record.0)
}

/// The client itself, as a person: what it writes has the installation's id as its author.
pub(super) fn me(identity: &Identity) -> Value {
    json!({
        "id": identity.installation,
        "name": format!("{} ({})", identity.plugin, identity.installation),
        "role": "agent",
        "active": true,
        "client_id": identity.client,
        "plugin": identity.plugin,
    })
}
