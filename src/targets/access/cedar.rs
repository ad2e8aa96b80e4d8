//! The target `cedar`: schema, policies and entities for a Cedar engine, and the map that tells a policy enforcement point
//! how to fill a request.
//!
//! A principal holds, for each access rule, the groups of objects that it may use under it; an object is in one group. So
//! there is one policy a rule, whatever the number of tools, and each is a permit: what nothing permits is denied.

mod coverage;
mod entities;
mod evidence;
mod layout;
mod policies;
mod schema;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::bundle::Artifact;
use crate::cedar::Uid;
use crate::model::Model;
use crate::policy::{Object, ObjectKind, Policy, PrincipalId};
use crate::source::{Loc, Sources};
use crate::targets::{CompileError, Decides, Does, Files, Input, Proof, Shown, Target, TargetId};
use layout::Layout;

/// The target.
pub static TARGET: Target = Target {
    id: TargetId::Cedar,
    summary: "Cedar schema, policies and entities, and the map from requests to them",
    doc: "\
Files for any policy enforcement point that can call a Cedar engine:

- `schema.cedarschema`: namespace `Mcp`. Principals are `Agent`, `AnyAgent`, `Workflow`, `Saga` and `Processor`; resources \
are `Tool`, `Server` (the protocol's own methods), `Resource` and `Prompt`. The actions `call_tool`, `use_server`, \
`read_resource` and `get_prompt` are all in the group `request` and share one context, with one required `Bool` for each \
fact. `Group`, `Level`, `Class`, `Unit` and `Backend` (everything on one server) are what resources are in; they are \
enumerations, so a hand-written policy that misspells one does not validate.
- `policies.cedar`: one `permit` for each access rule, and no `forbid`. `@id` is the rule, `@source` the place that it \
comes from, `@sources` further places.
- `entities.json`: principals with their `grants`, the groups of objects that each may use under each rule; objects, \
each in its group; and the actions in theirs, for engines that are given no schema. An object's server is an attribute and not a parent, so that a grant on a server's protocol methods \
never reaches its tools.
- `evidence.json`: how to find each fact, the principal, the action and the resource of a request, and when to deny; \
`denied_methods` lists what the entries of servers deny (`methods`). A URI is asked \
about as the narrowest pattern that matches it, and denied where it is not in normal form.
- `handwritten/...`: the `*.cedar` files of the workspace, as they are. An engine loads them together with `policies.cedar`; \
the policies of both make one set.

A request is allowed only if Cedar allows it and reports no error. Every compile reads the texts back, validates them \
strictly, and compares what the generated ones decide with the access relation, cell by cell. What hand-written policies add \
is for `mcpctl prove` and `mcpctl diff`.",
    covers: coverage::COVERS,
    unexpressed: |_| Vec::new(),
    // Cedar ids hold any character, so every name is the one in YAML.
    names: |_| BTreeMap::new(),
    proof: Proof::Engine(Shown {
        by: "Cedar's own engine, linked into mcpctl, and cedar-go, which shares no code with it",
        what: "they decide the cells of every fixture as the access relation, by the same policies; every set of \
         facts is tried where there are few, and a sample where there are many",
        beyond: "how a policy enforcement point takes facts from a request, which `evidence.json` tells it",
    }),
    needs: |_| Vec::new(),
    does: Does::Decides(Decides {
        blind_to: |_, _, _| None,
        leaves_out: |_, _| None,
        unknown_pass: |_| None,
        methods_pass: |_| None,
        keys_pass: None,
        recognises_callers: false,
        reads_caller_claims: true,
        spellings_pass: |_| None,
        narrows: None,
        holds_handwritten: true,
    }),
    compile,
};

/// Type names of the generated schema, without the namespace.
mod kind {
    pub(super) const AGENT: &str = "Agent";
    pub(super) const ANY_AGENT: &str = "AnyAgent";
    pub(super) const WORKFLOW: &str = "Workflow";
    pub(super) const SAGA: &str = "Saga";
    pub(super) const PROCESSOR: &str = "Processor";
    pub(super) const TOOL: &str = "Tool";
    pub(super) const SERVER: &str = "Server";
    pub(super) const RESOURCE: &str = "Resource";
    pub(super) const PROMPT: &str = "Prompt";
    pub(super) const GROUP: &str = "Group";
    pub(super) const LEVEL: &str = "Level";
    pub(super) const CLASS: &str = "Class";
    pub(super) const UNIT: &str = "Unit";
    pub(super) const BACKEND: &str = "Backend";

    pub(super) const PRINCIPALS: [&str; 5] = [AGENT, ANY_AGENT, WORKFLOW, SAGA, PROCESSOR];
}

/// Ids of the generated actions.
mod action {
    pub(super) const REQUEST: &str = "request";
    pub(super) const CALL_TOOL: &str = "call_tool";
    pub(super) const USE_SERVER: &str = "use_server";
    pub(super) const READ_RESOURCE: &str = "read_resource";
    pub(super) const GET_PROMPT: &str = "get_prompt";

    /// Each action with the type of resource that it applies to.
    pub(super) const ALL: [(&str, &str); 4] = [
        (CALL_TOOL, super::kind::TOOL),
        (USE_SERVER, super::kind::SERVER),
        (READ_RESOURCE, super::kind::RESOURCE),
        (GET_PROMPT, super::kind::PROMPT),
    ];
}

/// Keys that Cedar's JSON form of a context gives a meaning of its own, so that a fact of that name could not be sent.
const RESERVED: [&str; 3] = ["__entity", "__extn", "__expr"];

/// What Cedar loads, as texts in its own language.
#[derive(Debug)]
pub struct Texts {
    /// The schema.
    pub schema: String,
    /// The generated policies.
    pub policies: String,
    /// The entities, in JSON.
    pub entities: String,
}

impl Texts {
    /// The texts of a model and its relation, to put questions to Cedar: they need not be those of a model that may be deployed.
    ///
    /// # Errors
    /// Where Cedar cannot hold it.
    pub fn new(model: &Model, policy: &Policy, sources: &Sources) -> Result<Self, CompileError> {
        Self::of(&Layout::new(model, policy), policy, sources)
    }

    fn of(layout: &Layout<'_>, policy: &Policy, sources: &Sources) -> Result<Self, CompileError> {
        if let Some(fact) = policy.facts.names().iter().find(|fact| RESERVED.contains(&fact.as_str())) {
            let why = format!("the requirement `{fact}` has a name that Cedar keeps for itself");
            return Err(CompileError::Refused(why));
        }
        Ok(Self {
            schema: schema::print(layout)?,
            policies: policies::print(layout, sources)?,
            entities: entities::print(layout)?,
        })
    }
}

fn compile(input: &Input<'_>) -> Result<Files, CompileError> {
    let layout = Layout::new(input.model, input.policy);
    let texts = Texts::of(&layout, input.policy, input.sources)?;
    let of_rules: Vec<Loc> = layout.rules().flat_map(|(_, rule)| rule.from.iter().copied()).collect();
    let file =
        |name: &str, text: String, from: Vec<Loc>| (name.to_owned(), Artifact { bytes: text.into_bytes(), from });
    let written = input.model.handwritten.files.iter();
    let written = written.map(|policies| {
        let from = vec![Loc { file: policies.file, start: 0, end: policies.text.len() as u32 }];
        file(&format!("{HANDWRITTEN}{}", policies.name), policies.text.to_string(), from)
    });
    let generated = [
        file("schema.cedarschema", texts.schema, layout.declared_at()),
        file("policies.cedar", texts.policies, of_rules),
        file("entities.json", texts.entities, entities::places(&layout)),
        file("evidence.json", evidence::print(&layout)?, evidence::places(&layout)),
    ];
    Ok(generated.into_iter().chain(written).collect())
}

/// The folder of the hand-written policies, below the target's.
const HANDWRITTEN: &str = "handwritten/";

/// The text of the schema alone.
///
/// # Errors
/// Where Cedar refuses it.
pub fn schema_of(model: &Model, policy: &Policy) -> Result<String, crate::cedar::Error> {
    schema::print(&Layout::new(model, policy))
}

/// The text of the entities alone.
///
/// # Errors
/// Where Cedar refuses it.
pub fn entities_of(model: &Model, policy: &Policy) -> Result<String, crate::cedar::Error> {
    entities::print(&Layout::new(model, policy))
}

/// The entity of a principal.
#[must_use]
pub fn principal_uid(principal: &PrincipalId) -> Uid {
    layout::principal_uid(principal)
}

/// The id of the action by which an object is used, and its entity.
#[must_use]
pub fn request_of(object: &Object) -> (&'static str, Uid) {
    let action = match object.kind {
        ObjectKind::Protocol => action::USE_SERVER,
        ObjectKind::Tool(_) => action::CALL_TOOL,
        ObjectKind::Resource(_) => action::READ_RESOURCE,
        ObjectKind::Prompt(_) => action::GET_PROMPT,
    };
    (action, layout::object_uid(object))
}

/// Every principal and every object as Cedar names them, and everything that they may be in that is not an enumeration's.
#[must_use]
pub fn entities(model: &Model, policy: &Policy) -> BTreeSet<Uid> {
    let principals = policy.principals.iter().map(|principal| layout::principal_uid(&principal.id));
    let objects = policy.objects.iter().map(layout::object_uid);
    let backends = model.servers.keys().map(|server| Uid::new(kind::BACKEND, server.as_str()));
    principals.chain(objects).chain(backends).collect()
}

/// Whether the ids of that type, without the namespace, are any texts, so that the validator takes a misspelt one.
#[must_use]
pub fn is_open_kind(name: &str) -> bool {
    kind::PRINCIPALS.contains(&name)
        || name == kind::BACKEND
        || action::ALL.iter().any(|(_, resource)| *resource == name)
}
