//! Test environments that have the addresses of the workspace itself.

use super::super::rules::TESTS_REACH_PRODUCTION;
use super::DeclaredEnvironment;
use crate::diagnostic::{Diagnostic, quoted};
use crate::model::Model;
use crate::model::assurance::ServerSet;
use crate::model::server::Server;
use crate::model::url::Url;

/// The test environments of this name whose servers have the same address with and without it.
pub(super) fn shared(place: &DeclaredEnvironment<'_>, base: &Model, here: &Model) -> Vec<Diagnostic> {
    let declared = base.integration_tests.values().flat_map(|tests| &tests.environments);
    let named = declared.filter(|environment| environment.name.value == place.name);
    let address = |server: &Server| {
        let url = Url::parse(&server.url.as_ref()?.value)?;
        Some((url.host.to_ascii_lowercase(), url.port.unwrap_or(if url.is_plaintext() { 80 } else { 443 })))
    };
    let mut findings = Vec::new();
    for environment in named {
        let has = |name: &str| match environment.servers.as_ref().map(|servers| &servers.value) {
            None | Some(ServerSet::FullDeployment | ServerSet::ProductionMirror) => true,
            Some(ServerSet::List(listed)) => listed.iter().any(|other| other.value.as_str() == name),
        };
        let same = |server: &&Server| {
            let own = here.servers.get(&server.name.value).and_then(address);
            has(server.name.value.as_str()) && own.is_some() && own == address(server)
        };
        let servers: Vec<&Server> = base.servers.values().filter(same).collect();
        let Some(first) = servers.first() else { continue };
        let names = quoted(servers.iter().map(|server| server.name.value.as_str()));
        let message = format!("test environment `{}` calls {names} at the address of the workspace itself", place.name);
        let at = first.url.as_ref().map_or(first.name.loc, |url| url.loc);
        findings.push(
            Diagnostic::new(&TESTS_REACH_PRODUCTION, environment.name.loc, message)
                .label(at, "the address")
                .label(place.declared, "the environment")
                .help(format!("give each of them a `url` of its own in a file of `{}`", place.folder)),
        );
    }
    findings
}
