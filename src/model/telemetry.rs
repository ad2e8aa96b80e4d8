//! Traces, metrics and logs. Source: the document's "Monitoring and Observability".

use super::quantity::Retention;
use crate::source::{Loc, Spanned};

/// The `tracing_config` section.
#[derive(Debug, Clone)]
pub struct Tracing {
    /// Where it stands.
    pub loc: Loc,
    /// Where spans are sent.
    pub exporters: Vec<Exporter>,
    /// `probabilistic`, `always_on`, `always_off`, `rate_limiting`, `tail`.
    pub strategy: Option<Spanned<String>>,
    /// Share of traces kept, as a ratio of 1.
    pub rate: Option<Spanned<f64>>,
    /// What is kept more often (`error_spans`).
    pub priority_boost: Option<Spanned<String>>,
    /// Header of the request id.
    pub request_id_header: Option<Spanned<String>>,
    /// Header of the user id.
    pub user_id_header: Option<Spanned<String>>,
    /// Header of the tenant id.
    pub tenant_id_header: Option<Spanned<String>>,
}

/// A span exporter.
#[derive(Debug, Clone)]
pub struct Exporter {
    /// Its name (`jaeger`).
    pub name: Spanned<String>,
    /// Its URL.
    pub endpoint: Option<Spanned<String>>,
}

/// A custom metric.
#[derive(Debug, Clone)]
pub struct Metric {
    /// Its name.
    pub name: Spanned<String>,
    /// `counter`, `gauge`, `histogram` or `summary`.
    pub kind: Spanned<String>,
    /// Its labels.
    pub labels: Vec<Spanned<String>>,
}

/// The `logging_config` section.
#[derive(Debug, Clone)]
pub struct Logging {
    /// Where it stands.
    pub loc: Loc,
    /// Whether records are structured.
    pub structured: Option<Spanned<bool>>,
    /// `trace`, `debug`, `info`, `warn` or `error`.
    pub level: Option<Spanned<String>>,
    /// Fields of every record.
    pub fields: Vec<Spanned<String>>,
    /// How long audit records are kept.
    pub audit_retention: Option<Spanned<Retention>>,
    /// How long operational records are kept.
    pub operational_retention: Option<Spanned<Retention>>,
    /// How long debug records are kept.
    pub debug_retention: Option<Spanned<Retention>>,
}
