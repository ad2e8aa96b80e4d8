//! Values in use that no compiled target expresses, although one of them expresses others of the same key.

use super::{NotExpressed, expresses};
use crate::families::FamilyId;
use crate::model::Model;
use crate::targets::Target;

/// The path of the key of such a value.
fn path(found: &NotExpressed) -> &str {
    found.key.split_once(": ").map_or(found.key.as_str(), |(path, _)| path)
}

/// The values of a family that are left out, each at its place, in the order of their places.
pub(super) fn left_out(family: FamilyId, compiled: &[&Target], model: &Model) -> Vec<NotExpressed> {
    let of_each: Vec<(&Target, Vec<NotExpressed>)> =
        compiled.iter().map(|target| (*target, (target.unexpressed)(model))).collect();
    let mut left: Vec<NotExpressed> = Vec::new();
    for found in of_each.iter().flat_map(|(_, values)| values).filter(|found| found.family == family) {
        let elsewhere = of_each.iter().any(|(target, values)| {
            let missing = values.iter().any(|value| value.family == family && value.loc == found.loc);
            expresses(target, family, path(found)) && !missing
        });
        if (found.own || !elsewhere) && !left.iter().any(|known| known.loc == found.loc) {
            left.push(found.clone());
        }
    }
    left.sort_by_key(|found| found.loc);
    left
}

#[cfg(test)]
mod tests {
    use crate::targets::access::{envoy, istio};
    use crate::targets::coverage::left_by_all;
    use crate::targets::tests::checked;

    #[test]
    fn a_value_is_noted_at_its_place_unless_another_target_expresses_it() {
        let text = "
# file: operations.yaml
health_monitoring:
  health_checks: [{type: http, endpoint: /health}, {type: grpc, port: 9000}]
tracing_config:
  sampling: {strategy: tail}
";
        let (checked, sources) = checked(text);
        let of = |targets: &[&crate::targets::Target]| -> Vec<(String, Vec<String>)> {
            let notes = left_by_all(targets, checked.model()).into_iter().map(|left| left.note());
            notes
                .map(|note| {
                    let labels = note.labels.iter().map(|label| sources.text_at(label.loc).to_owned());
                    (note.message.clone(), labels.collect())
                })
                .collect()
        };
        let health = "no compiled target expresses 1 value of `health_monitoring`: `health_checks[].type: grpc`";
        let tracing = "no compiled target expresses 1 value of `tracing_config`: `sampling.strategy: tail`";
        let expected = [
            (health.to_owned(), vec!["{type: grpc, port: 9000}".to_owned()]),
            (tracing.to_owned(), vec!["tail".to_owned()]),
        ];
        assert_eq!(of(&[&envoy::TARGET]), expected);
        // Neither of the two can keep traces by their end.
        assert_eq!(of(&[&istio::TARGET, &envoy::TARGET]), expected);
    }
}
