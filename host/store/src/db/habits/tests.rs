//! A writer with a clock of its own, and tenants that each write one job after the other.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// How often the writer looks while it waits.
const LOOK: Duration = Duration::from_micros(5);

fn micros(number: u64) -> Duration {
    Duration::from_micros(number)
}

/// One tenant: how long it pauses after each answer, in turn, and where its jobs are.
struct Serial {
    lane: Lane,
    pauses: Vec<Duration>,
    /// When its next job is handed in.
    next: Duration,
    is_taken: bool,
    answers: usize,
    /// The longest that one waited.
    slowest: Duration,
}

impl Serial {
    fn new(name: &str, pauses: &[u64]) -> Self {
        let lane = (name != "-").then(|| name.parse().unwrap());
        let pauses: Vec<_> = pauses.iter().map(|pause| micros(*pause)).collect();
        Self { lane, next: pauses[0], pauses, is_taken: false, answers: 0, slowest: Duration::ZERO }
    }
}

/// What came of it.
struct Ran {
    answers: BTreeMap<String, usize>,
    slowest: Duration,
    /// How long the writer waited for those that were expected, in all and at the longest.
    waited: Duration,
    longest: Duration,
}

/// Runs them for so long, with commits that take so long. `waits`: whether anybody is waited for.
fn run(mut tenants: Vec<Serial>, commit: Duration, most: Duration, waits: bool) -> Ran {
    let mut habits = Habits::default();
    let (mut now, mut waited, mut longest) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let take_in = |habits: &mut Habits, tenants: &mut [Serial], now: Duration| {
        let mut came: Vec<_> = tenants.iter_mut().filter(|one| !one.is_taken && one.next <= now).collect();
        came.sort_by_key(|one| one.next);
        for one in came {
            one.is_taken = true;
            habits.came(&one.lane, one.next);
            habits.runs(&one.lane, true);
        }
    };
    while now < most {
        now = now.max(tenants.iter().map(|one| one.next).min().unwrap());
        take_in(&mut habits, &mut tenants, now);
        let complete = now;
        while waits && habits.worth(now).is_some() {
            now += LOOK;
            take_in(&mut habits, &mut tenants, now);
        }
        waited += now - complete;
        longest = longest.max(now - complete);
        now += commit;
        habits.answered(commit, now);
        for one in tenants.iter_mut().filter(|one| one.is_taken) {
            one.is_taken = false;
            one.answers += 1;
            one.slowest = one.slowest.max(now - one.next);
            one.next = now + one.pauses[one.answers % one.pauses.len()];
        }
    }
    let name = |one: &Serial| one.lane.as_ref().map_or("-", |tenant| tenant.as_str()).to_owned();
    Ran {
        answers: tenants.iter().map(|one| (name(one), one.answers)).collect(),
        slowest: tenants.iter().map(|one| one.slowest).max().unwrap(),
        waited,
        longest,
    }
}

const SECOND: Duration = Duration::from_secs(1);

/// What the neighbour keeps beside these, in percent.
fn kept(others: &[(&str, &[u64])], waits: bool) -> (usize, Ran) {
    let neighbour = || Serial::new("neighbour", &[160, 120, 20, 200]);
    let commit = micros(200);
    let alone = run(vec![neighbour()], commit, SECOND, true).answers["neighbour"];
    let all = others.iter().map(|(name, pauses)| Serial::new(name, pauses)).chain([neighbour()]).collect();
    let beside = run(all, commit, SECOND, waits);
    (beside.answers["neighbour"] * 100 / alone, beside)
}

#[test]
fn beside_one_that_writes_more_the_lighter_one_keeps_its_pace() {
    for pauses in [&[10_u64] as &[u64], &[30, 60], &[5, 90, 40]] {
        let (without, _) = kept(&[("greedy", pauses)], false);
        let (with, beside) = kept(&[("greedy", pauses)], true);
        assert!(without < 85 && with > 95, "{pauses:?}: {without} %, {with} %");
        assert!(beside.answers["greedy"] >= beside.answers["neighbour"] * 9 / 10, "{:?}", beside.answers);
    }
}

#[test]
fn beside_several_that_write_more_it_keeps_its_pace_too() {
    let (with, beside) = kept(&[("a", &[10]), ("b", &[25]), ("c", &[70, 15])], true);
    assert!(with > 85, "{with} %: {:?}", beside.answers);
}

#[test]
fn equals_go_together_and_both_gain() {
    let two = || vec![Serial::new("a", &[100, 140]), Serial::new("b", &[120])];
    let (without, with) = (run(two(), micros(200), SECOND, false), run(two(), micros(200), SECOND, true));
    for name in ["a", "b"] {
        assert!(with.answers[name] > without.answers[name], "{:?} {:?}", without.answers, with.answers);
    }
}

#[test]
fn nothing_waits_for_who_is_alone_or_for_nobody() {
    assert_eq!(run(vec![Serial::new("a", &[100])], micros(200), SECOND, true).waited, Duration::ZERO);
    let ran = run(vec![Serial::new("-", &[10]), Serial::new("a", &[1_000])], micros(200), SECOND, true);
    assert!(ran.waited < SECOND / 20, "{:?}: only a itself may wait, and for nobody", ran.waited);
}

#[test]
fn what_is_no_tenants_does_not_wait() {
    let mut habits = Habits::default();
    let mut now = Duration::ZERO;
    let (light, heavy): (Lane, Lane) = (Some("light".parse().unwrap()), Some("heavy".parse().unwrap()));
    let mut turn = |lane: &Lane, asks: bool| {
        now += micros(50);
        // The light one's comes while the other's commit is under way.
        habits.came(lane, if *lane == light { now - micros(200) } else { now });
        habits.runs(lane, true);
        let worth_it = asks && habits.worth(now).is_some();
        now += micros(200);
        habits.answered(micros(200), now);
        worth_it
    };
    for _ in 0..10 {
        turn(&heavy, false);
        turn(&light, false);
    }
    assert!(turn(&heavy, true));
    turn(&light, false);
    now += micros(50);
    habits.came(&heavy, now);
    habits.came(&None, now);
    assert!(habits.worth(now).is_none());
}

#[test]
fn who_uses_less_waits_for_nobody_who_uses_more() {
    let mut habits = Habits::default();
    let (light, heavy): (Lane, Lane) = (Some("light".parse().unwrap()), Some("heavy".parse().unwrap()));
    let mut now = Duration::ZERO;
    for turn in 0..40 {
        let lane = if turn % 4 == 0 { &light } else { &heavy };
        now += micros(30);
        habits.came(lane, now);
        habits.runs(lane, true);
        if turn > 20 {
            assert!(lane == &heavy || habits.worth(now).is_none(), "turn {turn}");
        }
        now += micros(200);
        habits.answered(micros(200), now);
    }
}

#[test]
fn who_stays_away_is_waited_for_a_few_times() {
    let mut gone = vec![100; 50];
    gone.extend([10_000_000]);
    let ran = run(vec![Serial::new("gone", &gone), Serial::new("stays", &[10])], micros(200), SECOND, true);
    let alone = run(vec![Serial::new("stays", &[10])], micros(200), SECOND, true);
    assert!(ran.answers["stays"] * 100 > alone.answers["stays"] * 98, "{:?} {:?}", ran.answers, alone.answers);
}

#[test]
fn those_that_are_gone_are_forgotten() {
    let mut habits = Habits::default();
    for number in 0..100_u64 {
        let lane = Some(format!("t{number}").parse().unwrap());
        habits.came(&lane, micros(number * 1_000));
        habits.runs(&lane, true);
        habits.answered(micros(200), micros(number * 1_000 + 200));
    }
    assert_eq!(habits.tenants.len(), 100);
    habits.answered(micros(200), FORGOTTEN * 2);
    assert!(habits.tenants.is_empty());
}

proptest! {
    /// Whoever they are and however they pause: nobody waits for longer than for the commit that is under way, for those that are
    /// expected, and for its own commit.
    #[test]
    fn nobody_starves(
        pauses in prop::collection::vec(prop::collection::vec(1_u64..4_000, 1..6), 1..7),
        commit in 20_u64..5_000,
    ) {
        let tenants = pauses.iter().zip('a'..).map(|(pauses, name)| Serial::new(&name.to_string(), pauses)).collect();
        let commit = micros(commit);
        let ran = run(tenants, commit, SECOND / 4, true);
        let held = commit.min(MOST) + LOOK;
        prop_assert!(ran.longest <= held, "{:?}", ran.longest);
        prop_assert!(ran.slowest <= commit * 2 + held * 2, "{:?}", ran.slowest);
    }
}
