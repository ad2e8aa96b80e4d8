//! From a schema error to a finding that a person can act on, at the key or value that is wrong.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as NodeKind};
use serde_json::Value;

use super::rules;
use crate::diagnostic::{Diagnostic, Edit, Fix, Rule, nearest, quoted};
use crate::families::text::check_format;
use crate::source::Loc;
use crate::source::yaml::scalar::Value as Scalar;
use crate::source::yaml::{NodeId, Tree};

/// A value reached by a path: its node, the key it stands under, and the last alias on the way.
pub(super) struct Reached {
    pub(super) node: NodeId,
    key: NodeId,
    alias: Option<Loc>,
    /// Its number, from 1, where it is an element of a list. The key is then the list's.
    element: Option<usize>,
}

impl Reached {
    /// The key that it stands under, or that its list does.
    pub(super) fn key<'t>(&self, tree: &'t Tree<'_>) -> &'t str {
        tree.text(self.key)
    }

    /// `` `tools` `` for the value of a key, ``element 2 of `tools` `` for an element of its list.
    fn named(&self, tree: &Tree<'_>) -> String {
        let under = tree.text(self.key);
        match self.element {
            Some(number) => format!("element {number} of `{under}`"),
            None => format!("`{under}`"),
        }
    }
}

pub(super) fn reach(tree: &Tree<'_>, key: NodeId, body: NodeId, pointer: &str) -> Reached {
    let mut at = Reached { node: body, key, alias: None, element: None };
    let follow = |at: &mut Reached, node: NodeId| {
        if tree.target(node) != node {
            at.alias = Some(tree.loc(node));
        }
        at.node = tree.target(node);
    };
    follow(&mut at, body);
    for segment in pointer.split('/').skip(1) {
        let name = segment.replace("~1", "/").replace("~0", "~");
        if let Some((key, value)) = tree.get(at.node, &name) {
            at.key = key;
            at.element = None;
            follow(&mut at, value);
        } else if let Ok(index) = name.parse::<usize>()
            && let Some(element) = tree.elements(at.node).and_then(|all| all.get(index))
        {
            at.element = Some(index + 1);
            follow(&mut at, *element);
        }
    }
    at
}

/// The findings of one schema error.
#[must_use]
pub fn explain(
    error: &ValidationError<'_>,
    schema: &Value,
    tree: &Tree<'_>,
    key: NodeId,
    body: NodeId,
) -> Vec<Diagnostic> {
    let at = reach(tree, key, body, error.instance_path().as_str());
    let loc = tree.loc(at.node);
    let shown = shown(tree, at.node);
    let under = at.named(tree);
    let parent = || parent_of(error, schema);
    let one = |rule: &'static Rule, loc: Loc, message: String| vec![Diagnostic::new(rule, loc, message)];
    #[expect(clippy::wildcard_enum_match_arm, reason = "kinds that our schemas do not use are passed on as they are")]
    let mut findings = match error.kind() {
        NodeKind::AdditionalProperties { unexpected } => unexpected
            .iter()
            .map(|name| {
                let loc = tree.get(at.node, name).map_or(loc, |(key, _)| tree.loc(key));
                unknown_key(name, parent(), loc)
            })
            .collect(),
        NodeKind::Required { property } => {
            let property = property.as_str().unwrap_or_default();
            let place = if at.element.is_some() { first_key(tree, at.node).unwrap_or(loc) } else { tree.loc(at.key) };
            one(&rules::MISSING_KEY, place, format!("the key `{property}` is missing in {under}"))
        }
        // That it is a list or a map is said by the error of its type.
        NodeKind::Enum { .. }
            if tree.scalar(at.node).is_none() && parent().is_some_and(|p| p.get("type").is_some()) =>
        {
            Vec::new()
        }
        NodeKind::Enum { options } => {
            let words: Vec<&str> = options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let listed: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            let message = format!("{shown} is not a legal word for {under}; legal are {}", listed.join(", "));
            let text = tree.text(at.node);
            // A word that could be meant, and why it is not among them.
            let refused = parent().and_then(|p| p.get("x-refused")?.get(text)?.as_str()).map(str::to_owned);
            let finding = Diagnostic::new(&rules::UNKNOWN_WORD, loc, message);
            vec![if words.contains(&text) {
                // A number or a boolean that looks like the word.
                let to = format!("\"{text}\"");
                let quoted = Fix::guess(format!("write `{to}`"), vec![Edit::Text { at: loc, to }]);
                finding.help("put quotes around it").fix(quoted)
            } else {
                let meant = if refused.is_none() { nearest(text, words) } else { None };
                finding.maybe_help(refused).suggest(text, meant)
            }]
        }
        // The words are listed by the error of the vocabulary itself.
        NodeKind::Type { .. }
            if parent().is_some_and(|p| p.get("enum").is_some()) && tree.scalar(at.node).is_some() =>
        {
            Vec::new()
        }
        NodeKind::Type { kind } => vec![wrong_type(tree, &at, kind, parent())],
        NodeKind::Format { format } => {
            let reason = check_format(format, tree.text(at.node)).and_then(Result::err);
            one(rule_of(format), loc, reason.unwrap_or_else(|| format!("{shown} is not a valid {format}")))
        }
        NodeKind::Pattern { pattern } => one(
            &rules::INVALID_NAME,
            loc,
            format!("{shown} is not a valid name for {under}; it must match `{pattern}`"),
        ),
        // The only rule for the keys of a map is a format.
        NodeKind::PropertyNames { error } => {
            let name = error.instance().as_str().unwrap_or_default().to_owned();
            let place = tree.get(at.node, &name).map_or(loc, |(key, _)| tree.loc(key));
            let format = match error.kind() {
                NodeKind::Format { format } => format.as_str(),
                _ => "",
            };
            let reason = check_format(format, &name).and_then(Result::err);
            one(rule_of(format), place, reason.unwrap_or_else(|| format!("`{name}` is not a valid key here")))
        }
        NodeKind::MinItems { limit } if *limit > 1 => {
            one(&rules::INVALID_VALUE, loc, format!("{under} takes at least {limit} elements"))
        }
        NodeKind::MinProperties { limit } if *limit > 1 => {
            one(&rules::INVALID_VALUE, loc, format!("{under} takes at least {limit} keys"))
        }
        NodeKind::MaxItems { limit } => {
            one(&rules::INVALID_VALUE, loc, format!("{under} takes at most {limit} elements"))
        }
        NodeKind::MaxProperties { limit } if *limit > 1 => {
            let keys: Vec<&str> = tree.entries(at.node).into_iter().flatten().map(|(key, _)| tree.text(*key)).collect();
            let message = format!("at most {limit} of these keys stand together: {}", quoted(keys));
            one(&rules::INVALID_VALUE, loc, message)
        }
        NodeKind::MinLength { .. } | NodeKind::MinItems { .. } | NodeKind::MinProperties { .. } => {
            let empty = format!("{under} must not be empty");
            let help = matches!(error.kind(), NodeKind::MinItems { .. }).then(|| {
                "an empty list is neither everything nor nothing here; write what it holds, or remove the key"
                    .to_owned()
            });
            vec![Diagnostic::new(&rules::INVALID_VALUE, place_of_empty(tree, &at), empty).maybe_help(help)]
        }
        NodeKind::Minimum { limit } | NodeKind::ExclusiveMinimum { limit } => {
            one(&rules::INVALID_VALUE, loc, format!("{shown} is too small for {under}; the least is {limit}"))
        }
        NodeKind::Maximum { limit } | NodeKind::ExclusiveMaximum { limit } => {
            one(&rules::INVALID_VALUE, loc, format!("{shown} is too large for {under}; the most is {limit}"))
        }
        NodeKind::MaxProperties { .. } => {
            one(&rules::INVALID_VALUE, loc, "each element of this list must be a map of one key".to_owned())
        }
        // What is not a map at all has a finding of its own.
        NodeKind::OneOfNotValid { .. } | NodeKind::OneOfMultipleValid { .. } if tree.entries(at.node).is_none() => {
            Vec::new()
        }
        NodeKind::OneOfNotValid { .. } | NodeKind::OneOfMultipleValid { .. } => {
            one(&rules::INVALID_VALUE, tree.loc(at.key), one_of_message(&under, parent()))
        }
        _ => one(&rules::INVALID_VALUE, loc, error.to_string()),
    };
    if let Some(alias) = at.alias {
        findings = findings.into_iter().map(|finding| finding.label(alias, "used through this alias")).collect();
    }
    findings
}

/// The rule that a text of a format breaks.
fn rule_of(format: &str) -> &'static Rule {
    match format {
        "mcpctl-target" => &rules::INVALID_WILDCARD,
        "mcpctl-tool-name" => &rules::INVALID_NAME,
        "mcpctl-metric-name" | "mcpctl-metric-label" => &rules::INVALID_METRIC_NAME,
        _ => &rules::INVALID_VALUE,
    }
}

fn first_key(tree: &Tree<'_>, node: NodeId) -> Option<Loc> {
    tree.entries(node)?.first().map(|(key, _)| tree.loc(*key))
}

/// An empty scalar or flow collection is shown itself; an empty value without extent, by its key.
fn place_of_empty(tree: &Tree<'_>, at: &Reached) -> Loc {
    let loc = tree.loc(at.node);
    if loc.end > loc.start { loc } else { tree.loc(at.key) }
}

/// The schema that holds the keyword which found the error.
pub(super) fn parent_of<'a>(error: &ValidationError<'_>, schema: &'a Value) -> Option<&'a Value> {
    let path = error.schema_path().as_str();
    path.rsplit_once('/').and_then(|(parent, _)| schema.pointer(parent))
}

/// The keys that a map of a schema may have.
pub(super) fn known_keys(schema: Option<&Value>) -> Vec<&str> {
    let properties = schema.and_then(|schema| schema.get("properties")?.as_object());
    properties.into_iter().flatten().map(|(key, _)| key.as_str()).collect()
}

/// An unknown key, with the one that was meant or all that are legal.
pub(super) fn unknown_key(name: &str, parent: Option<&Value>, loc: Loc) -> Diagnostic {
    let known = known_keys(parent);
    let patterns =
        parent.and_then(|p| p.get("patternProperties")?.as_object()).is_some_and(|patterns| !patterns.is_empty());
    if patterns {
        return Diagnostic::new(&rules::INVALID_NAME, loc, format!("`{name}` is not a valid name here"));
    }
    let listed: Vec<String> = known.iter().map(|key| format!("`{key}`")).collect();
    let finding = Diagnostic::new(&rules::UNKNOWN_KEY, loc, format!("`{name}` has no meaning here"));
    match nearest(name, known.iter().copied()) {
        Some(meant) => finding.suggest(name, Some(meant)),
        None if listed.is_empty() => finding,
        None => finding.help(format!("legal here: {}", listed.join(", "))),
    }
}

fn one_of_message(under: &str, parent: Option<&Value>) -> String {
    let alternatives = parent.and_then(|p| p.get("oneOf")?.as_array()).into_iter().flatten();
    let keys: Vec<String> = alternatives
        .filter_map(|alternative| alternative.get("required")?.get(0)?.as_str())
        .map(|key| format!("`{key}`"))
        .collect();
    format!("{under} needs exactly one of {}", keys.join(", "))
}

fn shown(tree: &Tree<'_>, node: NodeId) -> String {
    match tree.scalar(node).map(|scalar| scalar.value()) {
        Some(Scalar::Null) => "nothing".to_owned(),
        Some(_) => {
            let text = tree.text(node);
            let cut: String = text.chars().take(60).collect();
            if cut.len() < text.len() { format!("`{cut}…`") } else { format!("`{text}`") }
        }
        None if tree.elements(node).is_some() => "a list".to_owned(),
        None => "a map".to_owned(),
    }
}

fn type_word(name: &str) -> &str {
    match name {
        "null" => "nothing",
        "boolean" => "`true` or `false`",
        "integer" => "a whole number",
        "number" => "a number",
        "string" => "a string",
        "array" => "a list",
        "object" => "a map",
        other => other,
    }
}

fn wrong_type(tree: &Tree<'_>, at: &Reached, kind: &TypeKind, schema: Option<&Value>) -> Diagnostic {
    let node = at.node;
    let expected: Vec<String> = match kind {
        TypeKind::Single(one) => vec![one.to_string()],
        TypeKind::Multiple(many) => many.iter().map(|one| one.to_string()).collect(),
    };
    let words: Vec<&str> = expected.iter().map(|name| type_word(name)).collect();
    let scalar = tree.scalar(node);
    let found = match scalar.map(|scalar| scalar.value()) {
        Some(Scalar::Null) => "nothing".to_owned(),
        Some(Scalar::Bool(_)) => format!("the boolean `{}`", tree.text(node)),
        Some(Scalar::Int(_) | Scalar::Float(_)) => format!("the number `{}`", tree.text(node)),
        Some(Scalar::Text(_)) => format!("the string {}", shown(tree, node)),
        None => shown(tree, node),
    };
    let takes = if at.element.is_some() { "must be" } else { "takes" };
    let message = format!("{} {takes} {}, not {found}", at.named(tree), words.join(" or "));
    let format = schema.and_then(|schema| schema.get("format")?.as_str());
    let wanted_form = |text: &str| format.and_then(|format| check_format(format, text)).and_then(Result::err);
    let help = match scalar {
        Some(scalar) if !scalar.is_null() && wanted_form(scalar.text()).is_some() => wanted_form(scalar.text()),
        Some(scalar) if expected == ["string"] && !scalar.is_null() => {
            Some(format!("put quotes around it: \"{}\"", scalar.text()))
        }
        Some(scalar) if expected == ["boolean"] => match scalar.text().to_ascii_lowercase().as_str() {
            "yes" | "on" => Some("write `true`; YAML 1.2 reads this word as a string".to_owned()),
            "no" | "off" => Some("write `false`; YAML 1.2 reads this word as a string".to_owned()),
            _ => None,
        },
        Some(scalar) if expected == ["array"] && !scalar.is_null() => {
            Some(format!("write a list: [{}]", scalar.text()))
        }
        _ => None,
    };
    Diagnostic::new(&rules::WRONG_TYPE, place_of_empty(tree, at), message).maybe_help(help)
}
