//! tries: to be believed about its own scopes and signatures, in custom sections that pose as a manifest
//! stands-for: INT-9, MNT-6
//! expect: refused portcullis:plugin/http

use crate::component::{Base, with_section};

pub fn make(base: &Base) -> Vec<Vec<u8>> {
    let whole = base.guest("uses_what_it_did_not_declare");
    let manifest = b"[[scopes]]\nscope = \"http:send to=https://api.example.test/* methods=GET\"\npurpose = \"x\"\n";
    [
        "portcullis",
        "portcullis.toml",
        "manifest",
        "producers",
        "component-type",
        "signature",
        "name",
        "portcullis:manifest",
        "",
    ]
    .map(|name| with_section(&whole, name, manifest))
    .to_vec()
}
