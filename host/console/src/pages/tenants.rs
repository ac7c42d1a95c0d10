//! Which tenant a page or a list is of.

use maud::{Markup, html};

use crate::{kit::form::select, strings::ALL_TENANTS, visit::Visit};

/// The tenant that is meant: the one that is named, or the first that the reader looks after.
pub(crate) fn meant(visit: &Visit, named: &str) -> String {
    match named {
        "" => visit.tenants().into_iter().next().unwrap_or_default(),
        named => named.to_owned(),
    }
}

/// The field by which one of several tenants is chosen; nothing where there is one.
pub(crate) fn choice(visit: &Visit, chosen: &str) -> Markup {
    let all = visit.tenants();
    let options: Vec<(&str, &str)> = all.iter().map(|one| (one.as_str(), one.as_str())).collect();
    html! {
        @if options.len() > 1 { (select("tenant", "Tenant", chosen, &options)) }
        @else { input type="hidden" name="tenant" value=(chosen); }
    }
}

/// The field by which a list is of one tenant or of all of its reader's; nothing where there is one.
pub(crate) fn filter(visit: &Visit, chosen: &str) -> Markup {
    let all = visit.tenants();
    let options: Vec<(&str, &str)> =
        std::iter::once(("", ALL_TENANTS)).chain(all.iter().map(|one| (one.as_str(), one.as_str()))).collect();
    html! { @if all.len() > 1 { (select("tenant", "Tenant", chosen, &options)) } }
}

/// Says that a list is of one tenant alone, where no field says so: its reader looks after the platform. And the way back to `home`.
pub(crate) fn alone(visit: &Visit, chosen: &str, home: &str) -> Markup {
    html! { @if !chosen.is_empty() && visit.tenants().is_empty() {
        p { "Of " strong { (chosen) } " alone. " a href=(home) { "Of all tenants" } }
    } }
}
