//! Answers for the addresses behind a name: found once, all judged, and then the only ones that are connected to.
//!
//! Invariants: one refused address refuses the name (an answer that mixes public and private addresses is an attack or a
//! mistake); what was judged is what is connected to, since nothing after this step knows how to resolve a name.

use std::{
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs as _},
    sync::Arc,
};

use async_trait::async_trait;
use portcullis_model::error::ServiceError;
use tokio::sync::Semaphore;

use crate::judge::{judge, meant};

/// Finds the addresses of a name.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// All addresses of this host, each with this port.
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// How many look-ups run at once. Each holds a thread until the system's resolver answers, however long that takes and
/// whether or not the call that asked is still there: without a bound, names that never resolve would take them all.
const LOOK_UPS: usize = 64;

/// The machine's own resolver.
#[derive(Clone, Debug)]
pub struct SystemResolver(Arc<Semaphore>);

impl Default for SystemResolver {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(LOOK_UPS)))
    }
}

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        // The dot at the end makes the name absolute: no search domain is ever appended to it.
        let absolute = format!("{host}.");
        let slot = self.0.clone().acquire_owned().await.map_err(io::Error::other)?;
        let look_up = move || {
            let found = (absolute.as_str(), port).to_socket_addrs().map(Iterator::collect);
            drop(slot);
            found
        };
        tokio::task::spawn_blocking(look_up).await.map_err(io::Error::other)?
    }
}

/// What a plugin is told where an address is refused: not which, nor why.
pub(crate) const NOT_PUBLIC: &str = "the host's address is not public";

/// Resolves and judges. `own` are public addresses of this very host, which are refused too.
pub async fn public_addresses(
    resolver: &dyn Resolve,
    own: &[IpAddr],
    host: &str,
    port: u16,
) -> Result<Vec<SocketAddr>, ServiceError> {
    let found = resolver.resolve(host, port).await;
    let addresses = found.map_err(|error| ServiceError::Unavailable(format!("{host}: name look-up: {error}")))?;
    if addresses.is_empty() {
        return Err(ServiceError::Unavailable(format!("{host}: the name has no address")));
    }
    for address in &addresses {
        let reason = match judge(address.ip()) {
            Err(refused) => refused.0,
            Ok(()) if own.contains(&meant(address.ip())) => "this host's own",
            Ok(()) => continue,
        };
        tracing::warn!(host, address = %address.ip(), reason, "egress refused: the host's address is not public");
        return Err(ServiceError::Invalid(NOT_PUBLIC.to_owned()));
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(&'static [&'static str]);

    #[async_trait]
    impl Resolve for Fixed {
        async fn resolve(&self, _: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
            Ok(self.0.iter().map(|text| SocketAddr::new(text.parse().unwrap(), port)).collect())
        }
    }

    async fn judged(addresses: &'static [&'static str]) -> Result<usize, ServiceError> {
        let own = ["203.1.2.3".parse().unwrap()];
        Ok(public_addresses(&Fixed(addresses), &own, "a.example.test", 443).await?.len())
    }

    #[tokio::test]
    async fn one_bad_address_refuses_all() {
        let refused = Err(ServiceError::Invalid(NOT_PUBLIC.into()));
        assert_eq!(judged(&["8.8.8.8", "2606:4700:4700::1111"]).await, Ok(2));
        assert_eq!(judged(&["8.8.8.8", "10.0.0.1"]).await, refused);
        assert_eq!(judged(&["127.0.0.1", "8.8.8.8"]).await, refused);
        assert_eq!(judged(&["8.8.8.8", "::ffff:8.8.4.4"]).await, refused);
        assert_eq!(judged(&["203.1.2.3"]).await, refused, "own address");
        assert!(matches!(judged(&[]).await, Err(ServiceError::Unavailable(_))));
    }
}
