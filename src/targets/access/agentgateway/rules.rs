//! Rules of agentgateway: what one route lets through, as CEL. Every rule allows; what none allows is denied, and an
//! expression that fails allows nothing.

use crate::model::Model;
use crate::model::access::Issuer;
use crate::model::server::Server;
use crate::model::uri::NOT_NORMAL;
use crate::policy::visibility::{matches, sample};
use crate::policy::{ObjectKind, Policy};
use crate::targets::access::cel::{caller, is_one_of, of_unit, text};
use crate::targets::access::grants::{Grant, RequestKind, Who};

/// The variable that holds the claims of the verified token.
pub(super) const CLAIMS: &str = "jwt";

/// The message that a request carries. Where the body is longer than the gateway keeps, or is not an object, this fails.
const BODY: &str = "json(request.body)";

/// The protocol's own methods. Who may use them may also ask for a tool; which one is for the rules on tools.
const PROTOCOL: [&str; 6] = ["initialize", "logging/setLevel", "ping", "server/discover", "tools/call", "tools/list"];

/// The method that proposes values for arguments.
const COMPLETE: &str = "completion/complete";

/// Most characters of the subjects in one rule, so that it fits into a policy's expression.
const MOST_SUBJECTS: usize = 8_000;

/// One rule: it allows where each of these is true.
pub(super) type Rule = Vec<String>;

/// A rule that allows nobody: with it there is a rule, so that what no other one allows is denied.
pub(super) fn nobody() -> Rule {
    vec!["false".to_owned()]
}

/// The rules of one route.
#[derive(Debug, Default)]
pub(super) struct Rules {
    /// What every HTTP request needs beside one of the rules below: a token that is for this server.
    pub(super) audience: Option<String>,
    /// On HTTP requests: by method, and by name or URI where the gateway looks at neither for some methods.
    pub(super) http: Vec<Rule>,
    /// On tools, prompts and resources.
    pub(super) mcp: Vec<Rule>,
}

/// What all rules of a workspace are made from.
pub(super) struct Context<'m> {
    /// The model.
    pub(super) model: &'m Model,
    /// The relation.
    pub(super) policy: &'m Policy,
    /// The subject of every declared principal.
    pub(super) subjects: Vec<&'m str>,
}

/// That the token is for an audience of its issuer, or for this server where an issuer says that each is for one. The gateway looks
/// at `iss` and `aud` as well, but version 1.4 only where a token has them. `aud` is a text or a list.
pub(super) fn audience(model: &Model, server: &Server) -> Option<String> {
    let issuers = || model.identity.iter().flat_map(|identity| &identity.issuers);
    let aud = format!("{CLAIMS}.aud");
    let is_for = |issuer: &Issuer| {
        let audiences = issuer.audiences_at(server, &model.topology);
        let same = audiences.iter().map(|audience| format!("{aud} == {}", text(audience)));
        // Only a list can have a list added, so nothing but an element of one is found.
        let holds = audiences.iter().map(|audience| format!("{} in ({aud} + [])", text(audience)));
        same.chain(holds).collect::<Vec<_>>().join(" || ")
    };
    let shared = issuers().filter(|issuer| issuer.per_server.is_none());
    let shared =
        shared.map(|issuer| format!("({CLAIMS}.iss == {} && ({}))", text(&issuer.issuer.value), is_for(issuer)));
    let own = issuers().find(|issuer| issuer.per_server.is_some()).map(is_for);
    let ways: Vec<String> = shared.chain(own).collect();
    (!ways.is_empty()).then(|| ways.join(" || "))
}

impl Context<'_> {
    /// The rules for a server from what is granted there. Its route has one target, so no rule names it.
    pub(super) fn rules(&self, server: &Server, grants: &[Grant]) -> Rules {
        let mut rules = Rules { audience: audience(self.model, server), ..Rules::default() };
        // What the entry of the server denies is in no rule, so nothing allows it.
        let left = |methods: &[&'static str]| server.permitted(methods.iter().copied());
        let patterns: Vec<&str> = self
            .policy
            .index
            .objects_on(&self.policy.objects, server.name.value.as_str())
            .filter_map(|(object, _)| match &object.kind {
                ObjectKind::Resource(pattern) => Some(pattern.as_str()),
                ObjectKind::Protocol | ObjectKind::Tool(_) | ObjectKind::Prompt(_) => None,
            })
            .collect();
        for grant in grants {
            let names: Vec<&str> = grant.names.iter().map(String::as_str).collect();
            for who in self.who(grant) {
                let rule = |what: Vec<String>| -> Rule {
                    let shown = grant.shown.iter().map(|shown| shown.expression.clone());
                    // Who calls comes first: it needs no look into the body.
                    who.iter().cloned().chain(what).chain(shown).collect()
                };
                // What has a result or an error, too, is not a request.
                let method = |methods: &[&'static str]| {
                    let methods = left(methods);
                    let one = format!("{} && {}", is_one_of(&format!("{BODY}.method"), &methods), alone());
                    (!methods.is_empty()).then_some(one)
                };
                match grant.kind {
                    RequestKind::Protocol => {
                        let notices = format!("{BODY}.method.startsWith({})", text("notifications/"));
                        let methods = is_one_of(&format!("{BODY}.method"), &left(&PROTOCOL));
                        rules.http.push(rule(vec![format!("({methods} || {notices})"), alone()]));
                        let names_one = format!("has({BODY}.params.notifications.resourceSubscriptions)");
                        let listens = method(&["subscriptions/listen"]);
                        rules.http.extend(listens.map(|listens| rule(vec![listens, format!("!{names_one}")])));
                        rules.http.push(rule(response()));
                    }
                    RequestKind::SomeResource => {
                        let lists = method(&["resources/list", "resources/templates/list"]);
                        rules.http.extend(lists.map(|lists| rule(vec![lists])));
                    }
                    RequestKind::SomePrompt => {
                        rules.http.extend(method(&["prompts/list"]).map(|lists| rule(vec![lists])));
                    }
                    RequestKind::Tool => rules.mcp.push(rule(vec![is_one_of("mcp.tool.name", &names)])),
                    RequestKind::Prompt => {
                        let asked = |variable: &str| is_one_of(&format!("{BODY}.params.{variable}"), &names);
                        let gets = method(&["prompts/get"]);
                        rules.http.extend(gets.map(|gets| rule(vec![gets, asked("name")])));
                        let completes = method(&[COMPLETE]);
                        let refers = |one| rule(vec![one, refers("ref/prompt"), asked("ref.name")]);
                        rules.http.extend(completes.map(refers));
                        rules.mcp.push(rule(vec![is_one_of("mcp.prompt.name", &names)]));
                    }
                    RequestKind::Resource => {
                        let methods = ["resources/read", "resources/subscribe", "resources/unsubscribe"];
                        for pattern in &names {
                            let asked = uri(&format!("{BODY}.params.uri"), pattern, &patterns);
                            rules.http.extend(method(&methods).map(|one| rule([vec![one], asked].concat())));
                            let referred = uri(&format!("{BODY}.params.ref.uri"), pattern, &patterns);
                            let refers = |one| rule([vec![one, refers("ref/resource")], referred].concat());
                            rules.http.extend(method(&[COMPLETE]).map(refers));
                            rules.mcp.push(rule(uri("mcp.resource.name", pattern, &patterns)));
                        }
                    }
                }
            }
        }
        // Without any rule everything would be let through.
        for rules in [&mut rules.http, &mut rules.mcp] {
            if rules.is_empty() {
                rules.push(nobody());
            }
        }
        rules
    }

    /// That the token names one of the grant's callers: one way for each rule that it takes.
    fn who(&self, grant: &Grant) -> Vec<Vec<String>> {
        let caller = caller(CLAIMS, &grant.by);
        let issuers = grant.issuers.iter().map(|issuers| is_one_of(&format!("{CLAIMS}.iss"), issuers));
        let issuers: Vec<String> = issuers.collect();
        match &grant.who {
            Who::Subjects => {
                let subjects: Vec<&str> = grant.subjects.iter().map(String::as_str).collect();
                chunks(&subjects).map(|some| [vec![is_one_of(&caller, some)], issuers.clone()].concat()).collect()
            }
            Who::AnyAgent(unit) => {
                // The caller must be a text, and not an empty one.
                let mut all = vec![format!(r#"{caller} + "" != """#)];
                all.extend(chunks(&self.subjects).map(|some| format!("!({})", is_one_of(&caller, some))));
                let Some(of_unit) = of_unit(CLAIMS, self.model, unit.as_ref()) else { return Vec::new() };
                all.extend(of_unit);
                all.extend(issuers);
                vec![all]
            }
        }
    }
}

/// That a message is a response and nothing else, which its keys say.
fn response() -> Vec<String> {
    let has = |key: &str| format!("has({BODY}.{key})");
    let outcome = format!("({} || {})", has("result"), has("error"));
    vec![format!("size({BODY}) == 3"), has("jsonrpc"), has("id"), outcome]
}

/// That a message has neither a result nor an error.
fn alone() -> String {
    format!("!has({BODY}.result) && !has({BODY}.error)")
}

/// That what a completion is for is of this kind.
fn refers(kind: &str) -> String {
    is_one_of(&format!("{BODY}.params.ref.type"), &[kind])
}

/// Parts of a list that are not too long for one rule.
pub(super) fn chunks<'a>(subjects: &'a [&'a str]) -> impl Iterator<Item = &'a [&'a str]> {
    let mut rest = subjects;
    std::iter::from_fn(move || {
        let mut length = 0;
        let fitting = rest.iter().take_while(|subject| {
            length += text(subject).len() + 2;
            length <= MOST_SUBJECTS
        });
        let at = fitting.count().max(1);
        let (some, others) = rest.split_at_checked(at)?;
        rest = others;
        Some(some)
    })
}

/// That a URI is of this pattern, and of no other pattern that some of its URIs are of too: those are for that one's rule.
/// Where neither pattern holds the other, nobody may have the URIs of both.
fn uri(variable: &str, pattern: &str, patterns: &[&str]) -> Vec<String> {
    let normal = format!("!{variable}.matches({})", text(&format!(r"\A(?:{NOT_NORMAL})\z")));
    // A single URI is compared whole.
    let normal = Some(normal).filter(|_| pattern.contains('*'));
    let others = patterns.iter().filter(|other| **other != pattern && !matches(other, &sample(pattern)));
    let others = others.filter(|other| overlap(pattern, other)).map(|other| format!("!({})", is_of(variable, other)));
    std::iter::once(is_of(variable, pattern)).chain(normal).chain(others).collect()
}

/// That a URI is of a pattern.
fn is_of(variable: &str, pattern: &str) -> String {
    match pattern.split_once('*') {
        None => format!("{variable} == {}", text(pattern)),
        Some((start, "")) => format!("{variable}.startsWith({})", text(start)),
        Some(_) => {
            let parts: Vec<String> = pattern.split('*').map(regex_syntax::escape).collect();
            format!("{variable}.matches({})", text(&format!(r"(?s)\A{}\z", parts.join(".*"))))
        }
    }
}

/// Whether some text is of both patterns.
fn overlap(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    // Row by row: whether the rest of one pattern and the rest of the other have a text in common.
    let mut below: Vec<bool> = Vec::new();
    for i in (0..=one.len()).rev() {
        let mut row = vec![false; other.len() + 1];
        for j in (0..=other.len()).rev() {
            let at = |row: &Vec<bool>, j: usize| row.get(j).copied().unwrap_or_default();
            let common = match (one.get(i), other.get(j)) {
                (None, None) => true,
                (Some('*'), Some(_)) => at(&below, j) || at(&row, j + 1),
                (Some(_), Some('*')) => at(&row, j + 1) || at(&below, j),
                (Some('*'), None) => at(&below, j),
                (None, Some('*')) => at(&row, j + 1),
                (Some(a), Some(b)) => a == b && at(&below, j + 1),
                (Some(_), None) | (None, Some(_)) => false,
            };
            if let Some(cell) = row.get_mut(j) {
                *cell = common;
            }
        }
        below = row;
    }
    below.first().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_overlap_where_some_text_is_of_both() {
        for (one, other, expected) in [
            ("crm://*", "crm://a", true),
            ("crm://a/*", "crm://b/*", false),
            ("a*b", "ab*", true),
            ("a*c", "ab*d", false),
            ("*x*", "*y*", true),
            ("", "*", true),
            ("a", "", false),
        ] {
            assert_eq!((overlap(one, other), overlap(other, one)), (expected, expected), "{one} {other}");
        }
    }

    #[test]
    fn a_narrower_pattern_is_left_to_its_own_rule() {
        let patterns = ["crm://*", "crm://a/*", "x*y", "xa*"];
        let spelling = |part: &String| part.starts_with("!u.matches(") && part.contains("%(2[DdEe]");
        let found = |pattern| {
            let parts = uri("u", pattern, &patterns);
            assert_eq!(parts.iter().filter(|part| spelling(part)).count(), 1, "{parts:?}");
            parts.into_iter().filter(|part| !spelling(part)).collect::<Vec<_>>().join(" && ")
        };
        assert_eq!(found("crm://*"), r#"u.startsWith("crm://") && !(u.startsWith("crm://a/"))"#);
        assert_eq!(found("crm://a/*"), r#"u.startsWith("crm://a/")"#);
        assert_eq!(found("x*y"), r#"u.matches("(?s)\\Ax.*y\\z") && !(u.startsWith("xa"))"#);
        assert_eq!(uri("u", "crm://a", &[]), [r#"u == "crm://a""#]);
        assert_eq!(uri("u", "a.b$c*d", &[])[0], r#"u.matches("(?s)\\Aa\\.b\\\u0024c.*d\\z")"#);
    }

    #[test]
    fn long_lists_are_split() {
        let many: Vec<String> = (0..400).map(|n| format!("spiffe://example.org/ns/agents/sa/agent-{n:04}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let lengths: Vec<usize> = chunks(&many).map(<[&str]>::len).collect();
        assert_eq!((lengths.len() > 1, lengths.iter().sum::<usize>()), (true, 400));
        assert_eq!(chunks(&[]).count(), 0);
    }
}
