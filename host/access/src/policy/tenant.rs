//! Policies that follow from what a place has set: its own roles, and the networks that people may come from.
//!
//! Invariants: what goes into a policy's text is an id, a name of the catalogue, a network, or a text of letters, digits and
//! `._:/@-`: nothing that could end a string; a role of a tenant's own is bound to that tenant.

use std::fmt::Write as _;

use portcullis_model::{
    id::TenantId,
    people::{Action, BuiltIn, Limits, Role, Rule},
};

use super::{Policies, PolicyError};

/// The most lines of a role, and the most resources of a line.
const MOST: usize = 64;
/// The longest description of a role, in characters.
const LONGEST: usize = 200;
/// What decides over who may do what stays with owners: a role that had it could make itself anything.
const GOVERNING: [&str; 7] = [
    "access.change",
    "people.change",
    "people.invite",
    "people.remove",
    "people.role.change",
    "roles.change",
    "support.grant",
];

/// The name that policies know a place by.
pub(crate) struct Place(pub String);

impl Place {
    pub fn of(tenant: Option<&TenantId>) -> Self {
        Self(tenant.map_or_else(|| "platform".to_owned(), |tenant| format!("tenant/{tenant}")))
    }
}

/// The policies of a place: from its roles, and from the networks of each layer.
pub(crate) fn of_place(tenant: Option<&TenantId>, roles: &[Role], limits: &Limits) -> String {
    let mut text = String::new();
    let place = Place::of(tenant).0;
    for role in roles.iter().filter(|role| !role.removed && Some(&role.tenant) == tenant) {
        for (number, rule) in role.rules.iter().enumerate() {
            write_rule(&mut text, &place, role, number, rule);
        }
    }
    for (number, list) in limits.networks.iter().enumerate() {
        let tests: Vec<String> =
            list.iter().map(|network| format!("context.address.isInRange(ip(\"{network}\"))")).collect();
        let within = if tests.is_empty() { "false".to_owned() } else { tests.join(" || ") };
        let _ = writeln!(
            text,
            "@id(\"address:list-{number}\") forbid (principal, action, resource) when {{ context has address }} \
             unless {{ context has address && ({within}) }};"
        );
    }
    text
}

fn write_rule(text: &mut String, place: &str, role: &Role, number: usize, rule: &Rule) {
    let actions: Vec<String> = rule.actions.iter().map(|name| format!("Action::\"{name}\"")).collect();
    let (effect, what) = if rule.forbid { ("forbid", "no-role") } else { ("permit", "role") };
    let only = match rule.only.is_empty() {
        true => String::new(),
        false => {
            let named: Vec<String> = rule.only.iter().map(|named| format!("\"{named}\"")).collect();
            format!(" && [{}].contains(resource.named)", named.join(", "))
        }
    };
    let name = &role.name;
    let _ = writeln!(
        text,
        "@id(\"{what}:{name}-{number}\") {effect} (principal, action in [{}], resource) when {{ principal has holdings && \
         resource.place == Place::\"{place}\" && \
         principal.holdings.contains({{ \"place\": Place::\"{place}\", \"role\": \"{name}\" }}){only} }};",
        actions.join(", ")
    );
}

/// Whether a role can be stored: of what there is, within its bounds, and valid as policies. Whether its author may give that much is
/// another question.
///
/// # Errors
/// What is wrong, and what would be right.
pub fn check_role(role: &Role) -> Result<(), PolicyError> {
    let wrong = |why: String| Err(PolicyError::new("the role", why));
    if BuiltIn::of(&role.name).is_some() {
        return wrong(format!("'{}' is a role that is built in: choose another name", role.name));
    }
    if role.rules.is_empty() || role.rules.len() > MOST {
        return wrong(format!("a role has 1 to {MOST} rules"));
    }
    if role.says.is_empty() || role.says.chars().count() > LONGEST {
        return wrong(format!("say what it is for, in 1 to {LONGEST} characters"));
    }
    for rule in &role.rules {
        if rule.actions.is_empty() || rule.only.len() > MOST {
            return wrong(format!("a rule has at least one action and at most {MOST} resources"));
        }
        for name in &rule.actions {
            if Action::named(name).is_none() {
                return wrong(format!("there is no action '{}'", portcullis_model::audit::plain(name)));
            }
            if !rule.forbid && GOVERNING.contains(&name.as_str()) {
                return wrong(format!("'{name}' stays with owners: give a person the role 'owner' for that"));
            }
        }
        if let Some(bad) = rule.only.iter().find(|named| !is_named(named)) {
            return wrong(format!(
                "'{}' is not a resource: expected a kind and an id, such as installation:ins_1",
                portcullis_model::audit::plain(bad)
            ));
        }
    }
    let text = of_place(Some(&role.tenant), std::slice::from_ref(role), &Limits::baseline());
    Policies::built_in()?.with(text).map(drop)
}

fn is_named(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._:/@-".contains(c);
    text.len() <= 200
        && text.chars().all(plain)
        && text.split_once(':').is_some_and(|(kind, id)| !kind.is_empty() && !id.is_empty())
}
