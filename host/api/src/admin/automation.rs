//! Automation as a caller: by an access token of the host's own, in the `Authorization` header (RFC 6750, 2.1).
//!
//! Invariant: what says that it is such a token is one that holds, or its request is refused: it is never taken for anything else.

use std::net::IpAddr;

use async_trait::async_trait;
use axum::http::{header, request::Parts};
use portcullis_access::Access;
use portcullis_broker::authz::automation;
use portcullis_model::people::Caller;

use super::{Recognise, unavailable};
use crate::problem::{Problem, Reason};

/// Knows automation by its tokens.
pub struct AutomationCallers(pub Access);

#[async_trait]
impl Recognise for AutomationCallers {
    async fn recognise(&self, head: &Parts, address: Option<IpAddr>) -> Result<Option<Caller>, Problem> {
        let value = head.headers.get(header::AUTHORIZATION).map(|value| value.as_bytes()).unwrap_or_default();
        let token = match value.split_at_checked(7) {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"Bearer ") && automation::is_named(token) => token,
            _ => return Ok(None),
        };
        let over = || {
            let help = "The token is over, or not good from this address: ask for another one at /oauth/token.";
            Problem::new(Reason::SignIn, help)
        };
        let digest = automation::digest(token).ok_or_else(over)?;
        let address = address.ok_or_else(over)?;
        let caller = self.0.automation_caller(&digest, address).await.map_err(|error| unavailable(&error))?;
        caller.map(Some).ok_or_else(over)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::http::Request;
    use portcullis_access::NewAutomation;
    use portcullis_broker::authz::jwk;
    use portcullis_model::{
        audit::Actor,
        people::{AutomationChange, AutomationStore as _, AutomationToken, Principal},
        secret::Secret,
        time::{Clock as _, Timestamp},
    };
    use portcullis_store::SqliteStore;
    use serde_json::json;

    use super::*;
    use crate::people::tests::{Counting, NoProfile, Still};

    /// A token of that form, by a checksum that others compute alike (CRC-32, in six digits of base 62).
    fn token(body: &str) -> String {
        let text = format!("pca_{body}");
        let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        let crc = !text.bytes().fold(!0u32, |crc, byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| step(crc)));
        let digits: Vec<u8> = (b'0'..=b'9').chain(b'A'..=b'Z').chain(b'a'..=b'z').collect();
        let check: String =
            (0..6).rev().map(|place| char::from(digits[(crc / 62u32.pow(place) % 62) as usize])).collect();
        text + &check
    }

    async fn asks(callers: &AutomationCallers, value: &str, address: Option<&str>) -> Result<Option<Caller>, Reason> {
        let (head, ()) = Request::builder().header(header::AUTHORIZATION, value).body(()).unwrap().into_parts();
        let address = address.map(|address| address.parse().unwrap());
        callers.recognise(&head, address).await.map_err(|problem| problem.reason)
    }

    #[tokio::test]
    async fn a_token_is_its_automations_or_nobodys_and_other_credentials_are_for_others() {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&dir.path().join("host.db")).unwrap());
        let key = Secret::new(vec![7; 32]);
        let access =
            Access::new(store.clone(), Arc::new(NoProfile), Arc::new(Still), Arc::new(Counting::default()), key)
                .unwrap();
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let key = jwk::read(&json!({ "kty": "OKP", "crv": "Ed25519", "x": x })).unwrap();
        let new = NewAutomation {
            tenant: "acme".parse().unwrap(),
            name: "nightly".into(),
            role: "auditor".parse().unwrap(),
            privileged: false,
            networks: vec!["192.0.2.0/24".parse().unwrap()],
            key: (key.clone(), jwk::thumbprint(&key)),
            until: Timestamp(Still.now().0 + 86_400_000),
        };
        let one = access.add_automation(&Caller::at_the_terminal(Actor::Host, Still.now()), new).await.unwrap();
        let text = token(&"a".repeat(43));
        let digest = automation::digest(text.as_bytes()).unwrap();
        let expires = Timestamp(Still.now().0 + 1);
        let row = AutomationToken { digest, client: one.id.clone(), key: jwk::thumbprint(&key), expires };
        store.change_automation(AutomationChange { token: Some(row), ..Default::default() }).await.unwrap();
        let callers = AutomationCallers(access);

        let near = Some("192.0.2.7");
        for scheme in ["Bearer", "bearer"] {
            let caller = asks(&callers, &format!("{scheme} {text}"), near).await.unwrap().unwrap();
            assert_eq!(caller.principal, Principal::Automation(one.id.clone()));
        }
        for (value, address) in [
            (text.clone(), Some("203.0.113.7")),
            (text.clone(), None),
            (token(&"b".repeat(43)), near),
            (format!("{text}x"), near),
            ("pca_".to_owned(), near),
        ] {
            assert_eq!(asks(&callers, &format!("Bearer {value}"), address).await, Err(Reason::SignIn), "{value}");
        }
        for other in ["Bearer pct_something", "Bearer 0123", "Basic cGNhXzp4", "Bearer", ""] {
            assert_eq!(asks(&callers, other, near).await, Ok(None), "{other}");
        }
    }
}
