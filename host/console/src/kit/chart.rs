//! Pictures, drawn on the host as SVG: no script, no library, no style that is not in the sheet.
//!
//! Invariants: whoever cannot see a picture gets its numbers, as a table behind it; axes begin at zero.

use maud::{Markup, html};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 180.0;
const LEFT: f64 = 44.0;
const BELOW: f64 = 22.0;
const ABOVE: f64 = 8.0;

/// One kind of thing that is counted over time.
#[derive(Clone, Debug)]
pub struct Series {
    /// What is counted.
    pub name: String,
    /// Which colour of the sheet: 1 to 4; 0 is the colour of what went wrong.
    pub colour: u8,
    /// How many, a step each.
    pub values: Vec<u64>,
}

impl Series {
    fn class(&self) -> String {
        if self.colour == 0 { "fill-bad".to_owned() } else { format!("fill-{}", self.colour.min(4)) }
    }
}

/// Columns over time, series on top of each other. `steps` names each step, such as a day.
pub fn columns(caption: &str, steps: &[String], series: &[Series]) -> Markup {
    let total = |at: usize| series.iter().map(|s| s.values.get(at).copied().unwrap_or(0)).sum::<u64>();
    let most = ceiling((0..steps.len()).map(total).max().unwrap_or(0));
    let wide = (WIDTH - LEFT) / steps.len().max(1) as f64;
    html! {
        figure class="chart" {
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT + BELOW) } role="img" aria-label=(caption) {
                @for line in 0..=2_u64 {
                    @let y = height(most, most * line / 2);
                    line class="grid-line" x1=(LEFT) x2=(WIDTH) y1=(round(y)) y2=(round(y)) {}
                    text x=(LEFT - 8.0) y=(round(y + 4.0)) text-anchor="end" { (short(most * line / 2)) }
                }
                @for at in 0..steps.len() { (stacked(series, at, most, LEFT + wide * at as f64, wide)) }
                @for (at, step) in steps.iter().enumerate() {
                    @if at % (steps.len() / 6 + 1) == 0 {
                        text x=(round(LEFT + wide * (at as f64 + 0.5))) y=(HEIGHT + BELOW - 4.0) text-anchor="middle" { (step) }
                    }
                }
            }
            @if series.len() > 1 {
                ul class="legend" { @for s in series { li { i class=(s.class()) aria-hidden="true" {} (s.name) } } }
            }
            figcaption { (caption) }
            (numbers(caption, steps, series))
        }
    }
}

fn stacked(series: &[Series], at: usize, most: u64, x: f64, wide: f64) -> Markup {
    let mut below = 0;
    let parts: Vec<(String, f64, f64)> = series
        .iter()
        .filter_map(|s| {
            let value = s.values.get(at).copied().filter(|v| *v > 0)?;
            let (bottom, top) = (height(most, below), height(most, below + value));
            below += value;
            Some((s.class(), top, (bottom - top).max(1.0)))
        })
        .collect();
    let gap = (wide * 0.18).min(6.0);
    html! { @for (class, top, tall) in parts {
        rect class=(class) x=(round(x + gap / 2.0)) y=(round(top)) width=(round((wide - gap).max(1.0))) height=(round(tall)) rx="2" {}
    } }
}

/// The numbers of a picture.
fn numbers(caption: &str, steps: &[String], series: &[Series]) -> Markup {
    html! {
        // A table is as wide as what is in it, whatever it is told; what holds it is not.
        div class="hidden-visually" { table {
            caption { (caption) }
            thead { tr { th scope="col" { "When" } @for s in series { th scope="col" { (s.name) } } } }
            tbody { @for (at, step) in steps.iter().enumerate() {
                tr { th scope="row" { (step) } @for s in series { td { (s.values.get(at).copied().unwrap_or(0)) } } }
            } }
        } }
    }
}

/// One bar of a list.
#[derive(Clone, Debug)]
pub struct Bar {
    /// What it is of.
    pub name: Markup,
    /// How much, in words.
    pub words: String,
    /// How much.
    pub value: u64,
    /// Of how much.
    pub of: u64,
    /// Whether that is a limit, so that to come near it is worth a look.
    pub limit: bool,
}

impl Bar {
    /// From where on it is worth a look, and from where on it is too much.
    fn marks(&self, of: u64) -> (u64, u64) {
        if self.limit { (of.saturating_mul(7) / 10, of.saturating_mul(9) / 10) } else { (of, of) }
    }
}

/// Bars, each with its name and number: what was used of a budget, or where data went.
pub fn bars(bars: &[Bar]) -> Markup {
    html! {
        ul class="bars" { @for bar in bars {
            @let of = bar.of.max(1);
            @let (low, high) = bar.marks(of);
            li {
                div class="row" { span { (bar.name) } span class="number small quiet" { (bar.words) } }
                meter min="0" max=(of) low=(low) high=(high) optimum="0" value=(bar.value.min(of)) aria-label=(bar.words) { (bar.words) }
            }
        } }
    }
}

fn height(most: u64, value: u64) -> f64 {
    ABOVE + (HEIGHT - ABOVE) * (1.0 - value as f64 / most.max(1) as f64)
}

/// A round number at or above this one, that can be halved.
fn ceiling(value: u64) -> u64 {
    let mut step = 2_u64;
    while step < value && step < u64::MAX / 10 {
        let next = [step * 2, step * 5, step * 10].into_iter().find(|n| *n >= value);
        match next {
            Some(found) => return found,
            None => step *= 10,
        }
    }
    step
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// A number as people say it: 950, 1.2k, 3.4M.
pub fn short(value: u64) -> String {
    let (divided, unit) = match value {
        0..1_000 => return value.to_string(),
        1_000..1_000_000 => (value as f64 / 1e3, "k"),
        1_000_000..1_000_000_000 => (value as f64 / 1e6, "M"),
        _ => (value as f64 / 1e9, "G"),
    };
    if divided < 10.0 && (divided * 10.0).round() % 10.0 != 0.0 {
        format!("{divided:.1}{unit}")
    } else {
        format!("{divided:.0}{unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::{Series, ceiling, columns, short};

    #[test]
    fn an_axis_ends_at_a_round_number_that_is_not_below_what_is_shown() {
        for (value, expected) in
            [(0, 2), (2, 2), (3, 4), (7, 10), (11, 20), (49, 100), (101, 200), (1_000_000, 1_000_000)]
        {
            assert_eq!(ceiling(value), expected, "{value}");
        }
    }

    #[test]
    fn numbers_are_said_short() {
        assert_eq!([0, 999, 1_000, 1_234, 15_600, 2_000_000].map(short), ["0", "999", "1k", "1.2k", "16k", "2M"]);
    }

    #[test]
    fn a_picture_has_its_numbers_beside_it() {
        let series = [Series { name: "Permitted".to_owned(), colour: 1, values: vec![3, 17] }];
        let drawn = columns("Acts a day", &["Mon".to_owned(), "Tue".to_owned()], &series).into_string();
        assert!(drawn.contains("<td>17</td>"), "{drawn}");
        assert!(!drawn.contains("style="), "{drawn}");
    }
}
