//! Who may do what, as one page: every cell decided by Cedar, as for a request.

use std::fmt::Write as _;

use portcullis_model::{
    error::StoreError,
    id::TenantId,
    people::{ACTIONS, Action, BuiltIn, Caller, Holding, Limits, Reach, Resource, Why},
    time::Timestamp,
};

use crate::{
    decide::{Standing, asked, ideal},
    policy::{Policies, of_place},
};

const HEAD: &str = "# Who may do what

Generated from `host/access/policies` and the catalogue of actions; every cell is a decision of the policies. `yes`: permitted.
`2f`: permitted with a second factor that was proved a short time ago, and refused without (ACC-3). `-`: refused. A role of a
tenant's own has no column: it is never more than its author's.

`support` stands for the platform's support let in to look, `support+` for support let in to change something (ACC-6). Without a live
grant of the tenant both are refused everything. The operator is whoever holds the home.
";

/// The columns: what a caller holds.
enum Column {
    Operator,
    Role(BuiltIn),
    SupportThatChanges,
}

/// The page.
///
/// # Errors
/// A decision that cannot be made.
pub fn matrix() -> Result<String, StoreError> {
    let policies = Policies::built_in().map_err(|error| StoreError(error.to_string()))?;
    let mut page = HEAD.to_owned();
    let tenant: Option<TenantId> = "acme".parse().ok();
    for (title, place) in [("In a tenant", tenant), ("On what is the platform's own", None)] {
        let limits = Limits::baseline();
        let own = policies.with(of_place(place.as_ref(), &[], &limits));
        let standing = Standing {
            policies: own.map_err(|error| StoreError(error.to_string()))?,
            limits,
            single_sign_on: false,
            roles: Vec::new(),
        };
        let mut columns = vec![("operator", Column::Operator)];
        columns.extend(BuiltIn::ALL.map(|role| (role.name(), Column::Role(role))));
        columns.push(("support+", Column::SupportThatChanges));
        let _ = write!(page, "\n## {title}\n\n| action |");
        for (name, _) in &columns {
            let _ = write!(page, " {name} |");
        }
        let _ = write!(page, "\n|---|{}\n", "---|".repeat(columns.len()));
        for action in ACTIONS {
            let _ = write!(page, "| `{}` |", action.name);
            for (_, column) in &columns {
                let _ = write!(page, " {} |", cell(&policies, &standing, column, place.as_ref(), action)?);
            }
            page.push('\n');
        }
    }
    Ok(page)
}

fn cell(
    policies: &Policies,
    standing: &Standing,
    column: &Column,
    place: Option<&TenantId>,
    action: &Action,
) -> Result<&'static str, StoreError> {
    let resource = Resource { tenant: place.cloned(), kind: "any", id: None };
    let fresh = holder(column, place)?;
    let stale = Caller { factors: Vec::new(), ..fresh.clone() };
    let ask = |caller: &Caller| asked(policies, standing, caller, action, &resource);
    Ok(match (ask(&stale)?, ask(&fresh)?) {
        (Ok(()), Ok(())) => "yes",
        (Err(refusal), Ok(())) if refusal.rule == Why::StepUp => "2f",
        (Err(_), Err(_)) => "-",
        (stale, fresh) => {
            return Err(StoreError(format!("{}: {stale:?} without a second factor, {fresh:?} with", action.name)));
        }
    })
}

fn holder(column: &Column, place: Option<&TenantId>) -> Result<Caller, StoreError> {
    let role = match column {
        Column::Operator => return Ok(Caller::at_the_terminal(portcullis_model::audit::Actor::Host, Timestamp(0))),
        Column::Role(role) => *role,
        Column::SupportThatChanges => BuiltIn::Support,
    };
    let name = role.name().parse().map_err(|error| StoreError(format!("{error}")))?;
    let mut caller = ideal(place, &name);
    if let (Reach::Holdings(holdings), Column::Role(BuiltIn::Support)) = (&mut caller.reach, column) {
        let looks = |holding: &mut Holding| {
            if let Some((_, may_change)) = &mut holding.support {
                *may_change = false;
            }
        };
        holdings.iter_mut().for_each(looks);
    }
    Ok(caller)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_what_the_policies_say_and_has_a_row_for_each_action() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/matrix.md");
        let page = matrix().unwrap();
        if std::env::var_os("ACCESS_MATRIX").is_some() {
            std::fs::write(file, &page).unwrap();
        }
        let written = std::fs::read_to_string(file).unwrap_or_default();
        assert!(written == page, "matrix.md is stale: ACCESS_MATRIX=1 cargo test -p portcullis-access matrix");
        for action in ACTIONS {
            assert_eq!(page.matches(&format!("| `{}` |", action.name)).count(), 2, "{action:?}");
        }
    }

    /// What nobody should be able to change by a slip in a policy without this test saying so.
    #[test]
    fn the_page_holds_what_must_always_hold() {
        let page = matrix().unwrap();
        let (tenant, platform) = page.split_once("## On what").unwrap();
        for line in tenant.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let action = Action::named(cells[1].trim_matches('`')).unwrap();
            let of = |column: usize| cells[column];
            let (owner, admin, auditor, support, support_plus) = (of(3), of(4), of(7), of(8), of(9));
            if action.privileged {
                assert!(cells[3..].iter().all(|cell| *cell != "yes"), "without a second factor: {line}");
            }
            if !action.read_only {
                assert_eq!((auditor, support), ("-", "-"), "{line}");
            }
            for governs in ["people.invite", "people.role.change", "roles.change", "access.change", "support.grant"] {
                if action.name == governs {
                    assert_eq!((owner, admin, support_plus), ("2f", "-", "-"), "{line}");
                }
            }
            if ["audit", "people", "connections", "sessions", "access", "roles"].contains(&action.noun()) {
                assert_eq!((support, support_plus), ("-", "-"), "{line}");
            }
        }
        // Who is not the platform's owner neither makes tenants nor ends them.
        for governs in ["tenants.create", "tenants.delete"] {
            let of_platform = platform.lines().find(|line| line.contains(&format!("`{governs}`"))).unwrap();
            assert!(of_platform.starts_with(&format!("| `{governs}` | yes | 2f | - |")), "{of_platform}");
            assert!(tenant.contains(&format!("| `{governs}` | - | - |")), "{governs}");
        }
        // What is told of every tenant's alerts is the operator's and the owner's, though a tenant's admin sets the tenant's own.
        let endpoints = "| `endpoints.change` | yes | 2f |";
        assert!(
            platform.contains(&format!("{endpoints} - | - | - | - |")) && tenant.contains(&format!("{endpoints} 2f |"))
        );
    }
}
