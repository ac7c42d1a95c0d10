//! Answers for what one installation's requests carry.

use std::{sync::Arc, time::Duration};

use hyper::header::{HeaderName, HeaderValue};
use portcullis_model::{
    id::{InstallationId, ProviderId, TenantId},
    secret::{Secret, Slot},
    target::Target,
    time::Timestamp,
};
use zeroize::Zeroizing;

use crate::{
    leaks::{Needles, NeedlesError},
    place::Place,
    vault::{Opened, VaultError},
};

/// How long before its end a credential is not sent any more, at most: the request needs its time too.
const MARGIN: Duration = Duration::from_secs(10);

/// From when to when a credential lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// When it was stored.
    pub issued: Timestamp,
    /// When it ends; `None` where it does not say.
    pub expires: Option<Timestamp>,
}

impl Life {
    /// How long it lasts in all.
    pub fn span(&self) -> Option<Duration> {
        self.expires.map(|end| if end > self.issued { end.distance(self.issued) } else { Duration::ZERO })
    }

    /// Whether it has ended.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|end| end <= now)
    }

    /// Whether it has ended, or would before a request arrives.
    pub fn is_nearly_over(&self, now: Timestamp) -> bool {
        let margin = self.span().map_or(Duration::ZERO, |span| MARGIN.min(span / 10));
        self.is_over(now.plus(margin))
    }
}

/// A stored credential for outbound requests.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Whose it is.
    pub tenant: TenantId,
    /// Whose requests carry it.
    pub installation: InstallationId,
    /// Its name.
    pub name: String,
    /// Goes up with each rotation.
    pub generation: u64,
    /// Where it goes.
    pub place: Place,
    /// The secret itself; empty where the first one is still to be asked for.
    pub secret: Secret,
    /// How long it lasts.
    pub life: Life,
    /// From which provider; absent where it was stored as it is.
    pub provider: Option<ProviderId>,
}

impl Connection {
    pub(super) fn new(opened: &Opened, installation: InstallationId) -> Result<Self, VaultError> {
        let row = &opened.row;
        let access = opened.credential.access.clone();
        let life = Life {
            issued: row.issued,
            // One that is not there yet is over.
            expires: if access.is_some() { row.expires } else { Some(Timestamp(i64::MIN)) },
        };
        let secret = access.unwrap_or_default();
        let place = Place::parse(&row.place).and_then(|place| place.check_secret(&secret).map(|()| place));
        let name = row.name.clone();
        match place {
            Ok(place) => {
                let (tenant, generation) = (row.tenant.clone(), row.generation);
                let provider = opened.origin.as_ref().map(|origin| origin.provider.clone());
                Ok(Self { tenant, installation, name, generation, place, secret, life, provider })
            }
            Err(problem) => Err(VaultError::Invalid { name, problem }),
        }
    }

    /// Which slot it is the current generation of.
    pub fn slot(&self) -> Slot {
        let (tenant, installation) = (self.tenant.clone(), Some(self.installation.clone()));
        Slot { tenant, installation, name: self.name.clone() }
    }

    /// Whether it was given by a person and no provider renews it (INT-3).
    pub fn is_static(&self) -> bool {
        self.provider.as_ref().is_none_or(|provider| provider.as_str() == super::STATIC)
    }

    /// The header that carries it. The error names the connection, not the secret.
    pub(crate) fn header(&self) -> Result<(HeaderName, HeaderValue), String> {
        let bytes = Zeroizing::new([self.place.prefix.as_bytes(), self.secret.expose()].concat());
        let name = HeaderName::try_from(self.place.header.as_str());
        let value = HeaderValue::from_bytes(&bytes);
        let (Ok(name), Ok(mut value), false) = (name, value, self.secret.expose().is_empty()) else {
            return Err(format!("connection '{}' cannot be made into a header", self.name));
        };
        value.set_sensitive(true);
        Ok((name, value))
    }
}

/// A generation that an installation's requests carry, or carried a short while ago.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) opened: Arc<Opened>,
    /// Whether requests carry it now.
    pub(super) used: bool,
}

/// The credentials of one installation.
#[derive(Debug)]
pub struct Installed {
    generation: u64,
    connections: Vec<Connection>,
    needles: Needles,
    parts: Vec<Part>,
}

impl Installed {
    /// Of these generations, as they are since the table of this number. Gives an error for each that is used and unfit.
    pub(super) fn new(
        installation: &InstallationId,
        parts: Vec<Part>,
        generation: u64,
    ) -> Result<(Self, Vec<VaultError>), NeedlesError> {
        let (mut connections, mut refused) = (Vec::new(), Vec::new());
        for part in parts.iter().filter(|part| part.used) {
            match Connection::new(&part.opened, installation.clone()) {
                Ok(connection) => connections.push(connection),
                Err(error) => refused.push(error),
            }
        }
        connections.sort_by(|a, b| a.name.cmp(&b.name));
        let needles = Needles::new(parts.iter().flat_map(|part| part.opened.secrets()))?;
        Ok((Self { generation, connections, needles, parts }, refused))
    }

    /// Goes up with each change of what this installation's requests carry, and with no other's.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether it is of these generations.
    pub(super) fn is_of(&self, parts: &[Part]) -> bool {
        let same = |(a, b): (&Part, &Part)| a.used == b.used && Arc::ptr_eq(&a.opened, &b.opened);
        self.parts.len() == parts.len() && self.parts.iter().zip(parts).all(same)
    }

    /// Those that a request to this target carries: at most one a header, the first by name.
    pub fn for_target(&self, target: &Target) -> Vec<&Connection> {
        let mut chosen: Vec<&Connection> = Vec::new();
        for connection in self.connections.iter().filter(|connection| connection.place.covers(target)) {
            if chosen.iter().all(|other| other.place.header != connection.place.header) {
                chosen.push(connection);
            }
        }
        chosen
    }

    /// Its generations, opened.
    pub(super) fn opened(&self) -> impl Iterator<Item = &Arc<Opened>> {
        self.parts.iter().map(|part| &part.opened)
    }

    /// All of them.
    pub fn connections(&self) -> &[Connection] {
        &self.connections
    }

    /// All forms of all of its secrets, of those that are not current any more too while they are kept.
    pub fn needles(&self) -> &Needles {
        &self.needles
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_ends_soon_is_renewed_first_and_may_be_sent_to_its_end() {
        let life = Life { issued: Timestamp(0), expires: Some(Timestamp(300_000)) };
        for (now, nearly, over) in [(289_999, false, false), (290_000, true, false), (300_000, true, true)] {
            assert_eq!((life.is_nearly_over(Timestamp(now)), life.is_over(Timestamp(now))), (nearly, over), "{now}");
        }
        let short = Life { expires: Some(Timestamp(20_000)), ..life };
        assert!(!short.is_nearly_over(Timestamp(17_999)) && short.is_nearly_over(Timestamp(18_000)));
        let endless = Life { expires: None, ..life };
        assert!(!endless.is_nearly_over(Timestamp(i64::MAX)));
        let never = Life { expires: Some(Timestamp(i64::MIN)), ..life };
        assert!(never.is_over(Timestamp(i64::MIN)) && never.span() == Some(Duration::ZERO));
    }
}
