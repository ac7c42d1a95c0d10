//! Between the model's records and the WIT's.

use portcullis_model::{helpdesk as model, time::Timestamp};
use portcullis_runtime::wit::types::CustomField;

use super::{ways::MAX_WORDS, wit};

fn status(status: model::Status) -> wit::Status {
    match status {
        model::Status::New => wit::Status::New,
        model::Status::Open => wit::Status::Open,
        model::Status::Pending => wit::Status::Pending,
        model::Status::Hold => wit::Status::Hold,
        model::Status::Solved => wit::Status::Solved,
        model::Status::Closed => wit::Status::Closed,
    }
}

pub fn status_in(status: wit::Status) -> model::Status {
    match status {
        wit::Status::New => model::Status::New,
        wit::Status::Open => model::Status::Open,
        wit::Status::Pending => model::Status::Pending,
        wit::Status::Hold => model::Status::Hold,
        wit::Status::Solved => model::Status::Solved,
        wit::Status::Closed => model::Status::Closed,
    }
}

fn priority(priority: model::Priority) -> wit::Priority {
    match priority {
        model::Priority::Low => wit::Priority::Low,
        model::Priority::Normal => wit::Priority::Normal,
        model::Priority::High => wit::Priority::High,
        model::Priority::Urgent => wit::Priority::Urgent,
    }
}

pub fn priority_in(priority: wit::Priority) -> model::Priority {
    match priority {
        wit::Priority::Low => model::Priority::Low,
        wit::Priority::Normal => model::Priority::Normal,
        wit::Priority::High => model::Priority::High,
        wit::Priority::Urgent => model::Priority::Urgent,
    }
}

fn kind(kind: model::Kind) -> wit::Kind {
    match kind {
        model::Kind::Problem => wit::Kind::Problem,
        model::Kind::Incident => wit::Kind::Incident,
        model::Kind::Question => wit::Kind::Question,
        model::Kind::Task => wit::Kind::Task,
    }
}

pub fn ticket(ticket: model::Ticket) -> wit::Ticket {
    let custom = |field: model::CustomField| CustomField { id: field.id, value: field.value.to_string() };
    wit::Ticket {
        id: ticket.id,
        subject: ticket.subject,
        description: ticket.description,
        status: ticket.status.map(status),
        priority: ticket.priority.map(priority),
        kind: ticket.kind.map(kind),
        requester_id: ticket.requester_id,
        assignee_id: ticket.assignee_id,
        organization_id: ticket.organization_id,
        tags: ticket.tags,
        custom_fields: ticket.custom_fields.map(|all| all.into_iter().map(custom).collect()),
        created_at: ticket.created_at,
        updated_at: ticket.updated_at,
        brand_id: ticket.brand_id,
    }
}

pub fn comment(comment: model::Comment) -> wit::Comment {
    wit::Comment {
        id: comment.id,
        author_id: comment.author_id,
        body: comment.body,
        public: comment.public,
        created_at: comment.created_at,
    }
}


pub fn sort(order: wit::Sort) -> model::Sort {
    match order {
        wit::Sort::Newest => model::Sort::Newest,
        wit::Sort::Updated => model::Sort::Updated,
    }
}

/// A query in the model's words.
pub fn query(query: wit::Query) -> Result<model::Query, String> {
    let words = query.words.unwrap_or_default();
    if words.len() > MAX_WORDS || words.chars().any(char::is_control) {
        return Err("query.words: expected at most 200 bytes without control characters".into());
    }
    let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    let since = |text: String| {
        let moment = Timestamp::parse(&text).map(|at| at.0);
        moment.ok_or_else(|| "query.updated-since: expected RFC 3339, such as 2026-10-05T08:12:44Z".to_owned())
    };
    Ok(model::Query {
        words,
        status: query.status.into_iter().map(status_in).collect(),
        priority: query.priority.into_iter().map(priority_in).collect(),
        tags: query.tags,
        requester_id: query.requester_id,
        assignee_id: query.assignee_id,
        organization_id: query.organization_id,
        brand_id: query.brand_id,
        updated_since: query.updated_since.map(since).transpose()?,
        updated_before: None,
    })
}
