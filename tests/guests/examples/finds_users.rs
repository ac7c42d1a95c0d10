//! Finds people by each thing that the event's data names (`{"email":"..","phone":"..","organization":"..","after":".."}`),
//! with the named fields (`"fields":[".."]`, else only the name), and logs what it gets.
//! Must find only people that the grant is about, by fields that it may read in the clear.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;
use portcullis_sdk::users::Field;

const FIELDS: [Field; 8] = [
    Field::Name,
    Field::Email,
    Field::Phone,
    Field::Role,
    Field::OrganizationId,
    Field::Tags,
    Field::Locale,
    Field::TimeZone,
];

struct Guest;

impl Events for Guest {
    fn handle(event: Event) -> Result<(), Error> {
        let data = event.json()?;
        let named: Vec<&str> =
            data["fields"].as_array().into_iter().flatten().filter_map(|name| name.as_str()).collect();
        let mut fields: Vec<Field> = FIELDS.into_iter().filter(|field| named.contains(&field.name())).collect();
        if fields.is_empty() {
            fields.push(Field::Name);
        }
        if let Some(email) = data["email"].as_str() {
            log::info!("by email: {:?}", users::find_by_email(email, &fields));
        }
        if let Some(phone) = data["phone"].as_str() {
            log::info!("by phone: {:?}", users::find_by_phone(phone, &fields));
        }
        if let Some(organization) = data["organization"].as_str() {
            let found = users::find_by_organization(organization, &fields, data["after"].as_str());
            log::info!("by organization: {found:?}");
        }
        Ok(())
    }
}

portcullis_sdk::export!(Guest: Events);
