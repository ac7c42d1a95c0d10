//! Pages that stand alone: one file, no script, light and dark, fit for paper and for a telephone.

const STYLE: &str = "
:root { color-scheme: light dark; --ground: #fff; --ink: #1c2128; --soft: #57606a; --line: #d5dae0; --card: #f6f8fa;
  --holds: #1a6b35; --open: #a4341f; --accepted: #80580a; }
@media (prefers-color-scheme: dark) { :root { --ground: #14181d; --ink: #e4e8ec; --soft: #9aa5b1; --line: #343c46; --card: #1c222a;
  --holds: #6fce8e; --open: #ff9d88; --accepted: #e6bd63; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 60rem; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
p { margin: .25rem 0; }
.soft { color: var(--soft); }
.counts { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.25rem 0; padding: 0; list-style: none; }
.counts li { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .5rem 1rem; }
.counts strong { display: block; font-size: 1.5rem; line-height: 1.2; }
ul.lines { list-style: none; margin: 0; padding: 0; }
ul.lines > li { border-bottom: 1px solid var(--line); padding: .6rem 0; display: grid; gap: 0 .75rem;
  grid-template-columns: 6rem 4.5rem 1fr; }
.state { font-weight: 600; }
.state.holds, .counts .holds { color: var(--holds); }
.state.open, .counts .open { color: var(--open); }
.state.accepted, .counts .accepted { color: var(--accepted); }
.detail { grid-column: 3; }
.detail p { font-size: .92rem; }
code { font: .85em/1.5 ui-monospace, monospace; background: var(--card); border: 1px solid var(--line); border-radius: .25rem;
  padding: .05rem .3rem; }
dl { display: grid; grid-template-columns: 11rem 1fr; gap: .35rem 1rem; margin: .5rem 0; }
dt { color: var(--soft); } dd { margin: 0; }
ol, ul.plain { margin: .25rem 0; padding-left: 1.25rem; }
li { margin: .2rem 0; }
@media (max-width: 36rem) {
  body { padding: 1.25rem 1rem 3rem; }
  ul.lines > li { grid-template-columns: auto 1fr; }
  ul.lines > li > .what, .detail { grid-column: 1 / -1; }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; }
}
@media print {
  :root { --ground: #fff; --ink: #000; --soft: #444; --line: #bbb; --card: #fff; --holds: #000; --open: #000; --accepted: #000; }
  body { max-width: none; padding: 0; font-size: 11px; }
  li, dl { break-inside: avoid; } h2, h3 { break-after: avoid; }
}
";

/// A text as it may stand in a page.
pub(super) fn text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// A whole page. `body` is markup.
pub(super) fn page(title: &str, body: &str) -> String {
    let title = text(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )
}
