//! The search for secrets in guest memory: it finds one that is there, in each encoding, and none that is not. A search that could
//! not find anything would prove nothing (INT-7).

use portcullis_broker::place::Place;
use portcullis_cli::commands::connection;
use portcullis_e2e::{Lab, Package};
use portcullis_model::{invoke::CallEnd, secret::Secret};
use serde_json::json;

const TOKEN: &str = "tok_2f9c1e7ab04d44d5";

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_guest_memory_is_found_and_its_absence_too() {
    let lab = Lab::scanning().await;
    let echo = lab.install(&Package::guest("echo", &[], "")).await;
    let place = Place::bearer("api.example.test");
    connection::add(&lab.host, &echo, "api", &place, &Secret::new(TOKEN.into()), lab.risk()).await.unwrap();

    let clean = lab.call(&echo, json!({ "text": "nothing here", "almost": "tok_2f9c1e7ab04d44d" })).await;
    assert_eq!((clean.end, clean.usage.leaked), (CallEnd::Ok, Some(false)));

    let hex: String = TOKEN.bytes().map(|b| format!("{b:02x}")).collect();
    for planted in [TOKEN, hex.as_str(), "dG9rXzJmOWMxZTdhYjA0ZDQ0ZDU="] {
        let dirty = lab.call(&echo, json!({ "text": format!("before {planted} after") })).await;
        assert_eq!((dirty.end, dirty.usage.leaked), (CallEnd::Ok, Some(true)), "{planted}");
    }
}

/// Calls that do not end well are searched too.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_cut_off_is_searched_too() {
    let lab = Lab::scanning().await;
    for guest in ["loops", "eats_memory", "recurses", "panics"] {
        let installed = lab.install(&Package::guest(guest, &["log:write"], "memory-mib = 8")).await;
        let place = Place::bearer("api.example.test");
        connection::add(&lab.host, &installed, "api", &place, &Secret::new(TOKEN.into()), lab.risk()).await.unwrap();
        let clean = lab.call(&installed, json!({})).await;
        assert_ne!(clean.end, CallEnd::Ok, "{guest}");
        assert_eq!(clean.usage.leaked, Some(false), "{guest}: {}", clean.end);
        let dirty = lab.call(&installed, json!({ "text": TOKEN })).await;
        assert_eq!(dirty.usage.leaked, Some(true), "{guest}: {}", dirty.end);
    }
}
