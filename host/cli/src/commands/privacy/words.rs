//! How a request of a data subject stands, in words.

use portcullis_model::{
    audit::plain,
    privacy::{PartState, PrivacyPart, PrivacyRequest},
};

pub(super) fn headline(one: &PrivacyRequest) -> String {
    let through = one.parts.iter().filter(|part| part.state != PartState::Waiting).count();
    format!(
        "{}  {:8}  {}  {}{}  {through}/{} parts through, by {}",
        one.id,
        one.kind.name(),
        one.tenant,
        one.stage.name(),
        if one.overdue { ", OVERDUE" } else { "" },
        one.parts.len(),
        one.deadline
    )
}

pub(super) fn parts(all: &[PrivacyPart]) -> Vec<String> {
    let line = |part: &PrivacyPart| {
        let state = match &part.state {
            PartState::Waiting if part.suspended => "waits: the installation is suspended".to_owned(),
            PartState::Waiting => match &part.problem {
                Some(problem) => format!("waits, asked {} times; last: {}", part.tries, plain(problem)),
                None if part.tries > 0 => format!("has begun and takes time, asked {} times", part.tries),
                None => "waits".to_owned(),
            },
            PartState::NothingHeld => "nothing held".to_owned(),
            PartState::Done { records, note, .. } => {
                format!(
                    "done, {records} records{}",
                    note.as_ref().map(|note| format!("; it says: {}", plain(note))).unwrap_or_default()
                )
            }
            PartState::Failed { error } => format!("FAILED: {}", plain(error)),
            PartState::NoHandler { contact } => {
                format!("CANNOT BE ASKED: ask its developer by hand, {}", plain(contact))
            }
            PartState::Uninstalled => {
                "uninstalled: what is kept of it until it is erased was looked through".to_owned()
            }
        };
        format!("  {}  {}  {state}", part.installation, part.plugin)
    };
    all.iter().map(line).collect()
}

pub(super) fn words(one: &PrivacyRequest) -> String {
    let mut lines = vec![headline(one)];
    lines.extend(parts(&one.parts));
    if let Some(erased) = &one.erased {
        let mut sorts: Vec<String> = erased.tenant.iter().map(|(sort, n)| format!("{sort}: {n}")).collect();
        for (installation, counts) in &erased.installations {
            sorts.extend(counts.iter().map(|(sort, n)| format!("{sort} of {installation}: {n}")));
        }
        lines.push(format!("Erased of what the host keeps itself: {} ({})", erased.total(), sorts.join(", ")));
    }
    if let Some(by) = &one.emptied_by {
        lines.push(format!("Emptied before it came to its end: the same person was erased by {by}."));
    }
    if one.closed.is_none() && one.is_through() {
        lines.push(format!("Nothing waits any more. Next: portcullis privacy close {}", one.id));
    }
    lines.join("\n")
}
