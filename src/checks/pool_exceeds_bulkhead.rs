//! `pool-exceeds-bulkhead`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::operations::{Connections, ResourcePool};
use crate::model::{Model, Scope};
use crate::source::{Loc, Spanned};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "pool-exceeds-bulkhead",
        guards_access: false,
        severity: Severity::Error,
        what: "Finds resource pools of `bulkhead_config` with fewer `connections` than the database pools of their servers may \
               open together: the sum of `pool_size` and `max_overflow`. For HTTP pools, which are per instance of the caller, \
               it is a warning.",
        why: "The bulkhead refuses what the pools count on. Under load calls fail although each part keeps to its own limit.",
        fix: "Raise the `connections` of the pool, make the connection pools smaller, or give a server a pool of its own.",
    },
    run,
};

/// What a server's own pool asks for, and where it says so.
type Asked = (u64, Loc);

/// A kind of pool: what it is called, how bad too many connections are, and what a server's own one asks for.
type Kind = (&'static str, Severity, fn(&Connections, &str) -> Option<Asked>);

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    for (scope, pools) in &model.bulkheads {
        for pool in pools {
            let Some(most) = &pool.connections else { continue };
            let kinds: [Kind; 2] =
                [("database pools", Severity::Error, of_database), ("HTTP pools", Severity::Warning, of_http)];
            for (what, severity, of) in kinds {
                let asked = asked(model, scope, pool, of);
                let sum = asked.iter().fold(0_u64, |sum, (asked, _)| sum.saturating_add(*asked));
                if sum > most.value {
                    let message = format!(
                        "pool `{}` has {most} connections, and the {what} of its servers may open {sum}",
                        pool.name
                    );
                    report.push(
                        Diagnostic::new(&CHECK.rule, most.loc, message)
                            .at(severity)
                            .labels(asked.iter().map(|(asked, loc)| (*loc, format!("up to {asked} of them")))),
                    );
                }
            }
        }
    }
}

/// What each server of a pool asks for: by its unit's section, else by the central one.
fn asked(
    model: &Model,
    scope: &Scope,
    pool: &ResourcePool,
    of: impl Fn(&Connections, &str) -> Option<Asked>,
) -> Vec<Asked> {
    let mut servers: Vec<&str> = pool.servers.iter().map(|server| server.value.as_str()).collect();
    servers.sort_unstable();
    servers.dedup();
    let asks = |server: &str| {
        let unit = model.server(server).and_then(|server| server.unit.as_ref()).map(|unit| unit.value.clone());
        let scopes = [scope.clone(), unit, None];
        scopes.iter().find_map(|scope| of(model.connections.get(scope)?, server))
    };
    servers.into_iter().filter_map(asks).collect()
}

fn of_database(connections: &Connections, server: &str) -> Option<Asked> {
    let pool = connections.database.iter().find(|pool| pool.server.value.as_str() == server)?;
    let number = |size: &Option<Spanned<u64>>| size.as_ref().map_or(0, |size| size.value);
    let loc = pool.pool_size.as_ref().or(pool.max_overflow.as_ref())?.loc;
    Some((number(&pool.pool_size).saturating_add(number(&pool.max_overflow)), loc))
}

fn of_http(connections: &Connections, server: &str) -> Option<Asked> {
    let pool = connections.http.iter().find(|pool| pool.server.value.as_str() == server)?;
    pool.pool_size.as_ref().map(|size| (size.value, size.loc))
}
