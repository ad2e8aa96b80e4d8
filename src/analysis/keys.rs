//! The key sets that `identity` names as files: the one input that is not YAML.

use std::io;

use super::Analysis;
use super::rules::KEY_SET;
use crate::diagnostic::Diagnostic;
use crate::model::access::Jwks;
use crate::source::Spanned;

/// Most bytes of a key set.
pub const MOST_BYTES: usize = 1 << 20;

/// Parameters of JSON Web Keys that only their owner may know (RFC 7518, section 6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Reads every key set that is named as a file into the model, and reports the ones that are none. `read` gives the bytes of a
/// file by its path in the workspace.
pub fn attach(analysis: &mut Analysis, read: &dyn Fn(&str) -> io::Result<Vec<u8>>) {
    let issuers = analysis.model.identity.iter().flat_map(|identity| &identity.issuers);
    let named: Vec<Spanned<String>> = issuers
        .filter_map(|issuer| issuer.keys.as_ref())
        .filter_map(|keys| match &keys.value {
            Jwks::File(file) => Some(Spanned::new(file.clone(), keys.loc)),
            Jwks::Url(_) => None,
        })
        .collect();
    let mut found = false;
    for file in named {
        match text_of(&file.value, read) {
            Ok(text) => drop(analysis.model.key_sets.insert(file.value, text)),
            Err(why) => {
                found = true;
                analysis.report.push(Diagnostic::new(&KEY_SET, file.loc, format!("the key set `{file}` {why}")));
            }
        }
    }
    if found {
        analysis.report.sort();
    }
}

/// The text of a key set, or what is wrong with it.
fn text_of(file: &str, read: &dyn Fn(&str) -> io::Result<Vec<u8>>) -> Result<String, String> {
    let leaves = file.starts_with('/') || file.split(['/', '\\']).any(|part| part == "..");
    if leaves {
        return Err("is outside the workspace".to_owned());
    }
    let bytes = read(file).map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() > MOST_BYTES {
        return Err(format!("is larger than {MOST_BYTES} bytes"));
    }
    let set: serde_json::Value = serde_json::from_slice(&bytes).map_err(|error| format!("is not JSON: {error}"))?;
    let keys = set.get("keys").and_then(serde_json::Value::as_array).filter(|keys| !keys.is_empty());
    let keys = keys.ok_or_else(|| "has no list `keys` with a key in it".to_owned())?;
    for key in keys {
        if key.get("kty").and_then(serde_json::Value::as_str).is_none() {
            return Err("holds a key without `kty`".to_owned());
        }
        if PRIVATE.iter().any(|part| key.get(part).is_some()) {
            return Err("holds a private key, which belongs to the issuer alone".to_owned());
        }
    }
    // In one form, whatever the file's spaces.
    Ok(set.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_sets_are_read_and_judged() {
        let judge = |text: &str| text_of("keys.json", &|_| Ok(text.as_bytes().to_vec()));
        assert_eq!(
            judge(r#"{"keys": [ {"kty": "RSA", "n": "x", "e": "AQAB"} ]}"#).unwrap(),
            r#"{"keys":[{"kty":"RSA","n":"x","e":"AQAB"}]}"#
        );
        for (text, why) in [
            ("", "is not JSON"),
            ("{}", "no list `keys`"),
            (r#"{"keys": []}"#, "no list `keys`"),
            (r#"{"keys": [{}]}"#, "without `kty`"),
            (r#"{"keys": [{"kty": "RSA", "d": "x"}]}"#, "private key"),
            (r#"{"keys": [{"kty": "oct", "k": "x"}]}"#, "private key"),
        ] {
            assert!(judge(text).unwrap_err().contains(why), "{text}");
        }
        let missing = |_: &str| Err(io::Error::from(io::ErrorKind::NotFound));
        assert!(text_of("keys.json", &missing).unwrap_err().contains("cannot be read"));
        assert!(text_of("../keys.json", &missing).unwrap_err().contains("outside"));
        assert!(text_of("/keys.json", &missing).unwrap_err().contains("outside"));
    }
}
