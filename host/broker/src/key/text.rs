//! Answers for key-encryption keys that are given as text, such as in an environment variable: 64 hexadecimal digits each, the one
//! to wrap with first, then those on their way out, with commas between them.

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_model::{secret::Secret, time::Rng};

use super::{
    Key, KeyError,
    service::{KeyRing, KeyService, ServiceError, named, unwrap_with, wrap_with},
};

/// The most keys at a time: more are a mistake.
pub(super) const MOST: usize = 8;

/// Keys in memory.
pub struct TextKeys {
    keys: Vec<Key>,
    rng: Arc<dyn Rng>,
}

impl TextKeys {
    /// Reads them. `whence` is what an error calls the text.
    pub fn parse(text: &Secret, whence: &str, rng: Arc<dyn Rng>) -> Result<Self, KeyError> {
        let form = || KeyError::Form { path: whence.to_owned() };
        let text = std::str::from_utf8(text.expose()).map_err(|_| form())?;
        let keys: Vec<Key> = text.split(',').map(Key::parse).collect::<Option<_>>().ok_or_else(form)?;
        if keys.len() > MOST { Err(form()) } else { Ok(Self { keys, rng }) }
    }

    /// One key.
    pub fn one(key: Key, rng: Arc<dyn Rng>) -> Self {
        Self { keys: vec![key], rng }
    }
}

impl KeyRing {
    /// A ring with one key that is in memory.
    pub fn of(key: Key, rng: Arc<dyn Rng>) -> Self {
        Self::new(Arc::new(TextKeys::one(key, rng)))
    }
}

#[async_trait]
impl KeyService for TextKeys {
    async fn names(&self) -> Result<Vec<String>, ServiceError> {
        Ok(self.keys.iter().map(Key::name).collect())
    }

    async fn wrap(&self, name: &str, key: &Key, context: &[u8]) -> Result<Vec<u8>, ServiceError> {
        wrap_with(named(&self.keys, name)?, &*self.rng, key, context)
    }

    async fn unwrap(&self, name: &str, wrapped: &[u8], context: &[u8]) -> Result<Key, ServiceError> {
        unwrap_with(named(&self.keys, name)?, wrapped, context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Counter;

    #[tokio::test]
    async fn the_first_wraps_and_all_unwrap() {
        let rng: Arc<dyn Rng> = Arc::new(Counter::default());
        let parse = |text: &str| TextKeys::parse(&Secret::new(text.into()), "the variable", rng.clone());
        let (a, b) = ("0a".repeat(32), "0b".repeat(32));
        let (old, both) = (parse(&a).unwrap(), parse(&format!("{b}, {a}")).unwrap());
        let (key, context) = (Key::random(&*rng), b"acme|1");
        let name = old.names().await.unwrap().remove(0);
        let wrapped = old.wrap(&name, &key, context).await.unwrap();
        assert_eq!(both.names().await.unwrap()[1], name);
        assert_eq!(both.unwrap(&name, &wrapped, context).await.unwrap().bytes(), key.bytes());
        let other = both.names().await.unwrap().remove(0);
        assert!(matches!(both.unwrap(&other, &wrapped, context).await, Err(ServiceError::Unopened(_))));
        assert!(matches!(both.unwrap(&name, &wrapped, b"acme|2").await, Err(ServiceError::Unopened(_))));
        assert!(matches!(old.wrap(&other, &key, context).await, Err(ServiceError::Absent(_))));
        for wrong in ["", "0a", &format!("{a},"), &format!("{a} {b}"), &[a.as_str(); MOST + 1].join(",")] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
