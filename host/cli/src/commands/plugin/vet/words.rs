//! A report for a person: first what was found, then everything in tables.

use std::path::Path;

use portcullis_model::{
    audit::plain,
    behaviour::{
        ActUse, Breakage, Broke, Determinism, Family, Finding, Granted, HostUse, Measured, Pass, Peak, Peaks, Report,
        Shape, Tried, Weight,
    },
    id::Digest,
};

/// The most shapes of one act that are printed; all of them are in the report.
const SHAPES: usize = 8;

/// What is to be told.
pub struct Run<'a> {
    pub report: &'a Report,
    pub measured: &'a Measured,
    pub digest: Digest,
    pub signed: bool,
    pub findings: &'a [Finding],
    pub path: &'a Path,
}

impl Run<'_> {
    /// All of it.
    pub fn words(&self) -> String {
        let Report { release, seed, tool, corpus, passes, determinism, .. } = self.report;
        let inputs: Vec<String> =
            corpus.inputs.iter().map(|(family, count)| format!("{} {}", number(*count), name(*family))).collect();
        let calls: u64 = passes.iter().map(|pass| pass.calls).sum();
        let again = determinism.inputs;
        let mut lines = vec![
            format!("{} {}, release {}", release.plugin, plain(&release.version), release.release),
            format!("  component {}", release.component),
            format!("  manifest  {}", release.manifest),
            format!(
                "  {}",
                if self.signed { "with a publisher's statement, which was not checked here" } else { "not signed" }
            ),
            format!("Report {}", self.digest),
            format!("  by portcullis {}, seed {seed}, on {} inputs", plain(tool), inputs.join(", ")),
            format!(
                "  {} calls in {}, {} inputs of them once more; events: {}",
                number(calls),
                seconds(self.measured.elapsed_ms),
                number(again),
                corpus.kinds.iter().map(|kind| plain(kind)).collect::<Vec<_>>().join(", "),
            ),
            String::new(),
            "Findings, the gravest first:".to_owned(),
        ];
        lines.extend(self.findings.iter().map(|found| format!("  {} {}", sign(found.weight), found.words)));
        for pass in passes {
            lines.push(String::new());
            lines.extend(told(pass));
        }
        lines.push(String::new());
        lines.extend(steady(determinism));
        lines.extend(times(self.measured));
        lines.push(String::new());
        lines.push(format!(
            "To see any input again: portcullis plugin vet {} --seed {seed} --replay INPUT",
            self.path.display()
        ));
        lines.join("\n")
    }
}

fn sign(weight: Weight) -> &'static str {
    match weight {
        Weight::Grave => "!!",
        Weight::Notable => " !",
        Weight::Plain => "  ",
    }
}

fn name(family: Family) -> &'static str {
    match family {
        Family::Sample => "sample",
        Family::Given => "given",
        Family::Generated => "generated",
        Family::Hostile => "hostile",
        Family::Mutated => "mutated",
    }
}

/// A number with its thousands apart.
fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn seconds(millis: u64) -> String {
    format!("{}.{} s", millis / 1000, millis % 1000 / 100)
}

fn told(pass: &Pass) -> Vec<String> {
    let what = match pass.granted {
        Granted::All => "With all that it asks for",
        Granted::Required => "With what it requires alone",
    };
    if let Some(why) = &pass.unloadable {
        return vec![format!("{what}: it does not load: {}", plain(why))];
    }
    let mut lines = vec![format!("{what}: {} calls", number(pass.calls))];
    if pass.left_out > 0 {
        lines.push(format!("  {} inputs were left out, since time ended too many calls before", number(pass.left_out)));
    }
    let ends = pass.ends.iter().map(|(end, calls)| vec![plain(end), number(*calls)]);
    lines.extend(table(&["ended", "calls"], ends));
    lines.extend(acts(pass));
    let hosts = table(&["host", "port", "method", "was", "requests", "first input"], pass.hosts.iter().map(host));
    lines.extend(if pass.hosts.is_empty() { Vec::new() } else { hosts });
    let broken = table(
        &["broke by", "where", "sample/given/generated/hostile/mutated", "first input"],
        pass.breakages.iter().map(broken),
    );
    lines.extend(if pass.breakages.is_empty() { Vec::new() } else { broken });
    for (what, left_out) in [("requests", pass.hosts_left_out), ("broken calls", pass.breakages_left_out)] {
        if left_out > 0 {
            lines.push(format!("  {} further {what} found no place in these lists", number(left_out)));
        }
    }
    lines.extend(peaks(&pass.peaks));
    lines
}

/// Columns as wide as they must be; numbers to the right.
fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Vec<String> {
    let head: Vec<String> = head.iter().map(|name| (*name).to_owned()).collect();
    let rows: Vec<Vec<String>> = rows.collect();
    let width = |column: usize| {
        let cells = rows.iter().chain([&head]).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let counts = |column: usize| {
        let digits = |cell: &String| cell.chars().all(|c| c.is_ascii_digit() || c == ',');
        rows.iter().filter_map(|row| row.get(column)).all(digits)
    };
    let right: Vec<bool> = (0..head.len()).map(|column| !rows.is_empty() && counts(column)).collect();
    let line = |row: &Vec<String>| {
        let mut line = " ".to_owned();
        for ((cell, width), right) in row.iter().zip(&widths).zip(&right) {
            line.push_str(&if *right { format!(" {cell:>width$} ") } else { format!(" {cell:<width$} ") });
        }
        line.trim_end().to_owned()
    };
    [&head].into_iter().chain(&rows).map(line).collect()
}

fn acts(pass: &Pass) -> Vec<String> {
    if pass.acts.is_empty() {
        return vec!["  asked the host for nothing".to_owned()];
    }
    let row = |(name, act): (&String, &ActUse)| {
        vec![plain(name), number(act.permitted), number(act.denied), number(act.first)]
    };
    let mut lines = table(&["act", "permitted", "denied", "first input"], pass.acts.iter().map(row));
    for (name, act) in &pass.acts {
        for needed in &act.needed {
            let words = format!("  {} denied {} times: needs {}", plain(name), number(needed.denied), needed.scope);
            lines.push(format!("{words}; first on {}", needed.first));
        }
    }
    for (name, act) in pass.acts.iter().filter(|(_, act)| act.shapes.iter().any(|one| !one.shape.is_empty())) {
        lines.push(format!("  {}, by its arguments:", plain(name)));
        let mut shapes: Vec<_> = act.shapes.iter().collect();
        shapes.sort_by_key(|one| std::cmp::Reverse(one.acts));
        let shown = shapes.iter().take(SHAPES);
        lines.extend(shown.map(|one| format!("  {:>9}  {}", number(one.acts), shape(&one.shape))));
        let more = shapes.len().saturating_sub(SHAPES);
        if more > 0 || act.left_out > 0 {
            lines.push(format!(
                "             {more} more shapes are in the report, {} acts in none",
                number(act.left_out)
            ));
        }
    }
    if pass.denials_unlisted > 0 {
        lines.push(format!("  {} further denials, in calls with more than 20", number(pass.denials_unlisted)));
    }
    lines
}

fn shape(shape: &Shape) -> String {
    let parts: Vec<String> = shape.iter().map(|(name, value)| format!("{}: {}", plain(name), plain(value))).collect();
    parts.join("; ")
}

fn host(host: &HostUse) -> Vec<String> {
    let port = host.port.map(|port| port.to_string()).unwrap_or_default();
    let was = match (host.tried, &host.problem) {
        (Tried::Permitted, _) => "permitted".to_owned(),
        (Tried::Denied, _) => "denied".to_owned(),
        (Tried::Refused, problem) => format!("refused: {}", plain(problem.as_deref().unwrap_or_default())),
    };
    vec![plain(&host.host), port, plain(&host.method), was, number(host.requests), number(host.first)]
}

fn broken(breakage: &Breakage) -> Vec<String> {
    let how = match breakage.how {
        Broke::Trap => "",
        Broke::Limit => "limit ",
    };
    let of = |family| number(breakage.calls.get(&family).copied().unwrap_or_default());
    let calls = [Family::Sample, Family::Given, Family::Generated, Family::Hostile, Family::Mutated].map(of);
    let place = breakage.place.as_deref().map(plain).unwrap_or_default();
    vec![format!("{how}{}", plain(&breakage.kind)), place, calls.join("/"), number(breakage.first)]
}

fn peaks(peaks: &Peaks) -> Vec<String> {
    let row = |name: &str, peak: Peak| vec![name.to_owned(), number(peak.most), number(peak.input)];
    let rows = [
        row("memory, KiB", Peak { most: peaks.memory.most / 1024, ..peaks.memory }),
        row("calls into the host", peaks.host_calls),
        row("acts", peaks.acts),
        row("requests sent", peaks.requests),
        row("log lines", peaks.log_lines),
        row("log bytes", peaks.log_bytes),
        row("log lines dropped", peaks.log_dropped),
    ];
    table(&["most in one call", "", "input"], rows.into_iter())
}

fn steady(all: &Determinism) -> Vec<String> {
    let mut lines = vec![format!(
        "The same input twice, at another time and with other random bytes: {} of {} differ, {} of them by time or chance alone",
        number(all.differing),
        number(all.inputs),
        number(all.by_time_or_chance),
    )];
    lines.extend(
        all.aspects.iter().map(|(aspect, inputs)| format!("  in their {}: {}", lower(aspect), number(*inputs))),
    );
    if let Some(first) = &all.first {
        let at = first.at.map(|at| format!(", number {at}")).unwrap_or_default();
        let act = first.act.as_deref().map(|act| format!(" ({})", plain(act))).unwrap_or_default();
        lines.push(format!("  first on input {}: {}{at}{act}", first.input, lower(&first.aspect)));
    }
    lines
}

fn lower(aspect: &impl std::fmt::Debug) -> String {
    format!("{aspect:?}").to_lowercase()
}

fn times(measured: &Measured) -> Vec<String> {
    let bound =
        |below: Option<u64>| below.map_or_else(|| "more".to_owned(), |micros| format!("below {} µs", number(micros)));
    let rows = measured.cpu.iter().filter(|bucket| bucket.calls > 0);
    let mut lines = vec![format!(
        "CPU time on this machine, which is no part of the report; the most was {} µs on input {}",
        number(measured.cpu_most_us),
        number(measured.cpu_most_input),
    )];
    lines.extend(table(&["CPU time", "calls"], rows.map(|bucket| vec![bound(bucket.below_us), number(bucket.calls)])));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_line_up() {
        let rows = [vec!["tickets.get".to_owned(), "1,234".to_owned()], vec!["kv.set".to_owned(), "5".to_owned()]];
        let lines = table(&["act", "times"], rows.into_iter());
        assert_eq!(lines, ["  act          times", "  tickets.get  1,234", "  kv.set           5"]);
        assert_eq!([0, 999, 1_000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
    }
}
