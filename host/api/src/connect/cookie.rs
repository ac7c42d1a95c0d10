//! The cookie that binds a browser to one consent.
//!
//! Invariants: scripts cannot read it; over https it is `__Host-`, so that no other host of the domain can set it; it ends with the
//! consent; each consent has its own, so that two at once do not disturb each other.

use axum::http::{HeaderMap, header};
use portcullis_broker::consent::{ANSWER_MS, LINK_MS, Session};
use portcullis_model::{consent::Consent, id::ConsentId};
use zeroize::Zeroizing;

/// The `Set-Cookie` header.
pub(super) fn set(consent: &Consent, session: &Session) -> Zeroizing<String> {
    let secure = if is_secure(consent) { "; Secure" } else { "" };
    let (name, seconds) = (name(&consent.id, is_secure(consent)), (LINK_MS + ANSWER_MS) / 1_000);
    let value = session.cookie();
    Zeroizing::new(format!("{name}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}", value.as_str()))
}

/// The browser's session for a consent.
pub(super) fn session(headers: &HeaderMap, consent: &Consent) -> Option<Session> {
    find(headers, &name(&consent.id, is_secure(consent)))
}

/// The browser's session for a consent that is not known yet. Good for looking, not for doing.
pub(super) fn any_session(headers: &HeaderMap, id: &ConsentId) -> Option<Session> {
    find(headers, &name(id, true)).or_else(|| find(headers, &name(id, false)))
}

fn is_secure(consent: &Consent) -> bool {
    consent.redirect.starts_with("https://")
}

fn name(id: &ConsentId, secure: bool) -> String {
    format!("{}connect-{id}", if secure { "__Host-" } else { "" })
}

fn find(headers: &HeaderMap, name: &str) -> Option<Session> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).and_then(|(_, value)| Session::parse(value))
}
