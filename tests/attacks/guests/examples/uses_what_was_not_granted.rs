//! tries: to use http, which it asks for, and which the admin did not grant
//! stands-for: INT-2, INT-9
//! asks: log:write
//! asks: http:send to=https://api.example.test/* methods=GET
//! grants: log:write
//! expect: refused portcullis:plugin/http
//! afterwards: egress

use portcullis_attack_guests::*;

attack!(|_| {
    say("here");
    get("/v1/x").map(drop)
});
