//! Who asks: the access token, as `Bearer` (RFC 6750) or `DPoP` (RFC 9449). Passwords, API tokens and cookies do not exist (INT-4).
//!
//! Invariant: a token goes to the one that checks it, and nowhere else.

use axum::http::{HeaderMap, HeaderName, header, request::Parts};
use portcullis_model::{
    oauth::{Bearer, Presented, Rejected},
    secret::Secret,
};

use super::{PlatformApi, fault::Fault};

/// The longest token and the longest proof, in bytes.
const MAX_TOKEN: usize = 1024;
const MAX_PROOF: usize = 8 * 1024;

const DPOP: HeaderName = HeaderName::from_static("dpop");

/// What the request's token stands for.
pub(super) async fn bearer(api: &PlatformApi, head: &Parts) -> Result<Bearer, Fault> {
    let (dpop, token) = token(&head.headers).map_err(|problem| Fault::unauthenticated(problem, &api.public_url))?;
    let proof = match one(&head.headers, &DPOP, MAX_PROOF) {
        Ok(proof) => proof.map(str::to_owned),
        Err(()) => return Err(Fault::rejected(&Rejected::Proof("send one DPoP header of at most 8 KiB".into()))),
    };
    let presented = Presented {
        dpop,
        token,
        proof,
        method: head.method.as_str().to_owned(),
        url: format!("{}{}", api.public_url, head.uri.path()),
        audience: api.audience(),
    };
    api.tokens.check(&presented).await.map_err(|rejected| Fault::rejected(&rejected))
}

/// Why there is no token to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// There is no such header.
    Nothing,
    /// Basic authentication.
    Basic,
    /// Another scheme, several headers, or no token in it.
    Odd,
}

/// The only value of a header, where there is one: an error for several, or for one that is too long.
fn one<'h>(headers: &'h HeaderMap, name: &HeaderName, most: usize) -> Result<Option<&'h str>, ()> {
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (None, _) => Ok(None),
        (Some(value), None) if value.len() <= most => value.to_str().map(Some).map_err(drop),
        _ => Err(()),
    }
}

fn token(headers: &HeaderMap) -> Result<(bool, Secret), Missing> {
    let value = one(headers, &header::AUTHORIZATION, MAX_TOKEN).map_err(|()| Missing::Odd)?.ok_or(Missing::Nothing)?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    let dpop = match scheme.to_ascii_lowercase().as_str() {
        "bearer" => false,
        "dpop" => true,
        "basic" => return Err(Missing::Basic),
        _ => return Err(Missing::Odd),
    };
    match token.is_empty() || token.contains(' ') {
        true => Err(Missing::Odd),
        false => Ok((dpop, Secret::new(token.as_bytes().to_vec()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<(bool, Vec<u8>), Missing> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, value.parse().unwrap());
        }
        token(&headers).map(|(dpop, token)| (dpop, token.expose().to_vec()))
    }

    #[test]
    fn takes_one_token_and_no_password() {
        assert_eq!(read(&["Bearer abc"]), Ok((false, b"abc".to_vec())));
        assert_eq!(read(&["dpop abc"]), Ok((true, b"abc".to_vec())));
        assert_eq!(read(&[]), Err(Missing::Nothing));
        assert_eq!(read(&["Basic YTpi"]), Err(Missing::Basic));
        let long = format!("Bearer {}", "x".repeat(MAX_TOKEN));
        for odd in [&["Bearer"][..], &["Bearer "], &["Bearer a b"], &["Token x"], &["Bearer a", "Bearer b"], &[&long]] {
            assert_eq!(read(odd), Err(Missing::Odd), "{odd:?}");
        }
    }
}
