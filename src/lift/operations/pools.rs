//! Reads the files of the target `pools` back into pools.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::scoped;
use crate::bundle::Artifact;
use crate::lift::LiftError;
use crate::lift::names::labels;
use crate::model::operations::Connections;
use crate::model::quantity::Duration;
use crate::model::{Model, Scope};
use crate::policy::Policy;

/// The pool of a database.
#[derive(Debug, PartialEq, Eq)]
struct Database {
    size: Option<u64>,
    overflow: Option<u64>,
    recycle: Option<Duration>,
}

/// The pool of a client.
#[derive(Debug, Default, PartialEq, Eq)]
struct Client {
    size: Option<u64>,
    keep_alive: Option<Duration>,
    timeout: Option<Duration>,
}

/// Everything of one folder, by the folders in it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Pools {
    databases: BTreeMap<String, Database>,
    servers: BTreeMap<String, Client>,
    bulkheads: BTreeMap<String, Client>,
}

/// Checks that the files say exactly what the model says of its pools.
///
/// # Errors
/// Where they cannot be read exactly, or say anything else.
pub fn read(artifacts: &BTreeMap<String, Artifact>, model: &Model, _relation: &Policy) -> Result<(), LiftError> {
    let scopes: BTreeSet<&Scope> = model.connections.keys().chain(model.bulkheads.keys()).collect();
    for (scope, files) in scoped::by_scope(artifacts, "pools", scopes)? {
        let mut found = Pools::default();
        for (path, bytes) in &files {
            let parts: Vec<&str> = path.split('/').collect();
            let text = scoped::text(path, bytes)?;
            match parts.as_slice() {
                ["databases", label, "sqlalchemy.json"] => {
                    let settings = sqlalchemy(path, text)?;
                    let beside = format!("databases/{label}/pgbouncer.ini");
                    let ini = files.get(&beside).ok_or_else(|| LiftError::File(beside.clone()))?;
                    if pgbouncer(scoped::text(&beside, ini)?)? != settings {
                        return unexpected(format!("PgBouncer and SQLAlchemy differ in the pool of `{label}`"));
                    }
                    found.databases.insert((*label).to_owned(), settings);
                }
                ["databases", label, "pgbouncer.ini"]
                    if files.contains_key(&format!("databases/{label}/sqlalchemy.json")) => {}
                ["servers", label, "httpx.json"] => drop(found.servers.insert((*label).to_owned(), httpx(path, text)?)),
                ["bulkheads", label, "httpx.json"] => {
                    found.bulkheads.insert((*label).to_owned(), httpx(path, text)?);
                }
                _ => return unexpected(format!("`{path}` is not a file of this target")),
            }
        }
        if found != expected(scope, model)? {
            return unexpected("the pools are not those of the model");
        }
    }
    Ok(())
}

fn expected(scope: &Scope, model: &Model) -> Result<Pools, LiftError> {
    let none = Connections::default();
    let connections = model.connections.get(scope).unwrap_or(&none);
    let databases = connections.database.iter().map(|pool| {
        let number = |value: &Option<crate::source::Spanned<u64>>| value.as_ref().map(|value| value.value);
        let recycle = pool.recycle_time.as_ref().map(|time| time.value);
        let found = Database { size: number(&pool.pool_size), overflow: number(&pool.max_overflow), recycle };
        (pool.server.value.as_str(), found)
    });
    let servers = connections.http.iter().map(|pool| {
        let found = Client {
            size: pool.pool_size.as_ref().map(|size| size.value),
            keep_alive: pool.keep_alive.as_ref().map(|time| time.value),
            timeout: pool.timeout.as_ref().map(|time| time.value),
        };
        (pool.server.value.as_str(), found)
    });
    let bulkheads = model.bulkheads.get(scope).into_iter().flatten().filter_map(|pool| {
        let size = pool.connections.as_ref()?.value;
        Some((pool.name.value.as_str(), Client { size: Some(size), ..Client::default() }))
    });
    Ok(Pools { databases: by_label(databases)?, servers: by_label(servers)?, bulkheads: by_label(bulkheads)? })
}

fn by_label<'m, T>(named: impl Iterator<Item = (&'m str, T)>) -> Result<BTreeMap<String, T>, LiftError> {
    let mut by_name: BTreeMap<&str, T> = named.collect();
    let found = labels(by_name.keys().copied().collect::<Vec<_>>())?;
    Ok(found.into_iter().filter_map(|(label, name)| Some((label, by_name.remove(name)?))).collect())
}

fn sqlalchemy(path: &str, text: &str) -> Result<Database, LiftError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        #[serde(rename = "sqlalchemy.pool_size")]
        size: Option<u64>,
        #[serde(rename = "sqlalchemy.max_overflow")]
        overflow: Option<u64>,
        #[serde(rename = "sqlalchemy.pool_recycle")]
        recycle: Option<u64>,
    }
    let Settings { size, overflow, recycle } = scoped::json(path, text)?;
    Ok(Database { size, overflow, recycle: recycle.map(|seconds| Duration(seconds * 1_000)) })
}

fn httpx(path: &str, text: &str) -> Result<Client, LiftError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        #[serde(default)]
        limits: Limits,
        timeout: Option<f64>,
    }
    #[derive(Default, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Limits {
        max_connections: Option<u64>,
        keepalive_expiry: Option<f64>,
    }
    let Settings { limits, timeout } = scoped::json(path, text)?;
    let time = |seconds: Option<f64>| match seconds {
        None => Ok(None),
        Some(seconds) if seconds > 0.0 && seconds < 1e11 => Ok(Some(Duration((seconds * 1_000.0).round() as u64))),
        Some(seconds) => unexpected(format!("`{seconds}` is not a time in seconds")),
    };
    Ok(Client { size: limits.max_connections, keep_alive: time(limits.keepalive_expiry)?, timeout: time(timeout)? })
}

/// Keys and whole numbers; what follows from others has to follow.
fn pgbouncer(text: &str) -> Result<Database, LiftError> {
    let mut entries: BTreeMap<&str, u64> = BTreeMap::new();
    for line in text.lines() {
        let entry = line.split_once(" = ").and_then(|(key, value)| Some((key, value, value.parse::<u64>().ok()?)));
        let Some((key, value, number)) = entry else {
            return unexpected(format!("the line `{line}` is not a key with a whole number"));
        };
        if number.to_string() != value || entries.insert(key, number).is_some() {
            return unexpected(format!("`{key}` is there twice, or with another number than it seems"));
        }
    }
    let (size, overflow) = (entries.remove("default_pool_size"), entries.remove("reserve_pool_size"));
    let together = size.map(|size| size + overflow.unwrap_or(0));
    let clients = together.filter(|together| *together > 100);
    if entries.remove("max_db_connections") != together || entries.remove("max_client_conn") != clients {
        return unexpected("PgBouncer takes more or fewer connections than the pool and its reserve have");
    }
    // It takes 0 for a connection that is used once.
    let recycle = entries.remove("server_lifetime").map(|seconds| Duration(seconds * 1_000));
    match entries.keys().next() {
        Some(key) => unexpected(format!("the key `{key}` is none that this target writes")),
        None => Ok(Database { size, overflow, recycle }),
    }
}

fn unexpected<T>(what: impl Into<String>) -> Result<T, LiftError> {
    Err(LiftError::Unexpected(what.into()))
}
