//! Changes of operation in the words of those who run things.

use crate::families::FamilyId;
use crate::model::Model;
use crate::source::Loc;

/// Keys that say nothing to a reader who sees the name that comes after them.
const SILENT: [&str; 5] = ["resource_pools", "resources", "http_pools", "database_pools", "per_mcp_server"];

/// What a family's sections are called.
fn title(family: FamilyId) -> &'static str {
    match family {
        FamilyId::Bulkhead => "bulkhead",
        FamilyId::CircuitBreaker => "circuit breaker",
        FamilyId::ConnectionPooling => "connection pool",
        FamilyId::HealthMonitoring => "health",
        FamilyId::Workflow => "workflow",
        FamilyId::Saga => "saga",
        FamilyId::IntegrationTests => "integration test",
        FamilyId::ChaosExperiments => "chaos experiment",
        FamilyId::Federation
        | FamilyId::ZeroTrust
        | FamilyId::ProgressiveAuth
        | FamilyId::DataRouting
        | FamilyId::Registry
        | FamilyId::Identity
        | FamilyId::PolicyTests
        | FamilyId::Waivers
        | FamilyId::Orchestration
        | FamilyId::EventDriven
        | FamilyId::BatchProcessing
        | FamilyId::Caching
        | FamilyId::Tracing
        | FamilyId::Metrics
        | FamilyId::Logging => family.key(),
    }
}

/// What a value is about: "bulkhead `critical_operations` connections".
pub(super) fn about(path: &[String], family: FamilyId) -> String {
    let words = path.iter().filter(|part| !SILENT.contains(&part.as_str()));
    words.map(|part| if part == family.key() { title(family) } else { part }).collect::<Vec<_>>().join(" ")
}

/// What a smaller bulkhead may mean: who may ask for more connections than it has now. `at` is the place of the new value.
pub(super) fn shortage(model: &Model, at: Loc) -> Option<String> {
    for (scope, pools) in &model.bulkheads {
        let found = pools.iter().find_map(|pool| Some((pool, pool.connections.as_ref().filter(|it| it.loc == at)?)));
        let Some((pool, most)) = found else { continue };
        let demand = |server: &str| -> u64 {
            let of_scope = model.connections.get(scope).into_iter().flat_map(|connections| &connections.http);
            let own = of_scope.filter(|pool| pool.server.value.as_str() == server);
            own.filter_map(|pool| pool.pool_size.as_ref()).map(|size| size.value).sum()
        };
        let demands: Vec<(&str, u64)> =
            pool.servers.iter().map(|server| (server.value.as_str(), demand(server.value.as_str()))).collect();
        let over: Vec<String> = demands
            .iter()
            .filter(|(_, needs)| *needs > most.value)
            .map(|(server, needs)| format!("`{server}` may need {needs}"))
            .collect();
        if !over.is_empty() {
            return Some(over.join(", "));
        }
        let sum: u64 = demands.iter().map(|(_, needs)| needs).sum();
        return (sum > most.value).then(|| format!("its servers may need {sum} together"));
    }
    None
}
