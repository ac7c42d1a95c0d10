//! What was found, for a reviewer's eyes.

use portcullis_model::audit::plain;
use portcullis_packages::{
    advisories::Finding,
    inspect::{
        Extent, Inspection,
        dependencies::{Dependency, Source},
    },
};

use crate::{
    commands::advisories::absent,
    home::Home,
    inspected::{Inspected, Vulnerabilities},
};

/// How many names a line lists before it says how many more there are.
const LISTED: usize = 60;

pub(super) fn words(report: &Inspected<'_>, home: &Home) -> String {
    let mut lines = facts(report.inspection);
    lines.extend(authority(report));
    lines.extend(hosts(report));
    lines.extend(secrets(report));
    lines.extend(dependencies(report.inspection));
    lines.extend(vulnerabilities(&report.vulnerabilities, report.inspection, home));
    if let Some(plan) = &report.plan {
        lines.push(String::new());
        lines.push(plan.words());
    }
    lines.join("\n")
}

fn facts(found: &Inspection) -> Vec<String> {
    let mut lines = vec![format!("{}, {} bytes", found.digest, found.size)];
    let shape = [
        counted(found.core_modules.into(), "core module"),
        counted(found.functions, "function"),
        format!("{} of data", counted(found.data_bytes, "byte")),
        match found.start_functions {
            0 => "nothing runs before a handler is called".to_owned(),
            many => format!("{many} run code before a handler is called"),
        },
    ];
    lines.push(format!("  {}", shape.join(", ")));
    lines.push(format!(
        "  memories (pages of 64 KiB): {}; tables (elements): {}",
        extents(&found.memories),
        extents(&found.tables)
    ));
    lines.push(format!("  WIT packages: {}", or_none(&found.packages)));
    let languages: Vec<String> =
        found.languages.iter().map(|one| format!("{} ({})", one.name, plain(&one.sign))).collect();
    lines.push(format!("  languages, it seems: {}", or_none(&languages)));
    let tools: Vec<String> = found.producers.iter().map(|one| format!("{} {}", plain(&one.role), one.tool)).collect();
    lines.push(format!("  producers, as they say: {}", or_none(&tools)));
    let sections: Vec<String> =
        found.custom_sections.iter().map(|one| format!("{} ({} bytes)", one.name, one.size)).collect();
    lines.push(format!("  custom sections: {}", or_none(&sections)));
    lines.push("Imports, and so the most that it can do:".into());
    lines.extend(found.imports.iter().map(|one| format!("  {}{}", one.name, functions(&one.functions))));
    lines.push("Exports:".into());
    lines.extend(found.exports.iter().map(|one| format!("  {}{}", one.name, functions(&one.functions))));
    lines
}

fn authority(report: &Inspected<'_>) -> Vec<String> {
    let mut lines = vec!["It can, as far as it is granted:".to_owned()];
    for one in &report.authority.uses {
        lines.push(format!("  {}: {}", one.capability, one.can.join("; ")));
        lines.push(format!("      by {}", one.by.join(", ")));
    }
    if report.authority.uses.is_empty() {
        lines.push("  nothing".into());
    }
    lines.push("It cannot, whatever is granted:".into());
    lines.extend(report.authority.cannot.iter().map(|sentence| format!("  {sentence}")));
    lines
}

fn hosts(report: &Inspected<'_>) -> Vec<String> {
    let mut lines = vec!["Hosts that URLs in its data name (a hint):".to_owned()];
    match &report.claims {
        Some(claims) => lines.extend(claims.hosts.iter().map(|one| match &one.covered_by {
            Some(scope) => format!("  {}: {scope}", one.host),
            None => format!("  {}: no scope; a link is harmless, requests are refused", one.host),
        })),
        None => lines.extend(report.inspection.hosts.iter().map(|host| format!("  {host}"))),
    }
    if lines.len() == 1 {
        lines.push("  none".into());
    }
    lines
}

fn secrets(report: &Inspected<'_>) -> Vec<String> {
    let component = report.inspection.secrets.iter().map(|one| format!("  in the component: {one}"));
    let manifest = report.manifest_secrets.iter().map(|one| format!("  in the manifest: {one}"));
    let all: Vec<String> = component.chain(manifest).collect();
    match all.is_empty() {
        true => {
            vec!["Secrets: none of a known shape, and no value that looks random under a name for secrets".to_owned()]
        }
        false => std::iter::once("SECRETS, for which the release is refused:".to_owned()).chain(all).collect(),
    }
}

fn dependencies(found: &Inspection) -> Vec<String> {
    let (build, run): (Vec<&Dependency>, Vec<&Dependency>) =
        found.dependencies.iter().filter(|one| !one.root).partition(|one| one.build_only);
    let mut lines = vec!["Dependencies, as its maker's tools wrote them down:".to_owned()];
    match found.dependencies.is_empty() {
        true => lines.push("  none are written down; that is not to say that it has none".into()),
        false => {
            lines.push(format!("  in it ({}): {}", run.len(), names(&run)));
            lines.push(format!("  to build it ({}): {}", build.len(), names(&build)));
        }
    }
    lines.extend(found.dependency_notes.iter().map(|note| format!("  {note}")));
    lines
}

fn vulnerabilities(found: &Vulnerabilities, inspection: &Inspection, home: &Home) -> Vec<String> {
    let Some(summary) = &found.advisories else {
        return vec!["Known vulnerabilities: UNKNOWN".to_owned(), format!("  {}", absent(home))];
    };
    let newest = summary.newest.as_deref().unwrap_or("no time");
    let mut lines = vec![format!(
        "Known vulnerabilities, by {} advisories up to {newest} ({}):",
        summary.count,
        summary.digest.short()
    )];
    lines.extend(found.findings.iter().map(|one| format!("  {}", finding(one))));
    if found.findings.is_empty() {
        lines.push(match inspection.dependencies.is_empty() {
            true => "  nothing to look up: no dependencies are written down".into(),
            false => "  none of what is written down above is in them".into(),
        });
    }
    lines
}

fn finding(one: &Finding) -> String {
    let version = one.version.as_deref().unwrap_or("of unknown version");
    let kind = match (&one.informational, one.rating()) {
        (Some(news), _) => plain(news),
        (None, Some(rating)) => rating.name().to_owned(),
        (None, None) => "not rated".to_owned(),
    };
    let sure = if one.certain { "" } else { ", perhaps: the versions cannot be compared" };
    let fixed =
        one.fixed.as_ref().map_or_else(|| "no fixed version is named".to_owned(), |v| format!("fixed in {}", plain(v)));
    let build = if one.build_only { ", only to build it" } else { "" };
    format!("{} {version}{build}: {} [{kind}{sure}] {}; {fixed}", one.name, one.id, one.summary)
}

fn names(all: &[&Dependency]) -> String {
    let name = |one: &&Dependency| {
        let source = match one.source {
            Source::Registry => "",
            Source::OtherRegistry => " (another registry)",
            Source::Git => " (Git)",
            Source::Local => " (its maker's disk)",
        };
        format!("{} {}{source}", one.name, one.version.as_deref().unwrap_or("?"))
    };
    let first: Vec<String> = all.iter().take(LISTED).map(name).collect();
    match all.len().saturating_sub(LISTED) {
        0 => or_none(&first),
        more => format!("{} and {more} more: see --sbom", first.join(", ")),
    }
}

fn extents(all: &[Extent]) -> String {
    let one = |extent: &Extent| match extent.maximum {
        Some(most) => format!("{} to {most}", extent.initial),
        None => format!("{} or more", extent.initial),
    };
    or_none(&all.iter().map(one).collect::<Vec<_>>())
}

fn functions(all: &[String]) -> String {
    if all.is_empty() { String::new() } else { format!(": {}", all.join(", ")) }
}

fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn or_none(all: &[String]) -> String {
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}
