//! tries: to use the clock that it asks for and is not granted
//! stands-for: INT-2, DAT-11
//! asks: clocks:read
//! asks: log:write
//! grants: log:write
//! expect: refused portcullis:plugin/clocks

use portcullis_attack_guests::*;

attack!(|_| {
    say(&clocks::now().to_string());
    Ok(())
});
