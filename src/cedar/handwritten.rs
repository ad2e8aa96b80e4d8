//! Policies that people write: parsed file by file, judged, and given the ids under which Cedar names them.

use std::collections::BTreeSet;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use cedar_policy::pst::{
    ActionConstraint, BinaryOp, Clause, EntityOrSlot, EntityUID, Expr, Literal, PrincipalConstraint,
    ResourceConstraint, UnaryOp, Var,
};
use cedar_policy::{Effect, Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use miette::Diagnostic;

use super::{Error, Uid};

/// A policy that somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its `@id`, else its file and its number there: `freeze.cedar#1`.
    pub id: String,
    /// Whether it permits; else it forbids.
    pub permits: bool,
    /// Its bytes in the file.
    pub at: Range<usize>,
    /// The parts of its scope that are open to any: `principal`, `resource`.
    pub open: Vec<&'static str>,
    /// The entities that it names, actions left out.
    pub entities: BTreeSet<Uid>,
    /// What in its body can fail to evaluate, or reads what only loaded entities have: each as it is written, once.
    pub fallible: Vec<String>,
}

/// What Cedar says against a file, at a place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// In Cedar's words.
    pub message: String,
    /// What Cedar advises.
    pub help: Option<String>,
    /// The bytes in the file.
    pub at: Range<usize>,
}

/// The policies of a file, in the order in which they stand.
///
/// # Errors
/// What Cedar's parser says, and a template, which nothing links.
pub fn parse(name: &str, text: &str) -> Result<Vec<Written>, Vec<Fault>> {
    super::count_use();
    placed(name, text)?.into_iter().map(|(policy, at)| written(&policy, at).map_err(|fault| vec![fault])).collect()
}

/// Most brackets that stand in each other. Cedar reads them by recursion, and a stack has an end.
const MOST_NESTED: usize = 50;

/// Most operators of one policy that nest: `a && b && c` is read as two of them in each other.
const MOST_OPERATORS: usize = 500;

/// Where a file is nested deeper than Cedar can be trusted to read.
fn too_deep(text: &str) -> Option<Fault> {
    let (mut depth, mut operators) = (0_usize, 0_usize);
    let (mut in_string, mut in_comment, mut escaped) = (false, false, false);
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        if in_comment {
            in_comment = c != '\n';
        } else if in_string {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else {
            match c {
                '"' => in_string = true,
                '/' if before == '/' => in_comment = true,
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                ';' => operators = 0,
                '+' | '-' | '*' | '!' | '.' => operators += 1,
                '&' | '|' if before == c => operators += 1,
                'f' if before == 'i' => operators += 1,
                _ => {}
            }
        }
        before = c;
        let what = if depth > MOST_NESTED {
            format!("brackets are nested deeper than {MOST_NESTED}, the most that is read")
        } else if operators > MOST_OPERATORS {
            format!("this policy has more than {MOST_OPERATORS} operators, the most that are read")
        } else {
            continue;
        };
        let help =
            Some("write several policies: what any of them permits or forbids is permitted or forbidden".to_owned());
        return Some(Fault { message: what, help, at: at..at + c.len_utf8() });
    }
    None
}

/// Every policy of a file under its id, with its place.
fn placed(name: &str, text: &str) -> Result<Vec<(Policy, Range<usize>)>, Vec<Fault>> {
    if let Some(fault) = too_deep(text) {
        return Err(vec![fault]);
    }
    let parsed = PolicySet::from_str(text)
        .map_err(|errors| errors.iter().map(|error| fault(error, 0..0)).collect::<Vec<_>>())?;
    if let Some(template) = parsed.templates().next() {
        let at = find(text, &template.to_string(), 0);
        let message = "this is a policy template, and nothing links it".to_owned();
        return Err(vec![Fault {
            message,
            help: Some("write policies without `?principal` and `?resource`".to_owned()),
            at,
        }]);
    }
    let mut policies: Vec<&Policy> = parsed.policies().collect();
    // Cedar numbers them as they stand: policy0, policy1.
    policies.sort_by_key(|policy| AsRef::<str>::as_ref(policy.id()).trim_start_matches("policy").parse::<usize>().ok());
    let mut from = 0;
    let mut placed = Vec::new();
    for (policy, number) in policies.into_iter().zip(1..) {
        let at = find(text, &policy.to_string(), from);
        from = at.end;
        let id = policy.annotation("id").filter(|id| !id.is_empty());
        let id = id.map_or_else(|| format!("{name}#{number}"), str::to_owned);
        placed.push((policy.new_id(PolicyId::new(id)), at));
    }
    Ok(placed)
}

/// Where a part of a text stands, at or after an offset.
fn find(text: &str, part: &str, from: usize) -> Range<usize> {
    let start = text.get(from..).and_then(|rest| rest.find(part)).map_or(from, |at| from + at);
    start..(start + part.len()).min(text.len())
}

fn fault(said: &dyn Diagnostic, whole: Range<usize>) -> Fault {
    let label = said.labels().and_then(|mut labels| labels.next());
    let at = label.map_or(whole, |label| label.offset()..label.offset() + label.len());
    Fault { message: said.to_string(), help: said.help().map(|help| help.to_string()), at }
}

/// The policies of all files under their ids.
///
/// # Errors
/// Where a file cannot be read, or two policies have one id.
pub(super) fn policies(texts: &[(&str, &str)]) -> Result<PolicySet, Error> {
    let mut all = PolicySet::new();
    for (name, text) in texts {
        let refused = |faults: Vec<Fault>| {
            let why = faults.first().map(|fault| fault.message.clone()).unwrap_or_default();
            Error::new(format!("Cedar cannot read `{name}`: {why}"))
        };
        for (policy, _) in placed(name, text).map_err(refused)? {
            let id = policy.id().clone();
            all.add(policy).map_err(|cause| Error::new(format!("two policies have the id `{id}`")).because(cause))?;
        }
    }
    Ok(all)
}

/// What Cedar's strict validator says against each file, warnings included.
///
/// # Errors
/// Where the schema itself cannot be read, or a file cannot.
pub fn validate(schema: &str, texts: &[(&str, &str)]) -> Result<Vec<Vec<Fault>>, Error> {
    super::count_use();
    let (schema, _) = Schema::from_cedarschema_str(schema)
        .map_err(|cause| Error::new("Cedar cannot read the schema").because(cause))?;
    let validator = Validator::new(schema);
    let mut all = Vec::new();
    for (name, text) in texts {
        let mut faults = Vec::new();
        for (policy, at) in placed(name, text).map_err(|_| Error::new(format!("Cedar cannot read `{name}`")))? {
            let alone = PolicySet::from_policies([policy])
                .map_err(|cause| Error::new("Cedar refuses a policy").because(cause))?;
            let result = validator.validate(&alone, ValidationMode::Strict);
            // Cedar tells them in no order of its own.
            let sorted = |mut found: Vec<Fault>| {
                found.sort_by(|a, b| (a.at.start, a.at.end, &a.message).cmp(&(b.at.start, b.at.end, &b.message)));
                found
            };
            faults.extend(sorted(result.validation_errors().map(|error| fault(error, at.clone())).collect()));
            faults.extend(sorted(result.validation_warnings().map(|warning| fault(warning, at.clone())).collect()));
        }
        // Cedar says the same for each kind of request.
        let mut seen = BTreeSet::new();
        faults.retain(|fault| seen.insert((fault.at.start, fault.at.end)));
        all.push(faults);
    }
    Ok(all)
}

fn written(policy: &Policy, at: Range<usize>) -> Result<Written, Fault> {
    let tree = policy.to_pst().map_err(|cause| Fault { message: cause.to_string(), help: None, at: at.clone() })?;
    let body = tree.body();
    let mut found = Found::default();
    let mut open = Vec::new();
    match &body.principal {
        PrincipalConstraint::Any | PrincipalConstraint::Is(_) => open.push("principal"),
        PrincipalConstraint::Eq(one) | PrincipalConstraint::In(one) | PrincipalConstraint::IsIn(_, one) => {
            found.scope(one)
        }
    }
    match &body.action {
        ActionConstraint::Any | ActionConstraint::Eq(_) | ActionConstraint::In(_) => {}
    }
    match &body.resource {
        ResourceConstraint::Any | ResourceConstraint::Is(_) => open.push("resource"),
        ResourceConstraint::Eq(one) | ResourceConstraint::In(one) | ResourceConstraint::IsIn(_, one) => {
            found.scope(one)
        }
    }
    for clause in body.clauses() {
        match clause {
            Clause::When(expression) | Clause::Unless(expression) => found.walk(expression),
        }
    }
    Ok(Written {
        id: policy.id().to_string(),
        permits: policy.effect() == Effect::Permit,
        at,
        open,
        entities: found.entities,
        fallible: found.fallible,
    })
}

/// What a body names and does.
#[derive(Default)]
struct Found {
    entities: BTreeSet<Uid>,
    fallible: Vec<String>,
}

impl Found {
    fn scope(&mut self, named: &EntityOrSlot) {
        if let EntityOrSlot::Entity(uid) = named {
            self.name(uid);
        }
    }

    fn name(&mut self, uid: &EntityUID) {
        self.entities.insert(Uid { kind: uid.ty.to_string(), id: uid.eid.to_string() });
    }

    fn fails(&mut self, expression: &Expr) {
        let text = expression.to_string();
        if !self.fallible.contains(&text) {
            self.fallible.push(text);
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "whatever Cedar adds to its syntax counts as able to fail")]
    fn walk(&mut self, expression: &Expr) {
        match expression {
            Expr::Literal(Literal::EntityUID(uid)) => self.name(uid),
            Expr::Literal(_) | Expr::Var(_) => {}
            Expr::UnaryOp { op, expr } => {
                if !cannot_fail_one(*op) {
                    self.fails(expression);
                }
                self.walk(expr);
            }
            Expr::BinaryOp { op, left, right } => {
                if !cannot_fail(*op) {
                    self.fails(expression);
                }
                self.walk(left);
                self.walk(right);
            }
            Expr::GetAttr { expr, .. } => {
                // Every attribute of the context is required, so a request that conforms to the schema has it.
                if **expr != Expr::Var(Var::Context) {
                    self.fails(expression);
                    self.walk(expr);
                }
            }
            Expr::HasAttr { expr, .. } => {
                if **expr != Expr::Var(Var::Context) {
                    self.fails(expression);
                }
                self.walk(expr);
            }
            Expr::Like { expr, .. } => self.walk(expr),
            Expr::Is { expr, in_expr, .. } => {
                self.walk(expr);
                in_expr.iter().for_each(|inside| self.walk(inside));
            }
            Expr::IfThenElse { cond, then_expr, else_expr } => {
                [cond, then_expr, else_expr].into_iter().for_each(|part| self.walk(part));
            }
            Expr::Set(parts) => parts.iter().for_each(|part| self.walk(part)),
            Expr::Record(parts) => parts.values().for_each(|part: &Arc<Expr>| self.walk(part)),
            other => self.fails(other),
        }
    }
}

/// Operators whose result is there for any operands that the validator lets through.
fn cannot_fail(op: BinaryOp) -> bool {
    matches!(
        op,
        BinaryOp::Eq
            | BinaryOp::NotEq
            | BinaryOp::Less
            | BinaryOp::LessEq
            | BinaryOp::Greater
            | BinaryOp::GreaterEq
            | BinaryOp::And
            | BinaryOp::Or
            | BinaryOp::In
            | BinaryOp::Contains
            | BinaryOp::ContainsAll
            | BinaryOp::ContainsAny
    )
}

fn cannot_fail_one(op: UnaryOp) -> bool {
    matches!(op, UnaryOp::Not | UnaryOp::IsEmpty)
}
