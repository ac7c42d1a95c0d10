//! Which trace entries belong to, in the form of W3C Trace Context (level 1, section 3.2), for whoever joins the log with traces.
//!
//! Nothing is carried along for it: an event's trace follows from the event, a call's span from the call. Senders do not choose it, so
//! none can make its own traces look like another's.
//!
//! Invariants: all calls and messages of one event are of one trace; two calls are two spans; neither part is all zeros.

use sha2::{Digest as _, Sha256};

/// A `traceparent` for an event: `origin/id`, as entries name it.
pub fn of_event(event: &str) -> String {
    parent(event, "event", event)
}

/// A `traceparent` for a call that handles an event. What is no event, but a request of a back end (`api:...`), has a trace of its own.
pub fn of_call(event: &str, call: &str) -> String {
    let trace = if event.starts_with("api:") { call } else { event };
    parent(trace, "call", call)
}

fn parent(trace: &str, of: &str, span: &str) -> String {
    let (trace, span) = (digest("trace", trace), digest(of, span));
    format!("00-{}-{}-01", hex::encode(&trace[..16]), hex::encode(&span[..8]))
}

fn digest(what: &str, text: &str) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(b"portcullis trace 1\n");
    hash.update(what.as_bytes());
    hash.update(b"\n");
    hash.update(text.as_bytes());
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_trace_an_event_and_one_span_a_call() {
        let (event, one, two) = (of_event("zen/7"), of_call("zen/7", "call_1"), of_call("zen/7", "call_2"));
        assert_eq!((&event[..36], &event[..36]), (&one[..36], &two[..36]));
        assert!(event != one && one != two);
        assert_ne!(of_call("zen/8", "call_1")[..36], one[..36]);
        assert_ne!(
            of_call("api:tok", "call_1")[..36],
            of_call("api:tok", "call_2")[..36],
            "each request of a back end"
        );
        for text in [event, one] {
            let parts: Vec<&str> = text.split('-').collect();
            assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [2, 32, 16, 2], "{text}");
            assert!(text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-')), "{text}");
        }
    }
}
