//! `logging_config`. Source: the document, "Log Aggregation".

use crate::lower::{At, Lowering};
use crate::model::quantity::{Kept, Retention};
use crate::model::telemetry::Logging;
use crate::model::vocabulary::LogLevel;
use crate::source::Spanned;

/// What is logged and how long it is kept.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LoggingConfig {
    /// Whether records are structured (JSON) instead of lines of text.
    structured_logging: Option<Spanned<bool>>,
    /// The least severe level that is written.
    log_level: Option<Spanned<LogLevel>>,
    /// The fields of every record.
    #[serde(default)]
    fields: Vec<Spanned<String>>,
    /// How long records are kept.
    retention: Option<RetentionSection>,
}

/// How long records are kept. A log store that rolls over counts from the rollover.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct RetentionSection {
    /// The least time that audit records are kept; not less than the federation's `audit_retention`.
    audit_logs: Option<Spanned<Retention>>,
    /// Operational records: at most `90_days`, or `{at_least: 90_days}`.
    operational_logs: Option<Spanned<Kept>>,
    /// Debug records: at most `7_days`, or `{at_least: 7_days}`.
    debug_logs: Option<Spanned<Kept>>,
}

impl LoggingConfig {
    pub(super) fn lower(self, at: &At, out: &mut Lowering) {
        let (audit_retention, operational_retention, debug_retention) = match self.retention {
            Some(retention) => (retention.audit_logs, retention.operational_logs, retention.debug_logs),
            None => (None, None, None),
        };
        let logging = Logging {
            loc: at.key,
            structured: self.structured_logging,
            level: self.log_level,
            fields: self.fields,
            audit_retention,
            operational_retention,
            debug_retention,
        };
        out.model.logging.entry(at.scope.clone()).or_insert(logging);
    }
}
