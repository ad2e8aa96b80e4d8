//! What is said of a name: of a tool its level, what a call needs and who may make it; of anything else what the model knows.

use crate::analysis::Analysis;
use crate::analysis::rules::all_rules;
use crate::diagnostic::quoted;
use crate::model::access::classification::Classification;
use crate::model::name::FactName;
use crate::model::server::{Server, Tool};
use crate::policy::ObjectIx;
use crate::policy::PrincipalId;
use crate::render::counted;
use crate::review::decide::{what_can, who_can};
use crate::review::naming::{objects, sets_in_words};

use super::mentions::Mention;
use super::places::Kind;

/// Most names of one group that are written out.
const READABLE: usize = 8;

/// What is known of a name, as Markdown; `None` where the workspace knows nothing of it.
#[must_use]
pub fn described(analysis: &Analysis, mention: &Mention) -> Option<String> {
    let name = mention.name.as_str();
    let lines = match mention.kind {
        Kind::Server => server(analysis, analysis.model().server(name)?),
        Kind::Tool => {
            let of = |server: &String| {
                let server = analysis.model().server(server)?;
                Some((server, server.tools.get(name)?))
            };
            let (server, known) = mention.within.iter().find_map(of)?;
            tool(analysis, server, known)
        }
        Kind::Prompt | Kind::Resource => readable(analysis, mention)?,
        Kind::Agent => caller(analysis, name)?,
        Kind::Workflow | Kind::Saga | Kind::Processor => caller(analysis, &format!("{}:{name}", mention.kind.word()))?,
        Kind::Topic => topic(analysis, name),
        Kind::Fact => fact(analysis, name),
        Kind::Level => level(analysis, name.parse().ok()?)?,
        Kind::Class => class(analysis, name)?,
        Kind::Unit => vec![format!("business unit `{name}`")],
        Kind::Check => {
            let rule = all_rules().into_iter().find(|rule| rule.name == name)?;
            vec![format!("check `{name}`"), rule.what.to_owned(), rule.why.to_owned(), rule.fix.to_owned()]
        }
        Kind::Step | Kind::Issuer | Kind::Entry => return None,
    };
    Some(lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n\n"))
}

/// The level of a tool, and whether the tool's own entry says it. `None` where no levels are declared.
#[must_use]
pub fn level_of(classes: &Classification<'_>, server: &Server, tool: &str) -> Option<(u32, bool)> {
    let own = server.access.tools.get(tool).and_then(|access| access.auth_level.as_ref());
    Some((classes.tool_level(server, &server.access, tool)?, own.is_some()))
}

/// What a call of a tool needs whoever calls, in words.
#[must_use]
pub fn needs(analysis: &Analysis, server: &str, tool: &str) -> Option<String> {
    let policy = analysis.policy();
    let object = objects(policy, &format!("{server}/{tool}")).ok()?.first().copied()?;
    Some(sets_in_words(policy, policy.demand(object)?.minimal_sets()))
}

fn suspended(reason: Option<&str>) -> String {
    reason.map(|reason| format!("**Suspended**: {reason}")).unwrap_or_default()
}

/// Where a server's data belongs, and what follows: its class and its level.
fn classified(analysis: &Analysis, server: &Server) -> String {
    let classes = Classification::of(&analysis.model().access);
    let name = server.name.value.as_str();
    let class = match (classes.listed(name), classes.governing(name)) {
        (Some(listing), _) => format!("class `{}`", listing.class.name),
        (None, Some((_, class))) => format!("class `{}`, because no class lists it", class.name),
        (None, None) => return String::new(),
    };
    let level = classes.level(name, &server.access, None).map(|level| format!(", level {level}"));
    format!("{class}{}", level.unwrap_or_default())
}

fn server(analysis: &Analysis, server: &Server) -> Vec<String> {
    let unit = server.unit.as_ref().map(|unit| format!(" of unit `{}`", unit.value)).unwrap_or_default();
    let listed = if server.registered { "" } else { ", which the registry does not list" };
    let tools = quoted(server.tools.keys().map(|tool| tool.as_str()));
    let count = counted(server.tools.len(), "tool");
    let name = &server.name;
    vec![
        format!("server `{name}`{unit}{listed}"),
        suspended(server.suspended.as_ref().map(|reason| reason.value.as_str())),
        classified(analysis, server),
        if tools.is_empty() { "no tools".to_owned() } else { format!("{count}: {tools}") },
        server.url.as_ref().map(|url| format!("`{}`", crate::diagnostic::one_line(&url.value))).unwrap_or_default(),
    ]
}

fn tool(analysis: &Analysis, server: &Server, tool: &Tool) -> Vec<String> {
    let (of, name) = (server.name.value.as_str(), tool.name.value.as_str());
    let classes = Classification::of(&analysis.model().access);
    let level = level_of(&classes, server, name).map(|(level, own)| {
        let from = match (own, server.access.auth_level.is_some(), classes.governing(of)) {
            (true, _, _) => "set by the tool".to_owned(),
            (false, true, _) => "set by its server".to_owned(),
            (false, false, Some((_, class))) => format!("from class `{}`", class.name),
            (false, false, None) => "the highest, because there are no classes".to_owned(),
        };
        format!("level {level}, {from}")
    });
    let hints = [("read only", &tool.read_only), ("destructive", &tool.destructive), ("idempotent", &tool.idempotent)];
    let hints: Vec<&str> =
        hints.iter().filter(|(_, hint)| hint.as_ref().is_some_and(|hint| hint.value)).map(|(word, _)| *word).collect();
    let own = server.access.tools.get(name).and_then(|access| access.suspended.as_ref());
    let mut lines = vec![
        format!("tool `{of}/{name}`"),
        suspended(own.or(server.suspended.as_ref()).map(|reason| reason.value.as_str())),
        level.unwrap_or_default(),
        hints.join(", "),
    ];
    lines.extend(needs(analysis, of, name).map(|needs| format!("A call needs {needs}.")));
    lines.extend(objects(analysis.policy(), &format!("{of}/{name}")).ok().map(|objects| callers(analysis, &objects)));
    lines
}

fn readable(analysis: &Analysis, mention: &Mention) -> Option<Vec<String>> {
    let word = mention.kind.word();
    let server = mention.within.first()?;
    let objects = objects(analysis.policy(), &format!("{server}/{word}:{}", mention.name)).ok()?;
    Some(vec![format!("{word} `{}` of `{server}`", mention.name), callers(analysis, &objects)])
}

/// Names as a list that stays readable.
fn several(names: Vec<String>) -> String {
    let more = names.len().saturating_sub(READABLE);
    let shown: Vec<String> = names.into_iter().take(READABLE).map(|name| format!("`{name}`")).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

/// Who may use these objects, and what each of them needs.
fn callers(analysis: &Analysis, objects: &[ObjectIx]) -> String {
    let policy = analysis.policy();
    let groups = who_can(analysis.whole(), objects, 0);
    let named = |principals: &Vec<crate::policy::PrincipalIx>| {
        several(principals.iter().map(|principal| policy.principal_at(*principal).id.to_string()).collect())
    };
    let mut lines: Vec<String> = Vec::new();
    for (missing, principals) in &groups.known {
        let needs = match missing.as_slice() {
            [] => "never".to_owned(),
            sets => format!("with {}", sets_in_words(policy, sets)),
        };
        lines.push(format!("- {needs}: {}", named(principals)));
    }
    lines.extend(groups.unknown.values().map(|principals| format!("- not settled: {}", named(principals))));
    if lines.is_empty() { "Nothing grants it.".to_owned() } else { format!("Who may use it:\n{}", lines.join("\n")) }
}

/// What a principal may call.
fn caller(analysis: &Analysis, name: &str) -> Option<Vec<String>> {
    let policy = analysis.policy();
    let principal = policy.principal(name)?;
    let known = policy.principal_at(principal);
    let word = match &known.id {
        PrincipalId::Flow(id) => id.kind.word(),
        PrincipalId::Agent(_) | PrincipalId::AnyAgent(_) => "agent",
    };
    let unit = known.unit.as_ref().map(|unit| format!(" of unit `{unit}`")).unwrap_or_default();
    let own = name.rsplit(':').next().unwrap_or(name);
    let mut lines = vec![format!("{word} `{own}`{unit}")];
    lines.extend(known.subject.as_ref().map(|subject| format!("token subject `{subject}`")));
    let mut groups: Vec<String> = Vec::new();
    for (missing, found) in &what_can(analysis.whole(), principal, 0).known {
        let tools = found.iter().map(|object| policy.object_at(*object)).filter(|object| object.tool().is_some());
        let tools: Vec<String> = tools.map(ToString::to_string).collect();
        if !tools.is_empty() {
            let needs = if missing.is_empty() {
                "never".to_owned()
            } else {
                format!("with {}", sets_in_words(policy, missing))
            };
            groups.push(format!("- {needs}: {}", several(tools)));
        }
    }
    lines.push(if groups.is_empty() {
        "may call nothing".to_owned()
    } else {
        format!("May call:\n{}", groups.join("\n"))
    });
    Some(lines)
}

fn topic(analysis: &Analysis, name: &str) -> Vec<String> {
    let flows = analysis.model().flows.values();
    let readers: Vec<String> = flows
        .filter(|flow| flow.subscribes_to.iter().any(|topic| topic.value == name))
        .map(|flow| flow.id.value.name.to_string())
        .collect();
    let readers =
        if readers.is_empty() { "nothing reads it".to_owned() } else { format!("read by {}", several(readers)) };
    vec![format!("topic `{name}`"), readers]
}

fn fact(analysis: &Analysis, name: &str) -> Vec<String> {
    let model = analysis.model();
    let asks = |facts: &[crate::source::Spanned<FactName>]| facts.iter().any(|fact| fact.value.as_str() == name);
    let levels = model.access.levels.values().filter(|level| asks(&level.requirements));
    let levels: Vec<String> = levels.map(|level| level.number.to_string()).collect();
    let proved = match (model.declared_evidence(name), model.evidence_for(name)) {
        (Some(_), _) => "`identity` says what proves it",
        (None, Some(_)) => "proved as mcpctl does by default",
        (None, None) if matches!(name, "tls" | "mtls") => "decided by the connection",
        (None, None) => "nothing proves it",
    };
    let levels =
        if levels.is_empty() { String::new() } else { format!("required from level {} on", levels.join(", ")) };
    vec![format!("fact `{name}`"), proved.to_owned(), levels]
}

fn level(analysis: &Analysis, number: u32) -> Option<Vec<String>> {
    let levels = &analysis.model().access.levels;
    let level = levels.get(&number)?;
    let mut all: Vec<&str> = Vec::new();
    for fact in levels.range(..=number).flat_map(|(_, level)| &level.requirements) {
        if !all.contains(&fact.value.as_str()) {
            all.push(fact.value.as_str());
        }
    }
    let mut lines = vec![format!("level {number}")];
    lines.extend(level.description.as_ref().map(|text| text.value.clone()));
    lines.push(format!("needs {}", all.iter().map(|fact| format!("`{fact}`")).collect::<Vec<_>>().join(", ")));
    lines.extend(level.alternatives.iter().map(|way| {
        let facts: Vec<String> = way.requirements.iter().map(|fact| format!("`{fact}`")).collect();
        format!("or, as `{}`, {}", way.name, facts.join(", "))
    }));
    Some(lines)
}

fn class(analysis: &Analysis, name: &str) -> Option<Vec<String>> {
    let classes = &analysis.model().access.classes;
    let (rank, class) = classes.iter().enumerate().find(|(_, class)| class.name.value.as_str() == name)?;
    let mut lines =
        vec![format!("class `{name}`, number {} of {}, the least sensitive first", rank + 1, classes.len())];
    lines.extend(class.min_auth_level.as_ref().map(|level| format!("its tools need level {level} at least")));
    lines.push(match class.servers.len() {
        0 => "no servers".to_owned(),
        count => {
            let names = quoted(class.servers.iter().map(|server| server.value.as_str()));
            format!("{}: {names}", counted(count, "server"))
        }
    });
    Some(lines)
}
