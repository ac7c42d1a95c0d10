//! tries: to find a person and an organization of another tenant by id, address, number and organization
//! stands-for: DAT-11
//! asks: users:read fields=*
//! asks: users:organizations fields=*
//! expect: ok
//! afterwards: tenants

use portcullis_attack_guests::*;

attack!(|_| {
    let name = names(&["name"]);
    works("a person of its own", users::get("9010001", &name))?;
    nothing("by id", users::get("7700002", &name))?;
    nothing("the organization by id", users::get_organization("770003", &name))?;
    for by in [
        users::Finder::Email("canary@victim.example".to_owned()),
        users::Finder::Phone("+1 202-555-0199".to_owned()),
        users::Finder::Organization("770003".to_owned()),
        users::Finder::Email("%@victim.example".to_owned()),
        users::Finder::Email("%".to_owned()),
    ] {
        let found = users::find(&by, &name, None).unwrap_or_default();
        must(found.is_empty(), format!("{by:?}: {found:?}"))?;
    }
    Ok(())
});
