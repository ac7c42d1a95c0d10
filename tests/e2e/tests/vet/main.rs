//! The behaviour run: what it finds in the sample plugins and in guests of one behaviour each, that it finds the same again, and
//! the command around it.
#![expect(clippy::unwrap_used, reason = "functions that the tests share")]

mod again;
mod command;
mod guests;
mod samples;

use std::time::Duration;

use portcullis_e2e::Package;
use portcullis_model::behaviour::{Granted, Pass, Report};
use portcullis_vet::{Asked, Options, Release, vet};

/// A package as the behaviour run takes it.
fn release(package: &Package) -> Release {
    let manifest = package.parsed();
    let asked = manifest.scopes.iter().map(|asked| Asked { scope: asked.scope.clone(), optional: asked.optional });
    Release {
        plugin: manifest.id.clone(),
        publisher: manifest.publisher.clone(),
        version: manifest.version.clone(),
        number: manifest.release,
        component: package.component.clone(),
        manifest: manifest.digest,
        asked: asked.collect(),
        limits: manifest.limits,
    }
}

/// Few mutated inputs, and little patience with what loops.
fn options(seed: u64, inputs: u64) -> Options {
    Options { inputs, patience: Duration::from_secs(5), ..Options::seeded(seed) }
}

/// Runs it.
async fn report(package: &Package, options: &Options) -> Report {
    report_of(&release(package), options).await
}

async fn report_of(release: &Release, options: &Options) -> Report {
    let report = vet(release, options, |_, _| {}).await.unwrap().report;
    // What is written can be read, whatever was in it.
    assert_eq!(Report::read(&report.encode().unwrap()), Ok(report.clone()));
    report
}

fn all(report: &Report) -> &Pass {
    report.pass(Granted::All).unwrap()
}

fn words(report: &Report) -> Vec<String> {
    report.findings().into_iter().map(|finding| format!("{:?}: {}", finding.weight, finding.words)).collect()
}

/// How often an act was permitted and denied.
fn times(pass: &Pass, act: &str) -> (u64, u64) {
    pass.acts.get(act).map(|act| (act.permitted, act.denied)).unwrap_or_default()
}

/// All values under a name in the shapes of an act.
fn said(pass: &Pass, act: &str, name: &str) -> String {
    let shapes = pass.acts.get(act).into_iter().flat_map(|act| &act.shapes);
    let values: Vec<&str> = shapes.filter_map(|one| one.shape.get(name)).map(String::as_str).collect();
    values.join(", ")
}
