//! tries: to import http though its manifest does not ask for it
//! stands-for: INT-2, MNT-6, INT-9
//! expect: refused portcullis:plugin/http

use portcullis_attack_guests::*;

attack!(|_| get("/v1/x").map(drop));
