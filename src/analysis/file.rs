//! One file: its sections, validated and decoded. Files are independent of each other, so they are read in parallel.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Severity, nearest};
use crate::families::keys::Keys;
use crate::families::{self, FamilyId, Section};
use crate::lower::rules;
use crate::schema;
use crate::schema::readable::{self, Rest};
use crate::source::yaml::{self, NodeId, Tree};
use crate::source::{FileId, Loc, SourceFile};

/// The keys in use, by family.
pub(super) type FamilyKeys = BTreeMap<&'static str, Keys>;

/// The same as paths, each with the first place.
pub(super) type Paths = Vec<(&'static str, Vec<(String, Loc)>)>;

/// What one file says.
#[derive(Debug, Clone)]
pub(super) struct Read {
    pub(super) id: FileId,
    pub(super) sections: Vec<SectionRead>,
    pub(super) findings: Vec<Diagnostic>,
    pub(super) skipped_manifests: usize,
    /// Whether all of the text could be read and routed.
    pub(super) whole: bool,
}

/// A section, as far as it could be read.
#[derive(Debug, Clone)]
pub(super) struct SectionRead {
    pub(super) family: FamilyId,
    pub(super) key: Loc,
    /// What could be read. `None` where that is nothing, which a finding says.
    pub(super) body: Option<Section>,
    /// What is wrong in it, where something is.
    pub(super) damage: Option<Damage>,
}

/// A section that could not be read whole.
#[derive(Debug, Clone)]
pub(super) struct Damage {
    /// From its key to its end.
    pub(super) whole: Loc,
    /// What is wrong, and what follows for the rest.
    pub(super) rest: Rest,
}

/// Reads one file.
pub(super) fn read(id: FileId, source: &SourceFile, keys: &mut FamilyKeys) -> Read {
    let mut findings = Vec::new();
    let mut tree = yaml::parse(id, source, &mut findings);
    let mut read = Read { id, sections: Vec::new(), findings, skipped_manifests: 0, whole: tree.is_whole() };
    for document in tree.documents().to_vec() {
        document_sections(&mut tree, document, &mut read, keys);
    }
    // A scalar that is wrong already needs no note that it is also ambiguous.
    let wrong: Vec<Loc> =
        read.findings.iter().filter(|f| f.severity == Severity::Error).map(|finding| finding.loc).collect();
    read.findings.retain(|finding| finding.rule != &yaml::AMBIGUOUS || !wrong.contains(&finding.loc));
    read
}

fn document_sections(tree: &mut Tree<'_>, document: NodeId, read: &mut Read, keys: &mut FamilyKeys) {
    let Some(entries) = tree.entries(document).map(<[_]>::to_vec) else {
        let loc = tree.loc(document);
        let message = "a file holds sections, each under the key of its family; this is something else";
        read.findings.push(Diagnostic::new(&rules::NOT_SECTIONS, Loc { end: loc.start, ..loc }, message));
        read.whole = false;
        return;
    };
    if tree.get(document, "apiVersion").is_some() && tree.get(document, "kind").is_some() {
        let hidden = entries.iter().find(|(key, _)| FamilyId::of_key(tree.text(*key)).is_some());
        match hidden {
            None => read.skipped_manifests += 1,
            Some((key, _)) => {
                let message = format!("`{}` is in a document of another tool, which is skipped", tree.text(*key));
                let kind = tree.get(document, "kind").map_or_else(|| tree.loc(*key), |(key, _)| tree.loc(key));
                read.findings.push(
                    Diagnostic::new(&rules::DISGUISED_MANIFEST, tree.loc(*key), message)
                        .label(kind, "`apiVersion` and `kind` make this a manifest"),
                );
                read.whole = false;
            }
        }
        return;
    }
    for (key, body) in entries {
        let name = tree.text(key);
        match FamilyId::of_key(name) {
            Some(family) => section(tree, family, key, body, read, keys),
            None => {
                let known = FamilyId::ALL.iter().map(|family| family.key());
                let finding = Diagnostic::new(
                    &rules::UNKNOWN_FAMILY,
                    tree.loc(key),
                    format!("`{name}` is not a family of configuration"),
                );
                let finding = finding.help("`mcpctl list families` shows all families");
                read.findings.push(finding.suggest(name, nearest(name, known)));
                // It may have been meant as any family.
                read.whole = false;
            }
        }
    }
}

fn section(tree: &mut Tree<'_>, family: FamilyId, key: NodeId, body: NodeId, read: &mut Read, keys: &mut FamilyKeys) {
    let loc = tree.loc(key);
    let whole = Loc { end: tree.loc(body).end.max(loc.end), ..loc };
    let mut damage = match schema::validator(family) {
        Some(validator) => {
            let (faults, rest) = readable::read(validator, tree, key, body);
            let damage = (!faults.is_empty()).then_some(Damage { whole, rest });
            read.findings.extend(faults);
            damage
        }
        None => {
            let message = "the schema of this family cannot be built";
            read.findings.push(Diagnostic::new(&schema::rules::INVALID_VALUE, loc, message));
            Some(Damage { whole, rest: Rest { names_lost: true, ..Rest::default() } })
        }
    };
    let mut body_read = None;
    if damage.as_ref().is_none_or(|damage| damage.rest.usable) {
        match families::decode(family, tree, body) {
            Ok(section) => body_read = Some(section),
            Err(error) => {
                // What is wrong in the rest of a section is shown when the section itself is right.
                if damage.is_none() {
                    let loc = error.loc.unwrap_or(loc);
                    read.findings.push(Diagnostic::new(&schema::rules::WRONG_TYPE, loc, error.message));
                }
                let damage = damage.get_or_insert_with(|| Damage { whole, rest: Rest::default() });
                damage.rest.names_lost = true;
            }
        }
    }
    keys.entry(family.key()).or_default().add(tree, body);
    read.sections.push(SectionRead { family, key: loc, body: body_read, damage });
}
