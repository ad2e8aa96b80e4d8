//! URIs of files, and the paths that they name.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use lsp_types::Uri;

const SCHEME: &str = "file://";

/// The path of a `file` URI of this machine.
#[must_use]
pub fn path_of(uri: &str) -> Option<PathBuf> {
    let scheme = uri.get(..SCHEME.len())?;
    let rest = uri.get(SCHEME.len()..)?;
    let rest = rest.strip_prefix("localhost").unwrap_or(rest);
    if !scheme.eq_ignore_ascii_case(SCHEME) || !rest.starts_with('/') {
        return None;
    }
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let path = decoded(rest)?;
    // `/C:/folder` is `C:/folder`.
    let bytes = path.as_bytes();
    let drive = bytes.get(1).is_some_and(u8::is_ascii_alphabetic) && bytes.get(2) == Some(&b':');
    Some(PathBuf::from(if drive && cfg!(windows) { path.get(1..)? } else { path.as_str() }))
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        bytes.extend_from_slice(rest.get(..at)?.as_bytes());
        bytes.push(u8::from_str_radix(rest.get(at + 1..at + 3)?, 16).ok()?);
        rest = rest.get(at + 3..)?;
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).ok()
}

/// The `file` URI of a path.
#[must_use]
pub fn uri_of(path: &Path) -> Option<Uri> {
    let path = path.to_str()?.replace(std::path::MAIN_SEPARATOR, "/");
    let mut uri = SCHEME.to_owned();
    if !path.starts_with('/') {
        uri.push('/');
    }
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    Uri::from_str(&uri).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_uris_name_each_other() {
        for path in ["/a/b.yaml", "/a b/é#?%.yaml"] {
            let uri = uri_of(Path::new(path)).unwrap();
            assert_eq!(path_of(uri.as_str()).as_deref(), Some(Path::new(path)));
        }
        assert_eq!(path_of("file://localhost/a%20b").as_deref(), Some(Path::new("/a b")));
        for other in ["untitled:1", "https://host/a", "file:a", "file:///%zz", "", "file:///%"] {
            assert_eq!(path_of(other), None, "{other}");
        }
    }
}
