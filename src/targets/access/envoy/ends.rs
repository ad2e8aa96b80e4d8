//! When a stream ends at the latest. Each request is decided when it begins, and the answer of one may go on for hours: with its token,
//! and with `policy_enforcement: per_request` at a fixed age, after which the caller has to ask again and is decided again.

use serde_json::{Value, json};

use super::seconds;
use crate::diagnostic::Diagnostic;
use crate::model::Model;
use crate::model::quantity::Duration;
use crate::targets::TARGET_LIMIT;

/// An age that Envoy does not take for one: to it, zero means that nothing ends.
pub(super) fn refused(model: &Model) -> Option<Diagnostic> {
    let age = model.deployment.envoy.as_ref()?.max_stream_age.as_ref()?;
    let message = format!("streams cannot end after {}", age.value);
    let help = "write a second or more, such as `15m`";
    (age.value < Duration(1_000)).then(|| Diagnostic::new(&TARGET_LIMIT, age.loc, message).help(help))
}

/// What a listener asks of connections. One that is too old takes no further request, so what was opened with its certificate ends at
/// twice the age.
pub(super) fn of_connections(model: &Model) -> Value {
    let mut options = json!({"headers_with_underscores_action": "REJECT_REQUEST"});
    if let (Some(age), Some(options)) = (model.max_stream_age(), options.as_object_mut()) {
        options.insert("max_connection_duration".to_owned(), json!(seconds(age)));
    }
    options
}
