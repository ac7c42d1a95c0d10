//! tries: to read a ticket of another tenant by its id, in every spelling that could mean it
//! stands-for: DAT-11
//! asks: tickets:read fields=subject,description,comments
//! limit: cpu-ms=2000
//! expect: ok
//! afterwards: tenants

use portcullis_attack_guests::*;

attack!(|_| {
    works("a ticket of its own", tickets::get("1005", &names(&["subject"])))?;
    for id in [
        "77001",
        "victim:77001",
        "victim/77001",
        "../victim/77001",
        "zen:ticket:77001",
        "77001 ",
        " 77001",
        "+77001",
        "077001",
        "77001.0",
        "7.7001e4",
        "0x12cc9",
        "77001\0",
        "77001' OR '1'='1",
        "77001 OR 1=1",
        "77001;",
        "77001%",
        "%",
        "*",
        "77001\u{200b}",
        "\u{664}77001",
        "７７００１",
        "٧٧٠٠١",
        "-1",
        "18446744073709628617",
        "NULL",
        "",
    ] {
        nothing(id, tickets::get(id, &names(&["subject"])))?;
        nothing(id, tickets::comments(id, None))?;
    }
    Ok(())
});
