//! The catalogue as a page of the documentation.

use std::fmt::Write as _;

use crate::catalogue::{Catalogue, How, Profile};

/// The whole catalogue.
pub fn catalogue(catalogue: &Catalogue) -> String {
    let mut page = "# Duties\n\nWho answers for what, and what shows that it is done. This page is made from the catalogue in \
        `host/duties/catalogue`; a test\nholds it to that. `portcullis posture` says how a tenant stands.\n\n\
        - **enforced**: the host makes a violation impossible; the tests named prove it.\n\
        - **attested**: somebody of the right party says so, by name and for a time.\n\
        - **observed**: computed from live state and the audit log.\n\n\
        What this host does not do yet is said as *Missing*: such a duty is open in every posture, on the platform's side.\n"
        .to_owned();
    let mut section = "";
    for duty in &catalogue.duties {
        if duty.section != section {
            section = &duty.section;
            let _ = write!(page, "\n## {section}\n");
        }
        let _ = write!(
            page,
            "\n### {} {}\n\n{}, {}. {}\n\nAn admin sees: {}\n",
            duty.id,
            duty.title,
            capital(duty.party.name()),
            duty.how.name(),
            duty.words,
            duty.sees
        );
        page.push_str(&met(&duty.how));
        if let Some(missing) = &duty.missing {
            let _ = write!(page, "\n*Missing*: {missing}\n");
        }
        if let Some(rule) = &duty.risk {
            let _ = write!(
                page,
                "\nA risk can be accepted by the {}, for at most {} days: {}\n",
                rule.by, rule.days, rule.switches
            );
        }
    }
    page.push_str("\n## Profiles\n\nWhere several are on, the most restrictive value of each setting holds (ACC-9).\n");
    catalogue.profiles.iter().for_each(|one| page.push_str(&profile(one)));
    page.push_str("\n## Outside\n\nNamed so that the picture is whole; the host claims nothing about it.\n\n");
    for one in &catalogue.outside {
        let _ = writeln!(page, "- {} **{}** ({}): {}", one.id, one.title, one.party, one.words);
    }
    page
}

fn met(how: &How) -> String {
    match how {
        How::Enforced { proof } => proven(proof),
        How::Attested(rule) => format!("\nThe {} attests {}, for at most {} days.\n", rule.by, rule.what, rule.days),
        How::Observed { query, proof } => {
            let name = serde_json::to_value(query).ok().and_then(|value| value.as_str().map(str::to_owned));
            format!("\nObserved by the query `{}`.\n{}", name.unwrap_or_default(), proven(proof))
        }
    }
}

fn proven(proof: &[String]) -> String {
    if proof.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = proof.iter().map(|one| format!("- `{one}`")).collect();
    format!("\nProven by:\n\n{}\n", lines.join("\n"))
}

fn profile(profile: &Profile) -> String {
    let always = if profile.always { " Always on." } else { "" };
    let mut text = format!("\n### {}\n\n{}{always}\n\n", profile.name, profile.words);
    for one in &profile.settings {
        let _ = writeln!(text, "- {}: {}", one.duty, one.value.words());
    }
    text
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
