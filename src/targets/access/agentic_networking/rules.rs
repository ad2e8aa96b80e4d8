//! The rules of one server: each is for one caller.

use std::collections::BTreeSet;

use super::api::{Authorization, Base, Cel, Mcp, Method, Rule, Source};
use crate::model::name::ServerName;
use crate::policy::fact::{MTLS, TLS};
use crate::policy::{ObjectKind, Policy, Principal};
use crate::targets::names::dns_label;

/// Most rules of a policy. A server has one policy: the definition says that all policies of a server have to let a request
/// through, and the controller lets it through by any of them.
pub(super) const MOST_RULES: usize = 10;

/// Most names that a rule holds in a list, and most characters of each.
const MOST_NAMES: usize = 10;
const MOST_CHARACTERS: usize = 20;

/// Most characters of an expression: more are refused by the library that the controller reads it with.
pub(super) const MOST_OF_CEL: usize = 100_000;

pub(super) const LONG: &str = "an XAccessPolicy holds names of prompts of at most 20 characters";
pub(super) const STRANGE: &str =
    "an XAccessPolicy holds names of tools of letters, digits, `_`, `-`, `.` and `/`, without `request.` in them";

/// Whether a list holds a name.
pub(super) fn is_short(name: &str) -> bool {
    name.chars().count() <= MOST_CHARACTERS
}

/// Whether an expression holds a name as it is: the controller replaces its own variables in texts, too.
pub(super) fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    !name.is_empty() && name.chars().all(plain) && !name.contains("request.")
}

/// Whether a rule can name a SPIFFE ID, and it is in this trust domain.
pub(super) fn is_in(id: &str, domain: &str) -> bool {
    let Some((of, path)) = id.strip_prefix("spiffe://").and_then(|rest| rest.split_once('/')) else { return false };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let lower = |c: char| plain(c) && !c.is_ascii_uppercase();
    let segment = |segment: &str| !segment.is_empty() && segment.chars().all(plain);
    of == domain && !of.is_empty() && of.chars().all(lower) && path.split('/').all(segment)
}

/// The identity that a rule for nobody names.
pub(super) fn nobody(domain: &str) -> String {
    format!("spiffe://{domain}/mcpctl/nobody")
}

/// The rules of a server. One that nobody may use has a rule that lets nothing through: without a policy, everything would be.
pub(super) fn of(policy: &Policy, server: &ServerName, domain: &str) -> Vec<Rule> {
    let transport = [TLS, MTLS].iter().filter_map(|fact| policy.facts.mask(fact)).fold(0, |all, bit| all | bit);
    let mut names = Names::default();
    let mut rules = Vec::new();
    for (principal, row) in policy.principals.iter().zip(&policy.cells) {
        let Some(subject) = principal.subject.as_deref() else { continue };
        let (mut tools, mut prompts) = (Vec::new(), Vec::new());
        for (object, cell) in row {
            let object = policy.object_at(*object);
            let sets = policy.conditions.get(cell.condition).minimal_sets();
            if object.server != *server || !sets.iter().any(|set| set & !transport == 0) {
                continue;
            }
            match &object.kind {
                ObjectKind::Tool(tool) => tools.push(tool.as_str()),
                ObjectKind::Prompt(prompt) => prompts.push(prompt.as_str()),
                ObjectKind::Protocol | ObjectKind::Resource(_) => {}
            }
        }
        let mut add = |words: &str, authorization| {
            let name = names.of(principal, words);
            rules.push(Rule { authorization, name, source: Source::spiffe(subject) });
        };
        for (words, authorization) in of_caller(&tools, &prompts) {
            add(words, authorization);
        }
    }
    if rules.is_empty() {
        let cel = Cel { expression: "false".to_owned() };
        rules.push(Rule {
            authorization: Authorization::Cel { cel },
            name: "nobody".to_owned(),
            source: Source::spiffe(&nobody(domain)),
        });
    }
    rules
}

/// What one caller may do: as much as a list holds beside the methods of the protocol, and the rest.
fn of_caller(tools: &[&str], prompts: &[&str]) -> Vec<(&'static str, Authorization)> {
    if tools.is_empty() && prompts.is_empty() {
        return Vec::new();
    }
    let (short, long): (Vec<&str>, Vec<&str>) = tools.iter().partition(|tool| is_short(tool));
    let (listed, beyond) = short.split_at(short.len().min(MOST_NAMES));
    let mut chunks = prompts.chunks(MOST_NAMES);
    let first = chunks.next().unwrap_or_default();
    let mut methods = Vec::new();
    if !first.is_empty() {
        methods.extend([named("prompts/get", first), named("prompts/list", &[])]);
    }
    if !listed.is_empty() {
        methods.push(named("tools/call", listed));
    }
    let mut all = vec![("", Authorization::Inline { mcp: Mcp { base: Base::Matched, methods } })];
    let rest: BTreeSet<&str> = beyond.iter().chain(&long).copied().collect();
    if !rest.is_empty() {
        let names: Vec<String> = rest.iter().map(|name| format!("\"{name}\"")).collect();
        let expression = format!("request.mcp.tool_name in [{}]", names.join(", "));
        all.push((" tools", Authorization::Cel { cel: Cel { expression } }));
    }
    let more = chunks.map(|chunk| Mcp { base: Base::Skipped, methods: vec![named("prompts/get", chunk)] });
    all.extend(more.map(|mcp| (" prompts", Authorization::Inline { mcp })));
    all
}

fn named(method: &'static str, names: &[&str]) -> Method {
    Method { name: method, params: names.iter().map(|name| (*name).to_owned()).collect() }
}

/// The names of the rules of one policy: labels of their callers, each once.
#[derive(Default)]
struct Names(BTreeSet<String>);

impl Names {
    fn of(&mut self, principal: &Principal, words: &str) -> String {
        let base = format!("{}{words}", principal.id);
        let mut name = dns_label(&base);
        for number in 2.. {
            if self.0.insert(name.clone()) {
                break;
            }
            name = dns_label(&format!("{base} {number}"));
        }
        name
    }
}
