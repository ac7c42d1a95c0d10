//! tries: to get cookies, credentials and connection headers of an answer, in its head or in trailers
//! stands-for: GHSA-jxcf-8qw5-5c33, INT-7
//! asks: http:send to=https://api.example.test/v1/* methods=GET
//! connects: yes
//! expect: ok

use portcullis_attack_guests::*;

attack!(|_| {
    for path in ["/v1/cookies", "/v1/trailers"] {
        let answer = works(path, get(path))?;
        must(text(&answer) == "fine", format!("{path}: {}", text(&answer)))?;
        for (name, value) in &answer.headers {
            let hop = [
                "set-cookie",
                "set-cookie2",
                "connection",
                "keep-alive",
                "proxy-authenticate",
                "transfer-encoding",
                "trailer",
                "upgrade",
                "x-listed",
                "x-trailer",
                "authorization",
            ];
            must(!hop.contains(&name.as_str()), format!("{path}: {name}: {value}"))?;
        }
    }
    Ok(())
});
