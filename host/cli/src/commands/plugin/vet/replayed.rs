//! One input again, for a person.

use portcullis_model::audit::plain;
use portcullis_vet::{Played, Replay};

/// All of it.
pub fn words(replay: &Replay) -> String {
    let subject = replay.subject.as_deref().map(|subject| format!(", about {}", plain(subject))).unwrap_or_default();
    let mut lines = vec![
        format!("Input {}: {}{subject}", replay.input, plain(&replay.kind)),
        format!("  made: {}", replay.made),
        format!("  world: {}", replay.scene),
        format!("  data: {}", plain(&replay.data.to_string())),
        String::new(),
        "With all that it asks for:".to_owned(),
    ];
    lines.extend(played(&replay.all));
    if let Some(required) = &replay.required {
        lines.push(String::new());
        lines.push("With what it requires alone:".to_owned());
        lines.extend(played(required));
    }
    lines.push(String::new());
    if replay.differences.is_empty() {
        lines.push("Once more, at another time and with other random bytes: the same".to_owned());
    }
    for one in &replay.differences {
        let act = one.act.as_deref().map(|act| format!(" ({})", plain(act))).unwrap_or_default();
        let at = one.at.map(|at| format!(", number {at}")).unwrap_or_default();
        let aspect = format!("{:?}", one.aspect).to_lowercase();
        lines.push(format!("Once more, at another time and with other random bytes: other {aspect}{at}{act}"));
    }
    lines.join("\n")
}

fn played(played: &Played) -> Vec<String> {
    let mut lines = vec![format!(
        "  ended: {}; {} µs of CPU, {} KiB, {} calls into the host",
        plain(&played.end),
        played.cpu_us,
        played.memory / 1024,
        played.host_calls
    )];
    for act in &played.acts {
        let outcome = act.outcome.as_deref().unwrap_or("no outcome");
        lines.push(format!("  {} -> {}", act.act, plain(outcome)));
        lines.push(format!("      {}", act.arguments));
        lines.extend(act.needed.iter().map(|scope| format!("      needs {}", plain(scope))));
    }
    lines.extend(played.refused.iter().map(|refused| format!("  refused: {}", plain(refused))));
    lines.extend(played.log.iter().map(|(level, line)| format!("  log {level}: {}", plain(line))));
    lines.extend(played.stack.iter().map(|frame| format!("  | {frame}")));
    lines
}
