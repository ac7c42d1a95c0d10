//! tries: to have a server say the host's credential cut over many chunks and writes
//! stands-for: INT-7
//! asks: http:send to=https://api.example.test/v1/* methods=GET
//! connects: yes
//! limit: wall-ms=30000
//! expect: ok
//! afterwards: egress

use portcullis_attack_guests::*;

attack!(|_| {
    for path in ["chunks", "writes", "long"] {
        let answer = works(path, get(&format!("/v1/reflect/{path}")))?;
        let seen = text(&answer);
        must(seen.contains("[redacted]"), format!("MISSED or not covered: {path}: {seen:.60}"))?;
        must(!seen.contains("CREDENTIAL"), format!("{path}: {seen:.60}"))?;
    }
    Ok(())
});
