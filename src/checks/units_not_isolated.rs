//! `units-not-isolated`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Fix, Report, Rule, Severity};
use crate::model::topology::Isolation;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "units-not-isolated",
        guards_access: true,
        severity: Severity::Warning,
        what: "Finds `isolation_level` of less than `network_and_iam` where there are business units: `network`, `iam`, or `none`, which is found \
               for each unit.",
        why: "Each of the two holds where the other fails: a policy of the network also where an identity was stolen, and an identity also \
              where the network is open. With `iam` and `none` the target `kubernetes` lets every gateway connect to the servers of \
              every unit. Gateways and the mesh go on asking for identities with every word: a weaker one removes no rule of theirs.",
        fix: "Set `isolation_level: network_and_iam`, or leave the key out.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let topology = &input.model.topology;
    let Some(level) = &topology.isolation else { return };
    if topology.units.is_empty() {
        return;
    }
    let found = |message: String| {
        Diagnostic::new(&CHECK.rule, level.loc, message).fix(Fix::value(level.loc, "network_and_iam"))
    };
    match level.value {
        Isolation::NetworkAndIam => {}
        Isolation::Network => report.push(found("units are said to be kept apart by the network alone".to_owned())),
        Isolation::Iam => {
            report.push(found("the network lets every gateway connect to the servers of every unit".to_owned()));
        }
        Isolation::None => {
            for unit in topology.units.values() {
                let message =
                    format!("unit `{}` is not kept apart: every gateway may connect to its servers", unit.name);
                report.push(found(message).label(unit.name.loc, "the unit"));
            }
        }
    }
}
