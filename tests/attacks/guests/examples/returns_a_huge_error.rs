//! tries: to fill the queue and the audit log with the text of its error
//! stands-for: INC-6, MON-1
//! limit: memory-mib=16
//! limit: cpu-ms=5000
//! expect: limit output-kib

use portcullis_attack_guests::*;

attack!(|_| Err(Error::Invalid("huge ".repeat(300_000))));
