//! tries: to have a server say the host's credential in base64, hexadecimal and percent signs
//! stands-for: INT-7
//! asks: http:send to=https://api.example.test/v1/* methods=GET
//! connects: yes
//! expect: ok
//! afterwards: egress

use portcullis_attack_guests::*;

/// Of `PORTCULLIS-ATTACK-CREDENTIAL`, as far as it is the same in each.
const FORMS: [&str; 6] = [
    "504f525443554c4c4953",
    "UE9SVENVTExJUy1BVFRBQ0s",
    "BPUlRDVUxMSVMtQVRUQUN",
    "QT1JUQ1VMTElTLUFUVEFDS",
    "%50%4f%52%54%43",
    "portcullis-attack",
];

attack!(|_| {
    for path in ["base64", "base64-1", "base64-2", "hex", "hex-upper", "percent", "basic"] {
        let answer = works(path, get(&format!("/v1/reflect/{path}")))?;
        let seen = text(&answer);
        must(seen.starts_with("said: "), format!("MISSED: {path}: {seen}"))?;
        let lower = seen.to_lowercase();
        must(!FORMS.iter().any(|form| lower.contains(&form.to_lowercase())), format!("{path}: {seen}"))?;
    }
    Ok(())
});
