//! Conditions and names in words.

use std::collections::BTreeSet;

use crate::diagnostic::one_line;
use crate::model::name::FactName;
use crate::policy::fact::{MTLS, TLS};

/// Most names that a line lists before it counts the rest.
const MOST_NAMES: usize = 3;

/// `a, b, c and 5 more`.
pub(super) fn some<T: std::fmt::Display>(names: &[T]) -> String {
    // One more is as short as to say so.
    let most = if names.len() == MOST_NAMES + 1 { names.len() } else { MOST_NAMES };
    let shown: Vec<String> = names.iter().take(most).map(|name| format!("`{}`", one_line(&name.to_string()))).collect();
    let rest = names.len().saturating_sub(most);
    match rest {
        0 => shown.join(", "),
        rest => format!("{} and {rest} more", shown.join(", ")),
    }
}

/// `mfa + mtls, or break_glass + mtls`; `denied` and `nothing` where there is no set, or the empty one.
pub(super) fn needs(sets: &[Vec<FactName>]) -> String {
    if sets.is_empty() {
        return "denied".to_owned();
    }
    let set = |set: &Vec<FactName>| match set.as_slice() {
        [] => "nothing".to_owned(),
        facts => plainly(facts).join(" + "),
    };
    format!("needs {}", sets.iter().map(set).collect::<Vec<_>>().join(", or "))
}

/// Facts by name, without what another one says already: `mtls` is `tls`, too.
pub(super) fn plainly(facts: &[FactName]) -> Vec<&str> {
    let mutual = facts.iter().any(|fact| fact.as_str() == MTLS);
    facts.iter().map(FactName::as_str).filter(|fact| !(mutual && *fact == TLS)).collect()
}

/// `decision before -> decision now`.
pub(super) fn decisions(allowed: bool) -> [&'static str; 2] {
    if allowed { ["deny", "allow"] } else { ["allow", "deny"] }
}

/// What is otherwise in conditions of which both let something through: "`mfa` is no longer needed". `None` where that is no
/// shorter than both of them.
pub(super) fn in_short(before: &[Vec<FactName>], after: &[Vec<FactName>]) -> Option<String> {
    let sets = |sets: &[Vec<FactName>]| -> Vec<BTreeSet<FactName>> {
        sets.iter().map(|set| plainly(set).into_iter().map(FactName::from).collect()).collect()
    };
    if before.is_empty() || after.is_empty() {
        return None;
    }
    let (before, after) = (sets(before), sets(after));
    let gone: Vec<_> = before.iter().filter(|set| !after.contains(set)).collect();
    let new: Vec<_> = after.iter().filter(|set| !before.contains(set)).collect();
    let joined = |facts: &BTreeSet<FactName>, glue: &str| {
        facts.iter().map(|fact| format!("`{fact}`")).collect::<Vec<_>>().join(glue)
    };
    match (gone.as_slice(), new.as_slice()) {
        ([], []) => None,
        ([], new) => Some(format!(
            "{} suffices now, too",
            new.iter().map(|set| joined(set, " + ")).collect::<Vec<_>>().join(", or ")
        )),
        (gone, []) => Some(format!(
            "{} no longer suffices",
            gone.iter().map(|set| joined(set, " + ")).collect::<Vec<_>>().join(", or ")
        )),
        (gone, new) => {
            let verb = |facts: &BTreeSet<FactName>| if facts.len() == 1 { "is" } else { "are" };
            let dropped =
                beyond(gone, new).map(|facts| format!("{} {} no longer needed", joined(&facts, ", "), verb(&facts)));
            dropped.or_else(|| {
                beyond(new, gone).map(|facts| format!("{} {} needed now, too", joined(&facts, ", "), verb(&facts)))
            })
        }
    }
}

/// What every one of the larger sets has beyond one of the smaller, where that is the same for each and none is left over.
fn beyond(larger: &[&BTreeSet<FactName>], smaller: &[&BTreeSet<FactName>]) -> Option<BTreeSet<FactName>> {
    let mut differences = BTreeSet::new();
    let mut met = BTreeSet::new();
    for large in larger {
        let (at, small) = smaller.iter().enumerate().find(|(_, small)| small.is_subset(large))?;
        met.insert(at);
        differences.insert(large.difference(small).cloned().collect::<BTreeSet<FactName>>());
    }
    let mut differences = differences.into_iter();
    match (differences.next(), differences.next()) {
        (Some(only), None) if met.len() == smaller.len() => Some(only),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(before: &[&[&str]], after: &[&[&str]]) -> Option<String> {
        let sets = |sets: &[&[&str]]| -> Vec<Vec<FactName>> {
            sets.iter().map(|set| set.iter().map(|fact| FactName::from(*fact)).collect()).collect()
        };
        in_short(&sets(before), &sets(after))
    }

    #[test]
    fn what_is_otherwise_is_said_in_short_where_it_is_short() {
        let two: &[&[&str]] = &[&["mfa", "mtls", "tls"], &["approval", "mfa"]];
        assert_eq!(short(two, &[&["mtls", "tls"], &["approval"]]).as_deref(), Some("`mfa` is no longer needed"));
        assert_eq!(short(&[&["mtls", "tls"]], &[&["mfa", "mtls", "tls"]]).as_deref(), Some("`mfa` is needed now, too"));
        assert_eq!(short(&[&["a"]], &[&["a"], &["b", "c"]]).as_deref(), Some("`b` + `c` suffices now, too"));
        assert_eq!(short(&[&["a"], &["b"]], &[&["a"]]).as_deref(), Some("`b` no longer suffices"));
        assert_eq!(short(two, &[&["mtls", "tls"], &["approval", "mfa"]]).as_deref(), Some("`mfa` is no longer needed"));
        // Neither is part of the other; one set loses another fact than the other one; nothing was let through.
        assert_eq!(short(&[&["a"]], &[&["b"]]), None);
        assert_eq!(short(&[&["a", "b"], &["c", "d"]], &[&["b"], &["c"]]), None);
        assert_eq!(short(&[], &[&["a"]]), None);
    }
}
