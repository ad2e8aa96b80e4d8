//! Small changes of every part of a policy in Cedar.

use crate::cedar::Uid;
use crate::cedar::dialect::{Expr, Piece, Scope, Statement};

/// Every change of a policy.
pub(crate) fn of_statement(text: &str) -> Vec<(String, String)> {
    let Ok(statement) = Statement::parse(text) else { return Vec::new() };
    let mut all: Vec<(String, Statement)> = Vec::new();
    let mut with = |what: &str, change: &dyn Fn(&mut Statement)| {
        let mut changed = statement.clone();
        change(&mut changed);
        all.push((what.to_owned(), changed));
    };
    with("effect flipped", &|s| s.permits = !s.permits);
    with("principal dropped", &|s| s.principal = if s.principal.is_none() { Some("Other".to_owned()) } else { None });
    with("resource dropped", &|s| {
        s.resource = if s.resource == Scope::Any { Scope::Is("Other".to_owned()) } else { Scope::Any }
    });
    with("resource changed", &|s| match &mut s.resource {
        Scope::Same(uid) | Scope::In(uid) => uid.id.push('x'),
        Scope::Any | Scope::Is(_) => s.permits = !s.permits,
    });
    with("actions dropped", &|s| {
        if s.actions.pop().is_none() {
            s.actions.push(Uid { kind: "Action".to_owned(), id: "other".to_owned() });
        }
    });
    for at in 0..statement.actions.len() {
        with("action dropped", &|s| drop(s.actions.remove(at)));
        with("action changed", &|s| s.actions[at].id.push('x'));
    }
    if let Some(condition) = &statement.condition {
        with("condition dropped", &|s| s.condition = None);
        for (what, changed) in of_expr(condition) {
            with(&what, &|s| s.condition = Some(changed.clone()));
        }
    }
    all.retain(|(_, changed)| *changed != statement);
    all.into_iter().filter_map(|(what, statement)| Some((what, statement.print().ok()?))).collect()
}

fn of_expr(expr: &Expr) -> Vec<(String, Expr)> {
    let mut all: Vec<(String, Expr)> = Vec::new();
    let boxed = |inner: &Expr, make: &dyn Fn(Box<Expr>) -> Expr| -> Vec<(String, Expr)> {
        of_expr(inner).into_iter().map(|(what, changed)| (what, make(Box::new(changed)))).collect()
    };
    let list = |parts: &Vec<Expr>, make: &dyn Fn(Vec<Expr>) -> Expr, what: &str| -> Vec<(String, Expr)> {
        let mut all = Vec::new();
        for at in 0..parts.len() {
            let mut without = parts.clone();
            without.remove(at);
            all.push((format!("{what} part dropped"), make(without)));
            if at + 1 < parts.len() && parts[at] != parts[at + 1] {
                let mut swapped = parts.clone();
                swapped.swap(at, at + 1);
                all.push((format!("{what} parts swapped"), make(swapped)));
            }
            for (what, changed) in of_expr(&parts[at]) {
                let mut with = parts.clone();
                with[at] = changed;
                all.push((what, make(with)));
            }
        }
        all
    };
    let named = |of: &Expr, name: &str, make: &dyn Fn(Expr, String) -> Expr| -> Vec<(String, Expr)> {
        let mut all = vec![("name changed".to_owned(), make(of.clone(), format!("{name}x")))];
        all.extend(of_expr(of).into_iter().map(|(what, of)| (what, make(of, name.to_owned()))));
        all
    };
    type Pair = fn(Box<Expr>, Box<Expr>) -> Expr;
    let pair = |left: &Expr, right: &Expr, make: Pair, other: Pair| -> Vec<(String, Expr)> {
        let mut all = vec![("operator changed".to_owned(), other(Box::new(left.clone()), Box::new(right.clone())))];
        all.extend(boxed(left, &|changed| make(changed, Box::new(right.clone()))));
        all.extend(boxed(right, &|changed| make(Box::new(left.clone()), changed)));
        all
    };
    match expr {
        Expr::All(parts) => {
            all.extend(list(parts, &Expr::All, "and"));
            all.push(("and to or".to_owned(), Expr::Any(parts.clone())));
        }
        Expr::Any(parts) => {
            all.extend(list(parts, &Expr::Any, "or"));
            all.push(("or to and".to_owned(), Expr::All(parts.clone())));
        }
        Expr::Not(inner) => {
            all.push(("not dropped".to_owned(), (**inner).clone()));
            all.extend(boxed(inner, &Expr::Not));
        }
        Expr::Principal => all.push(("variable changed".to_owned(), Expr::Resource)),
        Expr::Resource => all.push(("variable changed".to_owned(), Expr::Principal)),
        Expr::Context => all.push(("variable changed".to_owned(), Expr::Principal)),
        Expr::Text(text) => all.push(("text changed".to_owned(), Expr::Text(format!("{text}x")))),
        Expr::EmptyRecord => all.push(("record changed".to_owned(), Expr::Set(Vec::new()))),
        Expr::Long(number) => {
            all.push(("number raised".to_owned(), Expr::Long(number + 1)));
            all.push(("number lowered".to_owned(), Expr::Long(number - 1)));
        }
        Expr::Entity(uid) => {
            all.push(("entity changed".to_owned(), Expr::Entity(Uid { id: format!("{}x", uid.id), ..uid.clone() })));
        }
        Expr::Set(parts) => {
            all.extend(list(parts, &Expr::Set, "set"));
            let more = match parts.first() {
                Some(Expr::Entity(uid)) => Expr::Entity(Uid { id: "more".to_owned(), ..uid.clone() }),
                _ => Expr::text("more"),
            };
            all.push(("set widened".to_owned(), Expr::Set(parts.iter().cloned().chain([more]).collect())));
        }
        Expr::Attribute(of, name) => all.extend(named(of, name, &|of, name| of.attribute(name))),
        Expr::Has(of, name) => all.extend(named(of, name, &|of, name| of.has(name))),
        Expr::Tag(of, name) => all.extend(named(of, name, &|of, name| of.tag(name))),
        Expr::HasTag(of, name) => all.extend(named(of, name, &|of, name| of.has_tag(name))),
        Expr::Same(left, right) => all.extend(pair(left, right, Expr::Same, Expr::Differs)),
        Expr::Differs(left, right) => all.extend(pair(left, right, Expr::Differs, Expr::Same)),
        Expr::AtMost(left, right) => all.extend(pair(left, right, Expr::AtMost, Expr::AtLeast)),
        Expr::AtLeast(left, right) => all.extend(pair(left, right, Expr::AtLeast, Expr::AtMost)),
        Expr::Contains(left, right) => all.extend(pair(left, right, Expr::Contains, Expr::Same)),
        Expr::Like(of, pieces) => {
            all.extend(boxed(of, &|of| Expr::Like(of, pieces.clone())));
            for at in 0..pieces.len() {
                let mut without = pieces.clone();
                without.remove(at);
                all.push(("pattern part dropped".to_owned(), Expr::Like(of.clone(), without)));
                if let Piece::Text(text) = &pieces[at] {
                    let mut with = pieces.clone();
                    with[at] = Piece::Text(format!("{text}x"));
                    all.push(("pattern text changed".to_owned(), Expr::Like(of.clone(), with)));
                }
            }
            if pieces.last() != Some(&Piece::Any) {
                let wider = pieces.iter().cloned().chain([Piece::Any]).collect();
                all.push(("pattern widened".to_owned(), Expr::Like(of.clone(), wider)));
            }
        }
    }
    all
}
