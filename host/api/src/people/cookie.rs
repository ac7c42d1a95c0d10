//! What the browser keeps: the session's token, and by what the device is known again.
//!
//! Invariants: scripts cannot read them; over https they are `__Host-`, so that no other host of the domain can set them; the session's
//! goes nowhere with a request that another page made, other than a plain link.

use axum::http::{HeaderMap, HeaderValue, header};
use portcullis_access::Started;
use zeroize::Zeroizing;

const SESSION: &str = "portcullis-session";
const DEVICE: &str = "portcullis-device";
const FLOW: &str = "portcullis-provider";
/// How long somebody may take at a provider.
const FLOW_SECONDS: u32 = 600;
/// How long a device is known: 400 days, the most that browsers keep a cookie (draft-ietf-httpbis-rfc6265bis, 5.5).
const DEVICE_SECONDS: u32 = 400 * 24 * 60 * 60;

fn name(name: &str, secure: bool) -> String {
    if secure { format!("__Host-{name}") } else { name.to_owned() }
}

fn header(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The `Set-Cookie` headers of a session that began or has another token.
pub(super) fn set(started: &Started, secure: bool) -> Vec<HeaderValue> {
    let tail = if secure { "; Secure" } else { "" };
    let seconds = u64::from(started.session.absolute_minutes) * 60;
    let token = Zeroizing::new(format!(
        "{}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{tail}",
        name(SESSION, secure),
        started.token.as_str()
    ));
    let device = (!started.device.is_empty()).then(|| {
        Zeroizing::new(format!(
            "{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={DEVICE_SECONDS}{tail}",
            name(DEVICE, secure),
            started.device.as_str()
        ))
    });
    [Some(token), device].into_iter().flatten().filter_map(|text| header(&text)).collect()
}

/// The `Set-Cookie` header that takes the session's away.
pub(super) fn forget(secure: bool) -> Option<HeaderValue> {
    let tail = if secure { "; Secure" } else { "" };
    header(&format!("{}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{tail}", name(SESSION, secure)))
}

/// The session's token.
pub(super) fn session(headers: &HeaderMap, secure: bool) -> Option<Zeroizing<String>> {
    find(headers, &name(SESSION, secure)).map(Zeroizing::new)
}

/// By what the device is known again.
pub(super) fn device(headers: &HeaderMap, secure: bool) -> Option<String> {
    find(headers, &name(DEVICE, secure))
}

/// The `Set-Cookie` header that ties what was begun at a provider to this browser. It goes with the way back, which is a plain link of
/// another site.
pub(super) fn set_flow(value: &str, secure: bool) -> Option<HeaderValue> {
    let tail = if secure { "; Secure" } else { "" };
    let text = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={FLOW_SECONDS}{tail}", name(FLOW, secure));
    header(&Zeroizing::new(text))
}

/// The one that takes it away.
pub(super) fn forget_flow(secure: bool) -> Option<HeaderValue> {
    let tail = if secure { "; Secure" } else { "" };
    header(&format!("{}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{tail}", name(FLOW, secure)))
}

/// Its value.
pub(super) fn flow(headers: &HeaderMap, secure: bool) -> Option<Zeroizing<String>> {
    find(headers, &name(FLOW, secure)).map(Zeroizing::new)
}

fn find(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned()).filter(|value| !value.is_empty())
}
