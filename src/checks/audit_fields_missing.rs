//! `audit-fields-missing`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Edit, Fix, Report, Rule, Severity, quoted};

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "audit-fields-missing",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds lists of `logging_config.fields` without `user_id`, `tool_name` or `mcp_server` (or `subject`, `tool`, \
               `server`), while a data class with servers demands `user_activity_monitoring`.",
        why: "Who called which tool of which server is what the monitoring of users looks at. Logs without one of the three cannot \
              answer it.",
        fix: "Add the fields that the message names to `logging_config.fields`.",
    },
    run,
};

/// What has to be logged, each with the names under which it may be.
const NEEDED: [(&str, &[&str]); 3] = [
    ("user_id", &["user_id", "user", "subject", "sub", "principal"]),
    ("tool_name", &["tool_name", "tool"]),
    ("mcp_server", &["mcp_server", "server"]),
];

fn run(input: &Input<'_>, report: &mut Report) {
    let demands = input.model.access.classes.iter().filter(|class| !class.servers.is_empty()).find_map(|class| {
        let control = class.additional_controls.iter().find(|control| control.value == "user_activity_monitoring")?;
        Some((class, control))
    });
    let Some((class, control)) = demands else { return };
    for logging in input.model.logging.values() {
        let Some(first) = logging.fields.first() else { continue };
        let logged = |names: &[&str]| logging.fields.iter().any(|field| names.contains(&field.value.as_str()));
        let missing = NEEDED.iter().filter(|(_, names)| !logged(names)).map(|(field, _)| *field);
        let missing: Vec<&str> = missing.collect();
        if !missing.is_empty() {
            let names = quoted(missing.iter().copied());
            report.push(
                Diagnostic::new(&CHECK.rule, first.loc, format!("the logged fields are without {names}"))
                    .label(control.loc, format!("class `{}` demands that users are monitored", class.name))
                    .help(format!("add {names} to `logging_config.fields`"))
                    .fix(Fix::guess(
                        format!("add {names}"),
                        missing
                            .iter()
                            .map(|field| Edit::Append { to: first.loc, value: (*field).to_owned() })
                            .collect(),
                    )),
            );
        }
    }
}
