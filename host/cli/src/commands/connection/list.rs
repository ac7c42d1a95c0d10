//! `portcullis connection list`

use anyhow::Result;
use portcullis_broker::connection::STATIC;
use portcullis_model::connection::{ConnectionView, Standing, Unreadable};
use serde::Serialize;

use crate::{
    admin::{Keyboard, given},
    duties::RiskOf,
    host::Host,
    output::Output,
};

pub(super) async fn run(host: &Host, output: Output) -> Result<()> {
    for shown in Keyboard::of(host)?.all("/connections", &[]).await? {
        let view: ConnectionView = given(shown)?;
        let risk = crate::duties::risk_of(host, &view).await?;
        output.item(&Listed { view: &view, risk: &risk }, || format!("{}{}", words(&view), risk.words()))?;
    }
    Ok(())
}

/// A connection, and who answers for it.
#[derive(Serialize)]
struct Listed<'a> {
    #[serde(flatten)]
    view: &'a ConnectionView,
    #[serde(flatten)]
    risk: &'a RiskOf,
}

fn words(view: &ConnectionView) -> String {
    let state = match &view.standing {
        Standing::Ready => "ready".to_owned(),
        Standing::Renewing { since } => format!("being renewed since {since}"),
        Standing::Cooling { failures, until, why } => format!("{failures} renewals failed, next try {until}: {why}"),
        Standing::ConsentNeeded { why, .. } => format!("consent needed: {why}"),
        Standing::Revoked { since } => format!("revoked since {since}"),
    };
    let state = match view.unreadable {
        Some(Unreadable::Lost) => format!("{state}, CANNOT BE READ"),
        Some(Unreadable::ForNow) => format!("{state}, cannot be read at the moment"),
        None => state,
    };
    let state = match view.origin.provider.as_str() == STATIC && view.origin.risk.is_none() {
        true => format!("{state}, no risk on record"),
        false => state,
    };
    let expires = view.expires.map_or_else(|| "no end known".to_owned(), |end| format!("until {end}"));
    let hosts = view.place.get("hosts").and_then(|hosts| hosts.as_array()).into_iter().flatten();
    let hosts: Vec<&str> = hosts.filter_map(|host| host.as_str()).collect();
    format!(
        "{}  {}  {}  {state}  generation {}  {expires}  {}",
        view.key.installation,
        view.key.name,
        view.origin.provider,
        view.generation,
        hosts.join(", ")
    )
}
