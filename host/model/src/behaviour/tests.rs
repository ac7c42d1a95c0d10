use super::*;

fn pass(granted: Granted) -> Pass {
    Pass {
        granted,
        scopes: vec!["http:send to=https://a.example/* methods=POST".parse().unwrap(), "kv:read".parse().unwrap()],
        unloadable: None,
        calls: 10,
        left_out: 0,
        ends: [("ok".to_owned(), 9), ("trap".to_owned(), 1)].into(),
        acts: BTreeMap::new(),
        hosts: Vec::new(),
        hosts_left_out: 0,
        denials_unlisted: 0,
        breakages: Vec::new(),
        breakages_left_out: 0,
        peaks: Peaks::default(),
    }
}

fn report() -> Report {
    let digest = Digest::of(b"x");
    Report {
        format: FORMAT.to_owned(),
        release: Subject {
            plugin: "com.example.x".parse().unwrap(),
            version: "1.0.0".into(),
            release: 1,
            component: digest,
            manifest: digest,
        },
        tool: "0.1.0".into(),
        seed: MAX_SEED,
        corpus: Corpus { digest, inputs: [(Family::Mutated, 10)].into(), kinds: vec![], statuses: vec![200] },
        passes: vec![pass(Granted::All)],
        determinism: Determinism { inputs: 4, ..Determinism::default() },
    }
}

#[test]
fn reads_what_it_writes_and_nothing_else() {
    let bytes = report().encode().unwrap();
    assert_eq!(Report::read(&bytes), Ok(report()));
    assert_eq!(report().digest(), Ok(Digest::of(&bytes)));
    assert!(bytes.starts_with(br#"{"corpus":{"digest":"sha256:"#), "{}", String::from_utf8_lossy(&bytes));

    let pretty = serde_json::to_vec_pretty(&report()).unwrap();
    assert_eq!(Report::read(&pretty), Err(ReportError::NotCanonical));
    let text = String::from_utf8(bytes).unwrap();
    let more = text.replace(r#""seed":"#, r#""season":1,"seed":"#);
    assert!(matches!(Report::read(more.as_bytes()), Err(ReportError::Unreadable(_))));
    let later = text.replace(FORMAT, "portcullis-behaviour/2");
    assert_eq!(Report::read(later.as_bytes()), Err(ReportError::Format("portcullis-behaviour/2".into())));
    assert_eq!(Report::read(&vec![b' '; MAX_REPORT + 1]), Err(ReportError::TooLong(MAX_REPORT + 1)));
}

fn words(report: &Report) -> Vec<String> {
    report.findings().into_iter().map(|finding| format!("{:?}: {}", finding.weight, finding.words)).collect()
}

#[test]
fn the_gravest_comes_first() {
    let mut report = report();
    let pass = &mut report.passes[0];
    let host = |host: &str, tried| HostUse {
        host: host.into(),
        port: Some(if tried == Tried::Denied { 8443 } else { 443 }),
        method: "POST".into(),
        tried,
        problem: None,
        requests: 2,
        first: 1,
    };
    pass.hosts = vec![host("a.example", Tried::Permitted), host("b.example", Tried::Denied)];
    let needed = Needed { scope: "tickets:delete".parse().unwrap(), denied: 3, first: 2 };
    pass.acts.insert("tickets.delete".into(), ActUse { denied: 3, needed: vec![needed], ..ActUse::default() });
    let shape = [("carries".to_owned(), "event subject, users.get email".to_owned())].into();
    let sent = ActUse { permitted: 2, shapes: vec![ShapeUse { shape, acts: 2, first: 1 }], ..ActUse::default() };
    pass.acts.insert("http.send".into(), sent);
    pass.breakages = vec![Breakage {
        how: Broke::Trap,
        kind: "unreachable".into(),
        place: Some("src/lib.rs:1:2".into()),
        calls: [(Family::Mutated, 1)].into(),
        first: 7,
    }];
    assert_eq!(
        words(&report),
        [
            "Grave: tries to send where it does not ask to: b.example:8443",
            "Grave: tickets.delete was denied 3 times; its manifest does not ask for: tickets:delete",
            "Notable: what it sends carries: event subject, users.get email",
            "Notable: crashes (unreachable at src/lib.rs:1:2) on 1 mutated inputs, first on 7",
            "Notable: asks for and never used, on this corpus: kv",
            "Plain: sends to: a.example",
            "Plain: did the same again on each of 4 inputs",
        ]
    );
}

#[test]
fn what_breaks_every_day_is_grave_and_what_does_not_load_is_said() {
    let mut report = report();
    report.passes[0].breakages = vec![Breakage {
        how: Broke::Limit,
        kind: "cpu-ms".into(),
        place: None,
        calls: [(Family::Sample, 1), (Family::Hostile, 2)].into(),
        first: 0,
    }];
    report.passes.push(Pass { unloadable: Some("imports\u{202e} kv".into()), ..pass(Granted::Required) });
    report.determinism = Determinism { inputs: 4, differing: 3, by_time_or_chance: 1, ..Determinism::default() };
    assert_eq!(
        words(&report),
        [
            "Grave: reaches the limit cpu-ms on 1 sample, 2 hostile inputs, first on 0",
            "Notable: asks for and never used, on this corpus: http, kv",
            "Notable: does not load without its optional scopes: imports\\u{202e} kv",
            "Notable: does different things on the same input, on 2 of 4 inputs",
            "Plain: what it does depends on the time of day or on random bytes, on 1 of 4 inputs",
        ]
    );
}

#[test]
fn classes_of_time_take_every_call_in() {
    let mut measured = Measured::default();
    for (micros, input) in [(99, 0), (100, 1), (999_999, 2), (5_000_000, 3)] {
        measured.see(std::time::Duration::from_micros(micros), input);
    }
    let calls: Vec<u64> = measured.cpu.iter().map(|bucket| bucket.calls).collect();
    assert_eq!(calls, [1, 1, 0, 0, 0, 0, 0, 1, 1]);
    assert_eq!((measured.cpu_most_us, measured.cpu_most_input), (5_000_000, 3));
}
