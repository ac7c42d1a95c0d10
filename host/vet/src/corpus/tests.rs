use super::*;

fn corpus(scopes: &[&str], seed: u64, given: &[Event]) -> Corpus {
    let asked: Vec<ScopeText> = scopes.iter().map(|scope| scope.parse().unwrap()).collect();
    let shown = |event: &Event| Some(event.data.clone());
    let order = Order { asked: &asked, given, seed, mutated: 2_000, statuses: &[200, 500], shown: &shown };
    Corpus::new(&order).unwrap()
}

const TICKETS: &str = "events:receive types=zen:event-type:ticket.created,zen:event-type:ticket.comment_added";

fn all(corpus: &Corpus) -> Vec<Input> {
    (0..corpus.len()).map(|number| corpus.input(number).unwrap()).collect()
}

#[test]
fn the_same_seed_makes_the_same_inputs_each_by_itself() {
    let (one, other) = (corpus(&[TICKETS], 7, &[]), corpus(&[TICKETS], 7, &[]));
    let digests = |corpus: &Corpus| all(corpus).iter().map(Input::digest).collect::<Vec<_>>();
    let first = digests(&one);
    assert_eq!(first, digests(&other));
    let backwards: Vec<_> = (0..one.len()).rev().map(|number| one.input(number).unwrap().digest()).collect();
    assert_eq!(backwards.into_iter().rev().collect::<Vec<_>>(), first);
    assert_ne!(first, digests(&corpus(&[TICKETS], 8, &[])));
    assert!(one.input(one.len() + 5).is_some(), "a mutated one can be made past the end");
}

#[test]
fn every_input_would_be_delivered_and_most_are_different() {
    let corpus = corpus(&[TICKETS], 7, &[]);
    let inputs = all(&corpus);
    let kinds = BTreeSet::from(["zen:event-type:ticket.created", "zen:event-type:ticket.comment_added"]);
    assert!(inputs.iter().all(|input| kinds.contains(input.event.kind.as_str())));
    assert!(inputs.iter().all(|input| fits(&input.event)));
    assert!(inputs.iter().enumerate().all(|(at, input)| input.number == at as u64));
    let count = |family| inputs.iter().filter(|input| input.family == family).count();
    assert_eq!(count(Family::Mutated), 2_000);
    assert_eq!((count(Family::Sample), count(Family::Given)), (13, 0));
    assert_eq!((count(Family::Generated), count(Family::Hostile)), (GENERATED, HOSTILE));
    let mutated: BTreeSet<Digest> = inputs.iter().skip(corpus.fixed() as usize).map(Input::digest).collect();
    assert!(mutated.len() > 1_800, "{}", mutated.len());
    assert_eq!(corpus.count(Family::Mutated), 2_000);
    assert!(corpus.names().contains("custom_status"));
}

#[test]
fn all_sorts_of_harm_are_among_them() {
    let inputs = all(&corpus(&["events:receive types=test.* data=full"], 7, &[]));
    let has = |test: &dyn Fn(&Value) -> bool| inputs.iter().any(|input| test(&input.event.data));
    assert!(has(&|data| tree::depth(data) >= 100), "deep");
    assert!(has(&|data| data.to_string().len() > 300_000), "large");
    assert!(has(&|data| data.is_null()) && has(&|data| data.is_array()), "of another type");
    assert!(has(&|data| data.to_string().contains("\u{202e}")), "turned around");
    assert!(has(&|data| data.to_string().contains("Ignore all previous")), "orders");
    assert!(has(&|data| data.to_string().contains("etc/passwd")), "paths");
    assert!(has(&|data| data.to_string().contains("18446744073709551615")), "edges of numbers");
    assert!(has(&|data| data.get("subject").is_none() && data.is_object()), "left out");
    assert!(inputs.iter().any(|input| input.event.subject.is_none()));
    assert!(inputs.iter().any(|input| input.made.contains("bytes changed")));
    assert!(inputs.iter().any(|input| input.scene.desk == Desk::Down));
    assert!(inputs.iter().any(|input| matches!(input.scene.far, Far::Status(500))));
}

#[test]
fn what_was_given_comes_in_where_it_is_asked_for() {
    let given = read_events(
        r#"[{"specversion":"1.0","id":"1","source":"/s","type":"test.mine","data":{"q":1}},
        {"specversion":"1.0","id":"2","source":"/s","type":"other","data":{"q":1}}]"#,
    );
    let inputs = all(&corpus(&["events:receive types=test.*"], 7, &given.unwrap()));
    let given: Vec<&Input> = inputs.iter().filter(|input| input.family == Family::Given).collect();
    assert_eq!(given.len(), 1);
    assert_eq!(given[0].event.kind, "test.mine");
    assert!(inputs.iter().any(|input| input.family == Family::Mutated && input.event.kind.starts_with("test.mine")));
}

#[test]
fn without_events_there_is_nothing_to_call_it_with() {
    assert_eq!(corpus(&["log:write"], 7, &[]).len(), 0);
}
