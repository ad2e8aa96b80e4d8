//! The target `elasticsearch`: how long log records are kept, what they may hold, and how they get there.

mod lifecycle;
mod page;
mod record;
mod shipper;
mod template;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::Value;

use super::scopes;
use crate::bundle::Artifact;
use crate::families::FamilyId;
use crate::model::quantity::Kept;
use crate::model::telemetry::{Logging, records};
use crate::model::vocabulary::LogLevel;
use crate::model::{Model, Scope};
use crate::source::{Loc, Spanned};
use crate::targets::{CompileError, Covers, Does, Files, Input, Proof, Shown, Target, TargetId};

/// The target.
pub static TARGET: Target = Target {
    id: TargetId::Elasticsearch,
    summary: "Lifecycles and templates of Elasticsearch for log records, and rsyslog that ships them",
    doc: page::DOC,
    covers: &[
        Covers::all(FamilyId::Logging),
        Covers::part(
            FamilyId::Federation,
            &["central_gateway", "global_policies", "audit_retention"],
            "audit records are kept that long; the rest of the federation is for gateways and networks",
        ),
    ],
    unexpressed: |_| Vec::new(),
    names: |model| scopes::renamed(of_logs(model)).collect(),
    proof: Proof::Engine(Shown {
        by: "a node of OpenSearch 2.19, Elastic's client 9.5 for Java, and rsyslog 8.2302 with the log of a running Envoy",
        what: "every record of the gateway is stored once, a foreign field is refused and kept aside, and each level goes where it belongs; \
               the client takes every lifecycle and template, and OpenSearch every template and time",
        beyond: "Elasticsearch itself, of which no part that runs lifecycles can be had; so that a record is gone in time is our reading of its manual",
    }),
    needs: |_| Vec::new(),
    does: Does::Configures,
    compile,
};

/// The scope of the central configuration.
static CENTRAL: Scope = None;

/// The scopes with log records of their own: those with a `logging_config`, and the centre where the federation says how long
/// audit records are kept.
fn of_logs(model: &Model) -> BTreeSet<&Scope> {
    let central = model.topology.audit_retention.as_ref().map(|_| &CENTRAL);
    model.logging.keys().chain(central).collect()
}

/// What the things of one folder are called.
struct Names<'a> {
    folder: &'a str,
}

impl Names<'_> {
    /// A lifecycle, a template or a ruleset.
    fn lifecycle(&self, kind: &str) -> String {
        format!("mcp-{}-{kind}", self.folder)
    }

    /// The data stream. Its last part may have no `-`.
    fn stream(&self, kind: &str) -> String {
        format!("logs-mcp.{kind}-{}", self.folder.replace('-', "_"))
    }

    /// The data streams that a template is for: those of a unit, or all that no unit's template is for.
    fn pattern(&self, scope: &Scope, kind: &str) -> (String, u32) {
        match scope {
            None => (format!("logs-mcp.{kind}-*"), 200),
            Some(_) => (self.stream(kind), 300),
        }
    }
}

fn compile(input: &Input<'_>) -> Result<Files, CompileError> {
    let model = input.model;
    let all = of_logs(model);
    let folders = scopes::folders(TargetId::Elasticsearch, model, all.iter().copied())?;
    let (mut files, mut findings) = (Files::new(), Vec::new());
    let mut places = Vec::new();
    for (scope, folder) in &folders {
        let logging = model.logging.get(*scope);
        let fields = logging.map(|logging| logging.fields.as_slice()).unwrap_or_default();
        findings.extend(template::refused(fields));
        let from = from(logging, model);
        places.extend_from_slice(&from);
        let mut add = |path: String, bytes: Vec<u8>| {
            files.push((format!("{folder}/{path}"), Artifact { bytes, from: from.clone() }));
        };
        let names = Names { folder };
        for (kind, kept) in streams(logging, model) {
            let name = names.lifecycle(kind);
            match kept.as_ref().map(lifecycle::policy).transpose() {
                Ok(policy) => {
                    let own = policy.as_ref().map(|_| name.as_str());
                    let (pattern, priority) = names.pattern(scope, kind);
                    let properties = template::properties(fields_of(kind, fields));
                    let template = template::template(&pattern, priority, own, &properties);
                    add(format!("templates/{name}.json"), json(&template)?);
                    if let Some(policy) = &policy {
                        add(format!("lifecycles/{name}.json"), json(policy)?);
                    }
                }
                Err(finding) => findings.push(*finding),
            }
        }
        let structured = logging.and_then(|logging| logging.structured.as_ref()).is_none_or(|said| said.value);
        if structured {
            for (kind, title) in [("audit", "A record of a gateway"), ("records", "A record of a server or worker")] {
                add(format!("{kind}.schema.json"), json(&record::schema(title, fields_of(kind, fields)))?);
            }
        }
        let level = logging.and_then(|logging| logging.level.as_ref()).map(|level| level.value);
        add("rsyslog.conf".to_owned(), shipper::rulesets(&names, structured, level).into_bytes());
        add("apply.sh".to_owned(), APPLY.to_vec());
    }
    if !files.is_empty() {
        files.push(("rsyslog.conf".to_owned(), Artifact { bytes: shipper::SHARED.as_bytes().to_vec(), from: places }));
    }
    if findings.is_empty() { Ok(files) } else { Err(CompileError::Findings(findings)) }
}

/// What gives lifecycles and templates to a cluster.
const APPLY: &[u8] = include_bytes!("elasticsearch/apply.sh");

/// The streams of a folder, with how long each is kept. Without a time, records stay until somebody deletes them.
fn streams(logging: Option<&Logging>, model: &Model) -> Vec<(&'static str, Option<Spanned<Kept>>)> {
    let own = logging.and_then(|logging| logging.audit_retention.as_ref());
    let mut streams = vec![("audit", lifecycle::audit(own, model.topology.audit_retention.as_ref()))];
    if let Some(logging) = logging {
        streams.push(("operational", logging.operational_retention.clone()));
        let writes = logging.level.as_ref().is_none_or(|level| level.value <= LogLevel::Debug);
        if writes || logging.debug_retention.is_some() {
            streams.push(("debug", logging.debug_retention.clone()));
        }
    }
    streams
}

/// The fields of the records of a stream, each once.
fn fields_of<'f>(kind: &str, declared: &'f [Spanned<String>]) -> impl Iterator<Item = &'f str> {
    let known: &[&str] = if kind == "audit" { &records::OF_GATEWAYS } else { &records::OF_SERVERS };
    let declared = declared.iter().map(|field| field.value.as_str());
    known.iter().copied().chain(declared).collect::<BTreeSet<&str>>().into_iter()
}

fn from(logging: Option<&Logging>, model: &Model) -> Vec<Loc> {
    let federation = model.topology.audit_retention.as_ref().map(|least| least.loc);
    logging.map(|logging| logging.loc).into_iter().chain(federation).collect()
}

fn json(value: &Value) -> Result<Vec<u8>, CompileError> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|cause| CompileError::Refused(format!("a file for Elasticsearch has no JSON form: {cause}")))?;
    bytes.push(b'\n');
    Ok(bytes)
}
