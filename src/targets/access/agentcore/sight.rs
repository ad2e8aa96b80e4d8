//! What AgentCore's policies can see of a request.

use crate::model::Model;
use crate::model::access::placeholder::filled;
use crate::model::access::{
    AccessRules, AnswerTest, ArgumentEvidence, ArgumentTest, CalledEvidence, ClaimTest, Evidence,
};
use crate::model::server::Tool;
use crate::targets::access::dialects;

/// Why a fact cannot be seen.
pub(super) fn blind_to(model: &Model, fact: &str, evidence: &Evidence) -> Option<&'static str> {
    match evidence {
        Evidence::KnownCaller => None,
        Evidence::Transport => Some(
            "AgentCore's policies do not see the connection; its endpoints take HTTPS alone, which is `tls`, and no \
             certificates of clients",
        ),
        Evidence::Issuer(_) | Evidence::NotWorkload | Evidence::All(_) => None,
        Evidence::Argument(argument) => dialects::unseen(evidence).or_else(|| unseen_argument(model, fact, argument)),
        Evidence::Called(called) => unseen_call(model, fact, called),
        Evidence::Claim(claim) => match (&claim.test, claim.path.as_slice()) {
            (ClaimTest::DiffersFrom(other), path) if dialects::is_delegation(path, other) => None,
            (ClaimTest::DiffersFrom(_), _) => {
                Some("of two claims, AgentCore's policies can compare `act.sub` and `sub` alone")
            }
            (_, [name]) if matches!(name.as_str(), "sub" | "act" | "iss") => {
                Some("that claim tells who calls, and is read for that alone")
            }
            (ClaimTest::Contains(_), [_]) if dialects::unseen(evidence).is_some() => dialects::unseen(evidence),
            (ClaimTest::Contains(_) | ClaimTest::Is(_), [_])
                if claim.test.texts().all(|text| values(model, text).all(|value| is_plain(&value))) =>
            {
                None
            }
            (ClaimTest::Contains(_) | ClaimTest::Is(_), [_]) => Some(
                "AgentCore's policies see the JSON text of a list, in which a value is told for certain only if it is of \
                 letters, digits and `_./:@+=#~%!$-` in ASCII, does not begin with one of `:%!$-`, and reads as no number or \
                 word of JSON",
            ),
            (ClaimTest::Present, [_]) => None,
            (ClaimTest::Contains(_) | ClaimTest::Is(_) | ClaimTest::Present, _) => Some(
                "AgentCore's policies see the JSON text of a claim, in which nothing nested can be told for certain",
            ),
        },
    }
}

/// Every value that a template can have.
fn values<'a>(model: &'a Model, template: &'a str) -> impl Iterator<Item = String> + 'a {
    model.servers.values().flat_map(move |server| {
        let name = server.name.value.as_str();
        let unit = server.unit.as_ref().map(|unit| unit.value.as_str());
        let of_tools = server.tools.keys().map(|tool| Some(tool.as_str()));
        of_tools.chain([None]).filter_map(move |tool| filled(template, name, tool, unit))
    })
}

/// Whether the text is the same in JSON, stands for itself alone, and cannot be mistaken for what is beside it.
pub(super) fn is_plain(text: &str) -> bool {
    let inside = |letter: char| letter.is_ascii_alphanumeric() || "_./:@+=#~%!$-".contains(letter);
    let begins = |letter: char| letter.is_ascii_alphanumeric() || "_./@+=#~".contains(letter);
    // A number, true and false have such a text, too.
    let is_json = serde_json::from_str::<serde_json::Value>(text).is_ok_and(|value| !value.is_null());
    text.chars().all(inside) && text.starts_with(begins) && !is_json
}

/// An argument is seen where the tools' own schemas declare it: AgentCore makes the types of its policies from them.
fn unseen_argument(model: &Model, fact: &str, argument: &ArgumentEvidence) -> Option<&'static str> {
    let [name] = argument.path.as_slice() else { return None };
    let expected = match &argument.test {
        ArgumentTest::Within { .. } => "integer",
        ArgumentTest::OneOf(_) | ArgumentTest::Matches(_) | ArgumentTest::EqualsClaim(_) => "string",
    };
    let all = kinds(model, fact, name).all(|kind| kind.as_deref() == Some(expected));
    (!all).then_some(
        "AgentCore's policies see an argument only if the `input_schema` of every tool that needs it declares it, as \
         `integer` for bounds or as `string` for texts",
    )
}

/// The longest time that AgentCore's policies look back, in milliseconds.
const LOOKS_BACK: u64 = 24 * 3_600_000;

/// An earlier call is seen where it lies in AgentCore's window and what it is compared with can be written.
fn unseen_call(model: &Model, fact: &str, called: &CalledEvidence) -> Option<&'static str> {
    let millis = called.within.0;
    if millis == 0 || !millis.is_multiple_of(1_000) || millis > LOOKS_BACK {
        return Some("AgentCore's policies look back by whole seconds, and by 24 hours at most");
    }
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let fields = || called.answer.keys().chain(called.same.values());
    let plain = |test: &AnswerTest| match test {
        AnswerTest::Text(text) => is_written_as_it_is(text),
        AnswerTest::Truth(_) | AnswerTest::Number(_) => true,
    };
    if !fields().all(|field| field.split('.').all(is_name)) || !called.same.keys().all(|name| is_name(name)) {
        return Some("AgentCore's policies name arguments and fields of answers with letters, digits and `_`");
    }
    if !called.answer.values().all(plain) {
        return Some("AgentCore's policies compare an answer with printable ASCII without quotes and backslashes");
    }
    let compares = |kind: Option<String>| matches!(kind.as_deref(), Some("string" | "integer" | "boolean"));
    let typed = called.same.keys().all(|argument| kinds(model, fact, argument).all(compares));
    (!typed).then_some(
        "AgentCore's policies compare an argument with an earlier answer only if the `input_schema` of every tool that \
         needs it declares it, as `string`, `integer` or `boolean`",
    )
}

/// Whether a text stands between quotes as it is.
pub(super) fn is_written_as_it_is(text: &str) -> bool {
    text.chars().all(|letter| (letter == ' ' || letter.is_ascii_graphic()) && letter != '"' && letter != '\\')
}

/// The types that an argument has in the schemas of the tools that may need a fact.
fn kinds<'a>(model: &'a Model, fact: &'a str, argument: &'a str) -> impl Iterator<Item = Option<String>> + 'a {
    let tools =
        model.servers.values().flat_map(|server| server.tools.iter().map(move |(name, tool)| (server, name, tool)));
    let everywhere = mentioned(model, fact);
    let concerned = tools.filter(move |(server, name, _)| {
        let asks = |access: &crate::model::server::ServerAccess| {
            let own = access.tools.get(*name).into_iter().flat_map(|tool| &tool.requires);
            access.requires.iter().chain(own).any(|required| required.value.as_str() == fact)
        };
        everywhere || asks(&server.access) || server.overlay.as_ref().is_some_and(asks)
    });
    concerned.map(move |(_, _, tool)| declared(model, tool, argument))
}

/// Whether something else than a server asks for the fact, so that any tool may need it.
fn mentioned(model: &Model, fact: &str) -> bool {
    let is = |name: &str| name == fact;
    let of_rules = |rules: &AccessRules| {
        let levels = rules.levels.values().flat_map(|level| {
            level.requirements.iter().chain(level.alternatives.iter().flat_map(|other| &other.requirements))
        });
        let classes = rules.classes.iter().flat_map(|class| &class.requires);
        levels.chain(classes).any(|required| is(required.value.as_str()))
    };
    of_rules(&model.access)
        || model.overlays.values().any(of_rules)
        || model.grants().any(|grant| grant.requires.iter().any(|required| is(required.value.as_str())))
}

/// The type of a tool's argument, where its schema gives one and no more than one.
fn declared(model: &Model, tool: &Tool, argument: &str) -> Option<String> {
    let schema: serde_json::Value = serde_json::from_str(model.input_schemas.get(&tool.input_schema?)?).ok()?;
    let property = schema.get("properties")?.get(argument)?;
    // An enumeration is an entity in AgentCore.
    if property.get("enum").is_some() {
        return None;
    }
    property.get("type")?.as_str().map(str::to_owned)
}
