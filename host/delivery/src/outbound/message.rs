//! One message: its id, its payload, and the request that carries it (Standard Webhooks 1.0.0, "Payload structure" and "Webhook
//! headers").
//!
//! Invariants: a message that names an `origin` is about an event of that source, one that names none is the host's own; the id
//! holds nothing that a source of events can choose, and no full stop.

use portcullis_model::{
    egress::SendRequest,
    event::Event,
    id::Digest,
    trace::Traceparent,
    webhook::{MAX_PAYLOAD, Sending},
};
use serde_json::{Map, Value};

/// A message, ready to be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// For the header `webhook-id`.
    pub id: String,
    /// The body.
    pub payload: Vec<u8>,
}

/// The id of a message: of installation and event, and so the same at every attempt.
pub fn id(sending: &Sending) -> String {
    let event = &sending.event;
    let origin = if sending.notice { "" } else { event.origin.as_str() };
    let mut named = Vec::new();
    for part in
        [sending.back_end.tenant.as_str(), sending.back_end.installation.as_str(), origin, &event.source, &event.id]
    {
        named.extend_from_slice(&(part.len() as u64).to_be_bytes());
        named.extend_from_slice(part.as_bytes());
    }
    let hex = Digest::of(&named).hex();
    format!("msg_{}", hex.get(..32).unwrap_or(&hex))
}

impl Message {
    /// The message of an event whose data the installation sees like this, or of a notice. The error says why there is none.
    pub fn new(sending: &Sending, data: &str) -> Result<Self, String> {
        let event = &sending.event;
        let data: Value = serde_json::from_str(data).map_err(|_| "the event's data is no JSON".to_owned())?;
        let mut payload = Map::new();
        payload.insert("type".into(), event.kind.as_str().into());
        payload.insert("timestamp".into(), event.time.to_string().into());
        if !sending.notice {
            payload.insert("origin".into(), event.origin.as_str().into());
            payload.insert("source".into(), event.source.as_str().into());
            payload.insert("id".into(), event.id.as_str().into());
            payload.insert("subject".into(), event.subject.clone().into());
        }
        payload.insert("data".into(), data);
        let payload = Value::Object(payload).to_string().into_bytes();
        match payload.len() {
            0..=MAX_PAYLOAD => Ok(Self { id: id(sending), payload }),
            length => Err(format!("a payload of {length} bytes; the most is {MAX_PAYLOAD}")),
        }
    }

    /// The request that carries it. `timestamp` in seconds since 1970.
    pub fn request(self, sending: &Sending, timestamp: i64, signature: String) -> SendRequest {
        let headers = [
            ("content-type", "application/json".to_owned()),
            ("webhook-id", self.id),
            ("webhook-timestamp", timestamp.to_string()),
            ("webhook-signature", signature),
            ("traceparent", traced(&sending.event).to_string()),
        ];
        SendRequest {
            method: "POST",
            target: sending.back_end.url.clone(),
            headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            body: self.payload,
        }
    }
}

/// Where the event is in its trace: the request that carries it goes on from there.
fn traced(event: &Event) -> Traceparent {
    Traceparent::of_event(event.trace.as_ref(), &format!("{}/{}", event.origin, event.id))
}

#[cfg(test)]
mod tests {
    use portcullis_model::{time::Timestamp, webhook::ORIGIN};
    use serde_json::json;

    use super::*;
    use crate::outbound::worker::testing::{event, sending};

    fn json_of(sending: &Sending, data: &str) -> Value {
        serde_json::from_slice(&Message::new(sending, data).unwrap().payload).unwrap()
    }

    #[test]
    fn an_events_message_says_where_it_is_from() {
        let payload = json_of(&sending(event("e.1")), r#"{"detail":{"id":"1042"}}"#);
        assert_eq!(
            payload,
            json!({
                "type": "zen:event-type:ticket.created", "timestamp": "1970-01-01T00:00:00.001Z", "origin": "zen",
                "source": "/hooks/zendesk/zen", "id": "e.1", "subject": "zen:ticket:1", "data": { "detail": { "id": "1042" } },
            })
        );
    }

    #[test]
    fn a_notice_names_no_origin_and_an_event_that_looks_like_one_does() {
        let mut notice = sending(event("notice-7"));
        notice.event.kind = "installation.suspended".into();
        notice.event.source = ORIGIN.into();
        let forged = notice.clone();
        notice.notice = true;
        assert_eq!(
            json_of(&notice, "{}"),
            json!({ "type": "installation.suspended", "timestamp": "1970-01-01T00:00:00.001Z", "data": {} })
        );
        assert_eq!(json_of(&forged, "{}")["origin"], "zen");
        assert_ne!(id(&notice), id(&forged));
    }

    #[test]
    fn an_id_is_the_same_at_every_attempt_and_another_for_every_other_message() {
        let one = sending(event("a.b"));
        let again = Sending { attempt: 9, delivery: 77, ..one.clone() };
        assert_eq!(id(&one), id(&again));
        let (given, hex) = (id(&one), |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit()));
        assert!(given.len() == 36 && given.strip_prefix("msg_").is_some_and(hex), "{given}");
        let mut moved = one.clone();
        (moved.event.source, moved.event.id) = (format!("{}a", one.event.source), ".b".into());
        assert_ne!(id(&moved), given, "the parts do not run into each other");
        let mut other = one.clone();
        other.back_end.installation = "ins_2".parse().unwrap();
        assert_ne!(id(&other), given);
    }

    #[test]
    fn has_a_limit() {
        let data = |length: usize| format!("\"{}\"", "x".repeat(length));
        let one = sending(event("e"));
        let least = Message::new(&one, &data(0)).unwrap().payload.len();
        assert_eq!(Message::new(&one, &data(MAX_PAYLOAD - least)).unwrap().payload.len(), MAX_PAYLOAD);
        assert!(Message::new(&one, &data(MAX_PAYLOAD - least + 1)).unwrap_err().contains("the most is 262144"));
        assert!(Message::new(&one, "{").is_err());
    }

    #[test]
    fn the_request_is_a_post_of_just_that() {
        let one = sending(event("e"));
        let message = Message::new(&one, "{}").unwrap();
        let request = message.clone().request(&one, Timestamp(1_674_087_231_900).0 / 1000, "v1,abc v1,def".into());
        assert_eq!((request.method, request.body), ("POST", message.payload));
        let header = |name: &str| request.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        assert_eq!(header("webhook-timestamp"), Some("1674087231"));
        assert_eq!(header("webhook-signature"), Some("v1,abc v1,def"));
        assert_eq!(header("webhook-id"), Some(message.id.as_str()));
    }
}
