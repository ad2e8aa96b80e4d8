//! One JSON object, version 1.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::super::handwritten;
use super::cedar_changes;
use super::line::Line;
use super::phrases::decisions;
use super::view::{View, Waiver};
use crate::model::name::FactName;
use crate::render::json::write_value;
use crate::review::group::Group;
use crate::review::handwritten::Judged;
use crate::review::objects::Gone;
use crate::review::rollout::ArtifactChange;

/// Writes it.
pub(super) fn write(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut value = json!({
        "version": 1,
        "base": view.base,
        "head": view.head,
        "base_errors": view.base_errors,
        "head_errors": view.head_errors,
        "new_errors": view.new_errors.iter().map(|fault| {
            json!({"check": fault.rule.name, "message": fault.message, "file": fault.at.file, "line": fault.at.line})
        }).collect::<Vec<_>>(),
        "cautions": view.cautions,
        "access": {
            "cells_compared": view.diff.cells,
            "renames": view.diff.renames.iter().map(|rename| {
                json!({
                    "kind": rename.kind,
                    "before": rename.before,
                    "after": rename.after,
                    "why": rename.why,
                    "pairs": rename.pairs,
                })
            }).collect::<Vec<_>>(),
            "groups": view.diff.groups.iter().map(|group| access(view, group)).collect::<Vec<_>>(),
        },
        "handwritten": view.diff.handwritten.as_ref().map(|found| {
            let because = |group: &Judged| {
                let line = |line: &Line| json!({"file": line.file, "line": line.line, "side": line.side.word()});
                cedar_changes::causes(view, group).iter().map(line).collect()
            };
            handwritten::data(found, &because)
        }),
        "trust": view.diff.trust.iter().map(|change| {
            let at = view.at(change);
            json!({
                "what": change.what,
                "before": change.before,
                "after": change.after,
                "file": at.as_ref().map(|line| &line.file),
                "line": at.as_ref().map(|line| line.line),
                "side": at.as_ref().map(|line| line.side.word()),
                "widening": change.widening,
                "waiver": change.excuse.and_then(|excuse| view.waiver(excuse)).map(waiver),
                "depends": change.radius.as_ref().map(|radius| json!({
                    "cells": radius.cells,
                    "principals": radius.principals.iter().map(ToString::to_string).collect::<Vec<_>>(),
                    "servers": radius.servers.iter().map(|server| server.as_str()).collect::<Vec<_>>(),
                })),
            })
        }).collect::<Vec<_>>(),
        "operation": view.diff.operation.iter().map(|change| {
            let line = view.line(change.at.0, change.at.1);
            json!({
                "what": change.what,
                "before": change.before,
                "after": change.after,
                "risk": change.risk,
                "loses": change.loses,
                "note": change.note,
                "file": line.file,
                "line": line.line,
                "side": line.side.word(),
            })
        }).collect::<Vec<_>>(),
        "artifacts": view.artifacts.map(|files| {
            let file = |file: &ArtifactChange| {
                json!({"target": file.target, "file": file.path, "change": file.change.word()})
            };
            files.iter().map(file).collect::<Vec<_>>()
        }),
        "headline": view.headline(),
        "answers": view.answers().iter().map(|answer| {
            json!({"asked": answer.asked, "fails": answer.fails, "text": answer.text})
        }).collect::<Vec<_>>(),
        "gate": {
            "fails": view.verdict.fails(),
            "opened": view.verdict.opened,
            "waived": view.verdict.waived,
            "unlimited": view.verdict.beyond,
            "handwritten": view.verdict.handwritten,
            "trust": view.verdict.trust,
            "trust_waived": view.verdict.trust_waived,
            "lost_operation": view.verdict.lost,
            "max_lost_operation": view.verdict.most_lost,
            "limits": view.verdict.limits.iter().map(|limit| {
                json!({"of": limit.of, "most": limit.most, "used": limit.used})
            }).collect::<Vec<_>>(),
        },
    });
    // Only where there is one.
    let order = view.order();
    if let (Some(all), false) = (value.as_object_mut(), order.is_empty()) {
        all.insert("order".to_owned(), json!(order));
    }
    // Only where something disappears.
    if let (Some(all), false) = (value.as_object_mut(), view.removed.is_empty()) {
        let removed = view.removed.iter().map(|Gone { cluster, object }| {
            json!({
                "cluster": cluster,
                "apiVersion": object.api_version,
                "kind": object.kind,
                "namespace": object.namespace,
                "name": object.name,
            })
        });
        all.insert("objects_removed".to_owned(), removed.collect());
    }
    write_value(&value, out)
}

fn waiver(waiver: Waiver) -> Value {
    json!({
        "reason": waiver.reason,
        "owner": waiver.owner,
        "expires": waiver.expires,
        "expired": waiver.expired,
        "file": waiver.file,
        "line": waiver.line,
    })
}

fn access(view: &View<'_>, group: &Group) -> Value {
    let names = |facts: &[FactName]| facts.iter().map(|fact| fact.as_str().to_owned()).collect::<Vec<_>>();
    let sets = |sets: &[Vec<FactName>]| sets.iter().map(|set| names(set)).collect::<Vec<_>>();
    let [before, after] = decisions(group.example.allowed);
    json!({
        "change": group.change.word(),
        "principals": group.principals.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "tools": group.objects.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "before": sets(&group.before),
        "after": sets(&group.after),
        "causes": view.causes(group).iter().map(|line| {
            json!({"file": line.file, "line": line.line, "side": line.side.word()})
        }).collect::<Vec<_>>(),
        "example": {
            "principal": group.example.principal.to_string(),
            "tool": group.example.object.to_string(),
            "facts": names(&group.example.facts),
            "before": before,
            "after": after,
        },
        "waiver": group.excuse.and_then(|excuse| view.waiver(excuse)).map(waiver),
        "renamed": group.renamed,
    })
}
