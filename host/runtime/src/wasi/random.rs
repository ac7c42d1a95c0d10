//! `wasi:random`: without the capability `random`, bytes that follow from installation and event alone.
//!
//! They are good for what a language's runtime wants them for, the seeds of its hash maps, and not for secrets. A retry of an
//! event sees the same bytes again, and two installations never see the same ones, so that nothing about the host or about
//! another tenant can be learnt from them. With the capability, bytes come from the host's generator.

use std::sync::Arc;

use portcullis_model::{call::Call, time::Rng};
use sha2::{Digest as _, Sha256};
use wasmtime::component::HasData;
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};

/// The most bytes that one request gives.
pub const MAX_RANDOM: u64 = 64 * 1024;

/// Sets these bytes apart from whatever else is made by hashing names.
const PURPOSE: &[u8] = b"portcullis wasi:random 1";

pub(super) struct HasRandom;

impl HasData for HasRandom {
    type Data<'a> = &'a mut Random;
}

/// One call's random bytes.
#[derive(Default)]
pub(super) struct Random {
    real: Option<Arc<dyn Rng>>,
    call: Option<Arc<Call>>,
    stream: Option<Stream>,
}

/// SHA-256 in counter mode.
struct Stream {
    seed: [u8; 32],
    blocks: u64,
}

impl Stream {
    fn new(call: Option<&Call>) -> Self {
        let mut seed = Sha256::new_with_prefix(PURPOSE);
        for part in call.map_or(["", ""], |call| [call.installation.as_str(), &call.event]) {
            // With its length before it, so that no two pairs run together into the same text.
            seed.update((part.len() as u64).to_le_bytes());
            seed.update(part);
        }
        Self { seed: seed.finalize().into(), blocks: 0 }
    }

    fn block(&self, number: u64) -> [u8; 32] {
        Sha256::new_with_prefix(self.seed).chain_update(number.to_le_bytes()).finalize().into()
    }

    fn fill(&mut self, buffer: &mut [u8]) {
        for piece in buffer.chunks_mut(32) {
            piece.copy_from_slice(&self.block(self.blocks)[..piece.len()]);
            self.blocks += 1;
        }
    }
}

impl Random {
    /// For a call. `real`: the host's generator, where the capability is granted.
    pub fn new(call: Arc<Call>, real: Option<Arc<dyn Rng>>) -> Self {
        Self { real, call: Some(call), stream: None }
    }

    fn fill(&mut self, buffer: &mut [u8]) {
        match &self.real {
            Some(rng) => rng.fill(buffer),
            None => self.stream.get_or_insert_with(|| Stream::new(self.call.as_deref())).fill(buffer),
        }
    }

    fn bytes(&mut self, count: u64) -> wasmtime::Result<Vec<u8>> {
        let count = usize::try_from(count).ok().filter(|_| count <= MAX_RANDOM);
        let count = count.ok_or_else(|| wasmtime::format_err!("random: at most {MAX_RANDOM} bytes a request"))?;
        let mut bytes = vec![0; count];
        self.fill(&mut bytes);
        Ok(bytes)
    }

    fn number(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

impl random::Host for Random {
    fn get_random_bytes(&mut self, count: u64) -> wasmtime::Result<Vec<u8>> {
        self.bytes(count)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.number())
    }
}

impl insecure::Host for Random {
    fn get_insecure_random_bytes(&mut self, count: u64) -> wasmtime::Result<Vec<u8>> {
        self.bytes(count)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.number())
    }
}

impl insecure_seed::Host for Random {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        Ok((self.number(), self.number()))
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::{id::Digest, limits::Limits};

    use super::*;

    fn of(installation: &str, event: &str) -> Random {
        let (tenant, plugin) = ("acme".parse().unwrap(), "com.example.x".parse().unwrap());
        let (id, digest) = (portcullis_model::id::CallId::random(&Counting), Digest::of(b"x"));
        let installation = installation.parse().unwrap();
        let call = Call::new(id, tenant, installation, plugin, digest, event.into(), 1, Limits::default());
        Random::new(Arc::new(call), None)
    }

    struct Counting;

    impl Rng for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }

    #[test]
    fn the_same_event_gives_the_same_bytes_and_another_does_not() {
        let first = of("ins_1", "s/1").bytes(100).unwrap();
        assert_eq!(first, of("ins_1", "s/1").bytes(100).unwrap());
        assert_ne!(first, of("ins_2", "s/1").bytes(100).unwrap());
        assert_ne!(first, of("ins_1", "s/2").bytes(100).unwrap());
        assert_ne!(of("ins_1", "1s/1").bytes(100).unwrap(), of("ins_11", "s/1").bytes(100).unwrap());
    }

    #[test]
    fn goes_on_and_does_not_repeat() {
        let mut random = of("ins_1", "s/1");
        let mut blocks: Vec<Vec<u8>> = (0..1000).map(|_| random.bytes(32).unwrap()).collect();
        blocks.sort();
        blocks.dedup();
        assert_eq!(blocks.len(), 1000);
        let ones: u32 = blocks.iter().flatten().map(|byte| byte.count_ones()).sum();
        assert!((126_000..130_000).contains(&ones), "{ones} of 256,000 bits");
        assert_ne!(random.number(), random.number());
    }

    #[test]
    fn gives_no_more_than_the_most() {
        assert_eq!(of("ins_1", "s/1").bytes(MAX_RANDOM).unwrap().len(), 65_536);
        for count in [MAX_RANDOM + 1, u64::MAX] {
            assert!(of("ins_1", "s/1").bytes(count).is_err(), "{count}");
        }
    }

    #[test]
    fn where_it_is_granted_bytes_are_the_hosts() {
        let mut random = of("ins_1", "s/1");
        random.real = Some(Arc::new(Counting));
        assert_eq!(random.bytes(3).unwrap(), [7, 7, 7]);
        assert_eq!(insecure_seed::Host::insecure_seed(&mut random).unwrap().0, u64::from_le_bytes([7; 8]));
    }
}
