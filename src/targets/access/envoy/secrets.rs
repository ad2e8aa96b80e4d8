//! A gateway's own certificate, and the authorities that it trusts, as secrets that Envoy reads again when their files are
//! replaced: only so is a certificate renewed without a restart.

use serde_json::{Map, Value, json};

use crate::model::deployment::Tls;

/// The secret with the gateway's certificate and key.
const CERTIFICATE: &str = "certificate";
/// The secret with the authorities that certificates of peers must come from.
const AUTHORITIES: &str = "authorities";

/// The secrets by name; Envoy takes one from a file. It looks at the folders of what they name.
pub(super) fn secrets(tls: &Tls) -> Vec<(&'static str, Value)> {
    let folder = |file: &str| json!({"path": folder(file)});
    vec![
        (
            CERTIFICATE,
            json!({"name": CERTIFICATE, "tls_certificate": {
                "certificate_chain": {"filename": tls.cert.value},
                "private_key": {"filename": tls.key.value},
                "watched_directory": folder(&tls.cert.value),
            }}),
        ),
        (
            AUTHORITIES,
            json!({"name": AUTHORITIES, "validation_context": {
                "trusted_ca": {"filename": tls.ca.value},
                "watched_directory": folder(&tls.ca.value),
            }}),
        ),
    ]
}

/// The folder of a file.
fn folder(file: &str) -> &str {
    match file.rsplit_once('/') {
        None => ".",
        Some(("", _)) => "/",
        Some((folder, _)) => folder,
    }
}

/// Puts these secrets wherever the files themselves stand.
pub(super) fn by_name(value: &mut Value, tls: &Tls) {
    match value {
        Value::Object(fields) => {
            if fields.contains_key("tls_params") {
                context(fields, tls);
            }
            fields.values_mut().for_each(|inner| by_name(inner, tls));
        }
        Value::Array(list) => list.iter_mut().for_each(|inner| by_name(inner, tls)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn context(fields: &mut Map<String, Value>, tls: &Tls) {
    let named = |name: &str| {
        let source =
            json!({"path": format!("./xds/secrets/{name}.yaml"), "watched_directory": {"path": "./xds/secrets"}});
        json!({"name": name, "sds_config": {"resource_api_version": "V3", "path_config_source": source}})
    };
    if fields.shift_remove("tls_certificates").is_some() {
        fields.insert("tls_certificate_sds_secret_configs".to_owned(), json!([named(CERTIFICATE)]));
    }
    let Some(Value::Object(validation)) = fields.get_mut("validation_context") else { return };
    // Authorities of the public web come with the machine.
    if validation.get("trusted_ca") != Some(&json!({"filename": tls.ca.value})) {
        return;
    }
    validation.shift_remove("trusted_ca");
    let names = Value::Object(std::mem::take(validation));
    fields.shift_remove("validation_context");
    if names == json!({}) {
        fields.insert("validation_context_sds_secret_config".to_owned(), named(AUTHORITIES));
    } else {
        let both = json!({
            "default_validation_context": names,
            "validation_context_sds_secret_config": named(AUTHORITIES),
        });
        fields.insert("combined_validation_context".to_owned(), both);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_files() {
        assert_eq!(["a", "/a", "/etc/tls/a", "tls/a"].map(folder), [".", "/", "/etc/tls", "tls"]);
    }
}
