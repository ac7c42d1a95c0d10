//! Calls every function of `users` once, with the ids in the event's data (`{"user":..,"organization":..}`), and logs
//! each result. Must be refused at load without a grant for `users`, and at each call that the grant does not cover.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;
use portcullis_sdk::users::{Field, OrganizationField};

struct Guest;

impl Events for Guest {
    fn handle(event: Event) -> Result<(), Error> {
        let data = event.json()?;
        let (user, organization) = (data["user"].as_str(), data["organization"].as_str());
        log::info!("get: {:?}", users::get(user.unwrap_or("1"), &[Field::Name, Field::Email]));
        let fields = [OrganizationField::Name, OrganizationField::Tags];
        log::info!("get-organization: {:?}", users::organization(organization.unwrap_or("1"), &fields));
        Ok(())
    }
}

portcullis_sdk::export!(Guest: Events);
