//! `certificates-disabled`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Fix, Report, Rule, Severity};
use crate::model::access::MutualTls;
use crate::model::name::UnitName;
use crate::policy::fact::MTLS;
use crate::policy::origin::fact_place;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "certificates-disabled",
        guards_access: true,
        severity: Severity::Error,
        what: "Finds `mutual_tls: disabled` where calls need the fact `mtls`.",
        why: "The fact is a certificate that the caller shows. In a mesh without mutual TLS nobody has one, so nobody may make these calls.",
        fix: "Set `zero_trust_config.service_mesh.mutual_tls: strict`, leave the key out, or ask for another fact.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let (model, policy) = (input.model, input.policy);
    let families = ["zero_trust_config", "progressive_auth", "data_routing", "mcp_registry", "identity"];
    let Some(certificate) = policy.facts.mask(MTLS).filter(|_| model.complete_for(&families)) else { return };
    let central = std::iter::once((None, &model.access));
    let scopes = central.chain(model.overlays.iter().map(|(unit, rules)| (Some(unit), rules)));
    for (unit, rules) in scopes {
        let Some(mode) = rules.mutual_tls.as_ref().filter(|mode| mode.value == MutualTls::Disabled) else { continue };
        let within = |server: &str| {
            let own = model.server(server).and_then(|server| server.unit.as_ref());
            unit.is_none_or(|unit: &UnitName| own.is_some_and(|own| own.value == *unit))
        };
        let mut cells = policy.cells.iter().flatten();
        let rests = cells.find(|(object, cell)| {
            let sets = policy.conditions.get(cell.condition).minimal_sets();
            sets.iter().any(|set| set & certificate != 0) && within(policy.object_at(*object).server.as_str())
        });
        let Some((object, _)) = rests else { continue };
        let object = policy.object_at(*object);
        let message = format!("the mesh has no certificates, and `{object}` is for callers that show one");
        let asked = fact_place(model, input.classes, None, object, MTLS);
        let finding = Diagnostic::new(&CHECK.rule, mode.loc, message).fix(Fix::value(mode.loc, "strict"));
        report.push(match asked {
            Some(loc) => finding.label(loc, "`mtls` is asked for here"),
            None => finding,
        });
    }
}
