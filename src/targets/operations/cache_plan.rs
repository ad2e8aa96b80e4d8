//! The target `cache-plan`: which results each cache layer may keep, how long, and for whom.

mod keep;
mod page;
pub(crate) mod plan;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use self::plan::{CacheScope, Layer, Plan};
use super::scopes;
use crate::bundle::Artifact;
use crate::families::FamilyId;
use crate::model::operations::CacheLayer;
use crate::model::vocabulary::CacheLocation;
use crate::model::{Model, Scope};
use crate::source::Loc;
use crate::targets::{CompileError, Covers, Does, Files, Input, NotExpressed, Proof, Shown, Target, TargetId};

/// The target.
pub static TARGET: Target = Target {
    id: TargetId::CachePlan,
    summary: "Which tools' results each cache layer may keep, how long, and for whom",
    doc: page::DOC,
    covers: &[
        Covers::part(
            FamilyId::Caching,
            &["layers", "name", "location", "ttl", "eviction", "size"],
            "the plan has every layer; the worker of `temporal` holds those at `client`, and whatever holds the others takes the plan",
        ),
        Covers::part(
            FamilyId::DataRouting,
            &["classifications", "level", "mcp_servers", "location", "additional_controls"],
            "no layer outside a server keeps data whose class demands a place or controls; the rest of a class is for gateways",
        ),
    ],
    unexpressed,
    names: |model| scopes::renamed(model.caching.keys()).collect(),
    proof: Proof::Run(Shown {
        by: "the worker of the target `temporal`, as a cache of its own, in front of MCP servers",
        what: "a result is asked for once in its time by each caller; what the plan does not name is asked for each time",
        beyond: "layers in gateways, servers and Memcached, which take the plan as their instructions",
    }),
    needs: |_| Vec::new(),
    does: Does::Configures,
    compile,
};

/// Layers that keep nothing, because they lack what says how long or where, and those that nothing holds which is compiled here.
fn unexpressed(model: &Model) -> Vec<NotExpressed> {
    let left = |layer: &CacheLayer| {
        let (key, loc, why) = match (&layer.location, &layer.ttl) {
            (None, _) => {
                let why = "the layer has no `location`, so it keeps nothing; say where it is";
                (format!("layers[].name: {}", layer.name), layer.name.loc, why)
            }
            (_, None) => {
                let why = "the layer has no `ttl`, so it keeps nothing; say how long entries live";
                (format!("layers[].name: {}", layer.name), layer.name.loc, why)
            }
            (Some(at), Some(_)) => {
                let why = match at.value {
                    CacheLocation::Client | CacheLocation::Redis | CacheLocation::RedisCluster => return None,
                    CacheLocation::Gateway => {
                        "no gateway that is compiled keeps results; give the plan to one that does"
                    }
                    CacheLocation::McpServer => "servers keep their own results; give the plan to them",
                    CacheLocation::Memcached => "no settings of Memcached are written; give the plan to its clients",
                };
                (format!("layers[].location: {at}"), at.loc, why)
            }
        };
        Some(NotExpressed { family: FamilyId::Caching, key, loc, why, own: true })
    };
    model.caching.values().flatten().filter_map(left).collect()
}

fn compile(input: &Input<'_>) -> Result<Files, CompileError> {
    let model = input.model;
    let folders = scopes::folders(TargetId::CachePlan, model, model.caching.keys())?;
    let mut files = Files::new();
    for (scope, layers) in model.caching.iter().filter(|(_, layers)| !layers.is_empty()) {
        let Some(folder) = folders.get(scope) else { continue };
        let from: Vec<Loc> = layers.iter().map(|layer| layer.name.loc).collect();
        let plan = Plan { version: 1, layers: layers.iter().map(|layer| planned(layer, scope, model)).collect() };
        let mut bytes = serde_json::to_vec_pretty(&plan)
            .map_err(|cause| CompileError::Refused(format!("the plan of caches has no JSON form: {cause}")))?;
        bytes.push(b'\n');
        files.push((format!("{folder}/plan.json"), Artifact { bytes, from: from.clone() }));
        let schema = include_str!("../../../schemas/cache-plan.schema.json");
        files.push((format!("{folder}/plan.schema.json"), Artifact { bytes: schema.as_bytes().to_vec(), from }));
    }
    Ok(files)
}

fn planned(layer: &CacheLayer, scope: &Scope, model: &Model) -> Layer {
    Layer {
        name: layer.name.value.clone(),
        location: layer.location.as_ref().map(|at| at.value.word()),
        ttl_ms: layer.ttl.as_ref().map(|ttl| ttl.value.0),
        cache_scope: CacheScope::Private,
        eviction: layer.eviction.as_ref().map(|eviction| eviction.value.word()),
        max_bytes: layer.size.as_ref().map(|size| size.value.0),
        keep: match (&layer.location, &layer.ttl) {
            (Some(at), Some(_)) => keep::kept(at.value, scope, model),
            _ => BTreeMap::new(),
        },
    }
}
