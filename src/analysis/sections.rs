//! From the sections of all files to one model.

use super::cache::Chunk;
use super::damage::Damaged;
use crate::diagnostic::{Diagnostic, Report};
use crate::families;
use crate::lower::rules as lowering_rules;
use crate::lower::{At, Lowering, finish};
use crate::model::handwritten::{Handwritten, PolicyFile};
use crate::model::{Model, Scope};
use crate::settings::Settings;
use crate::source::Sources;

/// Lowers every section, in the order of the places. `whole` says whether every file could be read.
pub(super) fn lower(
    read: Vec<Chunk>,
    policies: Vec<PolicyFile>,
    sources: &Sources,
    settings: &Settings,
    whole: bool,
) -> (Model, Report, Damaged, usize) {
    let mut lowering = Lowering::default();
    let mut said = Vec::new();
    let mut damaged = Vec::new();
    lowering.model.unread_files = !whole;
    let mut once = Vec::new();
    let mut skipped = 0;
    let mut files = Vec::new();
    let (mut of_flows, mut others) = (Vec::new(), Vec::new());
    for (of_chunk, keys) in read {
        files.extend(of_chunk);
        for (family, paths) in keys {
            let known = lowering.model.keys.entry(family).or_default();
            for (path, loc) in paths {
                known.entry(path).or_insert(loc);
            }
        }
    }
    for file in files {
        said.extend(file.findings);
        lowering.model.unread_files |= !file.whole;
        skipped += file.skipped_manifests;
        let scope = scope_of(sources.file(file.id).name(), settings);
        for section in file.sections {
            let at = At { family: section.family.key(), scope: scope.clone(), key: section.key };
            if at.scope.is_some() {
                lowering.section(&at);
            }
            if section.family.repeat() == families::Repeat::Once {
                once.push(at.clone());
            }
            if let Some(damage) = section.damage {
                lowering.model.unread.insert(section.family.key());
                if damage.rest.names_lost {
                    lowering.model.nameless.insert(section.family.key());
                }
                damaged.push(damage);
            }
            match section.body {
                Some(body) if section.family.is_of_flows() => of_flows.push((at, body)),
                Some(body) => others.push((at, body)),
                None => {}
            }
        }
    }
    let lower_all = |sections: Vec<(At, families::Section)>, lowering: &mut Lowering| {
        sections.into_iter().for_each(|(at, body)| body.lower(&at, lowering));
    };
    let mut flows = Lowering::default();
    rayon::join(|| lower_all(others, &mut lowering), || lower_all(of_flows, &mut flows));
    lowering.join_flows(flows);
    finish::judge_repeats(&once, &mut lowering.report);
    lowering.model.topology.unit_folders =
        settings.units.iter().map(|(unit, folder)| (unit.clone(), folder.value.clone())).collect();
    lowering.model.deployment = settings.deployment.clone();
    lowering.model.handwritten = Handwritten {
        files: policies,
        permits_allowed: settings.allow_handwritten_permits,
        accepted: settings.accept_handwritten.clone(),
    };
    lowering.model.gate = settings.gate.clone();
    let (model, mut report) = lowering.finish();
    let damaged = Damaged::new(damaged);
    report.diagnostics.retain(|finding| damaged.lets_say(finding));
    report.extend(said);
    finish::judge_folders(&settings.units, &model, &mut report);
    for (unit, folder) in &settings.units {
        let inside = |name: &str| name.strip_prefix(folder.value.as_str()).is_some_and(|rest| rest.starts_with('/'));
        if !sources.iter().any(|(_, file)| inside(file.name())) {
            let message = format!("there is no YAML file in `{folder}`, the folder of unit `{unit}`");
            report.push(Diagnostic::new(&lowering_rules::FOLDER_WITHOUT_FILES, folder.loc, message));
        }
    }
    (model, report, damaged, skipped)
}

/// Whose configuration a file is: the unit's in whose folder it is, else the central one.
pub(super) fn scope_of(name: &str, settings: &Settings) -> Scope {
    let inside = |folder: &str| {
        let folder = folder.trim_start_matches("./").trim_end_matches('/');
        name.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    };
    let mut folders: Vec<_> = settings.units.iter().filter(|(_, folder)| inside(&folder.value)).collect();
    folders.sort_by_key(|(_, folder)| folder.value.len());
    folders.last().map(|(unit, _)| (*unit).clone())
}
