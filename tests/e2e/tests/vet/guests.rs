//! Guests of one behaviour each, and what must be said of it.

use std::collections::BTreeMap;

use portcullis_e2e::Package;
use portcullis_model::behaviour::{Aspect, Broke, Family};
use portcullis_vet::{Options, read_events, replay, vet};

use crate::{all, options, release, report, said, times, words};

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_on_a_shape_that_nobody_thought_of_is_found_and_can_be_had_again() {
    let package = Package::guest("cuts_text_blindly", &["log:write"], "");
    let options = options(11, 1_500);
    let report = report(&package, &options).await;
    let broken = &all(&report).breakages;
    assert_eq!(broken.len(), 1, "{broken:?}");
    let broken = &broken[0];
    assert_eq!(broken.how, Broke::Trap);
    assert!(broken.place.as_deref().is_some_and(|place| place.contains("cuts_text_blindly.rs:")), "{broken:?}");
    assert!(broken.calls[&Family::Mutated] > 5, "{broken:?}");
    assert!(!broken.calls.contains_key(&Family::Sample), "{broken:?}");

    let again = replay(&release(&package), &options, broken.first).await.unwrap();
    assert!(again.all.end.starts_with("trapped: "), "{}", again.all.end);
    assert!(again.all.log.iter().any(|(_, line)| line.starts_with("panicked at ")), "{:?}", again.all.log);
    assert!(again.all.stack.iter().any(|frame| frame.starts_with("0x")), "{:?}", again.all.stack);
    // A mutated input is made without the others: it can be had again whatever their number was.
    let fixed =
        report.corpus.inputs.iter().filter(|(family, _)| **family != Family::Mutated).map(|(_, n)| n).sum::<u64>();
    let few = Options { inputs: 1, ..options.clone() };
    let found = release(&package);
    let (one, other) = (replay(&found, &options, fixed + 700), replay(&found, &few, fixed + 700));
    let (one, other) = (one.await.unwrap(), other.await.unwrap());
    assert_eq!((one.made, one.data, one.all.end), (other.made, other.data, other.all.end));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_loops_is_cut_off_and_does_not_hold_the_run_up() {
    let limits = "cpu-ms = 100\nwall-ms = 60000";
    let report = report(&Package::guest("loops", &["log:write"], limits), &options(11, 10_000)).await;
    let pass = all(&report);
    let kinds: Vec<&str> = pass.breakages.iter().map(|one| one.kind.as_str()).collect();
    assert_eq!((kinds, pass.breakages[0].first), (vec!["cpu-ms"], 0));
    assert_eq!(pass.ends, BTreeMap::from([("limit cpu-ms".to_owned(), pass.calls)]));
    assert!(pass.left_out > 10_000, "{} inputs were left out", pass.left_out);
    assert_eq!(pass.peaks.memory.most, 0, "what was cut off by time has no peaks");
    assert_eq!(report.determinism.inputs, 0);
    assert!(words(&report)[0].starts_with("Grave: reaches the limit cpu-ms on "), "{:#?}", words(&report));
}

#[tokio::test(flavor = "multi_thread")]
async fn panics_stack_and_memory_are_told_apart() {
    for (guest, limits, how, kind) in [
        ("panics", "", Broke::Trap, "wasm trap: wasm `unreachable` instruction executed"),
        ("recurses", "cpu-ms = 1000", Broke::Limit, "stack"),
        ("eats_memory", "cpu-ms = 10000\nmemory-mib = 4", Broke::Limit, "memory-mib"),
        ("burns_host_calls", "cpu-ms = 10000\nhost-calls = 50", Broke::Limit, "host-calls"),
    ] {
        let scopes = ["log:write", "tickets:read fields=status", "kv:read"];
        let report = report(&Package::guest(guest, &scopes, limits), &options(3, 20)).await;
        let broken = &all(&report).breakages;
        assert_eq!(broken.iter().map(|one| (one.how, one.kind.as_str())).collect::<Vec<_>>(), [(how, kind)], "{guest}");
        // Where services do not answer, the one that asks them without end gives up.
        let (calls, broken) = (all(&report).calls, broken[0].calls.values().sum::<u64>());
        assert!(broken == calls || (guest == "burns_host_calls" && broken > calls / 2), "{guest}: {broken} of {calls}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn state_is_not_kept_and_chance_and_time_are_seen() {
    let steady = report(&Package::guest("keeps_state", &["log:write"], ""), &options(5, 50)).await;
    assert_eq!(steady.determinism.differing, 0);
    assert!(steady.determinism.inputs > 100);
    assert_eq!(times(all(&steady), "log.write").0, all(&steady).calls);

    let chance = report(&Package::guest("uses_random", &["log:write", "random:read"], ""), &options(5, 50)).await;
    let found = &chance.determinism;
    assert_eq!((found.differing, found.by_time_or_chance), (found.inputs, found.inputs));
    assert_eq!(found.aspects, BTreeMap::from([(Aspect::Log, found.inputs)]));
    assert_eq!(
        found.first.as_ref().map(|first| (first.input, first.aspect, first.at)),
        Some((0, Aspect::Log, Some(0)))
    );
    assert!(times(all(&chance), "random.bytes").0 > 0);
    assert!(words(&chance).iter().any(|words| words.contains("depends on the time of day or on random bytes")));

    let time = report(
        &Package::guest("uses_clocks", &["log:write", "clocks:read"], "cpu-ms = 5000\nhost-calls = 100000"),
        &options(5, 10),
    )
    .await;
    assert_eq!(time.determinism.differing, time.determinism.inputs);
    assert!(times(all(&time), "clocks.now").0 > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_brought_along_is_run_too() {
    let event = |url: &str| {
        format!(
            r#"{{"specversion":"1.0","id":"1","source":"/s","type":"test.go","data":{{"url":"{url}","method":"GET"}}}}"#
        )
    };
    let events = format!("[{},{}]", event("https://api.example.test/a?email=x"), event("https://127.0.0.1/"));
    let options = Options { events: read_events(&events).unwrap(), ..options(2, 0) };
    let package = Package::guest("http_get", &["log:write", "http:send to=https://api.example.test/* methods=GET"], "");
    let report = report(&package, &options).await;
    assert_eq!(report.corpus.inputs[&Family::Given], 2);
    let pass = all(&report);
    assert!(pass.hosts.iter().any(|host| host.host == "127.0.0.1" && host.problem.is_some()), "{:?}", pass.hosts);
    assert!(said(pass, "http.send", "query").contains("yes"));
    assert!(said(pass, "http.send", "carries").contains("event url"), "{}", said(pass, "http.send", "carries"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_optional_scope_does_not_leave_optional_is_said() {
    let mut package = Package::guest("uses_kv", &["log:write"], "");
    let optional = "[[scopes]]\nscope = \"kv:read\"\npurpose = \"For a test.\"\noptional = true\n\n[limits]";
    package.manifest = package.manifest.replace("[limits]", optional);
    let report = report(&package, &options(2, 0)).await;
    let required = report.passes[1].unloadable.as_deref().unwrap_or_default();
    assert!(required.contains("portcullis:plugin/kv"), "{required}");
    assert!(words(&report).iter().any(|words| words.starts_with("Notable: does not load without its optional scopes")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_run_is_an_error() {
    let package = Package::bare("uses_kv", &["events:receive types=test.*", "log:write"]);
    let error = vet(&release(&package), &options(1, 0), |_, _| {}).await.unwrap_err().to_string();
    assert!(error.contains("the release cannot be run") && error.contains("portcullis:plugin/kv"), "{error}");
    let beyond = Options { seed: u64::MAX, ..options(1, 0) };
    let error = vet(&release(&package), &beyond, |_, _| {}).await.unwrap_err().to_string();
    assert!(error.contains("the largest is 9007199254740991"), "{error}");
    let package = Package::bare("echo", &["log:write"]);
    let empty = report(&package, &options(1, 100)).await;
    assert_eq!(all(&empty).calls, 0);
    assert!(words(&empty)[0].contains("it asks for no event that could be made"), "{:?}", words(&empty));
}
