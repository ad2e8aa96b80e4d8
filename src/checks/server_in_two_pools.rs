//! `server-in-two-pools`.

use std::collections::BTreeMap;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Edit, Fix, Report, Rule, Severity};
use crate::source::Loc;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "server-in-two-pools",
        guards_access: false,
        severity: Severity::Error,
        what: "Finds a server that two resource pools of `bulkhead_config` list, or one pool twice. The pools of a unit's folder \
               and the central ones are apart: for a server of the unit its own pool applies.",
        why: "A pool is what a server may use at most. With two of them it is not said which limit applies, and the resources \
              of both are promised to it.",
        fix: "Keep the server in one pool.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for pools in input.model.bulkheads.values() {
        let mut first: BTreeMap<&str, (&str, Loc)> = BTreeMap::new();
        let listed = pools.iter().flat_map(|pool| pool.servers.iter().map(move |server| (pool, server)));
        for (pool, server) in listed {
            let (pool, name) = (pool.name.value.as_str(), server.value.as_str());
            match first.get(name) {
                None => drop(first.insert(name, (pool, server.loc))),
                Some((other, loc)) => {
                    let message = match *other == pool {
                        true => format!("pool `{pool}` lists server `{name}` twice"),
                        false => format!("server `{name}` is in the pools `{other}` and `{pool}`"),
                    };
                    let remove = vec![Edit::Remove(server.loc)];
                    let title = format!("remove the second `{name}`");
                    let fix = if *other == pool { Fix::safe(title, remove) } else { Fix::guess(title, remove) };
                    let finding = Diagnostic::new(&CHECK.rule, server.loc, message);
                    report.push(finding.label(*loc, format!("in pool `{other}`")).fix(fix));
                }
            }
        }
    }
}
