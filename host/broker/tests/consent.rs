//! A person's consent, step by step, up to where a provider would be asked: each way in which a step is not taken.
#![expect(clippy::unwrap_used, reason = "a test")]

#[path = "support/consents.rs"]
#[expect(dead_code, reason = "shared with the tests that have a provider")]
mod consents;

use std::sync::atomic::AtomicI64;

use consents::{Hand, Office, key, origin, secret, wanted};
use portcullis_broker::{
    consent::{ANSWER_MS, Answered, ConsentError, Keeps as _, LINK_MS, Session},
    egress::Config,
    issue::Credential,
    place::Place,
};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    consent::{Consent, Stage},
    time::Timestamp,
};

const BASE: &str = "https://host.example";
const CLIENT: &str = "client-secret-of-ours";

fn office() -> Office {
    Office::new(&Config::default(), Hand(AtomicI64::new(1_000_000)))
}

fn zendesk() -> portcullis_model::connection::Origin {
    origin("zendesk", &[("subdomain", "acme"), ("client-id", "portcullis")], &["tickets:read"])
}

/// Makes a link and gives its last part.
async fn link(office: &Office) -> String {
    let wanted = wanted("desk", zendesk(), "acme.zendesk.com", BASE);
    let asked = office.desk.ask(wanted, Some(secret(CLIENT))).await.unwrap();
    asked.link.strip_prefix("https://host.example/connect/").unwrap().to_owned()
}

/// Goes to the provider: the session, and the state that the provider was given.
async fn begun(office: &Office, link: &str) -> (Consent, Session, String) {
    let (consent, _) = office.desk.open(link).await.unwrap();
    let session = office.desk.session();
    let url = office.desk.begin(link, &session, &session.form_token(&consent.id)).await.unwrap();
    let state = param(&url, "state");
    (consent, session, state)
}

fn param(url: &str, name: &str) -> String {
    let query = url.split_once('?').unwrap().1;
    query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}="))).unwrap_or_default().to_owned()
}

fn answer(state: &str, more: &[(&str, &str)]) -> Answered {
    let get = |name: &str| more.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Answered {
        state: Some(secret(state)),
        code: get("code").map(|code| secret(&code)),
        iss: get("iss"),
        error: get("error"),
        description: get("description"),
    }
}

#[tokio::test]
async fn the_provider_is_asked_for_exactly_what_the_link_was_made_for() {
    let office = office();
    let link = link(&office).await;
    let (consent, _) = office.desk.open(&link).await.unwrap();
    let session = office.desk.session();
    let url = office.desk.begin(&link, &session, &session.form_token(&consent.id)).await.unwrap();
    assert!(
        url.starts_with("https://acme.zendesk.com/oauth/authorizations/new?response_type=code&client_id=portcullis&"),
        "{url}"
    );
    assert_eq!(param(&url, "redirect_uri"), "https%3A%2F%2Fhost.example%2Fconnect%2Fcallback");
    assert_eq!(
        (param(&url, "scope").as_str(), param(&url, "code_challenge_method").as_str()),
        ("tickets%3Aread", "S256")
    );
    assert_eq!((param(&url, "code_challenge").len(), param(&url, "state").len()), (43, 43));
    let log = office.log();
    for hidden in [CLIENT, link.as_str(), &param(&url, "state"), &param(&url, "code_challenge"), &session.cookie()] {
        assert!(!log.contains(hidden), "{hidden}");
    }
    assert_eq!(office.kinds(), [Kind::ConsentAsked, Kind::ConsentBegun]);
}

#[tokio::test]
async fn a_link_is_good_once_and_for_an_hour_and_looking_does_no_harm() {
    let office = office();
    let first = link(&office).await;
    office.desk.open(&first).await.unwrap();
    office.desk.open(&first).await.unwrap();
    begun(&office, &first).await;
    assert!(matches!(office.desk.open(&first).await, Err(ConsentError::Used)));
    let second = link(&office).await;
    office.clock.pass(LINK_MS);
    assert!(matches!(office.desk.open(&second).await, Err(ConsentError::Late)));
    for none in ["", "x", &"a".repeat(43), &format!("{second}x")] {
        assert!(matches!(office.desk.open(none).await, Err(ConsentError::NoLink)), "{none}");
    }
}

#[tokio::test]
async fn a_form_of_another_site_or_another_consent_uses_nothing_up() {
    let office = office();
    let link = link(&office).await;
    let (session, other) = (office.desk.session(), office.desk.session());
    let (consent, _) = office.desk.open(&link).await.unwrap();
    for token in [String::new(), other.form_token(&consent.id), session.form_token(&"con_other".parse().unwrap())] {
        assert!(matches!(office.desk.begin(&link, &session, &token).await, Err(ConsentError::Forged)));
    }
    assert!(office.desk.open(&link).await.is_ok());
}

#[tokio::test]
async fn an_answer_is_for_the_browser_that_was_sent_and_once() {
    let office = office();
    let link = link(&office).await;
    let (_, session, state) = begun(&office, &link).await;
    let other = office.desk.session();
    let denied = || answer(&state, &[("error", "access_denied")]);
    assert!(matches!(office.desk.finish(denied(), |_| None).await, Err(ConsentError::OtherBrowser)));
    assert!(matches!(office.desk.finish(denied(), |_| Some(other.clone())).await, Err(ConsentError::OtherBrowser)));
    assert!(matches!(office.desk.finish(answer("x", &[]), |_| Some(session.clone())).await, Err(ConsentError::NoLink)));
    let unknown = answer(&"a".repeat(43), &[]);
    assert!(matches!(office.desk.finish(unknown, |_| Some(session.clone())).await, Err(ConsentError::NoLink)));
    // None of that has used it up.
    let ended = office.desk.finish(denied(), |_| Some(session.clone())).await.unwrap();
    assert!(matches!(&ended.stage, Stage::Ended { denied: true, .. }), "{:?}", ended.stage);
    assert!(
        matches!(office.desk.finish(denied(), |_| Some(session.clone())).await, Err(ConsentError::NoLink)),
        "a second time"
    );
    assert!(matches!(office.desk.outcome(&ended.id, &other).await, Err(ConsentError::OtherBrowser)));
    assert_eq!(office.desk.outcome(&ended.id, &session).await.unwrap(), ended);
    assert!(office.safe.held.lock().unwrap().is_empty(), "the client's secret is forgotten");
}

#[tokio::test]
async fn two_answers_at_once_are_one() {
    let office = office();
    let link = link(&office).await;
    let (_, session, state) = begun(&office, &link).await;
    let finish = || office.desk.finish(answer(&state, &[("error", "access_denied")]), |_| Some(session.clone()));
    let both = tokio::join!(finish(), finish());
    assert_eq!([both.0.is_ok(), both.1.is_ok()].iter().filter(|fine| **fine).count(), 1);
}

#[tokio::test]
async fn an_answer_that_is_late_foreign_or_empty_ends_it() {
    for (more, says) in [
        (&[("iss", "https://evil.example"), ("code", "c")][..], "another provider than was asked"),
        (&[("iss", "https://acme.zendesk.com.evil.example"), ("code", "c")], "another provider than was asked"),
        (&[], "no code"),
        (&[("code", "")], "no code"),
        (&[("error", "server_error"), ("description", "line\r\nline")], "server_error: line\\u{d}\\u{a}line"),
    ] {
        let office = office();
        let link = link(&office).await;
        let (_, session, state) = begun(&office, &link).await;
        let ended = office.desk.finish(answer(&state, more), |_| Some(session.clone())).await.unwrap();
        assert!(
            matches!(&ended.stage, Stage::Ended { denied: false, why, .. } if why.contains(says)),
            "{:?}",
            ended.stage
        );
        assert!(office.safe.kept.lock().unwrap().is_empty());
    }
    let office = office();
    let link = link(&office).await;
    let (_, session, state) = begun(&office, &link).await;
    office.clock.pass(ANSWER_MS);
    let ended = office.desk.finish(answer(&state, &[("code", "c")]), |_| Some(session.clone())).await.unwrap();
    assert!(matches!(&ended.stage, Stage::Ended { why, .. } if why.contains("too late")), "{:?}", ended.stage);
}

#[tokio::test]
async fn what_comes_to_nothing_is_swept_with_its_secret() {
    let office = office();
    let waiting = link(&office).await;
    assert_eq!(office.safe.held.lock().unwrap().len(), 1);
    // Asked for anew: the first link ends.
    let second = link(&office).await;
    assert!(matches!(office.desk.open(&waiting).await, Err(ConsentError::Used)));
    begun(&office, &second).await;
    assert_eq!(office.desk.sweep().await.unwrap(), 0);
    office.clock.pass(ANSWER_MS);
    assert_eq!(office.desk.sweep().await.unwrap(), 1);
    assert!(office.safe.held.lock().unwrap().is_empty());
    assert_eq!(office.desk.sweep().await.unwrap(), 0);
}

#[tokio::test]
async fn a_link_is_made_only_for_what_can_come_to_something() {
    let office = office();
    let ask = async |origin, host: &str, client: Option<&str>| {
        let wanted = wanted("desk", origin, host, BASE);
        office.desk.ask(wanted, client.map(secret)).await.map(|_| ()).map_err(|error| error.to_string())
    };
    let says = |result: Result<(), String>, words: &str| {
        let error = result.unwrap_err();
        assert!(error.contains(words), "{error}");
    };
    says(ask(zendesk(), "acme.zendesk.com", None).await, "the client's secret is needed");
    says(ask(zendesk(), "acme.zendesk.com", Some("short")).await, "8 to");
    says(ask(zendesk(), "acme.zendesk.com", Some("with a line\nend in it")).await, "line end");
    says(ask(zendesk(), "evil.example.com", Some(CLIENT)).await, "none of its hosts");
    says(ask(origin("static", &[], &[]), "api.example.com", Some(CLIENT)).await, "asks no person");
    let public = origin("zendesk", &[("subdomain", "acme"), ("client-id", "c"), ("client-auth", "none")], &["read"]);
    says(ask(public.clone(), "acme.zendesk.com", Some(CLIENT)).await, "has no secret");
    assert_eq!(ask(public, "acme.zendesk.com", None).await, Ok(()));
    assert!(office.safe.kept.lock().unwrap().get(&key("desk")).is_none());
}

#[tokio::test]
async fn a_known_secret_is_not_sent_to_where_it_never_was() {
    let office = office();
    let urls = |token: &'static str| {
        let settings =
            [("authorize-url", "https://id.example.com/auth"), ("token-url", token), ("client-id", "portcullis")];
        origin("oauth2", &settings, &[])
    };
    let known = urls("https://id.example.com/token");
    let credential = Credential { client: Some(secret(CLIENT)), ..Credential::default() };
    let entry = Entry::new(Timestamp(0), Kind::ConnectionAdded, Actor::Host, None);
    let place = Place::bearer("api.example.com");
    office.safe.put(&key("desk"), &place, &known, credential, None, entry).await.unwrap();
    let ask = async |origin| office.desk.ask(wanted("desk", origin, "api.example.com", BASE), None).await;
    assert!(ask(known).await.is_ok());
    let error = ask(urls("https://evil.example.com/token")).await.unwrap_err().to_string();
    assert!(error.contains("secret is needed"), "{error}");
}
