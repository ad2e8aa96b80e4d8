//! `correlation-header-not-logged`.

use super::{Check, Input};
use crate::diagnostic::{Diagnostic, Edit, Fix, Report, Rule, Severity};
use crate::model::Model;

/// The check.
pub static CHECK: Check = Check {
    rule: Rule {
        name: "correlation-header-not-logged",
        guards_access: false,
        severity: Severity::Warning,
        what: "Finds headers of `tracing_config.correlation` whose value is not among the `fields` of `logging_config`: \
               `request_id`, `user_id` and `tenant_id`, or the name of the header itself. Without a list of fields nothing is \
               missing.",
        why: "The headers tie traces to logs. A log without the value cannot be found from a trace, nor a trace from a log.",
        fix: "Add the field to `logging_config.fields`, or remove the header.",
    },
    run,
};

fn run(input: &Input<'_>, report: &mut Report) {
    let model = input.model;
    if !model.complete_for(&["logging_config"]) {
        return;
    }
    for (scope, tracing) in &model.tracing {
        let Some(logging) = Model::in_scope(&model.logging, scope) else { continue };
        let Some(first) = logging.fields.first() else { continue };
        let headers = [
            ("request_id", &tracing.request_id_header),
            ("user_id", &tracing.user_id_header),
            ("tenant_id", &tracing.tenant_id_header),
        ];
        for (field, header) in headers {
            let Some(header) = header else { continue };
            if !logging.fields.iter().any(|logged| is_of(&logged.value, field, header.value.as_str())) {
                report.push(
                    Diagnostic::new(&CHECK.rule, header.loc, format!("no log holds the value of header `{header}`"))
                        .label(first.loc, format!("the logged fields are listed here, without `{field}`"))
                        .help(format!("add `{field}` to `logging_config.fields`"))
                        .fix(Fix::guess(
                            format!("add `{field}` to `logging_config.fields`"),
                            vec![Edit::Append { to: first.loc, value: field.to_owned() }],
                        )),
                );
            }
        }
    }
}

/// Whether a field holds the header: by the field's name, or the header's, however its words are joined.
fn is_of(logged: &str, field: &str, header: &str) -> bool {
    let plain = |name: &str| name.to_lowercase().replace(['-', '.', ' '], "_");
    let logged = plain(logged);
    let header = plain(header);
    logged == field || logged == header || header.strip_prefix("x_").is_some_and(|header| logged == header)
}
