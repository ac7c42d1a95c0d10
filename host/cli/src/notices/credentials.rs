//! What is to be said of stored credentials for as long as it is so: tokens that nobody answers for, and what cannot be read.

use anyhow::Result;
use portcullis_api::admin::v1::notices::Whose;
use portcullis_broker::connection::STATIC;
use portcullis_model::{
    connection::{ConnectionView, Standing as Stands, Unreadable},
    time::Timestamp,
};

use super::{connections, help::Help, standing::Standing, subject};
use crate::host::Host;

/// All of it that is for these.
pub(super) async fn standing(host: &Host, whose: &Whose) -> Result<Vec<Standing>> {
    let (views, now) = (host.connections.views().await?, host.clock.now());
    let theirs = views.iter().filter(|view| whose.has(Some(&view.key.tenant)));
    Ok(theirs.filter_map(|view| told(view, now)).collect())
}

fn told(view: &ConnectionView, now: Timestamp) -> Option<Standing> {
    if matches!(view.standing, Stands::Revoked { .. }) {
        return None;
    }
    let (name, of) = (&view.key.name, &view.key.installation);
    match view.unreadable {
        Some(Unreadable::Lost) => {
            return Some(Standing {
                time: now,
                kind: "connection.unreadable",
                key: format!("{of} {name}"),
                what: format!("the credential '{name}' of {of} cannot be read, and no request carries it"),
                help: Help::run(["vault", "status"]).but("put its key back, or give it up: portcullis vault give-up"),
                about: subject::of_connection(view),
            });
        }
        Some(Unreadable::ForNow) => return None,
        None => {}
    }
    // Those of a version that asked nobody; it goes on as it did, and somebody is asked until somebody has answered.
    (view.origin.provider.as_str() == STATIC && view.origin.risk.is_none()).then(|| Standing {
        time: view.issued,
        kind: "connection.no-risk",
        key: format!("{of} {name}"),
        what: format!("the static token '{name}' of {of} has no risk on record, and no end"),
        help: connections::add(view, now),
        about: subject::of_connection(view),
    })
}

#[cfg(test)]
mod tests {
    use portcullis_model::{
        connection::{ConnectionKey, Origin},
        risk::AcceptedRisk,
    };

    use super::*;

    fn view(provider: &str, risk: bool, unreadable: Option<Unreadable>) -> ConnectionView {
        let until = Timestamp(9);
        let risk = risk.then(|| AcceptedRisk { reason: "it has no OAuth".into(), accepted_by: "ann".into(), until });
        ConnectionView {
            key: ConnectionKey {
                tenant: "acme".parse().unwrap(),
                installation: "ins_1".parse().unwrap(),
                name: "chat".into(),
            },
            origin: Origin {
                provider: provider.parse().unwrap(),
                settings: Default::default(),
                scopes: Vec::new(),
                risk,
            },
            place: serde_json::Value::Null,
            generation: 1,
            issued: Timestamp(1),
            expires: None,
            standing: Stands::Ready,
            unreadable,
        }
    }

    #[test]
    fn a_token_that_nobody_answers_for_is_told_of_until_somebody_does() {
        let kind = |view: &ConnectionView| told(view, Timestamp(5)).map(|one| one.kind);
        assert_eq!(kind(&view(STATIC, false, None)), Some("connection.no-risk"));
        assert_eq!(kind(&view(STATIC, true, None)), None);
        assert_eq!(kind(&view("zendesk", false, None)), None);
        assert_eq!(kind(&view("zendesk", false, Some(Unreadable::Lost))), Some("connection.unreadable"));
        assert_eq!(kind(&view("zendesk", false, Some(Unreadable::ForNow))), None, "that passes");
        let revoked = Stands::Revoked { since: Timestamp(2) };
        assert_eq!(kind(&ConnectionView { standing: revoked, ..view(STATIC, false, None) }), None);
        let help = told(&view(STATIC, false, None), Timestamp(5)).unwrap().help.to_string();
        assert!(help.starts_with("portcullis connection add ins_1 chat") && help.contains("--accept-risk="), "{help}");
    }
}
