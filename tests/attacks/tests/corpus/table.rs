//! The table of the corpus: as it is printed, and as it stands in docs/security/attacks.md.

use std::{fmt::Write as _, fs, path::PathBuf, time::Duration};

use attacks::header::Header;
use portcullis_e2e::root;

/// One guest's row.
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// Its facts.
    pub header: Header,
    /// What became of it.
    pub outcome: String,
    /// How long its calls took.
    pub lived: Duration,
    /// What went wrong.
    pub problem: Option<String>,
}

const INTRO: &str = "# The attack corpus

Guests that try to get out, one attempt a file, each run against the real host: installed with the scopes that it asks for,
called, and held against what must happen. While each of them runs, a neighbour in another tenant that behaves is called again
and again, and must be right each time. Afterwards the audit log must verify, the data of a tenant that nobody may see must be
as it was, and nothing may have arrived where it should not.

- Run it: `make attacks`, or `cargo test -p attacks -- --nocapture`. Both print this table; `make attacks` also writes this page.
- A row's facts stand in the first lines of the guest's file and nowhere else. `stands for` names a duty of the responsibility
  catalogue or a published advisory. `expected` is how its call must end: `ok` means that it tried everything, and was refused each
  time as it should be (a guest that finds a way out says so, and fails the run).
- Add one: write `tests/attacks/guests/examples/<what_it_tries>.rs` (and its `[[example]]` in `tests/attacks/guests/Cargo.toml`), or
  `tests/attacks/components/<what_it_tries>.wat` for what Rust cannot say (a core module is wrapped as a component), or a `.rs` there
  that makes many components. The header's keys are listed in `tests/attacks/src/header.rs`. A file that is there is run: one without
  a right header, and one that is built and not run, fail the build. Where more must hold than the call's end, name a file of
  `tests/attacks/tests/corpus` in `afterwards:` and write a function there that is called as the guest is.

What the neighbour keeps of its throughput beside each guest is measured by `make bench` and asserted nowhere: a serial caller with
durable permits, in short spans with and without the guest in turn. `ATTACKS_ONLY=part,of,names` runs named guests alone. Before the
guests, plain programs take their place (computing, filling memory, making files durable): what the neighbour loses beside those is
the machine's, and no host could give it back.
Who asks for what it may not have, or breaks, in most of its calls rests between them while others work ([decision
42](../decisions/0042-who-asks-in-vain-rests.md)), and who uses much more CPU than the others runs behind them, on Linux ([decision
30](../decisions/0030-cpu-shares.md)). On two quiet cores, where a commit takes 0.2 ms, 106 of 119 guests leave it 80 % or more, 12 leave it 73
to 79 and one less: the guest that looks for old memory (58). The median is 93. Another run gives single guests up to 10 points more or
less. A plain program that makes files durable takes 10 to 19 % by itself there. What is left has other reasons:

- A guest that is refused nothing, asks for as many durable permits as the neighbour, and uses no more CPU, has an equal part of one writer
  and one disk, which is its right. To have commits wait for the neighbour was tried and made it slower ([decision
  40](../decisions/0040-commits-wait-for-nobody.md)); to run the next group while the last one is made durable gave it 5 points more, and
  those who write much 14 % less.
- Files are made durable one by one, through the same journal of the file system.
- A large memory is given back to the system after a call, which interrupts the process' other processors. To keep 64 MiB of each slot
  instead gave 82 % beside the guest that looks for old memory, and would hold up to 8 GiB.
";

fn page() -> PathBuf {
    root().join("docs/security/attacks.md")
}

/// The rows, with or without the times.
fn rows(all: &[Row], times: bool) -> String {
    let mut text = String::new();
    for row in all {
        let expected: Vec<String> = row.header.expect.iter().map(|one| one.to_string().trim().to_owned()).collect();
        let outcome = if row.problem.is_some() { "NOT CONTAINED" } else { &row.outcome };
        write!(
            text,
            "| {} | {} | {} | {} | {outcome} |",
            row.name.replace('_', " "),
            row.header.tries,
            row.header.stands_for.join(", "),
            expected.join("; "),
        )
        .ok();
        if times {
            write!(text, " {} |", row.lived.as_millis()).ok();
        }
        text.push('\n');
    }
    text
}

/// Prints the table.
pub fn print(all: &[Row]) {
    println!("| guest | tries | stands for | expected | outcome | lived, ms |\n|---|---|---|---|---|---|");
    println!("{}", rows(all, true));
}

/// Writes the page.
pub fn write(all: &[Row]) {
    let head = "| guest | tries | stands for | expected | outcome | lived, ms |\n|---|---|---|---|---|---|\n";
    fs::create_dir_all(page().parent().unwrap()).unwrap();
    fs::write(page(), format!("{INTRO}\n{} guests.\n\n{head}{}", all.len(), rows(all, true))).unwrap();
}

/// What of the page is not as it was found now, the times aside.
pub fn stale(all: &[Row]) -> Option<String> {
    let text = fs::read_to_string(page()).unwrap_or_default();
    let table = text.lines().filter(|line| line.starts_with("| ")).skip(1);
    let without_time = |line: &str| line.trim_end_matches(" |").rsplit_once(" | ").map(|(row, _)| format!("{row} |"));
    let written: Vec<String> = table.filter_map(without_time).collect();
    let now = rows(all, false);
    let first = now.lines().find(|line| !written.iter().any(|row| row == line)).map(str::to_owned);
    let gone = written.iter().find(|row| !now.lines().any(|line| line == *row)).cloned();
    first.or(gone).or_else(|| (!text.starts_with(INTRO)).then(|| "its introduction".to_owned()))
}
