//! `pattern-in-literal`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::access::written::{WrittenEvidence, WrittenPath};
use crate::source::Spanned;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "pattern-in-literal",
        guards_access: true,
        severity: Severity::Error,
        what: "Finds what looks like a pattern where a text is compared as it is: `*` in `one_of`, `{id}` in the URI of a \
               resource, a dot in the name of an argument or claim that is one word, a regular expression in `matches`. For `*` \
               in `contains`, in a `subject` and in the name of a prompt it is a warning.",
        why: "The text is compared character by character, so the pattern matches nothing that was meant. Calls are denied, and \
              the next person loosens the rule until they pass.",
        fix: "Use `matches: \"sandbox-*\"` for an argument, `*` in the URI of a resource, and a list for a path: `claim: \
              [realm_access, roles]`. A name that holds a dot is a list of one: `argument: [filter.region]`. Claims whose name is \
              a URL are left alone.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    model.written_evidence.iter().for_each(|written| of_evidence(written, report));
    for server in model.servers.values() {
        for resource in &server.resources {
            let uri = &resource.uri;
            if let Some(variable) = variable(&uri.value) {
                let message = format!("`{variable}` in a URI is compared as it is");
                let help = format!("write `*` for any text: `{}`", uri.value.replacen(variable, "*", 1));
                report.push(Diagnostic::new(&CHECK.rule, uri.loc, message).help(help));
            }
        }
        for prompt in server.prompts.iter().filter(|prompt| prompt.name.value.contains('*')) {
            report.push(star(&prompt.name, "the name of a prompt").at(Severity::Warning));
        }
    }
    let agents = model.agents.values().filter_map(|agent| agent.subject.as_ref());
    let flows = model.flows.values().filter_map(|flow| flow.subject.as_ref());
    for subject in agents.chain(flows).filter(|subject| subject.value.contains('*')) {
        report.push(star(subject, "a subject").at(Severity::Warning));
    }
}

fn of_evidence(written: &WrittenEvidence, report: &mut Report) {
    for literal in written.one_of.iter().filter(|literal| is_pattern(&literal.value)) {
        let help = match written.argument {
            Some(_) => "use `matches` for a pattern",
            None => "list every value; claims are not compared with patterns",
        };
        report.push(star(literal, "a value of `one_of`").help(help));
    }
    if let Some(literal) = written.contains.as_ref().filter(|literal| is_pattern(&literal.value)) {
        let help = "write the whole value; `present: true` is any value that is not empty";
        report.push(star(literal, "the value of `contains`").help(help).at(Severity::Warning));
    }
    if let Some(pattern) = written.matches.as_ref().filter(|pattern| is_regular_expression(&pattern.value)) {
        let message = format!("`{pattern}` looks like a regular expression, and only `*` is special in `matches`");
        let help = "write the whole text with `*` for any text, such as `sandbox-*`";
        report.push(Diagnostic::new(&CHECK.rule, pattern.loc, message).help(help));
    }
    let argument = written.argument.iter().map(|path| (path, "argument"));
    for (path, what) in argument.chain(written.claims.iter().map(|path| (path, "claim"))) {
        report.extend(dotted(path, what));
    }
}

fn star(literal: &Spanned<String>, what: &str) -> Diagnostic {
    Diagnostic::new(
        &CHECK.rule,
        literal.loc,
        format!("`{literal}` looks like a pattern, and {what} is compared as it is"),
    )
}

fn dotted(path: &WrittenPath, what: &str) -> Option<Diagnostic> {
    let [name] = path.parts.as_slice() else { return None };
    // The name of a claim may be a URL, or the domain of who makes it.
    let inner = name.value.split('.').collect::<Vec<_>>();
    let is_path = inner.len() > 1 && inner.iter().all(|part| !part.is_empty()) && !name.value.contains(['/', ':']);
    (!path.is_list && is_path).then(|| {
        let message = format!("the {what} `{name}` is one name here, and not a path");
        let help =
            format!("write `{what}: [{}]`; if the dot is part of the name, write `[{}]`", inner.join(", "), name.value);
        Diagnostic::new(&CHECK.rule, name.loc, message).help(help)
    })
}

fn is_pattern(text: &str) -> bool {
    text.contains('*') || (text.len() > 2 && text.starts_with('^') && text.ends_with('$'))
}

fn is_regular_expression(text: &str) -> bool {
    (text.starts_with('^') && text.len() > 1)
        || (text.ends_with('$') && text.len() > 1)
        || [".*", ".+", "\\d", "\\w", "[a-z", "[0-9", "[A-Z"].iter().any(|part| text.contains(part))
}

/// `{id}` of `crm://customer/{id}`.
fn variable(uri: &str) -> Option<&str> {
    let start = uri.find('{')?;
    let rest = uri.get(start..)?;
    rest.get(..=rest.find('}')?)
}
