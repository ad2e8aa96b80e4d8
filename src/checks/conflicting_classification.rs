//! `conflicting-classification`.

use std::collections::BTreeSet;

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Edit, Fix, Report, Rule, Severity};
use crate::model::access::classification::{Classification, Listing};
use crate::source::Loc;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "conflicting-classification",
        guards_access: true,
        severity: Severity::Error,
        what: "Finds servers that two classes of `data_routing` list, the central ones or those that hold in the server's unit.",
        why: "Which rules hold for the server's data would depend on the reader. Until it is fixed, the more sensitive \
              class holds.",
        fix: "Leave the server in one class.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let mut reported: BTreeSet<(Loc, Loc)> = BTreeSet::new();
    let mut conflict = |server: &str, listings: &[Listing<'_>]| {
        if listings.len() < 2 {
            return;
        }
        let mut listings: Vec<_> = listings.iter().collect();
        listings.sort_by_key(|listing| listing.loc);
        let Some((first, others)) = listings.split_first() else { return };
        for other in others.iter().filter(|other| other.class.name != first.class.name) {
            if reported.insert((first.loc, other.loc)) {
                let (a, b) = (&first.class.name, &other.class.name);
                let message = format!("server `{server}` is listed as `{b}` and as `{a}`");
                let label = format!("listed as `{a}` here");
                // The server is treated as of the more sensitive class until then, too.
                let less = if first.rank < other.rank { first } else { other };
                let title = format!("remove `{server}` from class `{}`", less.class.name);
                let fix = Fix::guess(title, vec![Edit::Remove(less.loc)]);
                report.push(Diagnostic::new(&CHECK.rule, other.loc, message).label(first.loc, label).fix(fix));
            }
        }
    };
    input.classes.servers().for_each(|(server, listings)| conflict(server, listings));
    for unit in input.model.overlays.keys() {
        let Some(rules) = input.model.restated_for(unit) else { continue };
        let in_unit = |name: &str| {
            input.model.server(name).and_then(|server| server.unit.as_ref()).is_some_and(|own| own.value == *unit)
        };
        let restated = Classification::of(&rules);
        restated.servers().filter(|(name, _)| in_unit(name)).for_each(|(server, listings)| conflict(server, listings));
    }
}
