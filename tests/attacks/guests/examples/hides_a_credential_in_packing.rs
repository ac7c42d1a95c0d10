//! tries: to get back the host's credential in an answer that cannot be searched, since it is packed
//! stands-for: INT-7
//! asks: http:send to=https://api.example.test/v1/* methods=GET
//! connects: yes
//! limit: http-in-kib=65536
//! expect: ok

use portcullis_attack_guests::*;

attack!(|_| {
    for encoding in ["gzip", "deflate", "br", "zstd", "x-anything"] {
        fails(encoding, get(&format!("/v1/packed/{encoding}")))?;
    }
    Ok(())
});
