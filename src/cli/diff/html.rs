//! One page that needs no network, readable on a phone.

use std::io::{self, Write};

use super::cedar_changes;
use super::phrases::{decisions, in_short, needs, plainly};
use super::view::{Row, View, Waiver};
use crate::render::escape::html;
use crate::review::access::Which;

/// Light and dark, one column, nothing from elsewhere.
const STYLE: &str = "\
:root{color-scheme:light dark;--open:#b3261e;--close:#1b6e3c;--waived:#8a5a00;--line:#8884}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1rem;overflow-wrap:anywhere}
h1{font-size:1.4rem}h2{font-size:1.15rem;margin-top:2rem}
article{border:1px solid var(--line);border-left:.4rem solid var(--close);border-radius:.4rem;margin:1rem 0;padding:.6rem .9rem}
article.open{border-left-color:var(--open)}article.other{border-left-color:var(--line)}
article h3{margin:0 0 .4rem;font-size:1rem;font-weight:normal}article p{margin:.4rem 0}
article.waived{border-left-color:var(--waived)}
.gate{border:1px solid var(--line);border-radius:.4rem;padding:.6rem .9rem}
b.open{color:var(--open)}b.close{color:var(--close)}b.waived{color:var(--waived)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem .8rem;margin:.4rem 0}
dt{opacity:.7}dd{margin:0}
code,pre{font:.87em/1.5 ui-monospace,monospace}
pre{border:1px solid var(--line);border-radius:.3rem;margin:.3rem 0;padding:.4rem .6rem;white-space:pre-wrap}
.gone::before{content:'- ';color:var(--open)}.new::before{content:'+ ';color:var(--close)}
.place{opacity:.7}
@media(prefers-color-scheme:dark){:root{--open:#ff8a80;--close:#7ddba0;--waived:#f0c36d}}";

/// Text with parts in backticks, each of them code.
fn shown(text: &str) -> String {
    let part = |(index, part): (usize, &str)| {
        if index % 2 == 1 { format!("<code>{}</code>", html(part)) } else { html(part) }
    };
    text.split('`').enumerate().map(part).collect()
}

pub(super) fn write(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let title = format!("Access review: {} to {}", view.base, view.head);
    writeln!(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">")?;
    writeln!(
        out,
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';style-src 'unsafe-inline'\">"
    )?;
    writeln!(out, "<title>{}</title>\n<style>\n{STYLE}\n</style>\n</head>\n<body>", html(&title))?;
    writeln!(out, "<h1>{}</h1>\n<p><b>{}</b></p>", html(&title), html(&view.headline()))?;
    for answer in view.answers() {
        let class = if answer.fails { "open" } else { "close" };
        writeln!(out, "<p class=\"gate\"><b class=\"{class}\">{}</b></p>", shown(&first_up(&answer.text)))?;
    }
    if !view.new_errors.is_empty() {
        writeln!(out, "<h2>New errors</h2>\n<ul>")?;
        for fault in view.new_errors {
            let at = format!("{}:{}", fault.at.file, fault.at.line);
            writeln!(out, "<li><code>{}</code> {}: {}</li>", html(&at), fault.rule.name, shown(&fault.message))?;
        }
        writeln!(out, "</ul>")?;
    }
    writeln!(out, "<p>{}.</p>", html(&first_up(&view.summary())))?;
    for caution in view.cautions {
        writeln!(out, "<p><b class=\"open\">Caution:</b> {}</p>", shown(caution))?;
    }
    if view.diff.is_empty() && view.head_errors == 0 {
        writeln!(out, "<p>Access does not change.</p>")?;
    }
    if !view.diff.groups.is_empty() {
        writeln!(out, "<h2>Access</h2>")?;
        for rename in &view.diff.renames {
            writeln!(out, "<p><b>Renamed (a guess):</b> {}.</p>", shown(&view.renamed(rename)))?;
        }
        view.rows().iter().try_for_each(|row| access(row, out))?;
    }
    let groups = cedar_changes::shown(view);
    if !groups.is_empty() {
        writeln!(out, "<h2>Hand-written Cedar</h2>")?;
        groups.iter().try_for_each(|group| of_policies(group, out))?;
    }
    if !view.diff.trust.is_empty() {
        writeln!(out, "<h2>Trust</h2>")?;
        for change in &view.diff.trust {
            let kind = if change.widening { "widening" } else { "other" };
            let at = view.at(change);
            let class = match (change.widening, change.excuse) {
                (true, Some(excuse)) if !excuse.expired => "waived",
                (true, _) => "open",
                (false, _) => "other",
            };
            let waiver = change.excuse.and_then(|excuse| view.waiver(excuse));
            let what = view.radius(change).map_or(change.what.clone(), |said| format!("{}; {said}", change.what));
            values(out, (kind, class, waiver.as_ref()), &what, (&change.before, &change.after), at.as_ref())?;
        }
    }
    if !view.diff.operation.is_empty() {
        writeln!(out, "<h2>Operation</h2>")?;
        for change in &view.diff.operation {
            let at = view.line(change.at.0, change.at.1);
            let kind = (change.risk.as_str(), "other", None);
            let what = change.note.as_ref().map_or(change.what.clone(), |note| format!("{}; {note}", change.what));
            values(out, kind, &what, (&change.before, &change.after), Some(&at))?;
        }
    }
    if let Some(files) = view.artifacts.filter(|files| !files.is_empty()) {
        writeln!(out, "<h2>Artifacts</h2>\n<ul>")?;
        for file in files {
            writeln!(out, "<li>{} <code>{}</code></li>", file.change.word(), html(&file.path))?;
        }
        writeln!(out, "</ul>")?;
    }
    writeln!(out, "</body>\n</html>")
}

fn access(row: &Row<'_>, out: &mut dyn Write) -> io::Result<()> {
    let group = row.first;
    let waived_now = row.waiver.as_ref().is_some_and(|waiver| !waiver.expired);
    let class = match (group.change.widens(), waived_now) {
        (true, true) => "waived",
        (true, false) => "open",
        (false, _) => "close",
    };
    writeln!(out, "<article class=\"{class}\">")?;
    let (who, what) = row.who_and_what();
    let who = format!("{who} on {what}");
    writeln!(out, "<h3><b class=\"{class}\">{}</b> {}</h3>", group.change.word(), shown(&who))?;
    waived(row.waiver.as_ref(), out)?;
    let example = &group.example;
    let [before, after] = decisions(example.allowed);
    let facts = plainly(&example.facts);
    if let Some(short) = in_short(&group.before, &group.after) {
        writeln!(out, "<p>{}</p>", shown(&first_up(&short)))?;
    }
    for cause in &row.causes {
        line(cause, out)?;
    }
    writeln!(
        out,
        "<dl><dt>before</dt><dd>{}</dd><dt>now</dt><dd>{}</dd>",
        html(&needs(&group.before)),
        html(&needs(&group.after))
    )?;
    writeln!(
        out,
        "<dt>such as</dt><dd><code>{}</code> on <code>{}</code> with {}: {before} → <b class=\"{class}\">{after}</b></dd></dl>",
        html(&example.principal.to_string()),
        html(&example.object.to_string()),
        if facts.is_empty() { "nothing".to_owned() } else { html(&facts.join(", ")) }
    )?;
    let list = |names: Vec<String>| {
        names.iter().map(|name| format!("<code>{}</code>", html(name))).collect::<Vec<_>>().join(" ")
    };
    writeln!(out, "<details><summary>all of it: {}</summary>", super::cells(row.cells()))?;
    for group in &row.groups {
        writeln!(out, "<p>{}<br>", list(group.principals.iter().map(ToString::to_string).collect()))?;
        writeln!(out, "on {}</p>", list(group.objects.iter().map(ToString::to_string).collect()))?;
    }
    writeln!(out, "</details>\n</article>")
}

fn of_policies(group: &cedar_changes::Shown, out: &mut dyn Write) -> io::Result<()> {
    let class = if group.may_open { "open" } else { "close" };
    writeln!(out, "<article class=\"{class}\">")?;
    writeln!(
        out,
        "<h3><b class=\"{class}\">{}</b> {} on {}</h3>",
        group.verdict.to_lowercase(),
        shown(&group.who),
        shown(&group.what)
    )?;
    for cause in &group.causes {
        line(cause, out)?;
    }
    writeln!(
        out,
        "<dl><dt>before</dt><dd><code>{}</code></dd><dt>now</dt><dd><code>{}</code></dd>",
        html(&group.before),
        html(&group.after)
    )?;
    for example in &group.examples {
        writeln!(out, "<dt>such as</dt><dd>{}</dd>", shown(example))?;
    }
    writeln!(out, "</dl>")?;
    if let Some(remark) = &group.remark {
        writeln!(out, "<p>{}</p>", shown(&first_up(remark)))?;
    }
    writeln!(out, "</article>")
}

fn line(cause: &super::line::Line, out: &mut dyn Write) -> io::Result<()> {
    let side = if cause.side == Which::Base { "gone" } else { "new" };
    writeln!(
        out,
        "<pre class=\"{side}\">{} <span class=\"place\">{}:{}</span></pre>",
        html(&cause.text),
        html(&cause.file),
        cause.line
    )
}

fn values(
    out: &mut dyn Write,
    (kind, class, waiver): (&str, &str, Option<&Waiver>),
    what: &str,
    (before, after): (&Option<String>, &Option<String>),
    at: Option<&super::line::Line>,
) -> io::Result<()> {
    let value = |value: &Option<String>| {
        value.as_deref().map_or("nothing".to_owned(), |it| format!("<code>{}</code>", html(it)))
    };
    writeln!(out, "<article class=\"{class}\"><h3><b class=\"{class}\">{}</b> {}</h3>", html(kind), shown(what))?;
    waived(waiver, out)?;
    writeln!(out, "<dl><dt>before</dt><dd>{}</dd><dt>now</dt><dd>{}</dd>", value(before), value(after))?;
    if let Some(line) = at {
        let gone = if line.side == Which::Base { " (base)" } else { "" };
        writeln!(out, "<dt>where</dt><dd>{}:{}{gone}</dd>", html(&line.file), line.line)?;
    }
    writeln!(out, "</dl></article>")
}

fn waived(waiver: Option<&Waiver>, out: &mut dyn Write) -> io::Result<()> {
    let Some(waiver) = waiver else { return Ok(()) };
    writeln!(out, "<p><b class=\"waived\">{}</b> {}</p>", first_up(&waiver.state()), html(&waiver.why()))
}

fn first_up(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
