//! Answers for the form of a credential before it is sealed: a version, then access, refresh and client secret, each with a byte
//! that says whether it is there and its length before it.
//!
//! Invariants: one credential has one form; what is not that form to its last byte is no credential.

use portcullis_model::secret::Secret;

use crate::issue::Credential;

const VERSION: u8 = 1;

/// As bytes. They are a secret too.
pub(crate) fn encode(credential: &Credential) -> Secret {
    let Credential { access, refresh, client } = credential;
    let parts = [access, refresh, client];
    let length: usize = parts.into_iter().flatten().map(|part| part.expose().len()).sum();
    // Once, so that no copy stays behind where the bytes were before they grew.
    let mut bytes = Vec::with_capacity(1 + parts.len() * 5 + length);
    bytes.push(VERSION);
    for part in parts {
        bytes.push(u8::from(part.is_some()));
        let part = part.as_ref().map_or(&[][..], Secret::expose);
        bytes.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    Secret::new(bytes)
}

/// What [`encode`] was given.
pub(crate) fn decode(bytes: &Secret) -> Option<Credential> {
    let mut rest = bytes.expose().strip_prefix(&[VERSION])?;
    let credential = Credential { access: part(&mut rest)?, refresh: part(&mut rest)?, client: part(&mut rest)? };
    rest.is_empty().then_some(credential)
}

#[expect(clippy::option_option, reason = "absent, or unreadable")]
fn part(rest: &mut &[u8]) -> Option<Option<Secret>> {
    let (head, after) = rest.split_at_checked(5)?;
    let length = u32::from_be_bytes(head[1..].try_into().ok()?) as usize;
    let (secret, after) = after.split_at_checked(length)?;
    *rest = after;
    match head[0] {
        0 if secret.is_empty() => Some(None),
        1 => Some(Some(Secret::new(secret.to_vec()))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_nothing_else() {
        let secret = |text: &str| Some(Secret::new(text.as_bytes().to_vec()));
        for (access, refresh, client) in
            [(secret("a"), None, None), (secret("a"), secret("bb"), secret("ccc")), (None, secret("r"), secret(""))]
        {
            let credential = Credential { access, refresh, client };
            let bytes = encode(&credential);
            let again = decode(&bytes).unwrap();
            let all =
                |c: &Credential| [&c.access, &c.refresh, &c.client].map(|s| s.as_ref().map(|s| s.expose().to_vec()));
            assert_eq!(all(&again), all(&credential));
            let bytes = bytes.expose();
            for length in 0..bytes.len() {
                assert!(decode(&Secret::new(bytes[..length].to_vec())).is_none(), "cut to {length}");
            }
            assert!(decode(&Secret::new([bytes, b"x"].concat())).is_none());
        }
    }
}
