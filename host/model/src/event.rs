//! Events: what happened, in the shape of a CloudEvents 1.0 envelope.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    id::{SourceName, TenantId},
    time::Timestamp,
    trace::Traceparent,
};

/// The form of an event's data, which decides how it is narrowed to a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventForm {
    /// Zendesk's webhook body: `detail` holds a ticket's fields and `event` the change.
    Zendesk,
    /// GitHub's webhook body.
    Github,
    /// Whatever a CloudEvents producer sent as `data`.
    CloudEvents,
    /// A request of a data subject: `data` is a [`PrivacyAsk`](crate::privacy::PrivacyAsk). No source can send one.
    Privacy,
}

/// One event, as it was accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Whose data this is.
    pub tenant: TenantId,
    /// The registered source that sent it.
    pub origin: SourceName,
    /// Unique within `origin` and `source`: a second one with the same id is a duplicate.
    pub id: String,
    /// For example `zen:event-type:ticket.comment_added`.
    pub kind: String,
    /// CloudEvents `source`, for example `/hooks/zendesk/acme`.
    pub source: String,
    /// CloudEvents `subject`, for example `zen:ticket:1042`.
    pub subject: Option<String>,
    /// When it happened, by the sender's clock.
    pub time: Timestamp,
    /// What `data` looks like.
    pub form: EventForm,
    /// The sender's whole body, or its `data` for CloudEvents.
    pub data: Value,
    /// Where it is in a trace that its sender brought along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Traceparent>,
}
