//! tries: to time itself and its neighbours, and to compare random numbers with another tenant, through WASI and without a grant
//! stands-for: DAT-11
//! calls: own, own, sibling, stranger
//! limit: cpu-ms=3000
//! expect: ok

#![expect(missing_docs, reason = "the names are WASI's")]

use std::hint::black_box;

use portcullis_attack_guests::*;

wit_bindgen::generate!({
    inline: "
        package attack:guest;
        world w {
            import wasi:clocks/monotonic-clock@0.2.0; import wasi:clocks/wall-clock@0.2.0;
            import wasi:random/random@0.2.0; import wasi:random/insecure-seed@0.2.0;
        }
        package wasi:clocks@0.2.0 {
            interface monotonic-clock { now: func() -> u64; }
            interface wall-clock { record datetime { seconds: u64, nanoseconds: u32 } now: func() -> datetime; }
        }
        package wasi:random@0.2.0 {
            interface random { get-random-u64: func() -> u64; }
            interface insecure-seed { insecure-seed: func() -> tuple<u64, u64>; }
        }
    ",
    generate_all,
});

use wasi::{
    clocks::{monotonic_clock, wall_clock},
    random::{insecure_seed, random},
};

attack!(|event| {
    let (began, wall) = (monotonic_clock::now(), wall_clock::now());
    must(began == 0, format!("the monotonic clock begins at {began}"))?;
    for turn in 0..5_000_000u32 {
        black_box(turn);
    }
    must(monotonic_clock::now() == began, "time passes for it")?;
    let later = wall_clock::now();
    must((later.seconds, later.nanoseconds) == (wall.seconds, wall.nanoseconds), "the wall clock moves")?;
    must(wall.nanoseconds == 0, "the wall clock shows less than a second")?;
    let number = format!("{} {:?}", random::get_random_u64(), insecure_seed::insecure_seed());
    let loot = About::of(&event)?.loot();
    must(!loot.contains(&number), "the same number as in another call")?;
    say(&number);
    Ok(())
});
