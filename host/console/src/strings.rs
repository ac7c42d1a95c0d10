//! What the frame of every page says, and what several pages say, in one place. What a page says of its own stands in that page, once.

/// The product.
pub const PRODUCT: &str = "Portcullis";
/// Jumps over the navigation.
pub const SKIP: &str = "Skip to the content";
/// The button that unfolds the navigation on a narrow screen.
pub const MENU: &str = "Menu";
/// Ends the session.
pub const SIGN_OUT: &str = "Sign out";
/// Names the navigation for screen readers.
pub const NAVIGATION: &str = "Main";
/// Where a list goes on.
pub const MORE: &str = "Show more";
/// Leads to what a change would be.
pub const SHOW_CHANGE: &str = "Show what would change";
/// A change that was tried out.
pub const WOULD_CHANGE: &str = "What would change";
/// Stands over what was only tried out.
pub const UNCHANGED: &str = "Nothing has changed yet.";
/// Stands over a secret.
pub const SHOWN_ONCE: &str = "This is shown once";
/// Stands over a link that is as good as a secret.
pub const LINK_SHOWN_ONCE: &str = "This link is shown once";
/// A list that is of all tenants of its reader.
pub const ALL_TENANTS: &str = "All of yours";
/// A page that the API refused.
pub const REFUSED: &str = "This was refused";
/// A page that is not there.
pub const MISSING: &str = "There is nothing here";
/// The host could not answer.
pub const UNAVAILABLE: &str = "The host could not answer";

/// What to do where nothing else is known.
pub const LATER: &str = "Try again in a moment. If it stays so, tell whoever runs this host.";
/// A form that is not its reader's own.
pub const FORGED: &str = "This form is not of your session. Go back, load the page again, and send it once more.";
/// A form that is too large.
pub const TOO_LARGE: &str = "The form is too large.";
/// A form that cannot be read.
pub const WRONG_FORM: &str = "The form is not as expected. Go back, load the page again, and send it once more.";

/// A place in the navigation. Each has a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// How all stands.
    Overview,
    /// What needs somebody.
    Notices,
    /// What can be installed.
    Marketplace,
    /// What is installed.
    Installations,
    /// The log.
    Audit,
    /// What plugins were denied.
    Denials,
    /// What became of events.
    Deliveries,
    /// What should be looked at.
    Alerts,
    /// How a tenant stands.
    Posture,
    /// Who answers for what.
    Duties,
    /// What somebody answers for by name.
    Risks,
    /// What people asked about their own data.
    Privacy,
    /// What is suspected or was contained.
    Incidents,
    /// Who may do what.
    People,
    /// Credentials, and their rotation.
    Connections,
    /// Who sends events.
    Sources,
    /// Parts of plugins outside of the sandbox that ask for tokens.
    Clients,
    /// What waits for reviewers.
    Reviews,
    /// Whom the host trusts.
    Trust,
    /// The stored secrets, and the keys that they are under.
    Vault,
}

/// A place in the navigation: its path and name.
pub type Entry = (Place, &'static str, &'static str);

/// The group of what is the platform's alone: whoever looks after no more than tenants does not see it.
pub const PLATFORM: &str = "Platform";

/// The navigation: groups, and in each the places with their paths and names.
pub const NAVIGATION_GROUPS: &[(&str, &[Entry])] = &[
    ("", &[(Place::Overview, "/console", "Overview"), (Place::Notices, "/console/notices", "Notices")]),
    (
        "Plugins",
        &[
            (Place::Marketplace, "/console/marketplace", "Marketplace"),
            (Place::Installations, "/console/installations", "Installations"),
            (Place::Connections, "/console/connections", "Connections"),
            (Place::Sources, "/console/sources", "Sources"),
            (Place::Clients, "/console/clients", "OAuth clients"),
            (Place::Reviews, "/console/reviews", "Reviews"),
        ],
    ),
    (
        "Watch",
        &[
            (Place::Alerts, "/console/alerts", "Alerts"),
            (Place::Incidents, "/console/incidents", "Incidents"),
            (Place::Audit, "/console/audit", "Audit log"),
            (Place::Denials, "/console/denials", "Denials"),
            (Place::Deliveries, "/console/deliveries", "Deliveries"),
        ],
    ),
    (
        "Responsibility",
        &[
            (Place::Posture, "/console/posture", "Posture"),
            (Place::Duties, "/console/duties", "Duties"),
            (Place::Risks, "/console/risks", "Accepted risks"),
            (Place::Privacy, "/console/privacy", "Data requests"),
        ],
    ),
    ("Organisation", &[(Place::People, "/console/people", "People")]),
    (PLATFORM, &[(Place::Trust, "/console/trust", "Trust"), (Place::Vault, "/console/vault", "Keys and secrets")]),
];

impl Place {
    /// Where a path lies.
    pub fn of(path: &str) -> Self {
        let all = NAVIGATION_GROUPS.iter().flat_map(|(_, places)| places.iter());
        let found = all.filter(|(_, at, _)| path.starts_with(at)).max_by_key(|(_, at, _)| at.len());
        found.map_or(Self::Overview, |(place, ..)| *place)
    }
}
