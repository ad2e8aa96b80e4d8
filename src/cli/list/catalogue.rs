//! What this binary knows: families, checks, targets.

use std::io;

use serde_json::{Value, json};

use super::Listing;
use crate::analysis::groups::group_of;
use crate::analysis::rules::all_rules;
use crate::cli::{load, outline, prose};
use crate::families::FamilyId;
use crate::render::check_url;
use crate::targets::TARGETS;

pub(super) fn families() -> io::Result<Listing> {
    let mut listing = Listing { head: &["name", "key", "about"], rows: vec![], data: vec![] };
    for family in FamilyId::ALL {
        let schema = outline::parse(family.schema()).map_err(io::Error::other)?;
        let about = outline::description(&schema);
        listing.rows.push(vec![family.name().into(), family.key().into(), prose::first_sentence(about).into()]);
        listing.data.push(json!({"name": family.name(), "key": family.key(), "description": about}));
    }
    Ok(listing)
}

pub(super) fn checks() -> Listing {
    let rules = all_rules();
    let rows = rules
        .iter()
        .map(|rule| {
            vec![
                rule.name.into(),
                rule.severity.word().into(),
                group_of(rule).word().into(),
                prose::first_sentence(rule.what).into(),
            ]
        })
        .collect();
    let data = rules
        .iter()
        .map(|rule| {
            json!({
                "name": rule.name, "severity": rule.severity.word(), "group": group_of(rule).word(), "guards_access": rule.guards_access,
                "what": rule.what, "why": rule.why, "fix": rule.fix,
                "url": check_url(load::docs_url(None), rule),
            })
        })
        .collect();
    Listing { head: &["name", "level", "group", "about"], rows, data }
}

pub(super) fn targets() -> Listing {
    let rows = TARGETS.iter().map(|target| vec![target.name().into(), target.summary.into()]).collect();
    let data: Vec<Value> = TARGETS
        .iter()
        .map(|target| json!({"name": target.name(), "summary": target.summary, "doc": target.doc}))
        .collect();
    Listing { head: &["name", "about"], rows, data }
}
