//! Signing a release: the publisher's side of [`crate::check`].
//!
//! Invariant: nothing is signed that this host's own checks would refuse for its scopes or its imports.

use portcullis_model::id::Digest;

use crate::{
    check::{Refusal, Rules, fits},
    dsse::Envelope,
    keys::Signer,
    manifest::Manifest,
    statement::Statement,
};

/// Checks a component and its manifest, and signs the statement that binds them.
pub fn sign_release(component: &[u8], manifest: &str, key: &dyn Signer, rules: Rules<'_>) -> Result<Envelope, Refusal> {
    let text = manifest;
    let manifest = Manifest::parse(text)?;
    fits(&manifest, text, component, rules)?;
    Ok(Statement::new(&manifest, &Digest::of(component)).signed(key)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        keys::SecretKey,
        testing::{Fake, Fixed, MANIFEST, component, importing},
    };

    #[test]
    fn signs_only_what_would_be_accepted() {
        let key = SecretKey::generate(&Fixed::new());
        let rules = Rules { catalogue: &Fake };
        let envelope = sign_release(&component(), MANIFEST, &key, rules).unwrap();
        assert!(envelope.verify(&[key.public()], 1, "com.example").is_ok());
        let unasked = MANIFEST.replace("tickets:read fields=comments", "http:send to=other.test");
        let error = sign_release(&component(), &unasked, &key, rules).unwrap_err().to_string();
        assert!(
            error.contains("imports portcullis:plugin/tickets, but the manifest asks for no scope of it"),
            "{error}"
        );
        assert!(sign_release(&importing(&["wasi:sockets/tcp@0.2.0"]), MANIFEST, &key, rules).is_err());
    }
}
