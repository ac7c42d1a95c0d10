//! tries: to remember the call before in static variables and on the heap
//! stands-for: DAT-11, DAT-8
//! calls: own, own, stranger, own
//! expect: ok

use std::sync::{
    Mutex,
    atomic::{AtomicU32, Ordering},
};

use portcullis_attack_guests::*;

static CALLS: AtomicU32 = AtomicU32::new(0);
static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

attack!(|event| {
    must(CALLS.fetch_add(1, Ordering::Relaxed) == 0, "a call before this one")?;
    let mut seen = SEEN.lock().map_err(|_| escaped("a lock that a call before this one held"))?;
    must(seen.is_empty(), format!("{seen:?}"))?;
    seen.push(event.id);
    // The lock is never given back.
    std::mem::forget(seen);
    Ok(())
});
