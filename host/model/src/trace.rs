//! Which trace entries belong to, in the form of W3C Trace Context (level 1), for whoever joins the log with traces.
//!
//! A trace that a request brings along is continued, once the request has proved whose it is: everything that follows is of that trace,
//! each thing with a span of its own. Where none is brought, or one that is unfit, the trace follows from the event or the call. A span
//! follows from what it is of and from where it is in the trace, so nothing but the trace has to be carried along, and who knows an id can
//! name its span.
//!
//! A trace is what its sender says: it says nothing about whose an entry is, and no decision looks at it. `tracestate` is not carried on,
//! as the standard lets one do (section 3.3).
//!
//! Invariants: all calls, acts and messages of one event are of one trace; two calls are two spans, and so are two acts; neither part is
//! all zeros; what is printed is read back as the same.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// How long a `traceparent` header of version 00 is, in bytes.
const LENGTH: usize = 55;

/// Where something is in a trace: the content of a `traceparent` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Traceparent {
    trace: [u8; 16],
    span: [u8; 8],
    sampled: bool,
}

impl Traceparent {
    /// Reads a header (section 3.2). `None` where it is unfit: then the standard has one begin a new trace. Of a later version than 00 the
    /// known part is read (section 3.2.4).
    pub fn parse(text: &str) -> Option<Self> {
        let (version, rest) = (text.get(..2)?, text.get(2..)?);
        let version: [u8; 1] = hexadecimal(version)?;
        let (known, beyond) = (rest.get(..53)?, rest.get(53..)?);
        let fits = match version[0] {
            0xff => false,
            0 => beyond.is_empty(),
            _ => beyond.is_empty() || beyond.starts_with('-'),
        };
        let mut parts = known.strip_prefix('-').filter(|_| fits)?.split('-');
        let (trace, span) = (hexadecimal(parts.next()?)?, hexadecimal(parts.next()?)?);
        let flags: [u8; 1] = hexadecimal(parts.next()?)?;
        let whole = parts.next().is_none() && trace != [0; 16] && span != [0; 8];
        whole.then_some(Self { trace, span, sampled: flags[0] & 1 == 1 })
    }

    /// Where an event is: in the trace that its sender brought along, or at the beginning of its own. `event`: `origin/id`, as entries name
    /// it.
    pub fn of_event(brought: Option<&Self>, event: &str) -> Self {
        brought.map_or_else(|| Self::begun("event", event, event), |sender| sender.child("event", event))
    }

    /// Where a call is that handles an event. What is no event, but a request of a back end (`api:...`), has a trace of its own where it
    /// brought none.
    pub fn of_call(brought: Option<&Self>, event: &str, call: &str) -> Self {
        let trace = if event.starts_with("api:") { call } else { event };
        brought.map_or_else(|| Self::begun("call", trace, call), |sender| sender.child("call", call))
    }

    /// Where something is that is done there, such as an act: in the same trace, with a span that follows from its id.
    #[must_use]
    pub fn child(&self, what: &str, id: &str) -> Self {
        let span = digest(what, &[&self.header(), b" ", id.as_bytes()]);
        Self { span: first(&span), ..*self }
    }

    /// The content of a `traceparent` header. Each request that leaves has one, so nothing is allocated for it.
    pub fn header(&self) -> [u8; LENGTH] {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        write_hexadecimal(&self.trace, &mut text[3..35]);
        write_hexadecimal(&self.span, &mut text[36..52]);
        text[LENGTH - 1] += u8::from(self.sampled);
        text
    }

    /// The id of the trace, in hexadecimal.
    pub fn trace_id(&self) -> String {
        hex::encode(self.trace)
    }

    /// The id of the span, in hexadecimal.
    pub fn span_id(&self) -> String {
        hex::encode(self.span)
    }

    /// Whether the sender says that it keeps the trace.
    pub fn is_sampled(&self) -> bool {
        self.sampled
    }

    fn begun(what: &str, trace: &str, span: &str) -> Self {
        let of = |what, text: &str| digest(what, &[text.as_bytes()]);
        Self { trace: first(&of("trace", trace)), span: first(&of(what, span)), sampled: true }
    }
}

impl fmt::Display for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.header().iter().try_for_each(|byte| f.write_char(char::from(*byte)))
    }
}

impl TryFrom<String> for Traceparent {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| "this is no traceparent".to_owned())
    }
}

impl From<Traceparent> for String {
    fn from(place: Traceparent) -> String {
        place.to_string()
    }
}

/// Bytes of hexadecimal digits, which are in lower case.
fn hexadecimal<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let lower = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (lower && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(bytes)
}

fn first<const N: usize>(digest: &[u8; 32]) -> [u8; N] {
    std::array::from_fn(|place| digest[place])
}

fn write_hexadecimal(bytes: &[u8], text: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (two, byte) in text.chunks_exact_mut(2).zip(bytes) {
        two.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

fn digest(what: &str, text: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(b"portcullis trace 1\n");
    hash.update(what.as_bytes());
    hash.update(b"\n");
    text.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn one_trace_an_event_and_one_span_each_thing() {
        let brought = Traceparent::parse(GIVEN).unwrap();
        for sender in [None, Some(&brought)] {
            let event = Traceparent::of_event(sender, "zen/7");
            let calls = ["call_1", "call_2"].map(|call| Traceparent::of_call(sender, "zen/7", call));
            let acts = ["call_1.1", "call_1.2"].map(|act| calls[0].child("act", act));
            let all = [event, calls[0], calls[1], acts[0], acts[1]];
            let spans: std::collections::BTreeSet<String> = all.iter().map(Traceparent::span_id).collect();
            assert_eq!(spans.len(), 5);
            assert!(all.iter().all(|one| one.trace_id() == event.trace_id()));
            assert!(all.iter().all(|one| Traceparent::parse(&one.to_string()) == Some(*one)));
            assert_eq!(event.trace_id() == brought.trace_id(), sender.is_some());
        }
        let own = |event: &str, call: &str| Traceparent::of_call(None, event, call).trace_id();
        let spelt = digest("act", &[format!("{brought} call_1.1").as_bytes()]);
        assert_eq!(
            brought.child("act", "call_1.1").span_id(),
            hex::encode(&spelt[..8]),
            "who reads both can name the span"
        );
        assert_ne!(own("zen/8", "call_1"), own("zen/7", "call_1"));
        assert_ne!(own("api:tok", "call_1"), own("api:tok", "call_2"), "each request of a back end");
    }

    #[test]
    fn reads_what_the_standard_allows_and_nothing_else() {
        for (fine, printed) in [
            (GIVEN.to_owned(), GIVEN.to_owned()),
            (GIVEN.replace("-01", "-00"), GIVEN.replace("-01", "-00")),
            (GIVEN.replace("-01", "-ff"), GIVEN.to_owned()),
            (GIVEN.replace("00-0", "cc-0"), GIVEN.to_owned()),
            (format!("{}-what-the-future-will-be-like", GIVEN.replace("00-0", "cc-0")), GIVEN.to_owned()),
        ] {
            assert_eq!(Traceparent::parse(&fine).unwrap().to_string(), printed, "{fine}");
        }
        let long = format!("{GIVEN}-x");
        for wrong in [
            "",
            "00",
            GIVEN.trim_end_matches('1'),
            &long,
            &format!("{GIVEN} "),
            &format!(" {GIVEN}"),
            &GIVEN.to_uppercase(),
            &GIVEN.replace("00-0", "ff-0"),
            &format!("{}.x", GIVEN.replace("00-0", "cc-0")),
            &GIVEN.replace("0af7651916cd43dd8448eb211c80319c", "00000000000000000000000000000000"),
            &GIVEN.replace("b7ad6b7169203331", "0000000000000000"),
            &GIVEN.replace("b7ad6b7169203331", "b7ad6b716920333-"),
            &GIVEN.replace("b7ad", "b7.d"),
            &GIVEN.replace('-', "_"),
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-é",
            "é0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(Traceparent::parse(wrong), None, "{wrong}");
        }
    }
}
