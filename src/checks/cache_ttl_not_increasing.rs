//! `cache-ttl-not-increasing`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "cache-ttl-not-increasing",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds cache layers whose entries live shorter than those of a layer that is nearer to the caller. Layers are \
               listed from the caller to the source; equal times are fine.",
        why: "The nearer layer goes on serving what the layer behind it has given up, so callers see older data than the shorter \
              time promises, and the layer behind is asked for entries that it no longer has.",
        fix: "Let the times grow from the caller to the source, such as `5m`, `1h`, `24h`.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for layers in input.model.caching.values() {
        let timed: Vec<_> = layers.iter().filter_map(|layer| Some((layer, layer.ttl.as_ref()?))).collect();
        for ((near, near_ttl), (far, far_ttl)) in timed.iter().zip(timed.iter().skip(1)) {
            if far_ttl.value < near_ttl.value {
                let message = format!(
                    "layer `{}` keeps entries for {far_ttl}, and `{}` before it keeps them for {near_ttl}",
                    far.name, near.name
                );
                report.push(
                    Diagnostic::new(&CHECK.rule, far_ttl.loc, message)
                        .label(near_ttl.loc, format!("`{}` is nearer to the caller", near.name)),
                );
            }
        }
    }
}
