//! From the parser's tree to one that is quick to walk: operators by kind, variables as paths, regular expressions as
//! patterns. What has no place in it is refused here.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, operators as op};

use super::{Value, refused};
use crate::lift::LiftError;
use crate::lift::access::probe::Texts;
use crate::model::uri::NOT_NORMAL;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// A literal.
    Value(Value<'static>),
    /// A list of texts.
    Texts(Texts),
    /// Another list.
    List(Vec<Node>),
    /// A variable by its path; `json(request.body)` is a path that begins with that text.
    Variable(Vec<String>),
    /// `has(variable)`.
    Has(Vec<String>),
    /// All of these.
    And(Vec<Arc<Node>>),
    /// One of both.
    Or(Box<[Node; 2]>),
    /// Not this.
    Not(Box<Node>),
    /// The second where the first is true, else the third.
    If(Box<[Node; 3]>),
    /// `==`.
    Equal(Box<[Node; 2]>),
    /// `!=`.
    Differs(Box<[Node; 2]>),
    /// `in`.
    In(Box<[Node; 2]>),
    /// `+`.
    Add(Box<[Node; 2]>),
    /// `>=` a number.
    AtLeast(Box<Node>, f64),
    /// `<=` a number.
    AtMost(Box<Node>, f64),
    /// Begins with a text.
    StartsWith(Box<Node>, String),
    /// Is of a pattern, in which `*` matches any text.
    IsOf(Box<Node>, String),
    /// Is a URI that is not in normal form.
    NotNormal(Box<Node>),
    /// Something in the list of the first is so that the second holds, with the name that stands for it there.
    Exists(Box<[Node; 2]>, String),
}

impl Node {
    /// Reads the parser's tree.
    pub(super) fn of(expression: &IdedExpr) -> Result<Self, LiftError> {
        if let Some(path) = path_of(expression) {
            return Ok(Self::Variable(path));
        }
        match &expression.expr {
            Expr::Literal(literal) => literal_of(literal).map(Self::Value),
            Expr::List(list) if list.optional_indices.is_empty() => {
                let nodes = list.elements.iter().map(Self::of).collect::<Result<Vec<_>, _>>()?;
                let texts = nodes.iter().map(|node| node.as_text().map(str::to_owned));
                Ok(match texts.collect::<Option<Vec<_>>>() {
                    Some(texts) => Self::Texts(texts.into_iter().collect()),
                    None => Self::List(nodes),
                })
            }
            Expr::Map(map) if map.entries.is_empty() => Ok(Self::Value(Value::Object)),
            Expr::Select(select) if select.test => {
                let Some(mut path) = path_of(&select.operand) else { return refused("`has` of something computed") };
                path.push(select.field.clone());
                Ok(Self::Has(path))
            }
            Expr::Comprehension(all) => exists(all),
            Expr::Call(call) => of_call(expression, call),
            Expr::Ident(_) | Expr::Select(_) => refused("a rule looks into something computed"),
            Expr::List(_) | Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => refused("a rule builds a value"),
        }
    }

    /// The path of a variable.
    pub(super) fn path(&self) -> Option<&[String]> {
        if let Self::Variable(path) = self { Some(path) } else { None }
    }

    /// The text that it is.
    fn as_text(&self) -> Option<&str> {
        if let Self::Value(Value::Text(text)) = self { Some(text) } else { None }
    }

    /// Whether it is the empty text.
    pub(super) fn is_empty_text(&self) -> bool {
        matches!(self, Self::Value(Value::Text(text)) if text.is_empty())
    }

    /// Every text in it.
    pub(super) fn texts<'n>(&'n self, found: &mut Vec<&'n str>) {
        match self {
            Self::Value(Value::Text(text)) => found.push(text),
            Self::Texts(texts) => found.extend(texts.all()),
            Self::Value(_) | Self::Variable(_) | Self::Has(_) => {}
            Self::List(nodes) => nodes.iter().for_each(|node| node.texts(found)),
            Self::And(nodes) => nodes.iter().for_each(|node| node.texts(found)),
            Self::Not(node) | Self::NotNormal(node) | Self::AtLeast(node, _) | Self::AtMost(node, _) => {
                node.texts(found);
            }
            Self::StartsWith(node, text) | Self::IsOf(node, text) => {
                node.texts(found);
                found.push(text);
            }
            Self::If(nodes) => nodes.iter().for_each(|node| node.texts(found)),
            Self::Or(nodes)
            | Self::Equal(nodes)
            | Self::Differs(nodes)
            | Self::In(nodes)
            | Self::Add(nodes)
            | Self::Exists(nodes, _) => nodes.iter().for_each(|node| node.texts(found)),
        }
    }
}

/// For each of these parts of the form `!("a" in list && "b" in list)`, the texts.
pub(super) fn lacking<'n>(parts: &'n [Arc<Node>], list: &[&str]) -> Vec<BTreeSet<&'n str>> {
    let held = |node: &Node| {
        let Node::In(both) = node else { return false };
        let [Node::Value(Value::Text(_)), Node::Variable(path)] = both.as_ref() else { return false };
        path.iter().eq(list)
    };
    let mut found = Vec::new();
    for part in parts {
        let Node::Not(inner) = part.as_ref() else { continue };
        let are_held =
            if let Node::And(nodes) = inner.as_ref() { nodes.iter().all(|node| held(node)) } else { held(inner) };
        if are_held {
            let mut texts = Vec::new();
            inner.texts(&mut texts);
            found.push(texts.into_iter().collect());
        }
    }
    found
}

fn of_call(expression: &IdedExpr, call: &CallExpr) -> Result<Node, LiftError> {
    let both = |left: &IdedExpr, right: &IdedExpr| Ok::<_, LiftError>(Box::new([Node::of(left)?, Node::of(right)?]));
    let number = |node: Node| {
        let Node::Value(Value::Number(number)) = node else {
            return refused("a rule compares something else than an argument with a number");
        };
        Ok(number)
    };
    let text = |node: Node| match node.as_text() {
        Some(text) => Ok(text.to_owned()),
        None => refused("a rule looks for a text that is computed"),
    };
    match (call.func_name.as_str(), &call.target, call.args.as_slice()) {
        (op::LOGICAL_AND, None, [_, _]) => {
            let mut parts = Vec::new();
            conjuncts(expression, &mut parts);
            parts.into_iter().map(|part| Node::of(part).map(Arc::new)).collect::<Result<_, _>>().map(Node::And)
        }
        (op::LOGICAL_OR, None, [left, right]) => both(left, right).map(Node::Or),
        (op::LOGICAL_NOT, None, [what]) => Ok(Node::Not(Box::new(Node::of(what)?))),
        (op::CONDITIONAL, None, [condition, yes, no]) => {
            Ok(Node::If(Box::new([Node::of(condition)?, Node::of(yes)?, Node::of(no)?])))
        }
        (op::EQUALS, None, [left, right]) => both(left, right).map(Node::Equal),
        (op::NOT_EQUALS, None, [left, right]) => both(left, right).map(Node::Differs),
        (op::IN, None, [left, right]) => both(left, right).map(Node::In),
        (op::ADD, None, [left, right]) => both(left, right).map(Node::Add),
        (op::GREATER_EQUALS, None, [left, right]) => {
            Ok(Node::AtLeast(Box::new(Node::of(left)?), number(Node::of(right)?)?))
        }
        (op::LESS_EQUALS, None, [left, right]) => {
            Ok(Node::AtMost(Box::new(Node::of(left)?), number(Node::of(right)?)?))
        }
        ("startsWith", Some(target), [start]) => {
            Ok(Node::StartsWith(Box::new(Node::of(target)?), text(Node::of(start)?)?))
        }
        ("matches", Some(target), [pattern]) => {
            let pattern = text(Node::of(pattern)?)?;
            if pattern == format!(r"\A(?:{NOT_NORMAL})\z") {
                return Ok(Node::NotNormal(Box::new(Node::of(target)?)));
            }
            Ok(Node::IsOf(Box::new(Node::of(target)?), as_pattern(&pattern)?))
        }
        (name, _, _) => refused(format!("a rule uses `{name}`, which is not understood")),
    }
}

/// `list.exists(name, body)`.
fn exists(all: &ComprehensionExpr) -> Result<Node, LiftError> {
    let is_accumulator = |part: &IdedExpr| matches!(&part.expr, Expr::Ident(name) if *name == all.accu_var);
    let starts_false = matches!(&all.accu_init.expr, Expr::Literal(LiteralValue::Boolean(value)) if !value.inner());
    match two(&all.loop_step, op::LOGICAL_OR) {
        Some((before, body))
            if starts_false && is_accumulator(before) && is_accumulator(&all.result) && all.iter_var2.is_none() =>
        {
            Ok(Node::Exists(Box::new([Node::of(&all.iter_range)?, Node::of(body)?]), all.iter_var.clone()))
        }
        _ => refused("a rule walks a list without `exists`"),
    }
}

fn literal_of(literal: &LiteralValue) -> Result<Value<'static>, LiftError> {
    Ok(match literal {
        LiteralValue::Boolean(value) => Value::Bool(*value.inner()),
        LiteralValue::String(value) => Value::Text(Cow::Owned(value.inner().to_owned())),
        LiteralValue::Int(value) => Value::Number(*value.inner() as f64),
        LiteralValue::Double(value) => Value::Number(*value.inner()),
        LiteralValue::Null => Value::Null,
        LiteralValue::Bytes(_) | LiteralValue::UInt(_) => return refused("a rule holds bytes or an unsigned number"),
    })
}

/// The parts of `a && b && c`.
fn conjuncts<'e>(expression: &'e IdedExpr, found: &mut Vec<&'e IdedExpr>) {
    match two(expression, op::LOGICAL_AND) {
        Some((left, right)) => {
            conjuncts(left, found);
            conjuncts(right, found);
        }
        None => found.push(expression),
    }
}

/// Both sides of an operator.
fn two<'e>(expression: &'e IdedExpr, operator: &str) -> Option<(&'e IdedExpr, &'e IdedExpr)> {
    let Expr::Call(CallExpr { func_name, target: None, args }) = &expression.expr else { return None };
    match args.as_slice() {
        [left, right] if func_name == operator => Some((left, right)),
        _ => None,
    }
}

/// `a.b["c"]` as a path.
fn path_of(expression: &IdedExpr) -> Option<Vec<String>> {
    if let Expr::Ident(name) = &expression.expr {
        return Some(vec![name.clone()]);
    }
    if let Expr::Select(select) = &expression.expr {
        let mut path = path_of(&select.operand).filter(|_| !select.test)?;
        path.push(select.field.clone());
        return Some(path);
    }
    let Expr::Call(CallExpr { func_name, target: None, args }) = &expression.expr else { return None };
    match (func_name.as_str(), args.as_slice()) {
        (op::INDEX, [operand, IdedExpr { expr: Expr::Literal(LiteralValue::String(key)), .. }]) => {
            let mut path = path_of(operand)?;
            path.push(key.inner().to_owned());
            Some(path)
        }
        ("json", [text]) if path_of(text)? == ["request", "body"] => Some(vec!["json(request.body)".to_owned()]),
        ("size", [map]) if path_of(map)? == ["json(request.body)"] => Some(vec!["size(json(request.body))".to_owned()]),
        _ => None,
    }
}

/// The pattern with `*` that a regular expression stands for.
fn as_pattern(expression: &str) -> Result<String, LiftError> {
    let signs = r"\.+*?()|[]{}^$#&-~";
    let inner = expression.strip_prefix(r"(?s)\A").and_then(|rest| rest.strip_suffix(r"\z"));
    let Some(inner) = inner else { return refused("a regular expression is not for a whole text") };
    let mut pattern = String::new();
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '.' if letters.next() == Some('*') => pattern.push('*'),
            '\\' => match letters.next() {
                Some(escaped) if escaped != '*' && signs.contains(escaped) => pattern.push(escaped),
                _ => return refused("a regular expression is not understood"),
            },
            letter if signs.contains(letter) => return refused("a regular expression is not understood"),
            letter => pattern.push(letter),
        }
    }
    Ok(pattern)
}
