//! The recorder behind every port: it answers from the stage of the call that asks, writes down what was asked, and lets nothing
//! out.
//!
//! What is ABSENT: a database, files, a network, the machine's clock and random source.

mod desk;
mod far;
mod log;
mod storage;

use std::{fmt, sync::Arc};

use portcullis_model::{
    behaviour::Shape,
    error::ServiceError,
    id::{CallId, InstallationId, TenantId},
    permit::{Act, Spent},
    pseudonym::Pseudonyms,
    time::{Clock, Rng, Timestamp},
};
use sha2::{Digest as _, Sha256};

use crate::{
    shape::{Shaped, count, shape},
    stage::{STAGE, Stage, Stages},
};

/// Answers everything.
#[derive(Clone, Default)]
pub(crate) struct Recording(pub Arc<Stages>);

impl Recording {
    /// The stage of an act, which is written down there.
    fn begin<A: Act + Shaped + fmt::Debug>(&self, spent: &Spent<A>) -> Result<Arc<Stage>, ServiceError> {
        let stage = self.0.of(spent.call())?;
        stage.permitted(spent, |known| spent.act().shape(known));
        Ok(stage)
    }
}

/// The time for the host's own use: it stands still where nobody's call is under way.
#[derive(Clone, Copy)]
pub(crate) struct HostClock;

impl Clock for HostClock {
    fn now(&self) -> Timestamp {
        STAGE.try_with(|stage| stage.begins()).unwrap_or(Timestamp(0))
    }
}

/// The time that stands still for good: for what must not depend on calls.
#[derive(Clone, Copy)]
pub(crate) struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_790_000_000_000)
    }
}

/// The time that a plugin asks for.
#[derive(Clone, Copy)]
pub(crate) struct AskedClock;

impl Clock for AskedClock {
    fn now(&self) -> Timestamp {
        let look = |stage: &Arc<Stage>| {
            stage.noted("clocks.now", Shape::new());
            stage.look_at_the_clock()
        };
        STAGE.try_with(look).unwrap_or(Timestamp(0))
    }
}

/// Random bytes for the host's own use, a call's id first; after that for a plugin that asks for them by WASI.
#[derive(Clone, Copy)]
pub(crate) struct HostRng;

impl Rng for HostRng {
    fn fill(&self, buffer: &mut [u8]) {
        // Outside of a call nothing here asks; were it to, the same bytes are no harm.
        let fill = |stage: &Arc<Stage>| {
            if stage.fill(buffer) {
                stage.noted("random.bytes", shape([("bytes", count(buffer.len()))]));
            }
        };
        STAGE.try_with(fill).unwrap_or_default();
    }
}

/// Random bytes that a plugin asks for.
#[derive(Clone, Copy)]
pub(crate) struct AskedRng;

impl Rng for AskedRng {
    fn fill(&self, buffer: &mut [u8]) {
        let fill = |stage: &Arc<Stage>| {
            stage.noted("random.bytes", shape([("bytes", count(buffer.len()))]));
            stage.fill(buffer);
        };
        STAGE.try_with(fill).unwrap_or_default();
    }
}

/// The id that the call on a stage will have.
pub(crate) fn call_id(stage: &Stage) -> CallId {
    struct Name<'s>(&'s Stage);
    impl Rng for Name<'_> {
        fn fill(&self, buffer: &mut [u8]) {
            self.0.name(buffer);
        }
    }
    CallId::random(&Name(stage))
}

/// Stand-ins for values, from the seed.
pub(crate) struct SeededPseudonyms(pub u64);

impl Pseudonyms for SeededPseudonyms {
    fn keyed(&self, tenant: &TenantId, installation: &InstallationId, purpose: &str, value: &[u8]) -> [u8; 16] {
        let seed = self.0.to_le_bytes();
        let parts: [&[u8]; 5] =
            [&seed, tenant.as_str().as_bytes(), installation.as_str().as_bytes(), purpose.as_bytes(), value];
        let digest: [u8; 32] = Sha256::digest(parts.join(&0)).into();
        let mut token = [0; 16];
        token.copy_from_slice(&digest[..16]);
        token
    }
}
