//! What is said about a workspace: rules, findings, and the report that collects them.
//!
//! A [`Rule`] is the kind of problem with its documentation; a [`Diagnostic`] is one occurrence, with the exact place and,
//! where two places are involved, the other one as a [`Label`].

use crate::source::Loc;
use crate::source::credential::redacted;

pub mod fix;
pub mod suppressed;
pub mod upgrade;

pub use fix::{Edit, Fix};
use suppressed::{Suppressed, Suppression};
use upgrade::Upgrade;

/// How serious a finding is. Ordered: a note is less than a warning, a warning less than an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; never fails a run by default.
    Note,
    /// Likely a mistake; does not stop a compile.
    Warning,
    /// Wrong; no bundle is written.
    Error,
}

impl Severity {
    /// The word used in every format: `note`, `warning`, `error`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One kind of problem: its name, default level, and the documentation that feeds `mcpctl explain`, the book and the
/// machine-readable formats.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Kebab-case name of the problem; reads as "allow X". Never a number, never reused.
    pub name: &'static str,
    /// Whether its findings guard access: they are never switched off or ignored, and accepted by a waiver with an owner and a
    /// date alone. Source: section 7 of the meaning of the configuration.
    pub guards_access: bool,
    /// The level unless `mcpctl.yaml` changes it.
    pub severity: Severity,
    /// What it finds, in a sentence or a short paragraph of Markdown.
    pub what: &'static str,
    /// Why that is a problem.
    pub why: &'static str,
    /// How to fix it, with an example where one helps.
    pub fix: &'static str,
}

/// A second place that a finding needs to be understood, with what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub loc: Loc,
    /// One lower-case line, no final stop.
    pub message: String,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The rule that found it.
    pub rule: &'static Rule,
    /// The rule's level, or the one set for this workspace.
    pub severity: Severity,
    /// Lower case, one line, user text in backticks, no final stop.
    pub message: String,
    /// The exact value that is wrong.
    pub loc: Loc,
    /// Other places.
    pub labels: Vec<Label>,
    /// What to do about it.
    pub help: Option<String>,
    /// How a tool could do it.
    pub fix: Option<Fix>,
    /// What to write now, where a workspace that was valid has this finding. Read it through [`Diagnostic::upgrades`].
    pub upgrade: Option<&'static Upgrade>,
    /// Whether a compile stops for it although its level was lowered: it guards access, and no waiver accepts it.
    pub stops: bool,
}

impl Diagnostic {
    /// A finding of `rule` at `loc`. A finding without a place cannot be written.
    pub fn new(rule: &'static Rule, loc: Loc, message: impl Into<String>) -> Self {
        Self {
            rule,
            severity: rule.severity,
            message: one_line(&message.into()),
            loc,
            labels: Vec::new(),
            help: None,
            fix: None,
            upgrade: None,
            stops: false,
        }
    }

    /// Adds another place.
    #[must_use]
    pub fn label(mut self, loc: Loc, message: impl Into<String>) -> Self {
        self.labels.push(Label { loc, message: one_line(&message.into()) });
        self
    }

    /// Adds the first few of many other places, so that a finding stays readable.
    #[must_use]
    pub fn labels(self, places: impl IntoIterator<Item = (Loc, String)>) -> Self {
        const READABLE: usize = 12;
        places.into_iter().take(READABLE).fold(self, |finding, (loc, message)| finding.label(loc, message))
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(one_line(&help.into()));
        self
    }

    /// Says what to do, where there is something to say.
    #[must_use]
    pub fn maybe_help(self, help: Option<String>) -> Self {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }

    /// Offers a change that mends it.
    #[must_use]
    pub fn fix(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }

    /// Offers a change, where there is one.
    #[must_use]
    pub fn maybe_fix(mut self, fix: Option<Fix>) -> Self {
        self.fix = fix.or(self.fix);
        self
    }

    /// Says which name was likely meant, where one is known, and offers to write it.
    #[must_use]
    pub fn suggest(self, written: &str, meant: Option<&str>) -> Self {
        let at = [self.loc];
        self.suggest_at(at, written, meant)
    }

    /// The same, where the name is written at several places.
    #[must_use]
    pub fn suggest_at(self, places: impl IntoIterator<Item = Loc>, written: &str, meant: Option<&str>) -> Self {
        let Some(meant) = meant else { return self };
        self.help(format!("did you mean `{meant}`?")).fix(Fix::word(places, written, meant))
    }

    /// Says that what is found was valid before, what it meant, and what to write now.
    #[must_use]
    pub fn upgrade(mut self, upgrade: &'static Upgrade) -> Self {
        self.upgrade = Some(upgrade);
        self
    }

    /// The change to tell: the one that this finding names, else the one of every finding of its rule.
    #[must_use]
    pub fn upgrades(&self) -> Option<&'static Upgrade> {
        self.upgrade.or_else(|| upgrade::of_every(self.rule.name))
    }

    /// Changes the level of this one finding.
    #[must_use]
    pub fn at(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }
}

/// User text may hold line breaks, control or direction-changing characters, and passwords in URLs; a message is one
/// harmless line.
#[must_use]
pub fn one_line(text: &str) -> String {
    let text = redacted(text);
    if !text.chars().any(is_unprintable) {
        return text.into_owned();
    }
    text.chars().flat_map(|c| if is_unprintable(c) { c.escape_default().collect() } else { vec![c] }).collect()
}

/// Whether a character could act on a terminal, or hide or reorder what stands around it: controls, line and paragraph
/// separators, direction marks, zero-width and annotation characters, the invisible tag characters, and every space but the
/// plain one, which looks like it and is not.
#[must_use]
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c,
            '\u{ad}' | '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Findings gathered over a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// In the order found until [`Report::sort`] is called.
    pub diagnostics: Vec<Diagnostic>,
    /// Findings that somebody accepted.
    pub suppressed: Vec<Suppressed>,
    /// Findings of checks that nobody asked for: they count nowhere, unless a run selects them.
    pub dormant: Vec<Diagnostic>,
}

impl Report {
    /// Adds one finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Adds many.
    pub fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        self.diagnostics.extend(diagnostics);
    }

    /// Takes out the findings that something accepts. Answers how many those are.
    pub fn suppress(&mut self, mut accepted: impl FnMut(&Diagnostic) -> Option<Suppression>) -> usize {
        let before = self.suppressed.len();
        for diagnostic in std::mem::take(&mut self.diagnostics) {
            match accepted(&diagnostic) {
                Some(by) => self.suppressed.push(Suppressed { diagnostic, by }),
                None => self.diagnostics.push(diagnostic),
            }
        }
        self.suppressed.len() - before
    }

    /// Sorts by file, place, rule and message, and drops exact repetitions.
    pub fn sort(&mut self) {
        let order = |a: &Diagnostic, b: &Diagnostic| {
            (a.loc, a.rule.name, &a.message).cmp(&(b.loc, b.rule.name, &b.message)).then_with(|| a.help.cmp(&b.help))
        };
        self.diagnostics.sort_by(order);
        self.diagnostics.dedup();
        self.suppressed.sort_by(|a, b| order(&a.diagnostic, &b.diagnostic));
        self.suppressed.dedup();
    }

    /// How many findings there are of exactly that level.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|d| d.severity == severity).count()
    }

    /// Whether any finding is at or above that level.
    #[must_use]
    pub fn reaches(&self, severity: Severity) -> bool {
        self.diagnostics.iter().any(|d| d.severity >= severity)
    }
}

/// Names in a sentence: "`a`, `b` and `c`". Of more than five, four and the number of the others.
pub fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    let (shown, last) = match names.as_slice() {
        [] => return String::new(),
        [one] => return one.clone(),
        [first @ .., last] if names.len() <= 5 => (first, last.clone()),
        all => (all.get(..4).unwrap_or(all), format!("{} more", all.len().saturating_sub(4))),
    };
    format!("{} and {last}", shown.join(", "))
}

/// `did you mean `x`?` for the candidate nearest to what was written, where one is near enough.
pub fn did_you_mean<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(written, candidates).map(|best| format!("did you mean `{best}`?"))
}

/// The candidate that `written` was most likely meant to be: at most a third of its characters differ. Ties go to the
/// first in order.
pub fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (written.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| *candidate != written)
        .filter(|candidate| candidate.len().abs_diff(written.len()) <= limit * 4)
        .map(|candidate| (strsim::damerau_levenshtein(&written.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        assert_eq!(nearest("resticted", ["public", "restricted"]), Some("restricted"));
        assert_eq!(nearest("payment_srever", ["crm_server", "payment_server"]), Some("payment_server"));
        assert_eq!(nearest("zebra", ["public", "restricted"]), None);
        assert_eq!(nearest("a", ["a"]), None);
    }

    #[test]
    fn names_in_a_sentence() {
        assert_eq!(quoted([]), "");
        assert_eq!(quoted(["a"]), "`a`");
        assert_eq!(quoted(["a", "b"]), "`a` and `b`");
        assert_eq!(quoted(["a", "b", "c", "d", "e"]), "`a`, `b`, `c`, `d` and `e`");
        assert_eq!(quoted(["a", "b", "c", "d", "e", "f"]), "`a`, `b`, `c`, `d` and 2 more");
    }

    #[test]
    fn messages_are_one_harmless_line() {
        assert_eq!(one_line("a\nb\u{202e}c"), "a\\nb\\u{202e}c");
        assert_eq!(one_line("a\u{a0}b\u{3000}c\u{ad}d e"), "a\\u{a0}b\\u{3000}c\\u{ad}d e");
        assert_eq!(one_line("`https://u:p@h/` \t"), "`https://***@h/` \\t");
    }
}
