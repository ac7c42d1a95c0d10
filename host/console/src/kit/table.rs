//! Tables, which fold into lists of cards where a screen is narrow.
//!
//! Invariant: each cell of a folded table still says which column it is of.

use maud::{Markup, html};

/// A column: its heading, and whether it holds numbers.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    name: &'static str,
    number: bool,
}

/// A column of texts.
pub const fn text(name: &'static str) -> Column {
    Column { name, number: false }
}

/// A column of numbers.
pub const fn number(name: &'static str) -> Column {
    Column { name, number: true }
}

/// A table. The first cell of each row is its heading. `caption` is read out before it.
pub fn table(caption: &str, columns: &[Column], rows: Vec<Vec<Markup>>) -> Markup {
    html! {
        div class="scroll" tabindex="0" role="region" aria-label=(caption) {
            table class="folds" {
                caption class="hidden-visually" { (caption) }
                thead { tr { @for column in columns { th scope="col" class=[column.number.then_some("number")] { (column.name) } } } }
                tbody {
                    @for row in rows { tr {
                        @for (at, cell) in row.into_iter().enumerate() { (shown(columns, at, &cell)) }
                    } }
                }
            }
        }
    }
}

fn shown(columns: &[Column], at: usize, cell: &Markup) -> Markup {
    let column = columns.get(at).copied().unwrap_or(text(""));
    match at {
        0 => html! { th scope="row" { (cell) } },
        _ => {
            html! { td data-name=[Some(column.name).filter(|name| !name.is_empty())] class=[column.number.then_some("number")] { (cell) } }
        }
    }
}

/// Where the next page is, if there is one.
pub fn more(words: &str, link: Option<&str>) -> Markup {
    html! { @if let Some(link) = link { div class="row" { a class="button" href=(link) rel="next" { (words) } } } }
}
