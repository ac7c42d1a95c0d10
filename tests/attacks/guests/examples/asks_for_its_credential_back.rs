//! tries: to have a server say the host's credential, in the body and in headers, as it is and in other letters
//! stands-for: INT-7
//! asks: http:send to=https://api.example.test/v1/* methods=GET
//! connects: yes
//! expect: ok
//! afterwards: egress

use portcullis_attack_guests::*;

attack!(|_| {
    for path in ["body", "header", "header-name", "location", "status", "twice", "upper", "json"] {
        let answer = get(&format!("/v1/reflect/{path}"));
        let seen = format!("{answer:?} {}", answer.as_ref().map(text).unwrap_or_default());
        must(!seen.to_lowercase().contains("portcullis-attack-credential"), format!("{path}: {seen}"))?;
    }
    Ok(())
});
