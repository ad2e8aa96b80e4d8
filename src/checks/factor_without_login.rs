//! `factor-without-login`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::policy::derive::facts_in_use;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "factor-without-login",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds a second factor (`mfa`, or a fact whose name holds `factor` or `otp`) that is read from the claim `acr`, \
               `scope` or `scp`.",
        why: "Tokens have these claims without the factor: a client's own token carries `acr`, and a client that asks for a scope \
              gets it without anybody signing in.",
        fix: "Read it from `amr`, which lists what was used: `mfa: {claim: amr, contains: mfa}`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let Some(identity) = &input.model.identity else { return };
    let in_use = facts_in_use(input.model);
    for (fact, evidence) in &identity.evidence {
        let is_factor = |name: &str| name == "mfa" || name.contains("factor") || name.contains("otp");
        let Some(asked) = in_use.get(fact).filter(|_| is_factor(fact.as_str())) else { continue };
        let without = |path: &[String]| matches!(path, [name] if matches!(name.as_str(), "acr" | "scope" | "scp"));
        // Beside other evidence the claim narrows alone.
        let claims: Vec<_> = evidence.value.claims().collect();
        if claims.is_empty() || !claims.iter().all(|claim| without(&claim.path)) {
            continue;
        }
        let path = claims.first().map(|claim| claim.path.join(".")).unwrap_or_default();
        let message = format!("`{fact}` is read from the claim `{path}`, which tokens have without that factor");
        report.push(Diagnostic::new(&CHECK.rule, evidence.loc, message).label(*asked, "asked for here"));
    }
}
