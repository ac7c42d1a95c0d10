//! What somebody on the way could change, or send a second time.

use portcullis_broker::standard_webhooks::key::Scheme;
use portcullis_model::egress::SendRequest;
use serde_json::json;

use crate::{
    receiver::Receiver,
    world::{World, text},
};

fn with_header(request: &SendRequest, name: &str, value: Option<String>) -> SendRequest {
    let mut headers = request.headers.clone();
    headers.retain(|(other, _)| other != name);
    headers.extend(value.map(|value| (name.to_owned(), value)));
    SendRequest { headers, ..request.clone() }
}

fn header<'a>(request: &'a SendRequest, name: &str) -> &'a str {
    &request.headers.iter().find(|(other, _)| other == name).unwrap().1
}

/// The request with one bit of its body flipped, for a spread of bits.
fn flipped(request: &SendRequest) -> Vec<(String, SendRequest)> {
    let bits = request.body.len() * 8;
    let one = |bit: usize| {
        let mut body = request.body.clone();
        body[bit / 8] ^= 1 << (bit % 8);
        (format!("bit {bit}"), SendRequest { body, ..request.clone() })
    };
    (0..bits).step_by(bits / 97 + 1).map(one).collect()
}

fn changed(request: &SendRequest) -> Vec<(String, SendRequest)> {
    let (id, at, signature) = ("webhook-id", "webhook-timestamp", "webhook-signature");
    let (given_id, given_at, given) = (header(request, id), header(request, at), header(request, signature));
    let later: i64 = given_at.parse::<i64>().unwrap() + 1;
    let mut turned = given.to_owned().into_bytes();
    turned[10] = if turned[10] == b'A' { b'B' } else { b'A' };
    let mut all: Vec<_> = [
        (id, Some("msg_another".to_owned())),
        (id, Some(format!("{given_id}0"))),
        (id, None),
        (at, Some(later.to_string())),
        (at, Some((later - 2).to_string())),
        (at, Some("soon".to_owned())),
        (at, None),
        (signature, Some(String::from_utf8(turned).unwrap())),
        (signature, Some(given.replacen("v1,", "v2,", 1))),
        (signature, Some(given.replacen("v1,", "v1a,", 1))),
        (signature, Some(given[..given.len() - 4].to_owned())),
        (signature, Some("v1,".to_owned())),
        (signature, None),
    ]
    .into_iter()
    .map(|(name, value)| (format!("{name}: {value:?}"), with_header(request, name, value)))
    .collect();
    // The full stop between the parts moved: the same bytes would be signed, were an id to hold one.
    let moved = with_header(request, id, Some(format!("{given_id}.{given_at}")));
    all.push(("parts moved".into(), moved));
    all
}

#[tokio::test]
async fn every_change_is_refused_by_every_library() {
    let world = World::new().await;
    let key = text(&world.create(Scheme::Hmac).await);
    let request = world.sends("e1", None).await.remove(0);
    for receiver in Receiver::all(&json!({ "key": key })) {
        assert!(receiver.accepts("key", &request).await, "{}: as it was sent", receiver.name);
        for (what, request) in flipped(&request).into_iter().chain(changed(&request)) {
            assert!(!receiver.accepts("key", &request).await, "{}: {what}", receiver.name);
        }
    }
}

#[tokio::test]
async fn an_old_message_is_refused_though_its_signature_is_good() {
    let world = World::new().await;
    let key = text(&world.create(Scheme::Hmac).await);
    for receiver in Receiver::all(&json!({ "key": key })) {
        for (seconds, good) in [(0, true), (-240, true), (240, true), (-360, false), (360, false), (-86_400, false)] {
            let request = world.signed_at(seconds).await;
            let (status, text) = receiver.post("key", &request).await;
            assert_eq!(status == 200, good, "{}: {seconds} s: {text}", receiver.name);
            assert!(good || text.contains("timestamp too"), "{text}");
        }
    }
}
