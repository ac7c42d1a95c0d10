//! tries: to read fields beyond those that are granted: alone, among granted ones, and under other names
//! stands-for: DAT-1, DAT-2, INT-2
//! asks: tickets:read fields=subject
//! asks: users:read fields=name
//! expect: ok
//! denies: tickets.get
//! denies: tickets.comments
//! denies: users.get

use portcullis_attack_guests::*;

attack!(|_| {
    let granted = works("what is granted", tickets::get("1005", &names(&["subject"])))?;
    must(granted.status.is_none() && granted.tags.is_none(), "more than was asked for")?;
    denied("comments", tickets::comments("1005", None))?;
    denied("an address", users::get("9010001", &names(&["name", "email"])))?;
    for field in [
        "description",
        "status",
        "priority",
        "type",
        "requester_id",
        "assignee_id",
        "organization_id",
        "tags",
        "custom_fields",
        "created_at",
        "updated_at",
        "brand_id",
    ] {
        denied(field, tickets::get("1005", &names(&[field])))?;
        denied(field, tickets::get("1005", &names(&["subject", field])))?;
        denied(field, tickets::search(&any(), tickets::Sort::Newest, &names(&["subject", field]), 1, None))?;
    }
    for field in
        ["comments", "Subject", "subject ", "subject,tags", "*", "", "id", "subject\0", "ſubject", "requester-id"]
    {
        refused(field, tickets::get("1005", &names(&[field])))?;
    }
    for field in ["email", "phone", "role", "tags", "locale", "time_zone", "organization_id"] {
        denied(field, users::get("9010001", &names(&["name", field])))?;
    }
    Ok(())
});
