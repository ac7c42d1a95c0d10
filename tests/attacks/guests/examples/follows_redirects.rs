//! tries: to be led out of the allowlist by redirects: to other hosts, to addresses, to other schemes and paths
//! stands-for: INT-2
//! asks: http:send to=https://api.example.test/v1/* methods=GET
//! connects: yes
//! expect: ok
//! denies: http.send
//! afterwards: egress

use portcullis_attack_guests::*;

attack!(|_| {
    for (status, to) in [(301, "other"), (302, "meta"), (303, "scheme"), (307, "path"), (308, "self")] {
        let answer = works(to, get(&format!("/v1/redirect/{status}/{to}")))?;
        must(answer.status == status, format!("{to}: followed: {}", answer.status))?;
        let location = answer.headers.iter().find(|(name, _)| name == "location").map(|(_, value)| value.clone());
        let location = location.ok_or_else(|| missed("no location"))?;
        if to != "self" {
            refused(to, send("GET", &location, &[]))?;
        }
    }
    Ok(())
});
