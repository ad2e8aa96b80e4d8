//! The page of a report: one file, without scripts.

use std::fmt::Write as _;

use super::parts::{Finding, Parts};
use crate::diagnostic::Severity;
use crate::render::counted;
use crate::render::escape::html;
use crate::render::page;
use crate::review::proof::Status;

/// Most names of one server that a line shows.
const MOST_NAMES: usize = 40;

/// The sections: what a link leads to, and what it is called.
const SECTIONS: [(&str, &str); 7] = [
    ("access", "Who may call what"),
    ("facts", "Evidence"),
    ("findings", "Findings"),
    ("accepted", "Accepted findings"),
    ("waivers", "Waivers"),
    ("tests", "Policy tests"),
    ("claims", "Proofs"),
];

pub(super) fn page(parts: &Parts) -> String {
    let mut text = page::head("Access report", page::REPORT, "");
    let version = env!("CARGO_PKG_VERSION");
    // Writing to a text never fails.
    let _ = writeln!(
        text,
        "<h1>Access report</h1>\n<p class=\"soft\">Written by mcpctl {version}; waivers as of {}.</p>",
        html(&parts.day)
    );
    let links = SECTIONS.map(|(id, name)| format!("<a href=\"#{id}\">{name}</a>"));
    let _ = writeln!(text, "<nav>{}</nav>", links.join(""));
    tiles(&mut text, parts);
    for (id, name) in SECTIONS {
        let _ = writeln!(text, "<h2 id=\"{id}\">{name}</h2>");
        match id {
            "access" => access(&mut text, parts),
            "facts" => facts(&mut text, parts),
            "findings" => findings(&mut text, parts.findings.iter().map(|one| (one, None))),
            "accepted" => findings(&mut text, parts.accepted.iter().map(|(one, why)| (one, Some(why.as_str())))),
            "waivers" => waivers(&mut text, parts),
            "tests" => tests(&mut text, parts),
            _ => claims(&mut text, parts),
        }
    }
    text.push_str("</body>\n</html>\n");
    text
}

fn tiles(text: &mut String, parts: &Parts) {
    let used = parts.access.rules.iter().map(|[who, whom, ..]| (who, whom)).collect::<std::collections::BTreeSet<_>>();
    let proved = parts.claims.iter().filter(|claim| claim.status == Status::Proved).count();
    let failing = parts.tests.iter().filter(|test| !test.holds).count();
    let tiles = [
        (parts.access.principals.len().to_string(), "principals"),
        (parts.access.servers.len().to_string(), "servers"),
        (used.len().to_string(), "pairs of principal and server with access"),
        (parts.count(Severity::Warning).to_string(), "warnings"),
        (parts.accepted.len().to_string(), "accepted findings"),
        (format!("{}%", parts.coverage.cells.percent()), "of granted pairs have a policy test"),
        (failing.to_string(), "policy tests that fail"),
        (format!("{proved} of {}", parts.claims.len()), "claims proved"),
    ];
    text.push_str("<div class=\"tiles\">");
    for (number, what) in tiles {
        let _ = write!(text, "<div><b>{number}</b>{what}</div>");
    }
    text.push_str("</div>\n");
}

/// A table with a head; nothing where there are no rows.
fn table(text: &mut String, head: &[&str], rows: impl Iterator<Item = Vec<String>>, nothing: &str) {
    let rows: Vec<Vec<String>> = rows.collect();
    if rows.is_empty() {
        let _ = writeln!(text, "<p class=\"soft\">{nothing}</p>");
        return;
    }
    let names: String = head.iter().map(|word| format!("<th>{word}</th>")).collect();
    let _ = writeln!(text, "<div class=\"scroll\"><table><tr>{names}</tr>");
    for row in &rows {
        // A narrow screen shows a row as a list, where each cell says what it is.
        let cells: String =
            head.iter().zip(row).map(|(word, cell)| format!("<td data-l=\"{word}\">{cell}</td>")).collect();
        let _ = writeln!(text, "<tr>{cells}</tr>");
    }
    text.push_str("</table></div>\n");
}

/// A text with parts in backticks, each of them code.
fn shown(text: &str) -> String {
    let part = |(at, part): (usize, &str)| if at % 2 == 1 { code(part) } else { html(part) };
    text.split('`').enumerate().map(part).collect()
}

fn code(text: &str) -> String {
    format!("<code>{}</code>", html(text))
}

fn access(text: &mut String, parts: &Parts) {
    let access = &parts.access;
    text.push_str("<p>What is not here is denied.</p>\n");
    for (at, principal) in access.principals.iter().enumerate() {
        let rules: Vec<&[usize; 4]> = access.rules.iter().filter(|rule| rule.first() == Some(&at)).collect();
        let unit = principal.unit.as_ref().map(|unit| format!(", {unit}")).unwrap_or_default();
        let servers = rules.iter().map(|[_, server, ..]| server).collect::<std::collections::BTreeSet<_>>().len();
        let _ = writeln!(
            text,
            "<details><summary>{}</summary><p class=\"soft\">{}{}; {}</p>",
            html(&principal.name),
            principal.kind,
            html(&unit),
            counted(servers, "server")
        );
        let rows = rules.iter().filter_map(|[_, server, names, need]| {
            let (server, names, need) =
                (access.servers.get(*server)?, access.names.get(*names)?, access.needs.get(*need)?);
            let class = server.class.clone().unwrap_or_else(|| "unclassified".to_owned());
            let more = names.len().saturating_sub(MOST_NAMES);
            let listed: Vec<String> = names.iter().take(MOST_NAMES).map(|name| code(name)).collect();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            Some(vec![html(&server.name), html(&class), format!("{}{more}", listed.join(", ")), html(need)])
        });
        table(
            text,
            &["Server", "Class", "Tools, resources and prompts", "Each call needs"],
            rows,
            "It can call nothing.",
        );
        text.push_str("</details>\n");
    }
}

fn facts(text: &mut String, parts: &Parts) {
    let rows = parts.facts.iter().map(|fact| {
        let by = fact
            .shown_by
            .as_deref()
            .map_or("<span class=\"bad\">nothing says what shows it, so it is never shown</span>".to_owned(), shown);
        let origin = if fact.declared { "<code>identity</code>" } else { "default" };
        vec![code(&fact.name), by, origin.to_owned()]
    });
    table(text, &["Fact", "Shown by", "Declared in"], rows, "Calls need no facts.");
}

fn findings<'p>(text: &mut String, all: impl Iterator<Item = (&'p Finding, Option<&'p str>)>) {
    let rows = all.map(|(one, why)| {
        let class = match one.severity {
            Severity::Error => "bad",
            Severity::Warning => "warn",
            Severity::Note => "soft",
        };
        let word = format!("<span class=\"{class}\">{}</span>", one.severity.word());
        let what = why.map_or_else(
            || shown(&one.message),
            |why| format!("{}<br><span class=\"soft\">Accepted: {}</span>", shown(&one.message), shown(why)),
        );
        vec![word, code(one.check), what, code(&one.place)]
    });
    table(text, &["Level", "Check", "Finding", "Place"], rows, "None.");
}

fn waivers(text: &mut String, parts: &Parts) {
    let rows = parts.waivers.iter().map(|one| {
        let until = if one.expired {
            format!("<span class=\"bad\">{} (expired)</span>", html(&one.expires))
        } else {
            html(&one.expires)
        };
        vec![code(&one.name), code(&one.check), code(&one.place), shown(&one.reason), html(&one.owner), until]
    });
    table(text, &["Waiver", "Check", "Place", "Reason", "Owner", "Until"], rows, "None.");
}

fn tests(text: &mut String, parts: &Parts) {
    let of = |covered: crate::review::coverage::Covered| format!("{} of {}", covered.covered, covered.all);
    let coverage = &parts.coverage;
    let _ = writeln!(
        text,
        "<p>Tests speak of {} granted pairs of a principal and a tool, {} levels and {} rules.</p>",
        of(coverage.cells),
        of(coverage.levels),
        of(coverage.rules)
    );
    let rows = parts.tests.iter().map(|one| {
        let word = if one.holds { "<span class=\"good\">holds</span>" } else { "<span class=\"bad\">fails</span>" };
        let requests =
            if one.kind == "invariant" { "every request".to_owned() } else { counted(one.requests, "request") };
        vec![one.kind.to_owned(), html(&one.name), requests, word.to_owned()]
    });
    table(text, &["Kind", "Name", "About", "Result"], rows, "There are no policy tests.");
    if !parts.untested.is_empty() {
        let more = parts.coverage.untested.len() - parts.untested.len();
        let more = if more > 0 { format!(", {} of them here", parts.untested.len()) } else { String::new() };
        let _ = writeln!(
            text,
            "<details><summary>{} without a test{more}</summary>",
            counted(parts.coverage.untested.len(), "pair")
        );
        let rows = parts.untested.iter().map(|(who, what)| vec![html(who), code(what)]);
        table(text, &["Principal", "Tool, resource or prompt"], rows, "");
        text.push_str("</details>\n");
    }
}

fn claims(text: &mut String, parts: &Parts) {
    let rows = parts.claims.iter().map(|claim| {
        let class = match claim.status {
            Status::Refuted => "bad",
            Status::Unproved => "warn",
            Status::Model => "soft",
            Status::Proved => "good",
        };
        vec![format!("<span class=\"{class}\">{}</span>", claim.status.word()), shown(&claim.what), shown(&claim.by)]
    });
    table(text, &["Result", "Claim", "By"], rows, "Nothing is claimed: a compile of this workspace writes nothing.");
}
