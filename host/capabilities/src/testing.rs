//! What the tests of this crate share: authorities from texts, and a veil.

use std::sync::Arc;

use portcullis_model::{
    authority::Layer,
    call::{Call, Rules},
    id::{Digest, InstallationId, TenantId},
    limits::Limits,
    pseudonym::Pseudonyms,
    scope::ScopeText,
    veil::Veil,
};

use crate::Authorities;

/// What an admin's grant of these scopes amounts to.
pub(crate) fn authorities(scopes: &[&str]) -> Authorities {
    let texts: Vec<ScopeText> = scopes.iter().map(|scope| scope.parse().unwrap()).collect();
    Authorities::read(&vec![(Layer::Granted, texts)]).unwrap()
}

/// Pseudonyms that show what they were made of, by its digest.
pub(crate) struct Plain;

impl Pseudonyms for Plain {
    fn keyed(&self, tenant: &TenantId, installation: &InstallationId, purpose: &str, value: &[u8]) -> [u8; 16] {
        let text = [tenant.as_str().as_bytes(), installation.as_str().as_bytes(), purpose.as_bytes(), value].join(&0);
        let digest = Digest::of(&text).hex();
        u128::from_str_radix(&digest[..32], 16).unwrap().to_be_bytes()
    }
}

/// A veil of a call in the tenant `acme`, with its rule about card numbers.
pub(crate) fn veil(cover_cards: bool) -> Veil {
    let call = Call::new(
        "call_1".parse().unwrap(),
        "acme".parse().unwrap(),
        "ins_1".parse().unwrap(),
        "com.example.plugin".parse().unwrap(),
        Digest::of(b"x"),
        "zen/1".into(),
        1,
        Limits::default(),
    );
    Veil::new(Arc::new(call.under(Rules { cover_cards })), Arc::new(Plain))
}
