//! What must hold after guests that send: nothing arrived that should not have, in no way that it should not have.

use crate::{
    rogue::{Arrived, Rogue},
    run::Ran,
    world::SECRET,
};

/// What is true of every request that may arrive: origin form, under the granted path, a Host of the host's own making, one length,
/// no header that frames it otherwise, and no credential but the host's.
fn well_formed(arrived: &[Arrived]) -> Result<(), String> {
    for one in arrived {
        let path = one.target().split('?').next().unwrap_or_default();
        let parts = one.line.split(' ').count();
        if parts != 3 || !path.starts_with("/v1/") || path.split('/').any(|part| part == ".." || part == ".") {
            return Err(format!("the request line '{}'", one.line));
        }
        if one.all("host") != [Rogue::HOST] {
            return Err(format!("Host: {:?}", one.all("host")));
        }
        if one.all("content-length").len() > 1 {
            return Err(format!("Content-Length: {:?}", one.all("content-length")));
        }
        for name in FORBIDDEN {
            if !one.all(name).is_empty() {
                return Err(format!("{name}: {:?}", one.all(name)));
            }
        }
        let evil = one.headers.iter().find(|line| line.to_lowercase().contains("evil") || line.contains("mine"));
        if let Some(line) = evil {
            return Err(format!("the header '{line}'"));
        }
    }
    Ok(())
}

const FORBIDDEN: [&str; 17] = [
    "transfer-encoding",
    "upgrade",
    "expect",
    "te",
    "trailer",
    "keep-alive",
    "http2-settings",
    "proxy-connection",
    "proxy-authorization",
    "proxy-authenticate",
    "proxy-anything",
    "cookie",
    "cookie2",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-evil",
];

/// So many requests arrived, and all are as they must be; none carries a credential.
fn arrived(ran: &Ran<'_>, least: usize, most: usize) -> Result<(), String> {
    well_formed(&ran.arrived)?;
    let count = ran.arrived.len();
    if !(least..=most).contains(&count) {
        let lines: Vec<&str> = ran.arrived.iter().map(|one| one.line.as_str()).collect();
        return Err(format!("{count} requests arrived: {lines:?}"));
    }
    Ok(())
}

/// Each request carries the host's credential, and no other.
fn with_credential(ran: &Ran<'_>) -> Result<(), String> {
    for one in &ran.arrived {
        let sent = one.all("authorization");
        if sent.len() != 1 || !sent[0].starts_with("Bearer ") || !sent[0].contains(SECRET) {
            return Err(format!("Authorization: {sent:?}"));
        }
    }
    Ok(())
}

fn without_credential(ran: &Ran<'_>) -> Result<(), String> {
    match ran.arrived.iter().find(|one| !one.all("authorization").is_empty()) {
        Some(one) => Err(format!("Authorization: {:?}", one.all("authorization"))),
        None => Ok(()),
    }
}

/// Nothing arrived.
pub async fn uses_what_was_not_granted(ran: &Ran<'_>) -> Result<(), String> {
    arrived(ran, 0, 0)
}

/// Only the one that is granted.
pub async fn sends_where_it_may_not(ran: &Ran<'_>) -> Result<(), String> {
    arrived(ran, 1, 1)
}

/// Whatever arrived lies under the granted path.
pub async fn climbs_out_of_its_path(ran: &Ran<'_>) -> Result<(), String> {
    arrived(ran, 1, 7)?;
    without_credential(ran)
}

/// Only those that name the granted host in every way.
pub async fn sends_absolute_targets(ran: &Ran<'_>) -> Result<(), String> {
    arrived(ran, 5, 5)
}

/// Nothing arrived.
pub async fn smuggles_headers(ran: &Ran<'_>) -> Result<(), String> {
    arrived(ran, 0, 0)
}

/// The frame is the host's own: one length, that of the body.
pub async fn sets_the_messages_frame(ran: &Ran<'_>) -> Result<(), String> {
    arrived(ran, 15, 18)?;
    let right = |one: &Arrived| {
        one.all("content-length") == ["4"]
            && one.body == b"four"
            && one.all("x-kept") == ["1"]
            && one.all("accept-encoding") == ["identity"]
    };
    match ran.arrived.iter().find(|one| !right(one) || !one.line.starts_with("POST ")) {
        Some(one) => Err(format!("{one:?}")),
        None => Ok(()),
    }
}

/// Only the host's credential, once.
pub async fn brings_its_own_credentials(ran: &Ran<'_>) -> Result<(), String> {
    arrived(ran, 8, 8)?;
    with_credential(ran)
}

/// At most as many as the limit.
pub async fn sends_too_much(ran: &Ran<'_>) -> Result<(), String> {
    arrived(ran, 1, 5)
}

/// Nothing arrived.
pub async fn goes_to_private_addresses(ran: &Ran<'_>) -> Result<(), String> {
    arrived(ran, 0, 0)
}

/// Only other spellings of the granted name.
pub async fn dresses_up_host_names(ran: &Ran<'_>) -> Result<(), String> {
    arrived(ran, 1, 6)
}

/// Nothing arrived, and each name was looked up once for each request.
pub async fn goes_where_names_lead(ran: &Ran<'_>) -> Result<(), String> {
    arrived(ran, 0, 0)?;
    let seen = ran.world.look_ups.lock().map_err(|error| error.to_string())?;
    let wrong = seen.iter().find(|(name, times)| !name.starts_with("turns.") && **times != 1);
    match wrong {
        Some((name, times)) => Err(format!("{name} was looked up {times} times")),
        None if seen.len() >= 23 => Ok(()),
        None => Err(format!("only {} names were looked up", seen.len())),
    }
}

/// Nothing arrived, and a request looks its name up once: what was judged is what is connected to.
pub async fn rebinds_a_name(ran: &Ran<'_>) -> Result<(), String> {
    arrived(ran, 0, 0)?;
    let seen = ran.world.look_ups.lock().map_err(|error| error.to_string())?.get("turns.rebind.example.test").copied();
    if seen == Some(2) { Ok(()) } else { Err(format!("two requests looked the name up {seen:?} times")) }
}

/// The five that were asked for and the one that leads back, and nothing that a redirect named beside that.
pub async fn follows_redirects(ran: &Ran<'_>) -> Result<(), String> {
    arrived(ran, 5, 5)?;
    let elsewhere = ran.arrived.iter().any(|one| one.target().contains("elsewhere"));
    if elsewhere { Err("a redirect was followed".to_owned()) } else { with_credential(ran) }
}

/// One request a call: the loop did not get to a second.
pub async fn waits_for_slow_answers(ran: &Ran<'_>) -> Result<(), String> {
    arrived(ran, 3, 3)
}

/// Each was asked for once.
pub async fn takes_answers_without_end(ran: &Ran<'_>) -> Result<(), String> {
    arrived(ran, 8, 8)
}

/// The credential was sent, so that there was something to say.
pub async fn asks_for_its_credential_back(ran: &Ran<'_>) -> Result<(), String> {
    arrived(ran, 8, 8)?;
    with_credential(ran)
}

/// As above.
pub async fn asks_for_its_credential_encoded(ran: &Ran<'_>) -> Result<(), String> {
    arrived(ran, 7, 7)?;
    with_credential(ran)
}

/// As above.
pub async fn asks_for_its_credential_in_pieces(ran: &Ran<'_>) -> Result<(), String> {
    arrived(ran, 3, 3)?;
    with_credential(ran)
}

/// As above.
pub async fn says_what_it_was_told(ran: &Ran<'_>) -> Result<(), String> {
    arrived(ran, 4, 5)?;
    with_credential(ran)
}

/// Only what is granted arrived, and each with the host's credential alone.
pub async fn sends_absolute_targets_by_wasi(ran: &Ran<'_>) -> Result<(), String> {
    arrived(ran, 1, 10)?;
    with_credential(ran)
}
