//! tries: to name its own tenant's records in ways that the audit log and the grant would not know again
//! stands-for: MNT-5, MON-1
//! asks: tickets:read fields=subject
//! asks: users:read fields=name
//! asks: users:organizations fields=name
//! expect: ok

use portcullis_attack_guests::*;

attack!(|_| {
    works("a ticket", tickets::get("1005", &names(&["subject"])))?;
    for before in ["0", "+", " ", "\t", "\u{feff}", "\u{200b}", "-", "0x", "zen:ticket:", "#", "\0"] {
        nothing(before, tickets::get(&format!("{before}1005"), &names(&["subject"])))?;
        nothing(before, users::get(&format!("{before}9010001"), &names(&["name"])))?;
        nothing(before, users::get_organization(&format!("{before}361001"), &names(&["name"])))?;
    }
    for id in [
        "1005 ",
        "1005\0",
        "1005.0",
        "1005e0",
        "1_005",
        "1,005",
        "\u{ff11}\u{ff10}\u{ff10}\u{ff15}",
        "\u{661}\u{660}\u{660}\u{665}",
        "1005\u{301}",
        "\u{202e}5001",
        "\u{2460}005",
    ] {
        nothing(id, tickets::get(id, &names(&["subject"])))?;
    }
    Ok(())
});
