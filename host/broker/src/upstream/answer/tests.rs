use serde_json::json;

use super::*;
use crate::providers::{Providers, parse};

fn definition(id: &str) -> std::sync::Arc<Definition> {
    Providers::built_in().unwrap().get(&id.parse().unwrap()).unwrap().clone()
}

fn heard<'a>(definition: &'a Definition, secrets: Vec<&'a Secret>) -> Heard<'a> {
    Heard { definition, secrets, now: Timestamp(0) }
}

fn issued(id: &str, status: u16, body: &str) -> Result<Issued, IssueError> {
    heard(&definition(id), Vec::new()).issued(Ok(reply(status, body)))
}

fn text(secret: &Secret) -> &str {
    std::str::from_utf8(secret.expose()).unwrap()
}

const STANDARD: &str = r#"{"access_token":"access-1234","token_type":"Bearer","refresh_token":"refresh-1234","expires_in":300,"scope":"a b"}"#;

#[test]
fn a_standard_answer_is_read_whole() {
    let issued = issued("oauth2", 200, STANDARD).unwrap();
    assert_eq!((text(&issued.access), text(issued.refresh.as_ref().unwrap())), ("access-1234", "refresh-1234"));
    assert_eq!(issued.lifetime, Some(Duration::from_secs(300)));
    assert_eq!(issued.scopes, Some(vec!["a".to_owned(), "b".to_owned()]));
}

#[test]
fn each_status_has_its_meaning() {
    use IssueError as E;
    type Is = fn(&E) -> bool;
    let cases: [(u16, &str, Is); 17] = [
        (400, r#"{"error":"invalid_grant"}"#, |e| matches!(e, E::GrantGone(_))),
        (401, r#"{"error":"invalid_grant"}"#, |e| matches!(e, E::GrantGone(_))),
        (401, r#"{"error":"invalid_client"}"#, |e| matches!(e, E::Refused(_))),
        (400, r#"{"error":"invalid_scope"}"#, |e| matches!(e, E::Refused(_))),
        (403, r#"{"error":"access_denied"}"#, |e| matches!(e, E::Refused(_))),
        (403, "<html>no</html>", |e| matches!(e, E::NotReached { .. })),
        (404, "", |e| matches!(e, E::NotReached { .. })),
        (302, "", |e| matches!(e, E::Refused(why) if why.contains("redirect"))),
        (429, r#"{"error":"slow_down"}"#, |e| matches!(e, E::NotReached { .. })),
        (500, "", |e| matches!(e, E::Unknown(_))),
        (502, r#"{"error":"invalid_grant"}"#, |e| matches!(e, E::Unknown(_))),
        (503, "", |e| matches!(e, E::Unknown(_))),
        (101, "", |e| matches!(e, E::Unknown(_))),
        (200, "", |e| matches!(e, E::Unknown(_))),
        (200, "{}", |e| matches!(e, E::Unknown(_))),
        (200, r#"{"access_token":""}"#, |e| matches!(e, E::Unknown(_))),
        (200, r#"{"access_token":"with\nline-end"}"#, |e| matches!(e, E::Unknown(_))),
    ];
    for (status, body, is) in cases {
        let error = issued("oauth2", status, body).unwrap_err();
        assert!(is(&error), "{status} {body}: {error:?}");
    }
    let later = Reply { retry_after: Some(Duration::from_secs(7)), ..reply(503, "") };
    let error = heard(&definition("oauth2"), Vec::new()).issued(Ok(later)).unwrap_err();
    assert!(matches!(error, E::NotReached { retry_after: Some(pause), .. } if pause.as_secs() == 7), "{error:?}");
    for unanswered in [Unanswered::NotSent("x".into()), Unanswered::Sent("x".into())] {
        let sent = matches!(unanswered, Unanswered::Sent(_));
        let error = heard(&definition("oauth2"), Vec::new()).issued(Err(unanswered)).unwrap_err();
        assert_eq!(matches!(error, E::Unknown(_)), sent, "{error:?}");
    }
}

#[test]
fn quirk_a_flag_and_codes_with_the_status_200() {
    let error = |body| issued("slack", 200, body).unwrap_err();
    assert!(matches!(error(r#"{"ok":false,"error":"invalid_refresh_token"}"#), IssueError::GrantGone(_)));
    assert!(matches!(error(r#"{"ok":false,"error":"ratelimited"}"#), IssueError::NotReached { .. }));
    assert!(matches!(error(r#"{"ok":false,"error":"bad_client_secret"}"#), IssueError::Refused(_)));
    // A flag that says no is not a credential, whatever stands beside it.
    assert!(matches!(error(r#"{"ok":false,"access_token":"xoxb-123456"}"#), IssueError::Refused(_)));
    let error = issued("github", 200, r#"{"error":"bad_refresh_token","error_description":"it is over"}"#).unwrap_err();
    assert!(matches!(&error, IssueError::GrantGone(why) if why.contains("it is over")), "{error:?}");
}

#[test]
fn quirk_a_token_within_another_object() {
    let person = r#"{"ok":true,"authed_user":{"id":"U1","access_token":"xoxp-12345","refresh_token":"xoxe-12345","expires_in":43200}}"#;
    for id in ["slack", "slack-user"] {
        let issued = issued(id, 200, person).unwrap();
        assert_eq!((text(&issued.access), text(issued.refresh.as_ref().unwrap())), ("xoxp-12345", "xoxe-12345"));
        assert_eq!(issued.lifetime, Some(Duration::from_secs(43_200)));
    }
    let both = r#"{"ok":true,"access_token":"xoxb-12345","refresh_token":"xoxe-bot-1","authed_user":{"access_token":"xoxp-12345"}}"#;
    let bot = issued("slack", 200, both).unwrap();
    assert_eq!((text(&bot.access), text(bot.refresh.as_ref().unwrap())), ("xoxb-12345", "xoxe-bot-1"));
    let user = issued("slack-user", 200, both).unwrap();
    assert_eq!((text(&user.access), user.refresh.is_none()), ("xoxp-12345", true), "never a pair of two");
}

#[test]
fn quirk_an_end_as_a_time_and_a_lifetime_that_is_not_said() {
    let app = issued("github-app", 201, r#"{"token":"ghs_12345678","expires_at":"1970-01-01T01:00:00Z"}"#).unwrap();
    assert_eq!((text(&app.access), app.lifetime), ("ghs_12345678", Some(Duration::from_secs(3_600))));
    let none = issued("salesforce", 200, r#"{"access_token":"00D-12345678"}"#).unwrap();
    assert_eq!(none.lifetime, Some(Duration::from_secs(7_200)));
    for (expires, seconds) in [("\"3599\"", Some(3_599)), ("0", None), ("-1", None), ("null", None), ("1e300", None)] {
        let body = format!(r#"{{"access_token":"access-1234","expires_in":{expires}}}"#);
        assert_eq!(issued("oauth2", 200, &body).unwrap().lifetime.map(|l| l.as_secs()), seconds, "{expires}");
    }
}

#[test]
fn quirk_scopes_with_commas() {
    let body = r#"{"access_token":"gho_12345678","scope":"repo,gist","token_type":"bearer"}"#;
    assert_eq!(issued("github", 200, body).unwrap().scopes, Some(vec!["repo".to_owned(), "gist".to_owned()]));
}

#[test]
fn a_token_that_is_not_shown_is_refused() {
    let error = issued("oauth2", 200, r#"{"access_token":"access-1234","token_type":"DPoP"}"#).unwrap_err();
    assert!(matches!(error, IssueError::Refused(_)), "{error:?}");
}

#[test]
fn what_was_sent_is_not_repeated_however_long_the_words_are() {
    let (definition, secret) = (definition("oauth2"), Secret::new(b"refresh-token-of-ours".to_vec()));
    for words in [
        format!("no such token: refresh-token-of-ours{}", "!".repeat(400)),
        format!("{}refresh-token-of-ours", "x".repeat(290)),
        "cmVmcmVzaC10b2tlbi1vZi1vdXJz".to_owned(),
        "line\r\nline\u{202e}refresh-token-of-ours".to_owned(),
    ] {
        let body = json!({ "error": "invalid_grant", "error_description": words }).to_string();
        let error = heard(&definition, vec![&secret]).issued(Ok(reply(400, &body))).unwrap_err().to_string();
        assert!(!error.contains("refresh-token") && !error.contains("cmVmcmVz") && !error.contains('\n'), "{error}");
        assert!(error.contains("invalid_grant") && error.len() < 600, "{error}");
    }
}

#[test]
fn a_definitions_own_fields_decide() {
    let text = r#"
        id = "mine"
        name = "Mine"
        about = "Mine."
        way = "client-credentials"
        [token]
        endpoint = "https://id.example.com/token"
        answer = { within = ["/data"], access = "key", refresh = "again", expires-in = "ttl", scope = "may" }
        [errors]
        flag = "success"
        gone = ["expired_key"]
        busy = ["hold_on"]"#;
    let mine = parse(text).unwrap();
    let read = |body: &str| heard(&mine, Vec::new()).issued(Ok(reply(200, body)));
    let issued =
        read(r#"{"success":true,"data":{"key":"key-12345","again":"again-123","ttl":60,"may":["a"]}}"#).unwrap();
    assert_eq!(
        (text_of(&issued), issued.lifetime, issued.scopes),
        ("key-12345".into(), Some(Duration::from_secs(60)), Some(vec!["a".into()]))
    );
    assert!(matches!(read(r#"{"success":true,"key":"key-12345"}"#), Err(IssueError::Unknown(_))), "elsewhere");
    assert!(matches!(read(r#"{"success":false,"error":"hold_on"}"#), Err(IssueError::NotReached { .. })));
    assert!(matches!(read(r#"{"success":false,"error":"expired_key"}"#), Err(IssueError::GrantGone(_))));
}

fn text_of(issued: &Issued) -> String {
    text(&issued.access).to_owned()
}
