//! The files of a target line by line: what a workspace compiles to, and that its reader notices every change.

use super::built;
use super::mutations::Verified;
use crate::targets::Target;

/// The text of a file.
pub(crate) fn text(target: &'static Target, world: &str, file: &str) -> String {
    let files = built(target, world).unwrap().bundle.artifacts;
    let found = files.get(file).unwrap_or_else(|| panic!("{file}: {:?}", files.keys()));
    String::from_utf8(found.bytes.clone()).unwrap()
}

/// A file of JSON.
pub(crate) fn value(target: &'static Target, world: &str, file: &str) -> serde_json::Value {
    serde_json::from_str(&text(target, world, file)).unwrap()
}

/// The files of a workspace, to be changed one at a time.
pub(crate) struct Files(Verified);

impl Files {
    pub(crate) fn of(target: &'static Target, world: &str) -> Self {
        Self(Verified::of(target, world))
    }

    /// Their paths and texts.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.files.iter().map(|(path, file)| (path.as_str(), std::str::from_utf8(&file.bytes).unwrap()))
    }

    /// Whether they are refused with another text in a file, or without the file.
    pub(crate) fn refused(&self, path: &str, text: Option<&str>) -> bool {
        !self.0.passes(&self.0.with(path, text.map(|text| text.as_bytes().to_vec())))
    }

    /// Leaves out, doubles and changes each line of a file, by the first place of the one text that becomes the other, and leaves
    /// out the file. Answers how many changes there were.
    ///
    /// # Panics
    /// Where a change is not noticed.
    pub(crate) fn assert_each_line_counts(&self, path: &str, changes: &[(&str, &str)]) -> usize {
        let text = std::str::from_utf8(&self.0.files[path].bytes).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let with = |at: usize, here: &[&str]| -> String {
            let all = lines[..at].iter().chain(here).chain(&lines[at + 1..]);
            all.map(|line| format!("{line}\n")).collect()
        };
        let mut variants = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            variants.extend([with(at, &[]), with(at, &[line, line])]);
            variants.extend(changes.iter().map(|(old, new)| with(at, &[&line.replacen(old, new, 1)])));
        }
        variants.retain(|variant| variant != text);
        for variant in &variants {
            assert!(self.refused(path, Some(variant)), "{path}:\n{variant}");
        }
        assert!(self.refused(path, None), "{path} may be missing");
        variants.len()
    }
}
