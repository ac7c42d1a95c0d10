//! tries: to be given the same random bytes in two tenants, or twice
//! stands-for: DAT-11
//! asks: random:read
//! calls: own, own, sibling, stranger
//! expect: ok

use portcullis_attack_guests::*;

attack!(|event| {
    let about = About::of(&event)?;
    let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let first = hex(works("bytes", random::bytes(32))?);
    let second = hex(works("bytes", random::bytes(32))?);
    must(first != second && first != "0".repeat(64), "the same twice in one call")?;
    let loot = about.loot();
    must(!loot.contains(&first) && !loot.contains(&second), "the same as in another call")?;
    say(&first);
    say(&second);
    Ok(())
});
