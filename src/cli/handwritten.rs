//! What hand-written Cedar changes, in words and as data: for `prove` and `diff`.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::cedar::symbolic::Decided;
use crate::diagnostic::one_line;
use crate::policy::fact::{MTLS, TLS};
use crate::render::counted;
use crate::review::handwritten::{Example, Found, Judged, Proof};

/// Most names of a list that people are shown.
const READABLE: usize = 4;

/// Groups that are worth a person's time: all but those that are proved to be decided as before.
pub(super) fn changed(found: &Found) -> impl Iterator<Item = &Judged> {
    found.groups.iter().filter(|group| group.proof != Proof::Equivalent)
}

/// The groups, each with the lines that `because` knows for it, and what was looked at.
pub(super) fn human(found: &Found, because: &dyn Fn(&Judged) -> Vec<String>, out: &mut dyn Write) -> io::Result<()> {
    for group in changed(found) {
        let (who, what) = who_and_what(group);
        writeln!(out, "  {}: {who} on {what} ({})", group.proof.word(), counted(group.pairs, "pair"))?;
        writeln!(out, "    before   {}", one_line(&in_words(&group.before)))?;
        writeln!(out, "    now      {}", one_line(&in_words(&group.after)))?;
        for example in &group.examples {
            writeln!(out, "    such as  {}", one_line(&such_as(example)))?;
        }
        if let Some(remark) = remark(&group.proof) {
            writeln!(out, "    {}", one_line(&remark))?;
        }
        for (line, label) in because(group).iter().zip(std::iter::once("because").chain(std::iter::repeat(""))) {
            writeln!(out, "    {label:<8} {}", one_line(line))?;
        }
    }
    writeln!(out, "  {}", looked_at(found))
}

/// How much was compared.
pub(super) fn looked_at(found: &Found) -> String {
    let equivalent = found.groups.iter().filter(|group| group.proof == Proof::Equivalent);
    let proved: usize = equivalent.map(|group| group.pairs).sum();
    let by = found.solver.as_ref().map_or("without a solver".to_owned(), |solver| format!("by {solver}"));
    format!(
        "{} in which hand-written policies have a say: {} decided by the same conditions, {proved} more PROVED EQUIVALENT, {by}",
        counted(found.pairs, "pair"),
        found.same
    )
}

/// Who, and on what: the first of many.
pub(super) fn who_and_what(group: &Judged) -> (String, String) {
    let some = |names: Vec<String>| {
        let more = names.len().saturating_sub(READABLE);
        let shown: Vec<String> = names.iter().take(READABLE).map(|name| format!("`{}`", one_line(name))).collect();
        let shown = shown.join(", ");
        if more == 0 { shown } else { format!("{shown} and {more} more") }
    };
    let principals = some(group.principals.iter().map(ToString::to_string).collect());
    (principals, some(group.objects.iter().map(ToString::to_string).collect()))
}

/// A decision: the relation's sets of facts, and the hand-written conditions.
pub(super) fn in_words(decided: &Decided) -> String {
    let set = |set: &Vec<String>| if set.is_empty() { "nothing".to_owned() } else { plainly(set).join(" + ") };
    let sets: Vec<String> = decided.generated.iter().map(set).collect();
    let generated = if sets.is_empty() { "denied".to_owned() } else { format!("needs {}", sets.join(", or ")) };
    decided.effect.conditions().fold(generated, |said, (permits, condition)| {
        let joint = if permits { "or where" } else { "but not where" };
        format!("{said}; {joint} {condition}")
    })
}

/// A request that is decided otherwise, and by which policies.
pub(super) fn such_as(example: &Example) -> String {
    let facts = plainly(&example.facts);
    let facts = if facts.is_empty() { "nothing".to_owned() } else { facts.join(", ") };
    let [before, after] = decisions(example);
    let by: Vec<String> = example.policies.iter().map(|id| format!("`{id}`")).collect();
    format!("with {facts}: {before} -> {after}, by {}", by.join(", "))
}

fn decisions(example: &Example) -> [&'static str; 2] {
    if example.allowed { ["deny", "allow"] } else { ["allow", "deny"] }
}

/// Facts without what another one says already.
fn plainly(facts: &[String]) -> Vec<&str> {
    let mutual = facts.iter().any(|fact| fact == MTLS);
    facts.iter().map(String::as_str).filter(|fact| !(mutual && *fact == TLS)).collect()
}

/// What there is to say of a verdict that is not proof.
pub(super) fn remark(proof: &Proof) -> Option<String> {
    match proof {
        Proof::Unknown(why) => Some(format!("no answer: {why}")),
        Proof::Unproved { opens_nothing: true } => {
            Some("without a solver; by its form it does not widen access".to_owned())
        }
        Proof::Unproved { opens_nothing: false } => Some("without a solver; it may widen access".to_owned()),
        Proof::Equivalent | Proof::Widened | Proof::Narrowed | Proof::Incomparable => None,
    }
}

/// All of it as data.
pub(super) fn data(found: &Found, because: &dyn Fn(&Judged) -> Vec<Value>) -> Value {
    let side = |decided: &Decided| {
        let effect = &decided.effect;
        json!({"facts": decided.generated, "policies": effect.policies, "conditions": effect.in_words()})
    };
    let groups = found.groups.iter().map(|group| {
        let examples = group.examples.iter().map(|example| {
            let [before, after] = decisions(example);
            json!({"facts": example.facts, "before": before, "after": after, "policies": example.policies})
        });
        json!({
            "verdict": group.proof.word(),
            "may_open": group.proof.may_open(),
            "remark": remark(&group.proof),
            "principals": group.principals.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "tools": group.objects.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "pairs": group.pairs,
            "before": side(&group.before),
            "after": side(&group.after),
            "causes": because(group),
            "examples": examples.collect::<Vec<_>>(),
        })
    });
    json!({
        "pairs": found.pairs, "same": found.same, "solver": found.solver,
        "groups": groups.collect::<Vec<_>>(),
    })
}
