//! One rule of an `AuthorizationPolicy`, as Istio makes rules of Envoy of it.
//!
//! Peers, operations and conditions must all match; of the values of each, one. A value `*` means that there is some text, one
//! that begins or ends with `*` is a pattern, and any other is the text itself. A claim matches by its text or by an element of
//! its list, and an object never does. `notValues` hold too where there is nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::lift::LiftError;
use crate::lift::cluster::{Place, distinct, stranger};
use crate::lift::world::{Http, World};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    from: Vec<From>,
    to: Vec<To>,
    when: Vec<When>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct From {
    source: Source,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    principals: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct To {
    operation: Operation,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Operation {
    methods: Vec<String>,
    paths: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct When {
    key: String,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    not_values: Vec<String>,
}

/// A rule.
pub(super) struct Rule {
    peers: Vec<String>,
    methods: Vec<Http>,
    paths: Vec<String>,
    /// Those that the request alone answers first: no fact is asked for in vain.
    conditions: Vec<Condition>,
}

struct Condition {
    of: Attribute,
    values: Vec<String>,
    not_values: Vec<String>,
}

enum Attribute {
    Header(String),
    Issuer,
    Subject,
    Actor,
    Claim(Vec<String>),
}

/// The rules for a server, found by whom they name, so that not every request meets every rule.
#[derive(Default)]
pub(super) struct Rules {
    all: Vec<Rule>,
    by_subject: BTreeMap<String, Vec<usize>>,
    by_actor: BTreeMap<String, Vec<usize>>,
    open: Vec<usize>,
}

impl Rules {
    /// Adds rules.
    pub(super) fn extend(&mut self, rules: Vec<Rule>) {
        for rule in rules {
            let at = self.all.len();
            let exact = |condition: &&Condition| !condition.values.is_empty() && condition.values != ["*"];
            let of =
                |is: fn(&Attribute) -> bool| rule.conditions.iter().filter(exact).find(|condition| is(&condition.of));
            let (actor, subject) = (of(|of| matches!(of, Attribute::Actor)), of(|of| matches!(of, Attribute::Subject)));
            let (index, values) = match (actor, subject) {
                (Some(actor), _) => (&mut self.by_actor, &actor.values),
                (None, Some(subject)) => (&mut self.by_subject, &subject.values),
                (None, None) => {
                    self.open.push(at);
                    self.all.push(rule);
                    continue;
                }
            };
            for value in values {
                index.entry(value.clone()).or_default().push(at);
            }
            self.all.push(rule);
        }
    }

    /// The rules that could match a token of these texts: each asks for one of the two, or names nobody.
    pub(super) fn for_caller(&self, subject: Option<&str>, actor: Option<&str>) -> impl Iterator<Item = &Rule> {
        let of_subject = subject.and_then(|subject| self.by_subject.get(subject)).into_iter().flatten();
        let of_actor = actor.and_then(|actor| self.by_actor.get(actor)).into_iter().flatten();
        of_actor.chain(of_subject).chain(&self.open).filter_map(|at| self.all.get(*at))
    }

    /// Every subject that they name.
    pub(super) fn subjects(&self) -> BTreeSet<String> {
        self.all.iter().flat_map(Rule::subjects).collect()
    }
}

impl Rule {
    /// Reads a rule. `declared` are the subjects of all declared principals.
    pub(super) fn read(written: Written, declared: &BTreeSet<&str>) -> Result<Self, LiftError> {
        let (Some(from), 1, Some(to), 1) =
            (written.from.first(), written.from.len(), written.to.first(), written.to.len())
        else {
            return stranger("a rule has no single peer and operation");
        };
        let methods = to.operation.methods.iter().map(|method| match method.as_str() {
            "POST" => Ok(Http::Post),
            "GET" => Ok(Http::Get),
            "DELETE" => Ok(Http::Delete),
            other => stranger(format!("a rule is for the method `{other}`")),
        });
        let methods: Vec<Http> = methods.collect::<Result<_, _>>()?;
        let Source { principals } = &from.source;
        let lists = [principals, &to.operation.methods, &to.operation.paths];
        if lists.iter().any(|list| list.is_empty() || !distinct(list)) {
            return stranger("a rule has an empty list, or a text in it twice");
        }
        if principals.iter().chain(&to.operation.paths).any(|text| text.contains('*') || text.contains('{')) {
            return stranger("a peer or path of a rule is a pattern");
        }
        let mut conditions = written.when.into_iter().map(Condition::read).collect::<Result<Vec<_>, _>>()?;
        conditions.sort_by_key(|condition| match &condition.of {
            Attribute::Header(_) => 0,
            Attribute::Issuer | Attribute::Subject | Attribute::Actor => 1,
            Attribute::Claim(_) => 2,
        });
        let peers = principals.iter().map(|principal| format!("spiffe://{principal}")).collect();
        let rule = Self { peers, methods, paths: to.operation.paths.clone(), conditions };
        rule.check_caller(declared)?;
        Ok(rule)
    }

    /// A rule names the caller as `act.sub`, or as `sub` where nobody acts: said twice, by the claim and by the header, because
    /// older proxies set no header from an object. One for callers that nobody declared leaves out all who are declared.
    fn check_caller(&self, declared: &BTreeSet<&str>) -> Result<(), LiftError> {
        let find = |is: fn(&Attribute) -> bool| self.conditions.iter().find(|condition| is(&condition.of));
        let acts = find(|of| matches!(of, Attribute::Actor));
        let subject = find(|of| matches!(of, Attribute::Subject));
        let caller = match acts.filter(|condition| !condition.values.is_empty()) {
            Some(acts) => Some(acts),
            None => subject.filter(|_| acts.is_some_and(|condition| condition.not_values == ["*"])),
        };
        let Some(caller) = caller.filter(|condition| !condition.values.is_empty()) else {
            return stranger("a rule does not say who calls, or not that nobody acts for another");
        };
        let others: BTreeSet<&str> = caller.not_values.iter().map(String::as_str).collect();
        let open = caller.values == ["*"];
        if open && others != *declared || !open && !others.is_empty() {
            return stranger(
                "a rule for callers that nobody declared does not leave out exactly those that are declared",
            );
        }
        Ok(())
    }

    /// The subjects that it names.
    fn subjects(&self) -> impl Iterator<Item = String> + '_ {
        let of_caller = self.conditions.iter().filter(|c| matches!(c.of, Attribute::Subject | Attribute::Actor));
        of_caller.flat_map(|c| c.values.iter().chain(&c.not_values)).filter(|value| *value != "*").cloned()
    }

    pub(super) fn matches(
        &self,
        world: &mut World<'_>,
        place: &Place<'_>,
        copied: &BTreeMap<String, String>,
        verified: bool,
    ) -> Result<bool, LiftError> {
        if self.paths != [place.path.as_str()] {
            return stranger(format!("a rule for `{}` is for another path than that of its URL", place.server.name));
        }
        if !self.methods.contains(&world.call.http) {
            return Ok(false);
        }
        if !self.peers.iter().any(|peer| world.peer_is(peer)) {
            return Ok(false);
        }
        for condition in &self.conditions {
            let of = |world: &mut World<'_>, value: &str| match &condition.of {
                Attribute::Header(name) => header_matches(world, name, value, copied, verified),
                Attribute::Issuer => Ok(world.issuer.is_some_and(|issuer| fits(&issuer.issuer.value, value))),
                Attribute::Subject => caller_matches(world, &["sub".to_owned()], value),
                Attribute::Actor => caller_matches(world, &["act".to_owned(), "sub".to_owned()], value),
                Attribute::Claim(path) => claim_matches(world, path, value),
            };
            let mut some = condition.values.is_empty();
            for value in &condition.values {
                some = some || of(world, value)?;
            }
            if !some {
                return Ok(false);
            }
            for value in &condition.not_values {
                if of(world, value)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

impl Condition {
    fn read(written: When) -> Result<Self, LiftError> {
        let When { key, values, not_values } = written;
        if values.is_empty() && not_values.is_empty() || !distinct(&values) || !distinct(&not_values) {
            return stranger(format!("the condition on `{key}` asks for nothing, or for a text twice"));
        }
        if values.iter().chain(&not_values).any(String::is_empty) {
            return stranger(format!("the condition on `{key}` holds an empty text"));
        }
        let bracketed = |rest: &str| -> Option<Vec<String>> {
            let inner = rest.strip_prefix('[')?.strip_suffix(']')?;
            let parts: Vec<String> = inner.split("][").map(str::to_owned).collect();
            (!parts.iter().any(|part| part.is_empty() || part.contains(['[', ']']))).then_some(parts)
        };
        let claim = key.strip_prefix("request.auth.claims").and_then(bracketed);
        let header = key.strip_prefix("request.headers").and_then(bracketed);
        let of = match (claim, header.as_deref()) {
            (Some(path), _) => match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["iss"] => Attribute::Issuer,
                ["sub"] => Attribute::Subject,
                ["act", "sub"] => Attribute::Actor,
                ["scope" | "permission"] => return stranger("a rule asks for a claim that is split at spaces"),
                // An object matches nothing, whatever is in it.
                ["act"] => return stranger("a rule asks for the text of a claim that is an object"),
                _ => Attribute::Claim(path),
            },
            (None, Some([name])) => Attribute::Header(name.clone()),
            (None, _) => return stranger(format!("a rule asks for `{key}`")),
        };
        Ok(Self { of, values, not_values })
    }
}

/// Whether a text fits a value: `*`, the beginning, the end, or the whole.
fn fits(text: &str, value: &str) -> bool {
    match (value.strip_prefix('*'), value.strip_suffix('*')) {
        (Some(""), _) => !text.is_empty(),
        (Some(end), _) => text.ends_with(end),
        (None, Some(beginning)) => text.starts_with(beginning),
        (None, None) => text == value,
    }
}

fn header_matches(
    world: &mut World<'_>,
    name: &str,
    value: &str,
    copied: &BTreeMap<String, String>,
    verified: bool,
) -> Result<bool, LiftError> {
    if let Some(claim) = copied.get(name) {
        // The proxy sets it from a claim of any kind, and takes away what the caller sent under its name.
        if value != "*" {
            return stranger(format!("a rule asks for the text of the header `{name}`"));
        }
        let path: Vec<String> = claim.split('.').map(str::to_owned).collect();
        return Ok(world.is_present(&path));
    }
    let text = match name {
        "mcp-method" if verified => Some(world.call.method.as_str()).filter(|method| !method.is_empty()),
        "mcp-name" if verified => world.call.name.as_deref().or(world.call.uri.as_deref()),
        _ => return stranger(format!("a rule asks for the header `{name}`, of which nobody is sure")),
    };
    Ok(text.is_some_and(|text| fits(text, value)))
}

fn caller_matches(world: &mut World<'_>, path: &[String], value: &str) -> Result<bool, LiftError> {
    match value {
        "*" => Ok(world.text_other_than(path, "")),
        _ if value.starts_with('*') || value.ends_with('*') => {
            stranger(format!("a rule takes `{value}` for a pattern of subjects"))
        }
        _ => Ok(world.text_is(path, value)),
    }
}

fn claim_matches(world: &mut World<'_>, path: &[String], value: &str) -> Result<bool, LiftError> {
    match value {
        "*" => Ok(world.is_present(path)),
        _ if value.starts_with('*') || value.ends_with('*') => {
            stranger(format!("a rule takes `{value}` for a pattern of a claim"))
        }
        _ => Ok(world.text_is(path, value) || world.list_has(path, value)),
    }
}
