//! Built for `wasm32-wasip2`, with the whole standard library: looks at everything about the world that the library shows a
//! program, and prints it, a fact a line. With nothing granted there must be nothing to see, and twice the same.

#![forbid(unsafe_code)]

use std::{
    collections::HashMap,
    env, fs,
    io::{self, Read as _, Write as _},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use portcullis_sdk::prelude::*;

struct Guest;

impl Events for Guest {
    fn handle(_: Event) -> Result<(), Error> {
        surroundings();
        files();
        time();
        randomness();
        output();
        Ok(())
    }
}

fn surroundings() {
    println!("variables {}", env::vars_os().count());
    println!("arguments {}", env::args_os().count());
    println!("directory {:?}", env::current_dir());
    let mut input = Vec::new();
    let read = io::stdin().read_to_end(&mut input).map_err(|error| error.kind());
    println!("input {read:?}");
}

fn files() {
    let listed = fs::read_dir("/").map(Iterator::count).map_err(|error| error.kind());
    println!("root {listed:?}");
    for path in ["/etc/passwd", "etc/passwd", ".", "../../../../etc/passwd"] {
        println!("read {path} {}", fs::read(path).is_ok());
    }
    println!("write {}", fs::write("/left-behind", "x").is_ok());
}

fn time() {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (began, start) = (now(), Instant::now());
    println!("seconds {}", began.as_secs());
    println!("nanoseconds {}", began.subsec_nanos());
    let mut work: u64 = 1;
    (0..3_000_000).for_each(|n| work = std::hint::black_box(work.wrapping_mul(31) ^ n));
    println!("worked {}", start.elapsed().as_nanos());
    thread::sleep(Duration::from_millis(30));
    println!("slept {}", start.elapsed().as_nanos());
    println!("wall moved {}", (now() - began).as_nanos());
}

fn randomness() {
    let map: HashMap<u32, ()> = (0..16).map(|n| (n, ())).collect();
    let order: Vec<String> = map.keys().map(u32::to_string).collect();
    println!("order {}", order.join(","));
}

fn output() {
    eprintln!("to standard error");
    println!("forged\u{1b}[31m\r{{\"level\":\"error\"}}\u{85}end");
    print!("in two ");
    println!("pieces");
    print!("long {}", "x".repeat(10_000));
    println!();
    print!("unfinished");
    drop(io::stdout().flush());
}

portcullis_sdk::export!(Guest: Events);
