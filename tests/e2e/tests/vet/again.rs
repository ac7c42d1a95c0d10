//! The same again: the report is the same bytes for the same seed, whatever the machine is busy with.

use std::{collections::BTreeSet, time::Duration};

use portcullis_e2e::Package;
use portcullis_model::{behaviour::Report, limits::Limits};
use portcullis_vet::{Options, Release};

use crate::{all, options, release, report_of};

/// CPU time that only what loops for ever uses up: how near to its limit another call comes, a busy machine decides, too.
const CPU_MS: u64 = 400;

async fn with(package: &Package, seed: u64, workers: usize) -> Report {
    let release = release(package);
    let release = Release { limits: Limits { cpu_ms: CPU_MS, ..release.limits }, ..release };
    let patience = Duration::from_millis(20 * CPU_MS);
    report_of(&release, &Options { workers, patience, ..options(seed, 300) }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_seed_gives_the_same_bytes_and_another_finds_the_same_acts() {
    for name in ["vip-escalator", "overreacher"] {
        let package = Package::sample(name);
        let first = with(&package, 7, 1).await;
        let second = with(&package, 7, 4).await;
        let text = |report: &Report| String::from_utf8(report.encode().unwrap()).unwrap();
        assert_eq!(text(&first), text(&second), "{name}");
        assert_eq!(first.digest(), second.digest());

        let other = with(&package, 8, 4).await;
        assert_ne!(first.digest(), other.digest());
        assert_ne!(first.corpus.digest, other.corpus.digest);
        let acts = |report: &Report| all(report).acts.keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(acts(&first), acts(&other), "{name}");
    }
}
