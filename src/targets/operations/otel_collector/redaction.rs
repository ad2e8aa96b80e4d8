//! What of the user leaves the collector, by the data class of the server that a span is about. Source: OTTL, the language of
//! `transformprocessor` 0.161; attributes by OpenTelemetry's semantic conventions and by the targets `envoy` and `istio`.

use serde::Serialize;

use super::fault;
use crate::diagnostic::Diagnostic;
use crate::model::Model;
use crate::model::access::classification::Classification;
use crate::model::telemetry::Tracing;
use crate::targets::{CompileError, TARGET_LIMIT};

/// The attribute that names the server of a call.
const SERVER: &str = "mcp.server";

/// The attribute whose value may become a pseudonym.
const USER: &str = "user.id";

/// Attributes that say who the user is, beside [`USER`].
const OTHERS: [&str; 7] =
    ["enduser.id", "enduser.pseudo.id", "user.email", "user.full_name", "user.hash", "user.name", "user_id"];

/// The class up to which users keep a pseudonym, where the settings name none.
const USUAL: &str = "internal";

/// `transform/user_ids`.
#[derive(Serialize)]
pub(super) struct Transform {
    /// What is not transformed is not sent.
    error_mode: &'static str,
    trace_statements: Vec<Group>,
}

/// Statements of one context. In a plain list without groups all would run in the innermost context, which is once for each event
/// of a span, and never for a span without events.
#[derive(Serialize)]
struct Group {
    context: &'static str,
    statements: Vec<String>,
}

/// A text of OTTL.
fn quoted(text: &str) -> String {
    let mut found = String::from("\"");
    for letter in text.chars() {
        if matches!(letter, '"' | '\\') {
            found.push('\\');
        }
        found.push(letter);
    }
    found.push('"');
    // To the collector `$` begins the name of a variable.
    found.replace('$', "$$")
}

/// The servers whose spans keep a pseudonym of the user, by name: those of the classes up to that of the settings, in the central
/// configuration and in the folder of their unit.
pub(super) fn servers(model: &Model) -> Result<Vec<&str>, CompileError> {
    let set = model.deployment.otel_collector.as_ref().and_then(|keys| keys.pseudonyms_up_to.as_ref());
    let rank = |name: &str| model.access.classes.iter().position(|class| class.name.value.as_str() == name);
    let most = match set {
        None => rank(USUAL),
        Some(class) => Some(rank(&class.value).ok_or_else(|| {
            let message = format!("no data class is called `{class}`");
            fault(Diagnostic::new(&TARGET_LIMIT, class.loc, message).help("name a `level` of `data_routing`"))
        })?),
    };
    let Some(most) = most else { return Ok(Vec::new()) };
    let central = Classification::of(&model.access);
    let restated: Vec<_> = model.overlays.keys().filter_map(|unit| Some((unit, model.restated_for(unit)?))).collect();
    let within =
        |classes: &Classification<'_>, server: &str| classes.listed(server).is_some_and(|listing| listing.rank <= most);
    let mut found = Vec::new();
    for server in model.servers.values() {
        let name = server.name.value.as_str();
        let unit = server.unit.as_ref().map(|unit| &unit.value);
        let own = restated.iter().find(|(known, _)| Some(*known) == unit);
        if within(&central, name) && own.is_none_or(|(_, rules)| within(&Classification::of(rules), name)) {
            found.push(name);
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// The statements for a section.
pub(super) fn transform(tracing: &Tracing, servers: &[&str]) -> Transform {
    let header = tracing.user_id_header.as_ref().map(|header| header.value.to_ascii_lowercase());
    // Some SDKs write the name of a header with `_`.
    let spelled = header.iter().flat_map(|header| [header.clone(), header.replace('-', "_")]);
    let mut gone: Vec<String> = OTHERS.iter().map(|key| (*key).to_owned()).collect();
    gone.extend(spelled.map(|header| format!("http.request.header.{header}")));
    gone.sort();
    gone.dedup();
    let delete = |place: &str, key: &str| format!("delete_key({place}.attributes, {})", quoted(key));
    let group = |place: &'static str| {
        let mut statements: Vec<String> = gone.iter().map(|key| delete(place, key)).collect();
        if place == "span" && !servers.is_empty() {
            let names: Vec<String> = servers.iter().map(|name| quoted(name)).collect();
            let user = format!("span.attributes[{}]", quoted(USER));
            let text = format!("IsString({user})");
            let known = format!("ContainsValue([{}], span.attributes[{}])", names.join(", "), quoted(SERVER));
            statements.push(format!("{} where not {text} or not {known}", delete(place, USER)));
            statements.push(format!("set({user}, SHA256({user})) where {text} and {known}"));
        } else {
            statements.push(delete(place, USER));
        }
        Group { context: place, statements }
    };
    Transform {
        error_mode: "propagate",
        trace_statements: ["resource", "scope", "span", "spanevent"].map(group).into(),
    }
}
