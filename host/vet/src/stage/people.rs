//! People and organizations, made up from their ids.

use portcullis_model::{
    helpdesk::{CustomField, Organization, Role, User},
    scope::Facts,
};
use serde_json::json;

use super::{
    Stage,
    tickets::{number, written},
};
use crate::{corpus::Desk, dice::Dice};

/// An id that somebody has.
pub(crate) const SOMEBODY: &str = "9010288";

const NAMES: [&str; 5] = ["Sam Doe", "Élodie Marchand", "Nguyễn Thị Mai", "Niamh O'Sullivan", "高橋 美咲"];
const COMPANIES: [&str; 4] = ["Northwind Outfitters", "Sable & Finch Law", "Kitano Precision Works", "Lumen Bakery"];

impl Stage {
    fn is_there(&self, id: &str, dice: &mut Dice) -> bool {
        number(id).is_some() && self.scene.desk != Desk::Gone && !dice.one_in(12)
    }

    /// A whole person.
    pub fn user(&self, id: &str) -> Option<User> {
        let mut dice = self.dice("user", id);
        if !self.is_there(id, &mut dice) {
            return None;
        }
        let tags = ["beta", "newsletter", "billing-contact"];
        Some(User {
            id: id.to_owned(),
            name: Some(written(self, &mut dice, &NAMES)),
            email: Some(format!("person.{id}@northwind.example")),
            phone: (!dice.one_in(3)).then(|| format!("+1 202-555-01{:02}", dice.below(100))),
            role: dice.pick(&[Role::EndUser, Role::EndUser, Role::Agent, Role::Admin]).copied(),
            organization_id: (!dice.one_in(3)).then(|| (361_000 + dice.below(150)).to_string()),
            tags: Some(tags.iter().take(dice.below(4)).map(|tag| (*tag).to_owned()).collect()),
            locale: Some(dice.text(&["en-US", "fr", "ja", "es-419"]).to_owned()),
            time_zone: Some(dice.text(&["America/New_York", "Europe/Paris", "Asia/Tokyo"]).to_owned()),
        })
    }

    /// A whole organization.
    pub fn organization(&self, id: &str) -> Option<Organization> {
        let mut dice = self.dice("organization", id);
        if !self.is_there(id, &mut dice) {
            return None;
        }
        let tags = [vec!["retail"], vec!["vip", "logistics"], vec!["vip", "vip-platinum"], vec![]];
        let tags = dice.pick(&tags).cloned().unwrap_or_default();
        let plan = dice.text(&["free", "pro", "enterprise"]);
        let field = |id: &str, value| CustomField { id: id.to_owned(), value };
        Some(Organization {
            id: id.to_owned(),
            name: Some(written(self, &mut dice, &COMPANIES)),
            domain_names: Some(vec![format!("org-{id}.example")]),
            tags: Some(tags.into_iter().map(str::to_owned).collect()),
            organization_fields: Some(vec![field("plan", json!(plan)), field("seats", json!(dice.below(2_000)))]),
        })
    }
}

/// What a person can be told apart by.
pub(crate) fn user_facts(user: &User) -> Facts {
    Facts::default().with("organization", user.organization_id.clone()).with("role", user.role.map(Role::name))
}

/// What an organization can be told apart by.
pub(crate) fn organization_facts(organization: &Organization) -> Facts {
    Facts::default().with("organization", Some(organization.id.clone()))
}
