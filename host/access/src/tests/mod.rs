//! What is promised, tried over a real store.

mod automation;
mod decisions;
mod passkeys;
mod people;
mod provider;
mod sessions;
