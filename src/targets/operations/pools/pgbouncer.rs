//! Files of PgBouncer: keys and whole numbers, for its section `pgbouncer`. Source: PgBouncer 1.18, `pgbouncer.ini`.

use std::fmt::Write as _;

use super::of_database;
use crate::bundle::Artifact;
use crate::model::operations::DatabasePool;

/// Clients that PgBouncer takes where its file does not say.
const CLIENTS: u64 = 100;

/// `pgbouncer.ini` of one database pool.
pub(super) fn file(pool: &DatabasePool) -> Artifact {
    let size = pool.pool_size.as_ref().map(|size| size.value);
    let reserve = pool.max_overflow.as_ref().map(|reserve| reserve.value);
    let together = size.map(|size| size.saturating_add(reserve.unwrap_or(0)));
    let entries = [
        ("default_pool_size", size),
        ("reserve_pool_size", reserve),
        ("max_db_connections", together),
        ("max_client_conn", together.filter(|together| *together > CLIENTS)),
        ("server_lifetime", pool.recycle_time.as_ref().map(|time| time.value.seconds())),
    ];
    let mut ini = String::new();
    for (key, value) in entries {
        if let Some(value) = value {
            // Writing to a text does not fail.
            let _ = writeln!(ini, "{key} = {value}");
        }
    }
    Artifact { bytes: ini.into_bytes(), from: of_database(pool) }
}
