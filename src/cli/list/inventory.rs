//! What a workspace holds: servers, tools, principals.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Listing;
use crate::analysis::Analysis;
use crate::model::name::ToolName;
use crate::policy::cell::Cell;
use crate::policy::{ObjectIx, ObjectKind, Policy, PrincipalIx};
use crate::render::counted;
use crate::source::{Loc, Sources};

pub(super) fn servers(analysis: &Analysis) -> Listing {
    let mut listing = Listing { head: &["server", "unit", "class", "tools", "declared"], rows: vec![], data: vec![] };
    for server in analysis.model().servers.values() {
        let classes: Vec<&str> = analysis
            .model()
            .access
            .classes_of(server.name.value.as_str())
            .map(|(_, class, _)| class.name.value.as_str())
            .collect();
        let unit = server.unit.as_ref().map(|unit| unit.value.as_str());
        listing.rows.push(vec![
            server.name.to_string(),
            or_dash(unit),
            or_dash(Some(classes.join(", ").as_str())),
            server.tools.len().to_string(),
            analysis.sources.shown_line(server.name.loc),
        ]);
        let tools: Vec<&str> = server.tools.keys().map(ToolName::as_str).collect();
        listing.data.push(with_place(
            json!({
                "name": server.name.value.as_str(), "unit": unit, "classes": classes, "registered": server.registered,
                "url": server.url.as_ref().map(|url| url.value.as_str()),
                "suspended": server.suspended.as_ref().map(|reason| reason.value.as_str()), "tools": tools,
            }),
            &analysis.sources,
            server.name.loc,
        ));
    }
    listing
}

pub(super) fn tools(analysis: &Analysis) -> Listing {
    let policy = analysis.policy();
    let mut callers: BTreeMap<ObjectIx, Vec<(PrincipalIx, Cell)>> = BTreeMap::new();
    for (principal, object, cell) in policy.all_cells() {
        callers.entry(object).or_default().push((principal, cell));
    }
    let mut listing = Listing { head: &["tool", "callers", "needs", "declared"], rows: vec![], data: vec![] };
    for (object, index) in policy.objects.iter().zip(0..) {
        let ObjectKind::Tool(tool) = &object.kind else { continue };
        let declared = analysis.model().server(object.server.as_str()).and_then(|server| server.tools.get(tool));
        let callers = callers.get(&ObjectIx(index)).map_or(&[][..], Vec::as_slice);
        let mut needs: Vec<String> = callers.iter().map(|(_, cell)| needs(policy, *cell)).collect();
        needs.sort();
        needs.dedup();
        let names: Vec<String> =
            callers.iter().map(|(principal, _)| policy.principal_at(*principal).id.to_string()).collect();
        let place = declared.map(|tool| tool.name.loc);
        listing.rows.push(vec![
            object.to_string(),
            or_dash(Some(short_list(&names).as_str())),
            or_dash(Some(needs.join("; ").as_str())),
            or_dash(place.map(|loc| analysis.sources.shown_line(loc)).as_deref()),
        ]);
        let callers: Vec<Value> = callers
            .iter()
            .zip(&names)
            .map(|((_, cell), name)| json!({"principal": name, "needs": sets(policy, *cell), "rule": policy.rule_at(cell.rule).name}))
            .collect();
        let data = json!({
            "server": object.server.as_str(), "name": tool.as_str(),
            "registered": declared.is_some_and(|tool| tool.registered),
            "read_only": declared.and_then(|tool| tool.read_only.as_ref()).map(|hint| hint.value),
            "destructive": declared.and_then(|tool| tool.destructive.as_ref()).map(|hint| hint.value),
            "idempotent": declared.and_then(|tool| tool.idempotent.as_ref()).map(|hint| hint.value),
            "callers": callers,
        });
        listing.data.push(match place {
            Some(loc) => with_place(data, &analysis.sources, loc),
            None => data,
        });
    }
    listing
}

pub(super) fn principals(analysis: &Analysis) -> Listing {
    let policy = analysis.policy();
    let mut listing =
        Listing { head: &["principal", "unit", "tools", "subject", "declared"], rows: vec![], data: vec![] };
    for (principal, cells) in policy.principals.iter().zip(&policy.cells) {
        let tools: Vec<String> = cells
            .iter()
            .map(|(object, _)| policy.object_at(*object))
            .filter(|object| matches!(object.kind, ObjectKind::Tool(_)))
            .map(ToString::to_string)
            .collect();
        let unit = principal.unit.as_ref().map(|unit| unit.as_str());
        listing.rows.push(vec![
            principal.id.to_string(),
            or_dash(unit),
            tools.len().to_string(),
            or_dash(principal.subject.as_deref()),
            analysis.sources.shown_line(principal.loc),
        ]);
        let data = json!({
            "name": principal.id.to_string(), "unit": unit, "subject": principal.subject, "tools": tools,
        });
        listing.data.push(with_place(data, &analysis.sources, principal.loc));
    }
    listing
}

/// The minimal sets of facts that a cell takes, by name.
fn sets(policy: &Policy, cell: Cell) -> Vec<Vec<String>> {
    let sets = policy.conditions.get(cell.condition).minimal_sets();
    sets.iter().map(|set| policy.facts.named(*set).map(ToString::to_string).collect()).collect()
}

fn needs(policy: &Policy, cell: Cell) -> String {
    let sets = policy.conditions.get(cell.condition).minimal_sets();
    if sets.is_empty() {
        return "never allowed".to_owned();
    }
    sets.iter().map(|set| policy.facts.shown(*set)).collect::<Vec<_>>().join(" or ")
}

fn short_list(names: &[String]) -> String {
    match names {
        [first, second, third, rest @ ..] if rest.len() > 1 => {
            format!("{first}, {second}, {third} and {}", counted(rest.len(), "other"))
        }
        all => all.join(", "),
    }
}

fn or_dash(text: Option<&str>) -> String {
    text.filter(|text| !text.is_empty()).unwrap_or("-").to_owned()
}

fn with_place(mut data: Value, sources: &Sources, loc: Loc) -> Value {
    if let Some(fields) = data.as_object_mut() {
        let at = sources.position(loc);
        fields.insert("file".into(), sources.file(loc.file).name().into());
        fields.insert("line".into(), at.line.into());
        fields.insert("column".into(), at.column.into());
    }
    data
}
