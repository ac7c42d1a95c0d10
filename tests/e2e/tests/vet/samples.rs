//! The four sample plugins: three that do what they say, and one that does not.

use std::collections::BTreeSet;

use portcullis_e2e::Package;
use portcullis_model::behaviour::{Family, Granted, Report, Tried};

use crate::{all, options, report, said, times, words};

async fn sample(name: &str) -> Report {
    report(&Package::sample(name), &options(7, 200)).await
}

fn none_grave(report: &Report) {
    let words = words(report);
    assert!(!words.iter().any(|words| words.starts_with("Grave")), "{words:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn card_guard_does_what_it_says_with_and_without_its_optional_scopes() {
    let report = sample("card-guard").await;
    none_grave(&report);
    let pass = all(&report);
    assert!(pass.hosts.is_empty() && pass.breakages.is_empty(), "{:?}", pass.breakages);
    assert!(times(pass, "tickets.redact").0 > 0 && times(pass, "tickets.update").0 > 0);
    assert!(pass.acts.values().all(|act| act.denied == 0));
    assert_eq!(said(pass, "tickets.update", "changes").replace("tags added, ", ""), "tags added");
    assert!(said(pass, "tickets.add-comment", "visibility").contains("internal"));
    assert!(!said(pass, "tickets.add-comment", "visibility").contains("public"));
    assert!(!said(pass, "log.write", "carries").contains("body"), "nothing of a comment is in its log");
    assert_eq!((report.determinism.differing, report.determinism.first.clone()), (0, None));

    let required = report.pass(Granted::Required).unwrap();
    assert_eq!(required.unloadable, None);
    let denied: Vec<&str> =
        required.acts.iter().filter(|(_, act)| act.denied > 0).map(|(name, _)| name.as_str()).collect();
    assert_eq!(denied, ["tickets.add-comment", "tickets.update"]);
    assert_eq!(required.acts["tickets.update"].needed[0].scope.to_string(), "tickets:write fields=tags");
    assert_eq!(required.ends.get("trap"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn chat_notifier_sends_to_one_room_and_no_more_than_a_subject() {
    let report = sample("chat-notifier").await;
    none_grave(&report);
    let pass = all(&report);
    let to: BTreeSet<_> =
        pass.hosts.iter().map(|host| (host.host.as_str(), host.method.as_str(), host.tried)).collect();
    assert_eq!(to, BTreeSet::from([("chat.example.test", "POST", Tried::Permitted)]));
    let carried = said(pass, "http.send", "carries");
    assert!(carried.contains("event subject"), "{carried}");
    for never in ["description", "requester", "email", "body"] {
        assert!(!carried.contains(never), "{carried}");
    }
    assert!(said(pass, "http.send", "body").contains("JSON {text}"), "{}", said(pass, "http.send", "body"));
    assert!(words(&report).iter().any(|words| words == "Plain: sends to: chat.example.test"));
    assert!(pass.ends.contains_key("failed unavailable"), "answers with errors are among them: {:?}", pass.ends);
    assert_eq!(pass.peaks.requests.most, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn vip_escalator_raises_priorities_and_keeps_to_itself() {
    let report = sample("vip-escalator").await;
    none_grave(&report);
    let pass = all(&report);
    assert!(pass.hosts.is_empty() && pass.breakages.is_empty());
    for act in ["kv.get", "kv.set", "tickets.get", "users.get", "users.get-organization", "tickets.update"] {
        let (permitted, denied) = times(pass, act);
        assert!(permitted > 0 && denied == 0, "{act}: {permitted} permitted, {denied} denied");
    }
    assert!(said(pass, "tickets.update", "changes").split(", ").all(|change| change == "priority"));
    assert!(said(pass, "tickets.get", "ticket").contains("the event's"));
    assert!(said(pass, "users.get-organization", "organization").contains("from "), "it looks up what it was told");
    assert!(!pass.acts.contains_key("users.find"));
}

#[tokio::test(flavor = "multi_thread")]
async fn overreacher_is_seen_through() {
    let report = sample("overreacher").await;
    let pass = all(&report);
    let tried = |tried: Tried| -> BTreeSet<(&str, u16)> {
        let hosts = pass.hosts.iter().filter(|host| host.tried == tried);
        hosts.map(|host| (host.host.as_str(), host.port.unwrap_or_default())).collect()
    };
    assert_eq!(tried(Tried::Permitted), BTreeSet::from([("metrics.example.test", 443)]));
    assert_eq!(
        tried(Tried::Denied),
        BTreeSet::from([
            ("chat.example.test", 443),
            ("exfil.example.net", 443),
            ("metrics.example.test", 443),
            ("metrics.example.test", 8443),
            ("metrics.example.test.exfil.example.net", 443),
        ])
    );
    assert_eq!(
        tried(Tried::Refused),
        BTreeSet::from([
            ("169.254.169.254", 443),
            ("[::ffff:a9fe:a9fe]", 443),
            ("exfil.example.net", 443),
            ("localhost", 443),
            ("metrics.example.test", 80),
        ])
    );
    let needed: BTreeSet<String> = pass.acts["tickets.get"].needed.iter().map(|one| one.scope.to_string()).collect();
    assert!(needed.contains("tickets:read fields=requester_id"), "{needed:?}");
    assert!(times(pass, "tickets.comments").1 > 0);
    let limits: BTreeSet<&str> = pass.breakages.iter().map(|one| one.kind.as_str()).collect();
    assert!(limits.is_superset(&BTreeSet::from(["cpu-ms", "memory-mib", "stack"])), "{limits:?}");
    let everyday = |one: &portcullis_model::behaviour::Breakage| one.calls.contains_key(&Family::Generated);
    assert!(pass.breakages.iter().any(everyday));

    let words = words(&report);
    assert!(words[0].starts_with("Grave: tries to send where it does not ask to: chat.example.test, "), "{words:#?}");
    assert!(words[1].starts_with("Grave: tries to send where nobody may: 169.254.169.254, "), "{words:#?}");
    assert!(said(pass, "http.send", "headers").contains("authorization"), "a credential of its own shows");
}
