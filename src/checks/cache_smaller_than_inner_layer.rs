//! `cache-smaller-than-inner-layer`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Report, Rule, Severity};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "cache-smaller-than-inner-layer",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds cache layers that are smaller than a layer that is nearer to the caller. Layers are listed from the caller \
               to the source; equal sizes are fine.",
        why: "What misses the nearer layer is looked up in the layer behind it. A smaller one holds nothing that the nearer one \
              does not hold as well, so it costs a look-up and saves none.",
        fix: "Let the sizes grow from the caller to the source, such as `100MB`, `1GB`, `10GB`, or remove the layer.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    for layers in input.model.caching.values() {
        let sized: Vec<_> = layers.iter().filter_map(|layer| Some((layer, layer.size.as_ref()?))).collect();
        for ((near, near_size), (far, far_size)) in sized.iter().zip(sized.iter().skip(1)) {
            if far_size.value < near_size.value {
                let message = format!(
                    "layer `{}` holds {far_size}, less than the {near_size} of `{}` before it",
                    far.name, near.name
                );
                report.push(
                    Diagnostic::new(&CHECK.rule, far_size.loc, message)
                        .label(near_size.loc, format!("`{}` is nearer to the caller", near.name)),
                );
            }
        }
    }
}
