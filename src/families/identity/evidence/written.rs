//! What a piece of evidence says word for word, with the place of each part.

use super::{PieceEntry, ScalarWord};
use crate::families::decode::OneOrMany;
use crate::model::access::written::{WrittenEvidence, WrittenPath};
use crate::model::name::FactName;
use crate::source::Spanned;

impl PieceEntry {
    /// The parts of this piece. The fact is named by whoever reads the whole section.
    pub(super) fn written(&self) -> WrittenEvidence {
        let path = |many: &Option<OneOrMany<Spanned<String>>>| {
            many.as_ref().map(|many| WrittenPath { parts: many.0.clone(), is_list: many.1 })
        };
        let text =
            |word: &Spanned<ScalarWord>| word.value.0.as_text().map(|text| Spanned::new(text.to_owned(), word.loc));
        WrittenEvidence {
            fact: FactName::from(""),
            argument: path(&self.argument),
            claims: [&self.claim, &self.differs_from, &self.equals_claim].into_iter().filter_map(path).collect(),
            at_least: self.at_least.as_ref().map(|least| least.loc),
            at_most: self.at_most.as_ref().map(|most| most.loc),
            contains: self.contains.as_ref().and_then(text),
            one_of: self.one_of.iter().flatten().filter_map(text).collect(),
            is_listed: self.one_of.is_some(),
            matches: self.matches.clone(),
            same: self.same.keys().cloned().collect(),
        }
    }
}
