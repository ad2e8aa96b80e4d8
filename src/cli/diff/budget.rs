//! The rules of the gate: `review` of `mcpctl.yaml`, or the file that `--budget` names. Those of the base judge.

use std::io;
use std::path::Path;

use super::DiffCommand;
use super::side::{Read, Version};
use crate::analysis::Counts;
use crate::checks::waiver_without_value;
use crate::cli::Session;
use crate::cli::load::{self, Shown};
use crate::cli::refusal::Refusal;
use crate::diagnostic::{Diagnostic, Report, Severity, did_you_mean};
use crate::model::Model;
use crate::model::gate::Gate;
use crate::model::name::{ClassName, UnitName};
use crate::settings::parse_gate;
use crate::source::yaml::MOST_BYTES;
use crate::source::{SourceFile, Sources};
use crate::workspace::{Reader, without_bom};

/// The rules of either side, where a file of their own holds them.
pub(super) struct Budget {
    /// The base's, which judge.
    pub(super) base: Gate,
    /// The head's, which are compared.
    pub(super) head: Gate,
    /// The text of the base's.
    pub(super) sources: Sources,
    /// That there is none in the base.
    pub(super) caution: Option<String>,
}

impl DiffCommand {
    /// Reads the file that `--budget` names from both sides.
    pub(super) fn budget_file(
        &self,
        places: [&Version; 2],
        base: &Read,
        session: &mut Session<'_>,
    ) -> Result<Option<Budget>, Vec<miette::Report>> {
        let Some(file) = &self.budget else { return Ok(None) };
        let outside = file.is_absolute();
        if outside {
            self.keep_outside(file, places[1], session)?;
        } else if file.components().any(|part| part == std::path::Component::ParentDir) {
            let message = format!("`{}` is outside of the workspace", file.display());
            let help = "name a file of the workspace, which is read from BASE, or give its full path".to_owned();
            return Err(Refusal::Usage { message, help }.into());
        }
        let read = |place: &Version| match place {
            _ if outside => session.reader.read(file, MOST_BYTES),
            Version::Folder(folder) => session.reader.read(&folder.join(file), MOST_BYTES),
            Version::Revision(revision) => revision.read(file, MOST_BYTES),
            Version::Bundle(bundle) => bundle.1.read(file, MOST_BYTES),
        };
        let missing = |error: &io::Error| !outside && error.kind() == io::ErrorKind::NotFound;
        let failed = |source| Refusal::Stream { what: "read the budget", source };
        let (bytes, caution) = match read(places[0]) {
            Ok(bytes) => (bytes, None),
            Err(error) if missing(&error) => {
                let said = format!("`{}` has no `{}`, so no access may widen", self.base, file.display());
                (Vec::new(), Some(said))
            }
            Err(error) => return Err(failed(error).into()),
        };
        let in_head = match read(places[1]) {
            Ok(bytes) => bytes,
            Err(error) if missing(&error) => Vec::new(),
            Err(error) => return Err(failed(error).into()),
        };
        let name = file.to_string_lossy().into_owned();
        let (judging, mut sources, mut findings) = parsed(&name, &bytes);
        findings.extend(unknown(&judging, base.side().model));
        findings.extend(waiver_without_value::findings(&judging));
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            let counts = Counts { files: 1, ..Counts::default() };
            let shown = Shown { sources: &sources, counts: &counts, docs_url: None };
            let report = Report { diagnostics: findings, ..Report::default() };
            load::report(&shown, &report, session)?;
            let message = format!("the budget `{name}` of `{}` has errors", self.base);
            let help = "a budget has the keys of `review` in mcpctl.yaml; see `mcpctl schema settings`".to_owned();
            return Err(Refusal::Usage { message, help }.into());
        }
        if bytes.is_empty() {
            sources = Sources::new();
        }
        // What is wrong in the head's judges nothing yet.
        let (head, ..) = parsed(&name, &in_head);
        Ok(Some(Budget { base: judging, head, sources, caution }))
    }

    /// Refuses a budget that stands in the folder that it judges.
    fn keep_outside(&self, file: &Path, head: &Version, session: &Session<'_>) -> Result<(), Refusal> {
        let here = session.globals.at(Path::new("."));
        let folder = match head {
            Version::Folder(folder) => folder,
            Version::Revision(_) | Version::Bundle(_) => &here,
        };
        let (Ok(file), Ok(folder)) = (file.canonicalize(), folder.canonicalize()) else { return Ok(()) };
        let Ok(inside) = file.strip_prefix(&folder) else { return Ok(()) };
        let message =
            format!("`{}` is inside the workspace that it judges, so a change could excuse itself", file.display());
        let help = format!("write `--budget {}`, which is read from BASE", inside.display());
        Err(Refusal::Usage { message, help })
    }
}

fn parsed(name: &str, bytes: &[u8]) -> (Gate, Sources, Vec<Diagnostic>) {
    let mut sources = Sources::new();
    let text = String::from_utf8_lossy(bytes);
    let id = sources.add(SourceFile::new(name, without_bom(&text)));
    let (gate, findings) = parse_gate(id, sources.file(id));
    (gate, sources, findings)
}

/// Limits for units and classes that the base does not know: they would limit nothing.
fn unknown(gate: &Gate, model: &Model) -> Vec<Diagnostic> {
    let units: Vec<&str> = model.topology.units.keys().map(UnitName::as_str).chain([UnitName::CENTRAL]).collect();
    let classes: Vec<&str> = model.access.classes.iter().map(|class| class.name.value.as_str()).collect();
    let of_units = gate.units.iter().map(|(unit, most)| (unit.as_str(), most.loc, "business unit", &units));
    let of_classes =
        gate.classes.iter().map(|(class, most)| (ClassName::as_str(class), most.loc, "data class", &classes));
    let unknown = of_units.chain(of_classes).filter(|(name, _, _, known)| !known.contains(name));
    unknown
        .map(|(name, loc, kind, known)| {
            let message = format!("no {kind} `{name}` is declared in the base");
            let rule = &crate::schema::rules::INVALID_VALUE;
            Diagnostic::new(rule, loc, message).maybe_help(did_you_mean(name, known.iter().copied()))
        })
        .collect()
}
