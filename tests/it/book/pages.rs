//! The pages that are made from the code, each as Markdown.

mod engines;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use mcpctl::analysis::rules::all_rules;
use mcpctl::cli::explain::switched;
use mcpctl::cli::outline;
use mcpctl::diagnostic::upgrade::{Upgrade, of_rule};
use mcpctl::families::FamilyId;
use mcpctl::model::protocol;
use mcpctl::schema::narrowing::{Absent, Empty, NARROWING};
use mcpctl::targets::{Shown, TARGETS, Target, families_for_products};

/// Widest line of the commands' help, in characters.
const WIDTH: usize = 90;

/// Every generated page by its path below the book's source.
pub(super) fn pages() -> BTreeMap<String, String> {
    let families = FamilyId::ALL.iter().map(|family| (format!("families/{}.md", family.name()), family_page(*family)));
    let checks = all_rules().into_iter().map(|rule| {
        let text = format!(
            "# {}\n\nLevel: {}. {}\n\n{}\n\n## Why it matters\n\n{}\n\n## How to fix it\n\n{}\n",
            rule.name,
            rule.severity.word(),
            switched(rule),
            rule.what.trim(),
            rule.why.trim(),
            rule.fix.trim()
        );
        let text = text + &changes(&of_rule(rule.name).collect::<Vec<_>>(), false);
        (format!("checks/{}.md", rule.name), text)
    });
    let targets = TARGETS.iter().map(|target| (format!("targets/{}.md", target.name()), target_page(target)));
    let others = [
        ("reference/cli.md".to_owned(), commands_page()),
        ("reference/settings.md".to_owned(), settings_page()),
        ("reference/absent.md".to_owned(), absent_page()),
        ("reference/protocol.md".to_owned(), protocol_page()),
        ("reference/proofs.md".to_owned(), proofs_page()),
        ("reference/engines.md".to_owned(), engines::page()),
    ];
    families.chain(checks).chain(targets).chain(others).collect()
}

/// The methods of MCP.
fn protocol_page() -> String {
    let mut text =
        format!("# Methods of MCP\n\n{}\n\n| method | revisions | needs | why |\n|---|---|---|---|\n", protocol::ABOUT);
    for row in &protocol::TABLE {
        let (needs, why) = (row.right.in_words(), row.why);
        writeln!(text, "| `{}` | {} | {needs} | {why} |", row.name, row.revisions())
            .expect("a String takes everything");
    }
    text + "\nWhat a client sends along (`inputResponses`, `requestState`, `_meta`) is never evidence. The page of each target names \
            the rows that its product cannot decide; it denies them.\n"
}

/// What absent and empty keys mean.
fn absent_page() -> String {
    let mut text = "# Absent and empty keys\n\nAn optional key that narrows access means one of two things where it is absent: nothing is \
                    narrowed by this key, or nothing is granted by it. An empty value never means \"anything\": it is an error, or it \
                    grants nothing.\n\n| key | absent | effect on access | empty |\n|---|---|---|---|\n"
        .to_owned();
    for row in NARROWING {
        let effect = match row.absent {
            Absent::Open => "not narrowed by the key".to_owned(),
            Absent::Closed => "narrower than with the key".to_owned(),
            Absent::Elsewhere => "the same calls are allowed".to_owned(),
            Absent::Refused(rule) => format!("[{rule}](../checks/{rule}.md)"),
        };
        let empty = match row.empty {
            Empty::Refused => "error",
            Empty::AsAbsent => "as absent",
        };
        for path in row.paths {
            writeln!(text, "| `{path}` | {} | {effect} | {empty} |", row.means).expect("a String takes everything");
        }
    }
    text + "\nA piece of evidence in `identity.requirements` always says what it compares: a claim alone is the error \
            [evidence-without-test](../checks/evidence-without-test.md), and an empty value never matches. `at_most` without `at_least` is \
            [unbounded-argument](../checks/unbounded-argument.md).\n"
}

/// What to write now, change by change. A link to the check is of use where the page is not the check's own.
pub(super) fn changes(of: &[&Upgrade], linked: bool) -> String {
    let mut text = String::new();
    for (at, change) in of.iter().enumerate() {
        let (title, found) = if linked {
            let found = format!("Found by: [{0}](../checks/{0}.md)\n\n", change.rule);
            (format!("## {}", capital(change.what)), found)
        } else {
            let title = if at == 0 { "## Upgrading\n\n" } else { "" };
            (format!("{title}### {}", capital(change.what)), String::new())
        };
        write!(text, "\n{title}\n\n{found}Before, {}.\n\nWrite now: {}.\n", change.before, change.write)
            .expect("a String takes everything");
    }
    text
}

fn settings_page() -> String {
    let schema = outline::parse(mcpctl::settings::SCHEMA).expect("a schema is JSON");
    format!(
        "# Settings\n\n{}\n\n```text\n{}```\n\n`mcpctl schema settings` prints the JSON Schema.\n",
        outline::description(&schema).trim(),
        outline::outline(&schema)
    )
}

/// What `--help` says of each command, at a fixed width.
fn commands_page() -> String {
    let mut whole = mcpctl::cli::command().disable_help_subcommand(true);
    whole.build();
    let mut page = "# Commands\n\nThis is what `mcpctl --help` and `mcpctl COMMAND --help` print.\n".to_owned();
    for command in std::iter::once(&whole).chain(whole.get_subcommands()) {
        let mut command = command.clone().term_width(WIDTH);
        let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
        let help = command.render_long_help().to_string();
        let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
        write!(page, "\n## {name}\n\n```text\n{}\n```\n", lines.join("\n").trim_end())
            .expect("a String takes everything");
    }
    page
}

fn family_page(family: FamilyId) -> String {
    let schema = outline::parse(family.schema()).expect("a schema is JSON");
    let mut page = format!(
        "# {}\n\nTop-level key: `{}`\n\n{}\n\n## Keys\n\n```text\n{}```\n\n{}## What targets enforce\n\n",
        family.name(),
        family.key(),
        outline::description(&schema).trim(),
        outline::outline(&schema),
        words(family)
    );
    page.push_str(&enforced(family));
    write!(page, "\n`mcpctl schema {}` prints its JSON Schema.\n", family.name()).expect("a String takes everything");
    page
}

/// What the words of a family mean; nothing where it has no closed vocabulary.
fn words(family: FamilyId) -> String {
    let mut text = String::new();
    let mut last = "";
    for word in mcpctl::families::words::of(family) {
        if text.is_empty() {
            text.push_str("## What the words mean\n\n");
        }
        if word.key != last {
            last = word.key;
            writeln!(text, "**`{last}`**\n\n| word | means | becomes | is not |\n|---|---|---|---|")
                .expect("a String takes everything");
        }
        writeln!(text, "| `{}` | {} | {} | {} |", word.word, word.means, word.becomes, word.not)
            .expect("a String takes everything");
        let next = mcpctl::families::words::of(family).skip_while(|one| *one != word).nth(1);
        if next.is_none_or(|next| next.key != last) {
            text.push('\n');
        }
    }
    text
}

/// Which targets enforce a family, and who does what they leave.
fn enforced(family: FamilyId) -> String {
    if !families_for_products().any(|known| *known == family) {
        return "mcpctl itself works by it; no product has to.\n".to_owned();
    }
    let covering: Vec<&&Target> = TARGETS.iter().filter(|target| target.covers(family).is_some()).collect();
    if covering.is_empty() {
        return format!("No target enforces any of it: {}.\n", family.usually());
    }
    let mut text = "| target | enforced | what is left |\n|---|---|---|\n".to_owned();
    for target in covering {
        let (name, word, left) = (target.name(), target.coverage_word(family), target.leaves(family).unwrap_or(""));
        writeln!(text, "| [{name}](../targets/{name}.md) | {word} | {left} |").expect("a String takes everything");
    }
    text + &format!(
        "\nThe other targets enforce nothing of it. What none of those that you compile enforces: {}.\n",
        family.usually()
    )
}

fn target_page(target: &Target) -> String {
    let mut page = format!(
        "# {}\n\n{}\n\n{}\n\n## What it enforces\n\n",
        target.name(),
        sentence(target.summary),
        target.doc.trim()
    );
    page.push_str("| family | enforced | what is left |\n|---|---|---|\n");
    let (covered, others): (Vec<FamilyId>, Vec<FamilyId>) =
        families_for_products().partition(|family| target.covers(**family).is_some());
    let link = |family: &FamilyId| format!("[{0}](../families/{0}.md)", family.name());
    for family in &covered {
        let (word, left) = (target.coverage_word(*family), target.leaves(*family).unwrap_or(""));
        writeln!(page, "| {} | {word} | {left} |", link(family)).expect("a String takes everything");
    }
    let others: Vec<String> = others.iter().map(link).collect();
    writeln!(page, "\nIt enforces nothing of {}.", others.join(", ")).expect("a String takes everything");
    let (word, shown) = (target.proof.word(), target.proof.shown());
    write!(page, "\n## What its proof rests on\n\n{word}, by {shown}.\n\n{PROOFS} ")
        .expect("a String takes everything");
    page.push_str("[What the proofs rest on](../reference/proofs.md) has all targets side by side.\n");
    page
}

/// What the words for a proof mean.
const PROOFS: &str = "RUN is the product itself, run in the project's tests; ENGINE its own policy engine, run there; MODEL a \
                      reading of its rules; SCHEMA its published schema.";

/// What the proof of each target rests on.
fn proofs_page() -> String {
    let mut text = format!(
        "# What the proofs rest on\n\nEvery compile reads its own files back and compares what they decide with the access relation. \
         That comparison is only as good as the reading. So the project's tests put the files of each target to something that shares no \
         code with mcpctl. {PROOFS} `mcpctl explain TARGET` and `bundle.json` say the same of each target.\n\n\
         | target | rests on | by |\n|---|---|---|\n"
    );
    for target in TARGETS {
        let (name, word, by) = (target.name(), target.proof.word(), target.proof.shown().by);
        writeln!(text, "| [{name}](#{name}) | {word} | {by} |").expect("a String takes everything");
    }
    for target in TARGETS {
        let Shown { by, what, beyond } = target.proof.shown();
        let (name, word) = (target.name(), target.proof.word());
        write!(
            text,
            "\n## {name}\n\n{} ([its page](../targets/{name}.md))\n\n- {word}, by {by}.\n- The tests show: {what}.\n\
             - They do not show: {beyond}.\n",
            sentence(target.summary)
        )
        .expect("a String takes everything");
    }
    text
}

/// A summary without a capital and a stop, as a sentence.
fn sentence(text: &str) -> String {
    capital(text.trim_end_matches('.')) + "."
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
