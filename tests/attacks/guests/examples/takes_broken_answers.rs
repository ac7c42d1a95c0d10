//! tries: to be handed control characters, bare line ends, folded lines, other protocols and junk as an answer
//! stands-for: MNT-5, INC-6
//! asks: http:send to=https://api.example.test/v1/* methods=GET
//! limit: wall-ms=30000
//! limit: http-requests=50
//! limit: http-in-kib=65536
//! expect: ok

use portcullis_attack_guests::*;

attack!(|_| {
    for path in [
        "junk",
        "nothing",
        "half",
        "null-in-header",
        "bare-cr",
        "folded",
        "space-name",
        "other-version",
        "upgrade",
        "status-0",
        "status-999",
        "high-bytes",
        "reason",
        "ftp",
        "tls",
    ] {
        if let Ok(answer) = get(&format!("/v1/broken/{path}")) {
            must((100..1000).contains(&answer.status) && answer.status != 101, format!("{path}: {}", answer.status))?;
            for (name, value) in &answer.headers {
                must(!name.chars().any(|c| c.is_control() || c == ' '), format!("{path}: {name:?}"))?;
                must(!value.chars().any(|c| c.is_control() && c != '\t'), format!("{path}: {value:?}"))?;
            }
        }
    }
    works("and after all that", get("/v1/fine")).map(drop)
});
