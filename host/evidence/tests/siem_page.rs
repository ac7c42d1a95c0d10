//! The table of OCSF classes in docs/operators/siem.md is the catalogue's. `SIEM_DOC=1` writes it anew.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::{fs, path::Path};

use portcullis_evidence::{OTHER, Rule, line};
use portcullis_model::audit::{Kind, query::kinds};

const BEGIN: &str = "<!-- of the catalogue: begin -->\n";
const END: &str = "<!-- of the catalogue: end -->\n";

fn table() -> String {
    let mut names = kinds().to_vec();
    names.sort_unstable();
    let mut table = "| kind | class | `activity_id` | severity | status |\n|---|---|---|---|---|\n".to_owned();
    for name in names {
        let kind: Kind = serde_json::from_value(serde_json::json!(name)).unwrap();
        let line = line(kind);
        let activity = if line.activity == OTHER { "by the act, or 99".to_owned() } else { line.activity.to_string() };
        let status = match line.status {
            Rule::Always(status) => format!("{status:?}"),
            Rule::Told(well) => format!("Success for {}", well.join(", ")),
        };
        let class = line.class;
        table.push_str(&format!(
            "| `{name}` | {} ({}) | {activity} | {:?} | {status} |\n",
            class.caption(),
            class.uid(),
            line.severity
        ));
    }
    table
}

#[test]
fn the_page_says_what_the_catalogue_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operators/siem.md");
    let page = fs::read_to_string(&file).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    let table = table();
    if std::env::var_os("SIEM_DOC").is_some() {
        fs::write(&file, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        println!("wrote {}", file.display());
    } else {
        let stale = "docs/operators/siem.md is not up to date; SIEM_DOC=1 cargo test -p portcullis-evidence --test siem_page writes it";
        assert_eq!(written, table, "{stale}");
    }
}
