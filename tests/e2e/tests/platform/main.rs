//! The platform API over HTTP: what a back end of an installation gets there, and libraries that others wrote for Zendesk.

mod clients;
mod requests;

use portcullis_e2e::{BackEnds, Lab, Package, TENANT};
use portcullis_model::installation::Installation;

/// All that a back end can be granted.
const ALL: [&str; 7] = [
    "tickets:read fields=*",
    "tickets:comment visibility=*",
    "tickets:write fields=*",
    "tickets:redact",
    "tickets:delete",
    "users:read fields=*",
    "users:organizations fields=*",
];

/// Enough of everything that a slow machine could run out of.
const PATIENT: &str = "wall-ms = 60000\nrecords-read = 10000\n";

/// A lab with a seeded help desk and three back ends: `whole` may do everything, `narrow` reads a little, and `held` has one request
/// an hour.
struct World {
    lab: Lab,
    back: BackEnds,
    whole: Installation,
    narrow: Installation,
    tokens: [String; 3],
}

impl World {
    async fn new() -> Self {
        let lab = Lab::new().await;
        lab.seed(TENANT).await;
        let scopes: Vec<&str> = ALL.iter().copied().chain(["log:write"]).collect();
        let package = |guest: &str, limits: &str| Package::guest(guest, &scopes, &format!("{PATIENT}{limits}"));
        let whole = lab.install(&package("reads_everything", "")).await;
        let little =
            ["tickets:read fields=subject,status,requester_id mask=personal", "users:read fields=name mask=name"];
        let narrow = lab.install_in(TENANT, &package("uses_tickets", ""), Some(&little)).await;
        let held = lab.install(&package("reads_named_fields", "calls-per-hour = 1")).await;
        let back = lab.back_ends().await;
        let tokens = [("whole", &whole), ("narrow", &narrow), ("held", &held)];
        let tokens = tokens.map(|(name, installation)| back.token(name, installation, &ALL));
        Self { lab, back, whole, narrow, tokens }
    }
}
