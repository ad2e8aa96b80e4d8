//! `sources.json`: what a bundle was compiled from, so that whoever has the bundle can compare it, years later and without the
//! repository. One file, and no YAML: nothing that reads a folder of configuration takes it for part of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::existing::Existing;
use super::manifest::{File, sha256, sources_digest};
use super::{Artifact, Bundle, SOURCES};
use crate::source::Sources;

/// What the manifest says in the place of the file's target.
pub const NO_TARGET: &str = "sources";

/// The file's version. A reader refuses any other.
const VERSION: u32 = 1;

/// What a bundle was compiled from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Embedded {
    version: u32,
    /// Every file that was read, `mcpctl.yaml` and those of the environment included, by its path in the workspace.
    pub files: BTreeMap<String, String>,
    /// The key sets that `identity` names as files.
    pub key_sets: BTreeMap<String, String>,
}

/// Why a bundle does not say what it was compiled from.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum EmbeddedError {
    /// It holds no sources.
    #[error("`{0}` does not hold what it was compiled from")]
    #[diagnostic(
        code("no-sources"),
        help(
            "`mcpctl compile` leaves them out with `--no-sources`; compare the workspace or revision that it was compiled from"
        )
    )]
    None(String),
    /// They are in a form that is not known.
    #[error("the `{SOURCES}` of `{0}` is none of version {VERSION}")]
    #[diagnostic(code("no-sources"), help("compare it with the version of mcpctl that wrote it"))]
    Form(String),
    /// They are not what the manifest says.
    #[error("the sources in `{0}` are not those that its manifest says it was compiled from")]
    #[diagnostic(code("bundle-changed"), help("compile the bundle again from its sources"))]
    Changed(String),
}

impl Bundle {
    /// Adds the sources, and lists them in the manifest.
    ///
    /// # Errors
    /// None in practice: there is nothing in texts that JSON cannot hold.
    pub fn embed(&mut self, sources: &Sources, key_sets: &BTreeMap<String, String>) -> Result<(), serde_json::Error> {
        let files = sources.iter().map(|(_, file)| (file.name().to_owned(), file.text().to_owned()));
        let embedded = Embedded { version: VERSION, files: files.collect(), key_sets: key_sets.clone() };
        let mut bytes = serde_json::to_vec_pretty(&embedded)?;
        bytes.push(b'\n');
        self.manifest.files.push(File {
            path: SOURCES.to_owned(),
            size: bytes.len() as u64,
            sha256: sha256(&bytes),
            target: NO_TARGET.to_owned(),
            from: Vec::new(),
            from_count: 0,
        });
        self.manifest.files.sort_by(|a, b| a.path.cmp(&b.path));
        self.artifacts.insert(SOURCES.to_owned(), Artifact { bytes, from: Vec::new() });
        Ok(())
    }
}

/// What a bundle was compiled from. `shown` is its name in errors.
///
/// # Errors
/// Where it does not hold that, or something else than its manifest says.
pub fn embedded(bundle: &Existing, shown: &str) -> Result<Embedded, EmbeddedError> {
    let shown = || shown.to_owned();
    let bytes = bundle.files.get(SOURCES).ok_or_else(|| EmbeddedError::None(shown()))?;
    let found: Embedded = serde_json::from_slice(bytes).map_err(|_| EmbeddedError::Form(shown()))?;
    if found.version != VERSION {
        return Err(EmbeddedError::Form(shown()));
    }
    // The digest is over the files in the order of their names, which is the map's.
    let digest = sources_digest(found.files.iter().map(|(name, text)| (name.as_str(), text.as_bytes())));
    if digest == bundle.manifest.sources { Ok(found) } else { Err(EmbeddedError::Changed(shown())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::manifest::{Manifest, Settings};
    use crate::source::SourceFile;

    fn bundle() -> Bundle {
        let mut sources = Sources::new();
        sources.add(SourceFile::new("a/b.yaml", "x: \"\u{1}\\\"\"\n"));
        sources.add(SourceFile::new("a.yaml", "é: 1\r\n"));
        let ordered = [("a.yaml", "é: 1\r\n".as_bytes()), ("a/b.yaml", "x: \"\u{1}\\\"\"\n".as_bytes())];
        let digest = sources_digest(ordered);
        let artifacts = BTreeMap::from([("cedar/x".to_owned(), Artifact { bytes: b"abc".to_vec(), from: Vec::new() })]);
        let manifest = Manifest::new(&artifacts, &sources, &digest, Settings::default(), Vec::new());
        let mut bundle = Bundle { artifacts, manifest };
        bundle.embed(&sources, &BTreeMap::from([("k.json".to_owned(), "{}".to_owned())])).unwrap();
        bundle
    }

    fn existing(bundle: &Bundle) -> Existing {
        let files = bundle.artifacts.iter().map(|(path, artifact)| (path.clone(), artifact.bytes.clone()));
        Existing { manifest: bundle.manifest.clone(), digest: String::new(), files: files.collect() }
    }

    #[test]
    fn what_was_embedded_comes_back_to_the_letter() {
        let bundle = bundle();
        let paths: Vec<&str> = bundle.manifest.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["cedar/x", SOURCES]);
        let found = embedded(&existing(&bundle), "out").unwrap();
        assert_eq!(found.files["a.yaml"], "é: 1\r\n");
        assert_eq!(found.files["a/b.yaml"], "x: \"\u{1}\\\"\"\n");
        assert_eq!(found.key_sets["k.json"], "{}");
    }

    #[test]
    fn sources_that_the_manifest_does_not_know_are_refused() {
        let mut bundle = existing(&bundle());
        let text = String::from_utf8(bundle.files[SOURCES].clone()).unwrap();
        bundle.files.insert(SOURCES.to_owned(), text.replace("é: 1", "é: 2").into_bytes());
        assert!(matches!(embedded(&bundle, "out"), Err(EmbeddedError::Changed(_))));
        bundle.files.insert(SOURCES.to_owned(), text.replace("\"version\": 1", "\"version\": 2").into_bytes());
        assert!(matches!(embedded(&bundle, "out"), Err(EmbeddedError::Form(_))));
        bundle.files.remove(SOURCES);
        assert!(matches!(embedded(&bundle, "out"), Err(EmbeddedError::None(_))));
    }
}
