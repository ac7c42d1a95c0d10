//! Every secret that anybody issued or made during the demo, by what it is: what the search looks for. It is in this process's memory
//! and nowhere on disk.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_model::{secret::Secret, time::Rng as _};

use crate::system::SystemRng;

/// The list. Clones share it.
#[derive(Clone, Default)]
pub struct Issued(Arc<Mutex<Vec<(&'static str, Secret)>>>);

impl Issued {
    /// Adds one, and gives its text back.
    pub fn note(&self, what: &'static str, text: impl Into<String>) -> String {
        let text = text.into();
        let secret = Secret::new(text.clone().into_bytes());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((what, secret));
        text
    }

    /// Makes one of 256 random bits, with something before it that says whose it is.
    pub fn make(&self, what: &'static str, prefix: &str) -> String {
        self.note(what, format!("{prefix}{}", random_text()))
    }

    /// All of them.
    pub fn all(&self) -> Vec<Secret> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|(_, secret)| secret.clone()).collect()
    }

    /// How many there are of each.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for (what, _) in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            *counts.entry((*what).to_owned()).or_default() += 1;
        }
        counts
    }
}

/// 256 random bits in the alphabet of base64url.
pub fn random_text() -> String {
    let mut bytes = [0u8; 32];
    SystemRng.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}
