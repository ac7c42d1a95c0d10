//! tries: to learn masked addresses and numbers, by looking people up by guesses
//! stands-for: DAT-1, DAT-2
//! asks: users:read fields=name,email,phone,organization_id mask=email,phone token=organization_id
//! expect: ok
//! denies: users.find

use portcullis_attack_guests::*;

attack!(|_| {
    let fields = names(&["name", "email", "phone"]);
    let person = works("a person", users::get("9010001", &fields))?;
    let (email, phone) = (person.email.unwrap_or_default(), person.phone.unwrap_or_default());
    must(!email.contains("raghunathan") && !email.contains("support"), &email)?;
    must(!phone.contains("555"), &phone)?;
    let name = names(&["name"]);
    denied(
        "by address",
        users::find(&users::Finder::Email("priya.raghunathan@support.example.com".to_owned()), &name, None),
    )?;
    denied(
        "by a wrong address",
        users::find(&users::Finder::Email("nobody@support.example.com".to_owned()), &name, None),
    )?;
    denied("by the mask", users::find(&users::Finder::Email(email), &name, None))?;
    denied("by number", users::find(&users::Finder::Phone("+1 808-555-0164".to_owned()), &name, None))?;
    denied("by organization", users::find(&users::Finder::Organization("361001".to_owned()), &name, None))
});
