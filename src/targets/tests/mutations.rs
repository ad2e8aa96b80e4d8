//! What becomes of a target's files when something in them is changed: every change must be refused, or show as a
//! difference, or be one of those that change no decision, each of which has a reason.
//!
//! This is the one harness of all targets. A target gives the workspace, words of its own, and the reasons.

mod expressions;
pub(crate) mod statements;
pub(crate) mod tree;

use rayon::prelude::*;
use serde_json::Value;

use self::tree::{Change, Kinds, changes};
use super::*;
use crate::build::verify;
use crate::bundle::Artifact;
use crate::policy::visibility::matches;

/// The files of a target for a workspace. They verify.
pub(crate) struct Verified {
    pub(crate) target: &'static Target,
    pub(crate) checked: CheckedModel,
    /// What they are compared with.
    pub(crate) policy: Policy,
    pub(crate) files: BTreeMap<String, Artifact>,
}

impl Verified {
    pub(crate) fn of(target: &'static Target, text: &str) -> Self {
        let (checked, sources) = checked(text);
        let built = build(&checked, &sources, &[target], "sha256:0").map_err(|errors| format!("{errors:#?}")).unwrap();
        let policy = crate::targets::seen(target, checked.model(), checked.policy()).1;
        let verified = Self { target, checked, policy, files: built.bundle.artifacts };
        assert!(verified.passes(&verified.files));
        verified
    }

    /// Whether files verify against the workspace.
    pub(crate) fn passes(&self, files: &BTreeMap<String, Artifact>) -> bool {
        verify(self.target.id, files, self.checked.model(), &self.policy).is_ok()
    }

    /// The files with other bytes in one, or without it.
    pub(crate) fn with(&self, path: &str, bytes: Option<Vec<u8>>) -> BTreeMap<String, Artifact> {
        let mut files = self.files.clone();
        match bytes {
            Some(bytes) => drop(files.insert(path.to_owned(), Artifact { bytes, from: Vec::new() })),
            None => drop(files.remove(path)),
        }
        files
    }

    /// The documents of a file, as a list.
    pub(crate) fn documents(&self, path: &str) -> Value {
        let documents = serde_yaml::Deserializer::from_slice(&self.files[path].bytes);
        documents.map(|document| -> Value { serde::Deserialize::deserialize(document).unwrap() }).collect()
    }

    /// Every change of a file's documents, and inside of their expressions, where asked for.
    fn judge_file(&self, path: &str, inside: bool) -> Outcome<String> {
        let whole = self.documents(path);
        let mut all = changes(&whole, &Kinds::EVERY);
        if inside {
            all.extend(expressions::changes(&whole));
        }
        let before = printed(path, &whole);
        let outcome = judge(&all, |change| {
            let bytes = printed(path, &change.of(&whole));
            (bytes != before).then(|| self.passes(&self.with(path, Some(bytes))))
        });
        outcome.shown(label)
    }
}

/// A file of these documents.
pub(crate) fn printed(path: &str, documents: &Value) -> Vec<u8> {
    yaml(path, documents.as_array().unwrap(), Vec::new()).unwrap().1.bytes
}

/// What is done to a list of documents, and where: `drop document`, `text spec.rules[].name`.
pub(crate) fn label(change: &Change) -> String {
    match change.path.split_first() {
        Some((_, below)) => Change { path: below.to_vec(), ..change.clone() }.label(),
        None => format!("{} document", change.how),
    }
}

/// Changes one file of a target's bundle in every way, and has it verified; also inside of expressions, where asked for.
pub(crate) fn mutate(target: &'static Target, text: &str, file: &str, inside: bool) -> Outcome<String> {
    Verified::of(target, text).judge_file(file, inside)
}

/// Changes every file of a target's bundle in every way, and has it verified.
pub(crate) fn mutate_all(target: &'static Target, text: &str) -> Outcome<String> {
    let verified = Verified::of(target, text);
    let mut whole = Outcome { all: 0, survivors: Vec::new() };
    for path in verified.files.keys() {
        let of_file = verified.judge_file(path, false);
        whole.all += of_file.all;
        whole.survivors.extend(of_file.survivors);
    }
    whole
}

/// How many changes there were, and those that were not found out.
pub(crate) struct Outcome<C> {
    pub(crate) all: usize,
    pub(crate) survivors: Vec<C>,
}

/// A reason why changes change no decision: its words, and whether it is the reason for a change.
pub(crate) type Reason<'r, C> = (String, Box<dyn Fn(&C) -> bool + 'r>);

/// Puts every change to a judge, who says whether it is not found out, or nothing where it is none.
pub(crate) fn judge<C: Clone + Send + Sync>(changes: &[C], survives: impl Fn(&C) -> Option<bool> + Sync) -> Outcome<C> {
    let judged: Vec<(&C, bool)> =
        changes.par_iter().filter_map(|change| survives(change).map(|survives| (change, survives))).collect();
    let survivors = judged.iter().filter(|(_, survives)| *survives).map(|(change, _)| (*change).clone()).collect();
    Outcome { all: judged.len(), survivors }
}

impl<C> Outcome<C> {
    /// The same, with what is shown of each change in its place.
    pub(crate) fn shown(&self, shown: impl Fn(&C) -> String) -> Outcome<String> {
        Outcome { all: self.all, survivors: self.survivors.iter().map(shown).collect() }
    }

    /// Asserts that there is a reason for every change that was not found out, and a change for every reason for which none before
    /// it is the reason.
    pub(crate) fn assert_explained(&self, reasons: &[Reason<'_, C>], shown: impl Fn(&C) -> String) {
        let mut used = vec![false; reasons.len()];
        let mut strange: BTreeMap<String, usize> = BTreeMap::new();
        for survivor in &self.survivors {
            match reasons.iter().position(|(_, holds)| holds(survivor)) {
                Some(at) => used[at] = true,
                None => *strange.entry(shown(survivor)).or_default() += 1,
            }
        }
        let killed = self.all - self.survivors.len();
        let rate = killed as f64 * 100.0 / self.all as f64;
        let (kinds, some) = (strange.len(), strange.iter().take(60).collect::<Vec<_>>());
        let message = format!("{killed} of {} changes are found out ({rate:.1} %)", self.all);
        assert!(strange.is_empty(), "{message}; {kinds} kinds are not, and have no reason: {some:#?}");
        let unused: Vec<&String> =
            reasons.iter().zip(used).filter(|(_, used)| !used).map(|((words, _), _)| words).collect();
        assert!(unused.is_empty(), "{message}; nothing survives by these reasons: {unused:#?}");
    }
}

impl Outcome<String> {
    /// Asserts that every change that was not found out is one of these, each with the reason why nothing changes; `*` is any text.
    pub(crate) fn assert_only(&self, harmless: &[(&str, &str)]) {
        let reason = |(pattern, why): &(&str, &str)| -> Reason<'_, String> {
            let (words, pattern) = (format!("`{pattern}`: {why}"), (*pattern).to_owned());
            (words, Box::new(move |survivor: &String| matches(&pattern, survivor)))
        };
        self.assert_explained(&harmless.iter().map(reason).collect::<Vec<_>>(), String::clone);
    }

    /// How many changes of a kind were not found out.
    pub(crate) fn count(&self, label: &str) -> usize {
        self.survivors.iter().filter(|survivor| *survivor == label).count()
    }
}
