//! `mcpctl explain`.

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};

use super::refusal::{self, Refusal};
use super::{Exit, Outcome, Session, load, outline, prose, schema, table};
use crate::analysis;
use crate::analysis::groups::{Group, group_of};
use crate::diagnostic::{Rule, upgrade};
use crate::families::{FamilyId, words};
use crate::model::protocol;
use crate::render::{self, AnswerFormat, json};
use crate::settings;
use crate::targets::{Coverage, TARGETS, Target, families_for_products};

const EXAMPLES: &str = "\
Examples:
  mcpctl explain unclassified-server    a check, by the name in brackets of its findings
  mcpctl explain data-routing           a family and its keys; data_routing is the same
  mcpctl explain cedar                  a target, and what of each family it enforces
  mcpctl explain settings               the keys of mcpctl.yaml
  mcpctl explain mcp                    the methods of MCP, and the right that each needs

`mcpctl list checks`, `list families` and `list targets` list the names.";

/// Explains a check, a family or a target.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Explain {
    /// The name of a check, a family or a target
    #[arg(value_name = "NAME")]
    pub name: String,
}

/// What is said of a check that guards access.
pub const GUARDS: &str =
    "Guards access: it cannot be switched off, and only a waiver with an owner and a last day accepts a finding.";

/// What is said of every other check.
pub const FREE: &str = "Does not guard access: `checks` in `mcpctl.yaml` can switch it off.";

/// What is said of a check of design.
pub const OFF: &str = "Off by default: `checks: {design: note}` in `mcpctl.yaml` switches the checks of design on, and `validate --select design` \
                       shows them in one run.";

/// Who switches a check on and off.
#[must_use]
pub fn switched(rule: &Rule) -> &'static str {
    match (rule.guards_access, group_of(rule)) {
        (true, _) => GUARDS,
        (false, Group::Design) => OFF,
        (false, _) => FREE,
    }
}

/// Anything that can be explained.
enum Subject {
    Rule(&'static Rule),
    Family(FamilyId),
    Target(&'static Target),
    Settings,
    Protocol,
}

/// The name of the protocol.
const PROTOCOL: &str = "mcp";

impl Explain {
    /// Runs it.
    ///
    /// # Errors
    /// Where nothing has that name.
    pub fn run(&self, session: &mut Session<'_>) -> Outcome {
        let subject = find(&self.name).ok_or_else(|| unknown(&self.name))?;
        let written = match session.globals.format.of_answers() {
            AnswerFormat::Json => as_json(&subject).and_then(|value| json::write_value(&value, &mut session.out)),
            AnswerFormat::Human | AnswerFormat::Short => {
                as_text(&subject).and_then(|text| writeln!(session.out, "{}", text.trim_end()))
            }
        };
        written.map_err(refusal::stdout)?;
        Ok(Exit::Clean)
    }
}

fn find(name: &str) -> Option<Subject> {
    let rule = analysis::rules::all_rules().into_iter().find(|rule| rule.name == name).map(Subject::Rule);
    rule.or_else(|| schema::family(name).map(Subject::Family))
        .or_else(|| TARGETS.iter().find(|target| target.name() == name).map(|target| Subject::Target(target)))
        .or_else(|| (name == schema::SETTINGS || name == "mcpctl.yaml").then_some(Subject::Settings))
        .or_else(|| (name == PROTOCOL).then_some(Subject::Protocol))
}

fn unknown(name: &str) -> Refusal {
    let rules = analysis::rules::all_rules();
    let names = rules
        .iter()
        .map(|rule| rule.name)
        .chain(FamilyId::ALL.iter().flat_map(|family| [family.name(), family.key()]))
        .chain(TARGETS.iter().map(|target| target.name()))
        .chain([schema::SETTINGS, PROTOCOL]);
    let otherwise = "`mcpctl list checks`, `mcpctl list families` and `mcpctl list targets` list the names";
    Refusal::unknown("check, family or target", name, names, otherwise)
}

fn as_text(subject: &Subject) -> std::io::Result<String> {
    match subject {
        Subject::Rule(rule) => Ok(rule_text(rule)),
        Subject::Family(family) => {
            let title = format!("{}: a family of configuration, under the key `{}`", family.name(), family.key());
            Ok(schema_text(&title, family.schema())? + &words_text(*family))
        }
        Subject::Settings => schema_text("settings: the tool's own configuration, in `mcpctl.yaml`", settings::SCHEMA),
        Subject::Target(target) => target_text(target),
        Subject::Protocol => protocol_text(),
    }
}

fn protocol_text() -> std::io::Result<String> {
    let row = |row: &protocol::Row| {
        let cells = [format!("  {}", row.name), row.revisions().to_owned(), row.right.in_words().to_owned()];
        cells.into_iter().chain([row.why.to_owned()]).collect::<Vec<_>>()
    };
    let rows: Vec<Vec<String>> = protocol::TABLE.iter().map(row).collect();
    let mut written = Vec::new();
    table::write(&["  method", "revisions", "needs", "why"], &rows, &mut written)?;
    let about = prose::wrap(protocol::ABOUT, "  ");
    Ok(format!(
        "mcp: the methods of MCP, and the right that each needs\n\n{about}\n\n{}",
        String::from_utf8_lossy(&written)
    ))
}

fn rule_text(rule: &Rule) -> String {
    let mut text =
        format!("{}: a check, {} by default\n\n{}\n", rule.name, a(rule.severity.word()), prose::wrap(rule.what, "  "));
    let guards = switched(rule);
    text.push_str(&format!("\n{}\n", prose::wrap(guards, "  ")));
    for (title, part) in [("Why it matters", rule.why), ("How to fix it", rule.fix)] {
        text.push_str(&format!("\n{title}\n{}\n", prose::wrap(part, "  ")));
    }
    for change in upgrade::of_rule(rule.name) {
        let said = format!("Before, {}. Write now: {}.", change.before, change.write);
        text.push_str(&format!("\nUpgrading: {}\n{}\n", change.what, prose::wrap(&said, "  ")));
    }
    if let Some(url) = render::check_url(load::docs_url(None), rule) {
        text.push_str(&format!("\nSee {url}\n"));
    }
    text
}

fn a(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}

fn schema_text(title: &str, schema: &str) -> std::io::Result<String> {
    let schema = outline::parse(schema).map_err(std::io::Error::other)?;
    let about = prose::wrap(outline::description(&schema), "  ");
    Ok(format!("{title}\n\n{about}\n\nKeys\n{}", outline::outline(&schema)))
}

/// What the words of a family mean.
fn words_text(family: FamilyId) -> String {
    let mut text = String::new();
    for word in words::of(family) {
        let title = if text.is_empty() { "\nWords\n" } else { "\n" };
        text.push_str(&format!("{title}  {}: {}\n", word.key, word.word));
        let not = if word.not.is_empty() { String::new() } else { format!("Not {}", word.not) };
        for part in [word.means, word.becomes, not.as_str()].into_iter().filter(|part| !part.is_empty()) {
            text.push_str(&format!("{}\n", prose::wrap(part, "    ")));
        }
    }
    text
}

fn target_text(target: &Target) -> std::io::Result<String> {
    let (covered, others): (Vec<FamilyId>, Vec<FamilyId>) =
        families_for_products().partition(|family| target.covers(**family).is_some());
    let row = |family: &FamilyId| {
        let left = target.leaves(*family).unwrap_or("");
        vec![format!("  {}", family.name()), enforced(target, *family).to_owned(), left.to_owned()]
    };
    let rows: Vec<Vec<String>> = covered.iter().map(row).collect();
    let mut coverage = Vec::new();
    table::write(&["  family", "enforced", "what is left"], &rows, &mut coverage)?;
    let others: Vec<&str> = others.iter().map(|family| family.name()).collect();
    let others = prose::wrap(&format!("It enforces nothing of {}.", others.join(", ")), "  ");
    let doc = prose::wrap(target.doc, "  ");
    let proof = prose::wrap(&format!("{}, by {}", target.proof.word(), target.proof.shown()), "  ");
    let coverage = String::from_utf8_lossy(&coverage);
    Ok(format!(
        "{}: a target, {}\n\n{doc}\n\n{coverage}\n{others}\n\nWhat its proof rests on\n{proof}\n",
        target.name(),
        target.summary
    ))
}

fn enforced(target: &Target, family: FamilyId) -> &'static str {
    match target.covers(family) {
        Some(Coverage::Full) => "fully",
        Some(Coverage::Partial { .. }) => "partly",
        None => "not",
    }
}

fn as_json(subject: &Subject) -> std::io::Result<Value> {
    let parsed = |schema: &str| outline::parse(schema).map_err(std::io::Error::other);
    Ok(match subject {
        Subject::Rule(rule) => json!({
            "kind": "check", "name": rule.name, "severity": rule.severity.word(), "guards_access": rule.guards_access,
            "what": rule.what, "why": rule.why, "fix": rule.fix,
            "upgrades": upgrade::of_rule(rule.name)
                .map(|change| json!({"what": change.what, "before": change.before, "write": change.write}))
                .collect::<Vec<_>>(),
            "url": render::check_url(load::docs_url(None), rule),
        }),
        Subject::Family(family) => {
            let schema = parsed(family.schema())?;
            json!({
                "kind": "family", "name": family.name(), "key": family.key(),
                "description": outline::description(&schema), "schema": schema,
                "words": words::of(*family).map(|word| json!({
                    "key": word.key, "word": word.word, "means": word.means, "becomes": word.becomes, "not": word.not,
                })).collect::<Vec<_>>(),
            })
        }
        Subject::Settings => {
            let schema = parsed(settings::SCHEMA)?;
            json!({"kind": "settings", "name": schema::SETTINGS, "description": outline::description(&schema), "schema": schema})
        }
        Subject::Protocol => {
            let row = |row: &protocol::Row| json!({"name": row.name, "revisions": row.revisions(), "needs": row.right.in_words(), "why": row.why});
            json!({
                "kind": "protocol", "name": PROTOCOL, "description": protocol::ABOUT,
                "methods": protocol::TABLE.iter().map(row).collect::<Vec<_>>(),
            })
        }
        Subject::Target(target) => {
            let of = |family: &FamilyId| json!({"family": family.name(), "enforced": enforced(target, *family), "why": target.leaves(*family)});
            let coverage: Vec<Value> = families_for_products().map(of).collect();
            let shown = target.proof.shown();
            json!({
                "kind": "target", "name": target.name(), "summary": target.summary, "doc": target.doc, "coverage": coverage,
                "proof": {"rests_on": target.proof.word(), "by": shown.by, "what": shown.what, "not_shown": shown.beyond},
            })
        }
    })
}
