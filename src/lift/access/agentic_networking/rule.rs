//! One rule, as the controller turns it into a rule of Envoy.

use std::collections::BTreeSet;

use super::shapes::{Authorization, Mcp, Method, Written};
use super::unexpected;
use crate::lift::LiftError;
use crate::model::name::ServerName;

/// Most names of a list, and most characters of each, by the definition.
const NAMES: usize = 10;
const CHARACTERS: usize = 20;

/// What a rule lets through.
pub(super) enum Rule {
    /// Nothing.
    Nobody,
    /// These rights, for the caller whose certificate names this.
    Caller(String, Rights),
}

/// What a caller may do on a server.
#[derive(Default)]
pub(super) struct Rights {
    pub(super) tools: BTreeSet<String>,
    pub(super) prompts: BTreeSet<String>,
    /// The methods of the protocol.
    protocol: bool,
    /// The list of prompts.
    lists: bool,
}

impl Rights {
    pub(super) fn add(&mut self, more: Self) {
        self.tools.extend(more.tools);
        self.prompts.extend(more.prompts);
        self.protocol |= more.protocol;
        self.lists |= more.lists;
    }

    /// That the caller may open a session exactly where it may use something in it, and list prompts where it may get one.
    pub(super) fn check(&self, id: &str, server: &ServerName) -> Result<(), LiftError> {
        let something = !self.tools.is_empty() || !self.prompts.is_empty();
        if self.protocol == something && self.lists != self.prompts.is_empty() {
            return Ok(());
        }
        unexpected(format!("`{id}` may open a session with `{server}`, or list its prompts, where it may use nothing"))
    }
}

impl Rule {
    pub(super) fn read(written: Written) -> Result<Self, LiftError> {
        let Written { name, source, authorization } = written;
        if source.kind != "SPIFFE" || source.spiffe.is_empty() {
            return unexpected(format!("the rule `{name}` knows its caller by something else than a SPIFFE ID"));
        }
        let Authorization { kind, cel, mcp } = authorization;
        let rights = match (kind.as_str(), cel, mcp) {
            ("CEL", Some(cel), None) if cel.expression == "false" => return Ok(Self::Nobody),
            ("CEL", Some(cel), None) => Rights { tools: names_in(&cel.expression)?, ..Rights::default() },
            ("Inline", None, Some(mcp)) => inline(mcp)?,
            _ => return unexpected(format!("the rule `{name}` is neither a list of methods nor an expression")),
        };
        Ok(Self::Caller(source.spiffe, rights))
    }
}

/// The names that an expression compares the name of the tool with. The controller asks it of calls of tools alone.
fn names_in(expression: &str) -> Result<BTreeSet<String>, LiftError> {
    let list = expression.strip_prefix("request.mcp.tool_name in [").and_then(|rest| rest.strip_suffix(']'));
    let Some(list) = list else { return unexpected(format!("the expression `{expression}` cannot be read exactly")) };
    // Without escapes, and without what the controller would replace, each name is what it is.
    let name = |quoted: &str| {
        let name = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let plain = |name: &&str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-./".contains(&b));
        let name = name.filter(plain).filter(|name| !name.is_empty() && !name.contains("request."));
        name.map_or_else(|| unexpected(format!("the name {quoted} cannot be read exactly")), |name| Ok(name.to_owned()))
    };
    list.split(", ").map(name).collect()
}

fn inline(mcp: Mcp) -> Result<Rights, LiftError> {
    let protocol = match mcp.mcp_base_protocol_methods_option.as_str() {
        "MATCH_BASE_PROTOCOL_METHODS" => true,
        "SKIP_BASE_PROTOCOL_METHODS" => false,
        other => return unexpected(format!("`{other}` says nothing of the methods of the protocol")),
    };
    let mut rights = Rights { protocol, ..Rights::default() };
    let methods: BTreeSet<&str> = mcp.methods.iter().map(|method| method.name.as_str()).collect();
    if methods.len() != mcp.methods.len() || methods.is_empty() && !protocol {
        return unexpected("a rule has one method twice, or none, by which it would let everything through");
    }
    for Method { name, params } in mcp.methods {
        let names: BTreeSet<String> = params.iter().cloned().collect();
        let fits = names.len() == params.len()
            && (1..=NAMES).contains(&names.len())
            && names.iter().all(|name| name.chars().count() <= CHARACTERS);
        match name.as_str() {
            "tools/call" if fits => rights.tools = names,
            "prompts/get" if fits => rights.prompts = names,
            "prompts/list" if params.is_empty() => rights.lists = true,
            other => {
                return unexpected(format!("a rule lets `{other}` through, or any name, or more than it can hold"));
            }
        }
    }
    Ok(rights)
}
