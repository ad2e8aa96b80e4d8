//! What of the fleet an experiment breaks.

use super::target::{InjectedFailure, place, plain, plural};
use super::{Experiment, ExperimentKind};
use crate::model::quantity::Duration;
use crate::model::server::Server;
use crate::model::{Model, Scope};

/// What a target is, as far as the workspace knows it.
#[derive(Debug, Clone)]
pub struct Hit<'m> {
    /// The servers whose calls fail, sorted by name; empty where the workspace does not say which.
    pub servers: Vec<&'m Server>,
    /// Whether the target is these servers themselves, and not a part of one or something that they use.
    pub whole: bool,
    /// The one tool that the target names, of the one server.
    pub tool: Option<&'m str>,
}

/// Names of the databases that the servers with a pool use.
const DATABASES: [&str; 5] = ["database", "databases", "database_connection", "database_connections", "database_pool"];

/// Names of what the servers with a pool of HTTP connections use.
const HTTP: [&str; 3] = ["http_connection", "http_connections", "http_pool"];

impl<'m> Hit<'m> {
    /// What a target is: a server, a tool of one, a network segment of servers, a unit, what servers with pools use, or a
    /// part of a server, the first of these. Anything else is nothing of a server.
    #[must_use]
    pub fn of(model: &'m Model, target: &'m str) -> Self {
        let same = |name: &str| plain(name) == plain(target);
        let whole = |servers: Vec<&'m Server>| Self { servers, whole: true, tool: None };
        let named = || model.servers.values().find(|server| same(server.name.value.as_str()));
        if let Some(server) = model.server(target).or_else(named) {
            return whole(vec![server]);
        }
        let parts = target.split_once('/').and_then(|(server, tool)| Some((model.server(server)?, tool)));
        if let Some((server, tool)) = parts.filter(|(server, tool)| server.tools.contains_key(*tool)) {
            return Self { tool: Some(tool), ..whole(vec![server]) };
        }
        if Self::is_segment(model, target) && !model.servers.is_empty() {
            return whole(Self::those(model, |_| true));
        }
        let in_unit = |server: &Server| server.unit.as_ref().is_some_and(|unit| same(unit.value.as_str()));
        let of_unit = Self::those(model, in_unit);
        if !of_unit.is_empty() {
            return whole(of_unit);
        }
        let using = |server: &Server| {
            let name = &server.name.value;
            model.connections.values().any(|pools| {
                (DATABASES.iter().any(|word| same(word))
                    && pools.database.iter().any(|pool| pool.server.value == *name))
                    || (HTTP.iter().any(|word| same(word)) && pools.http.iter().any(|pool| pool.server.value == *name))
            })
        };
        let users = Self::those(model, using);
        let servers = match InjectedFailure::parse(model, target) {
            Some(part) if users.is_empty() => vec![part.server],
            _ => users,
        };
        Self { servers, whole: false, tool: None }
    }

    /// Whether a target is the network segment of the servers.
    fn is_segment(model: &Model, target: &str) -> bool {
        const ROLE: &str = "mcp_servers";
        let mut segments = model.topology.segments.iter().filter(|(role, _)| role.value == ROLE);
        segments.any(|(role, subnet)| {
            let named = [role.value.as_str(), subnet.value.as_str()].iter().any(|name| plain(name) == plain(target));
            named || place(target).is_some_and(|place| plural(&role.value, place))
        })
    }

    fn those(model: &'m Model, which: impl Fn(&Server) -> bool) -> Vec<&'m Server> {
        let mut found: Vec<&Server> = model.servers.values().filter(|server| which(server)).collect();
        found.sort_by(|a, b| a.name.value.cmp(&b.name.value));
        found
    }
}

impl ExperimentKind {
    /// Its key in `chaos_experiments`.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::NetworkPartition => "network_partitions",
            Self::ResourceExhaustion => "resource_exhaustion",
            Self::DependencyFailure => "dependency_failures",
        }
    }
}

impl Experiment {
    /// How long it takes; one minute where it is not written, since a fault without an end is none to be tried.
    #[must_use]
    pub fn lasts(&self) -> Duration {
        const USUAL: Duration = Duration(60_000);
        self.duration.as_ref().map_or(USUAL, |duration| duration.value)
    }

    /// The share that it uses up or fails, in thousandths of a percent; the whole where it is not written.
    #[must_use]
    pub fn share(&self) -> u32 {
        const WHOLE: u32 = 100_000;
        self.amount.as_ref().map_or(WHOLE, |amount| amount.value.milli)
    }
}

/// How long a call may take in a scope; 30 seconds where no breaker says it.
#[must_use]
pub fn call_time(model: &Model, scope: &Scope) -> Duration {
    const USUAL: Duration = Duration(30_000);
    let timeout = Model::in_scope(&model.breaker, scope).and_then(|breaker| breaker.timeout.as_ref());
    timeout.map_or(USUAL, |timeout| timeout.value)
}

/// How many calls it takes on average until `failures` in a row fail, where each fails with this probability: the sum of
/// its powers from -1 to `-failures`, which is (1-pⁿ)/((1-p)pⁿ).
#[must_use]
pub fn calls_until(failures: u32, probability: f64) -> f64 {
    let each = 1.0 / probability;
    let (mut calls, mut power) = (0.0, 1.0);
    for _ in 0..failures {
        power *= each;
        calls += power;
        if !calls.is_finite() {
            break;
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::tests::checked;

    const WORLD: &str = "
# file: all.yaml
zero_trust_config: {network_segmentation: [{mcp_servers: isolated_subnets}, {gateways: dmz_subnet}]}
connection_pooling: {database_pools: [{mcp_server: crm, pool_size: 5}], http_pools: [{mcp_server: pay_server, pool_size: 5}]}
mcp_registry:
  business_units: [{name: shop}]
  servers:
    - {name: pay_server, business_unit: shop, tools: [{name: charge}]}
    - {name: crm, business_unit: central, tools: [{name: note}]}
";

    #[test]
    fn a_target_is_servers_or_what_they_use() {
        let (checked, _) = checked(WORLD);
        for (target, servers, whole, tool) in [
            ("pay_server", &["pay_server"][..], true, None),
            ("Pay-Server", &["pay_server"], true, None),
            ("crm/note", &["crm"], true, Some("note")),
            ("crm/none", &[], false, None),
            ("mcp_server_subnet", &["crm", "pay_server"], true, None),
            ("mcp_servers", &["crm", "pay_server"], true, None),
            ("isolated_subnets", &["crm", "pay_server"], true, None),
            ("dmz_subnet", &[], false, None),
            ("shop", &["pay_server"], true, None),
            ("database_connection", &["crm"], false, None),
            ("http_pool", &["pay_server"], false, None),
            ("pay_server_database", &["pay_server"], false, None),
            ("kafka", &[], false, None),
        ] {
            let hit = Hit::of(checked.model(), target);
            let names: Vec<&str> = hit.servers.iter().map(|server| server.name.value.as_str()).collect();
            assert_eq!((names.as_slice(), hit.whole, hit.tool), (servers, whole, tool), "{target}");
        }
    }

    #[test]
    fn failures_in_a_row_are_rare_where_each_is_one_of_two() {
        assert!((calls_until(5, 0.5) - 62.0).abs() < f64::EPSILON);
        assert!((calls_until(5, 1.0) - 5.0).abs() < f64::EPSILON);
        assert!((calls_until(1, 0.25) - 4.0).abs() < f64::EPSILON);
        let cases: [(i32, f64); 4] = [(2, 0.9), (5, 0.75), (8, 0.3), (3, 0.01)];
        for (failures, p) in cases {
            let all = p.powi(failures);
            let closed = (1.0 - all) / ((1.0 - p) * all);
            // From the state of k failures in a row: one more call, then k+1 of them with p, and none otherwise.
            let (mut of_start, mut constant) = (0.0, 0.0);
            for _ in 0..failures {
                (of_start, constant) = (p * of_start + (1.0 - p), 1.0 + p * constant);
            }
            let chain = constant / (1.0 - of_start);
            let found = calls_until(failures.unsigned_abs(), p);
            assert!((found - closed).abs() < 1e-6 * closed && (found - chain).abs() < 1e-6 * chain, "{failures} {p}");
        }
        assert!(calls_until(u32::MAX, 0.5).is_infinite());
    }
}
