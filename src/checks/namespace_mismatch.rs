//! `namespace-mismatch`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};
use crate::model::deployment::TargetId;
use crate::model::url::Url;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "namespace-mismatch",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds URLs of servers inside the cluster (`NAME.NAMESPACE.svc...`) whose namespace is not the `namespace` that \
               `mcpctl.yaml` sets for `kubernetes` or `istio`, nor one that begins with it (`mcp-retail` for `mcp`).",
        why: "Policies hold in a namespace. Calls go to the one in the URL; policies in another one protect nothing there.",
        fix: "Correct the URL or the setting.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let targets = [TargetId::Kubernetes, TargetId::Istio];
    let set = |target: TargetId| Some((target, input.model.deployment.namespace(target)?));
    let Some((target, namespace)) = targets.into_iter().find_map(set) else { return };
    for server in input.model.servers.values() {
        let Some(url) = &server.url else { continue };
        let Some(written) = Url::parse(&url.value).and_then(|url| namespace_of(url.host)) else { continue };
        let below = written.strip_prefix(namespace.value.as_str());
        if below.is_some_and(|rest| rest.is_empty() || rest.starts_with('-')) {
            continue;
        }
        let message =
            format!("server `{}` is in the namespace `{written}`, and the policies are for another one", server.name);
        report.push(
            Diagnostic::new(&CHECK.rule, url.loc, message)
                .label(namespace.loc, format!("target `{target}` is set to `{namespace}`")),
        );
    }
}

/// `mcp` of `crm.mcp.svc` and of `crm.mcp.svc.cluster.local`.
fn namespace_of(host: &str) -> Option<&str> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let service = match host.strip_suffix(".svc") {
        Some(service) => service,
        None => host.split_once(".svc.").map(|(service, _)| service)?,
    };
    service.rsplit_once('.').map(|(_, namespace)| namespace)
}
