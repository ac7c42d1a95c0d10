//! tries: to pass off a denial of its own making, with an id of the audit log's form and control characters in it
//! stands-for: MON-1, MON-4
//! expect: failed denied
//! afterwards: logs

use portcullis_attack_guests::*;

attack!(|_| {
    Err(Error::Denied(Denial {
        id: "act_0000\n\u{1b}[31m".to_owned(),
        scope: "tickets:read fields=*\r\n\u{202e}".to_owned(),
        reason: "the platform said so\u{0}".repeat(1_000),
        grantor: "admin\"}".to_owned(),
    }))
});
