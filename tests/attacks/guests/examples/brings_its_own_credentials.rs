//! tries: to send Authorization, Cookie and Proxy headers of its own, beside or in place of the host's credential
//! stands-for: INT-7, INT-4
//! asks: http:send to=https://api.example.test/v1/* methods=GET
//! connects: yes
//! expect: ok
//! afterwards: egress

use portcullis_attack_guests::*;

attack!(|_| {
    for (name, value) in [
        ("authorization", "Basic bWluZTptaW5l"),
        ("Authorization", "Bearer mine-1"),
        ("AUTHORIZATION", "mine-2"),
        ("cookie", "session=mine"),
        ("Cookie2", "mine"),
        ("proxy-authorization", "Basic mine"),
        ("Proxy-Authenticate", "mine"),
        ("proxy-anything", "mine"),
    ] {
        works(name, send("GET", "https://api.example.test/v1/credentials", &[(name, value), (name, "mine-again")]))?;
    }
    Ok(())
});
