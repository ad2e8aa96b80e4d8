//! Reads the files of the target `elasticsearch` back into how long log records are kept, what they may hold and which are shipped.

mod documents;
mod shipper;

use std::collections::{BTreeMap, BTreeSet};

use self::documents::{Lifecycle, Template};
use self::shipper::Shipper;
use super::scoped;
use crate::bundle::Artifact;
use crate::lift::LiftError;
use crate::lift::names::label;
use crate::model::quantity::{Kept, Retention};
use crate::model::telemetry::records::{Holds, OF_GATEWAYS, OF_SERVERS, holds};
use crate::model::vocabulary::LogLevel;
use crate::model::{Model, Scope};
use crate::policy::Policy;
use crate::source::Spanned;

/// What the bundle has word for word.
const SHARED: &str = include_str!("../../targets/operations/elasticsearch/rsyslog.conf");
const APPLY: &str = include_str!("../../targets/operations/elasticsearch/apply.sh");

/// Where the shared file is.
const SHARED_AT: &str = "elasticsearch/rsyslog.conf";

/// Everything of one folder.
#[derive(Debug, PartialEq, Eq)]
struct Folder {
    /// By name: lifecycles and templates.
    lifecycles: BTreeMap<String, Lifecycle>,
    templates: BTreeMap<String, Template>,
    /// What the fields of each kind of record may hold, where records have a schema.
    schemas: BTreeMap<String, BTreeMap<String, Holds>>,
    shipper: Shipper,
}

/// Checks that the files keep, take and ship exactly the records that the model says.
///
/// # Errors
/// Where they cannot be read exactly, or say anything else.
pub fn read(artifacts: &BTreeMap<String, Artifact>, model: &Model, _relation: &Policy) -> Result<(), LiftError> {
    let central = None;
    let federation = model.topology.audit_retention.as_ref().map(|_| &central);
    let scopes: BTreeSet<&Scope> = model.logging.keys().chain(federation).collect();
    let mut artifacts = artifacts.clone();
    let shared = artifacts.remove(SHARED_AT);
    if shared.as_ref().map(|file| file.bytes.as_slice()) != (!scopes.is_empty()).then_some(SHARED.as_bytes()) {
        return unexpected(format!("`{SHARED_AT}` is another one than the one that was tested"));
    }
    for (scope, files) in scoped::by_scope(&artifacts, "elasticsearch", scopes)? {
        if folder(files)? != expected(scope, model) {
            return unexpected("the log records are not kept, taken or shipped as the model says");
        }
    }
    Ok(())
}

fn folder(files: scoped::Files<'_>) -> Result<Folder, LiftError> {
    let mut found = Folder {
        lifecycles: BTreeMap::new(),
        templates: BTreeMap::new(),
        schemas: BTreeMap::new(),
        shipper: Shipper::default(),
    };
    let (mut applies, mut ships) = (false, false);
    for (path, bytes) in files {
        let text = scoped::text(&path, bytes)?;
        match (path.as_str(), path.split_once('/')) {
            ("apply.sh", _) if text == APPLY => applies = true,
            ("rsyslog.conf", _) => {
                found.shipper = Shipper::read(text)?;
                ships = true;
            }
            (_, Some(("lifecycles", name))) => {
                found.lifecycles.insert(stem(name)?, Lifecycle::read(&path, text)?);
            }
            (_, Some(("templates", name))) => {
                found.templates.insert(stem(name)?, Template::read(&path, text)?);
            }
            (_, None) if let Some(kind) = path.strip_suffix(".schema.json") => {
                found.schemas.insert(kind.to_owned(), documents::schema(&path, text)?);
            }
            _ => return unexpected(format!("`{path}` is not a file of this target")),
        }
    }
    if !applies || !ships {
        return unexpected("`apply.sh` or `rsyslog.conf` is missing or another one");
    }
    Ok(found)
}

fn stem(name: &str) -> Result<String, LiftError> {
    name.strip_suffix(".json")
        .map(str::to_owned)
        .ok_or_else(|| LiftError::Unexpected(format!("`{name}` is not a file of JSON")))
}

/// What the model says of the records of a scope.
fn expected(scope: &Scope, model: &Model) -> Folder {
    let name = scope.as_ref().map_or("central".to_owned(), |unit| label(unit.as_str()));
    let logging = model.logging.get(scope);
    let declared: Vec<&str> =
        logging.map(|logging| logging.fields.iter().map(|field| field.value.as_str()).collect()).unwrap_or_default();
    let fields = |known: &[&str]| -> BTreeSet<String> {
        known.iter().chain(&declared).map(|field| (*field).to_owned()).collect()
    };
    let (of_gateways, of_servers) = (fields(&OF_GATEWAYS), fields(&OF_SERVERS));
    let level = logging.and_then(|logging| logging.level.as_ref()).map_or(LogLevel::Trace, |level| level.value);
    let least = logging.and_then(|logging| logging.audit_retention.as_ref());
    let audit = least.into_iter().chain(&model.topology.audit_retention).map(|time| time.value).max();
    let mut kinds = vec![("audit", audit.map(|time| Kept { time, at_least: true }), &of_gateways)];
    if let Some(logging) = logging {
        let kept = |kept: &Option<Spanned<Kept>>| kept.as_ref().map(|kept| kept.value);
        kinds.push(("operational", kept(&logging.operational_retention), &of_servers));
        if level <= LogLevel::Debug || logging.debug_retention.is_some() {
            kinds.push(("debug", kept(&logging.debug_retention), &of_servers));
        }
    }
    let stream = |kind: &str| format!("logs-mcp.{kind}-{}", name.replace('-', "_"));
    let (mut lifecycles, mut templates) = (BTreeMap::new(), BTreeMap::new());
    for (kind, kept, fields) in kinds {
        let own = format!("mcp-{name}-{kind}");
        let (pattern, priority) = match scope {
            None => (format!("logs-mcp.{kind}-*"), 200),
            Some(_) => (stream(kind), 300),
        };
        let lifecycle = kept.is_some().then(|| own.clone());
        templates.insert(own.clone(), Template::expected(pattern, priority, lifecycle, fields));
        lifecycles.extend(kept.map(|kept| (own, lifecycle_of(kept))));
    }
    let structured = logging.and_then(|logging| logging.structured.as_ref()).is_none_or(|said| said.value);
    let schemas = [("audit", of_gateways), ("records", of_servers)].into_iter().filter(|_| structured);
    Folder {
        lifecycles,
        templates,
        schemas: schemas.map(|(kind, fields)| (kind.to_owned(), held(fields))).collect(),
        shipper: Shipper {
            structured,
            dropped: shipper::below(level),
            rulesets: [format!("mcp-{name}-audit"), format!("mcp-{name}-records")],
            streams: ["audit", "operational", "debug"].map(stream),
        },
    }
}

fn held(fields: BTreeSet<String>) -> BTreeMap<String, Holds> {
    fields.into_iter().map(|field| (field.clone(), holds(&field))).collect()
}

/// How long an index is written to, and how old it is when it is deleted.
fn lifecycle_of(kept: Kept) -> Lifecycle {
    const DAY: u64 = 86_400;
    let Retention(seconds) = kept.time;
    if kept.at_least {
        return Lifecycle { written: 30 * DAY, age: kept.time.days() * DAY };
    }
    // The first record is as old as both together.
    let written = if seconds >= 2 * DAY { DAY } else { seconds / 120 * 60 };
    Lifecycle { written, age: seconds - written }
}

fn unexpected<T>(what: impl Into<String>) -> Result<T, LiftError> {
    Err(LiftError::Unexpected(what.into()))
}
