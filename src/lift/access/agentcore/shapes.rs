//! The few forms in which a condition can ask a claim that is a text, a list or an object, and that hold exactly where the
//! claim means it. They are compared whole: what looks almost like one is refused.
//!
//! Why they are exact, for claims that are a text not beginning with `[` or `{`, a list of texts, or an object, in JSON
//! without white space: see each.

use std::collections::BTreeSet;

use super::USER;
use crate::cedar::Uid;
use crate::cedar::dialect::{Expr, Piece};

/// The texts, with `*` between each two.
fn pattern_of(tag: &str, texts: &[&str]) -> Expr {
    let mut pieces: Vec<Piece> = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            pieces.push(Piece::Any);
        }
        if !text.is_empty() {
            pieces.push(Piece::Text((*text).to_owned()));
        }
    }
    Expr::Principal.tag(tag).like(pieces)
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The claim is this text, or a list with it.
///
/// `["v"*`: the first element. `[*,"v"*` without another `[` and without `{`: in a flat list, a quote after a comma opens a
/// text, unless it closes one that ends with a comma; then a comma or bracket would follow, and `v` begins with neither.
/// It holds neither quote nor backslash, so the next quote closes it.
pub(super) fn contains(tag: &str, value: &str) -> Expr {
    let element = json(value);
    Expr::Any(vec![
        Expr::Principal.tag(tag).same(Expr::text(value)),
        pattern_of(tag, &[&format!("[{element}"), ""]),
        Expr::All(vec![
            pattern_of(tag, &["[", &format!(",{element}"), ""]),
            pattern_of(tag, &["[", "[", ""]).not(),
            pattern_of(tag, &["", "{", ""]).not(),
        ]),
    ])
}

/// Whether a value may be looked for in this way.
pub(super) fn can_be_told(value: &str) -> bool {
    let plain = |letter: u8| letter.is_ascii_graphic() && !b"\"\\[]{}<>&'`*,;()?^|".contains(&letter);
    let odd_start = value.starts_with([':', '%', '!', '$', '-']);
    let json = serde_json::from_str::<serde_json::Value>(value).is_ok_and(|value| !value.is_null());
    !value.is_empty() && value.bytes().all(plain) && !odd_start && !json
}

/// One of these is `act.sub`.
///
/// `{"sub":"S"*`: the first member. `{*,"sub":"S"*` without another `{`: where nothing is nested, a name before a colon is a
/// member's; a quote after a comma opens it, since a letter follows.
pub(super) fn acting(subjects: &[String]) -> Option<Expr> {
    let first = subjects.iter().map(|subject| pattern_of("act", &[&format!("{{\"sub\":{}", json(subject)), ""]));
    let later = subjects.iter().map(|subject| pattern_of("act", &["{", &format!(",\"sub\":{}", json(subject)), ""]));
    let mut later: Vec<Expr> = later.collect();
    let later = if later.len() == 1 { later.pop()? } else { Expr::Any(later) };
    let flat = pattern_of("act", &["{", "{", ""]).not();
    Some(Expr::Any(first.chain([Expr::All(vec![flat, later])]).collect()))
}

/// That this subject calls, with a token of its own or as the actor, by one of these issuers.
pub(super) fn caller(subject: &str, issuers: &[&str]) -> Option<Expr> {
    let user = Expr::Entity(Uid { kind: USER.to_owned(), id: subject.to_owned() });
    let own = vec![Expr::Principal.has_tag("act").not(), Expr::Set(vec![user]).contains(Expr::Principal)];
    let actor = vec![Expr::Principal.has_tag("act"), acting(&[subject.to_owned()])?];
    Some(Expr::All(vec![
        Expr::Principal.has_tag("iss"),
        Expr::texts(issuers.iter().copied()).contains(Expr::Principal.tag("iss")),
        Expr::Any(vec![Expr::All(own), Expr::All(actor)]),
    ]))
}

/// The subjects that such a form names; `None` where it is none.
pub(super) fn actors(expr: &Expr) -> Option<Vec<String>> {
    let Expr::Any(forms) = expr else { return None };
    let mut subjects = Vec::new();
    for form in forms {
        let Expr::Like(of, pieces) = form else { continue };
        if **of != Expr::Principal.tag("act") {
            return None;
        }
        let [Piece::Text(text), Piece::Any] = pieces.as_slice() else { return None };
        subjects.push(serde_json::from_str(text.strip_prefix("{\"sub\":")?).ok()?);
    }
    (!subjects.is_empty() && acting(&subjects).as_ref() == Some(expr)).then_some(subjects)
}

/// The tag and the values that such forms ask of it, one form for each value; `None` where it is anything else.
pub(super) fn values_of(expr: &Expr) -> Option<(String, Vec<String>)> {
    let Expr::Any(forms) = expr else { return None };
    let mut found: Option<(String, Vec<String>)> = None;
    for some in forms.chunks(3) {
        let Some(Expr::Same(tag, value)) = some.first() else { return None };
        let (Expr::Tag(_, name), Expr::Text(value)) = (&**tag, &**value) else { return None };
        if contains(name, value) != Expr::Any(some.to_vec()) || !can_be_told(value) {
            return None;
        }
        let (of, values) = found.get_or_insert_with(|| (name.clone(), Vec::new()));
        if of != name {
            return None;
        }
        values.push(value.clone());
    }
    found
}

/// The subjects that a condition names, as users or as actors.
pub(super) fn named(expr: &Expr, subjects: &mut BTreeSet<String>) {
    if let Some(actors) = actors(expr) {
        subjects.extend(actors);
        return;
    }
    if let Expr::All(parts) | Expr::Any(parts) | Expr::Set(parts) = expr {
        parts.iter().for_each(|part| named(part, subjects));
    } else if let Expr::Not(inner) = expr {
        named(inner, subjects);
    } else if let Expr::Contains(set, _) = expr {
        named(set, subjects);
    } else if let Expr::Differs(_, right) = expr {
        named(right, subjects);
    } else if let Expr::Entity(uid) = expr {
        subjects.insert(uid.id.clone());
    }
}

#[cfg(test)]
mod tests;
