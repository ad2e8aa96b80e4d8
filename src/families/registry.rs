//! `mcp_registry`, our own family: the inventory of units, servers, tools and agents.
//! Source: the document's architecture, which names a Global Registry and gives no YAML for it.

mod entries;
mod grants;
mod listed;
mod methods;
mod mirrored;

use std::collections::BTreeMap;

#[cfg(test)]
use self::entries::ServerSection;
use self::entries::{AgentEntry, AnyAgentEntry, ReadyServer, UnitEntry};
use crate::diagnostic::Diagnostic;
use crate::lower::{At, Lowering, rules};
use crate::model::topology::Unit;
use crate::source::Spanned;

/// The inventory: business units, MCP servers with their tools, and the agents that may call them. With a registry, a
/// server that it does not list is an error. May stand many times; the lists are joined.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct McpRegistry {
    /// Public URL of the central gateway.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-http-url")))]
    central_gateway: Option<Spanned<String>>,
    /// The business units. Without any, everything is one unit.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(default)]
    business_units: Vec<UnitEntry>,
    /// The MCP servers.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<ServerSection>"))]
    servers: Vec<ReadyServer>,
    /// The agents, and what each may call.
    #[serde(default)]
    agents: Vec<AgentEntry>,
    /// What any caller with a valid token may call that is not a declared principal.
    any_agent: Option<Spanned<AnyAgentEntry>>,
}

impl McpRegistry {
    pub(super) fn lower(self, at: &At, out: &mut Lowering) {
        out.model.registry.get_or_insert(at.key);
        if out.centre_only(at, "central_gateway", self.central_gateway.as_ref().map(|url| url.loc)) {
            let Lowering { model, report, .. } = out;
            Lowering::join(report, &mut model.topology.central_gateway, self.central_gateway, "central_gateway");
        }
        let first_unit = self.business_units.first().map(|unit| unit.name.loc);
        if out.centre_only(at, "business_units", first_unit) {
            for unit in self.business_units {
                if unit.name.value.is_central() {
                    let message = "`central` means the central configuration, and cannot be a business unit";
                    out.report.push(Diagnostic::new(&rules::DUPLICATE_NAME, unit.name.loc, message));
                    continue;
                }
                if out.declare("unit", unit.name.value.as_str(), unit.name.loc) {
                    let name = unit.name.value.clone();
                    let unit = Unit { name: unit.name, gateway: unit.gateway, suspended: unit.suspended };
                    out.model.topology.units.insert(name, unit);
                }
            }
        }
        for server in self.servers {
            server.lower(at, out);
        }
        for agent in self.agents {
            agent.lower(at, out);
        }
        if let Some(any) = self.any_agent
            && out.centre_only(at, "any_agent", Some(any.loc))
        {
            any.value.lower(any.loc, out);
        }
    }
}

/// Workload labels.
type Labels = BTreeMap<String, Spanned<String>>;
