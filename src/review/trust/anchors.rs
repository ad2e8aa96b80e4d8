//! The list of what decisions rest on.

mod deployment;
mod issuers;

use std::collections::{BTreeMap, BTreeSet};

use super::super::access::Side;
use super::super::naming::as_written;
use super::radius::Bears;
use super::{Anchor, Harmless, Trusted};
use crate::diagnostic::Severity;
use crate::model::Model;
use crate::model::access::{ClassEncryption, DataClass, Evidence, RequiredLocation};
use crate::model::protocol::{self, Right};
use crate::model::server::Server;
use crate::model::topology::LocalOverride;
use crate::source::{Loc, Spanned};

/// The anchors of one side, by what they are about.
struct Anchors(BTreeMap<String, Anchor>);

impl Anchors {
    fn add(&mut self, what: String, value: impl Into<String>, loc: Option<Loc>, harmless: Harmless) {
        // What is there twice under one name is compared with all that it says.
        let value = value.into();
        let said = self.0.get(&what).map_or(value.clone(), |known| format!("{}; {value}", known.value));
        self.0.insert(what, Anchor { value: said, loc, harmless, parts: BTreeSet::new(), bears: None });
    }

    /// One that several classes may ask for, each the same.
    fn once(&mut self, what: String, value: &str, loc: Loc, harmless: Harmless) {
        if self.0.get(&what).is_none_or(|known| known.value != value) {
            self.add(what, value, Some(loc), harmless);
        }
    }

    /// One of which the parts are compared.
    fn of_parts(&mut self, what: &str, value: String, loc: Option<Loc>, harmless: Harmless, parts: BTreeSet<String>) {
        self.add(what.to_owned(), value, loc, harmless);
        if let Some(anchor) = self.0.get_mut(what) {
            anchor.parts.extend(parts);
        }
    }

    /// Says which cells rest on it.
    fn bears(&mut self, what: &str, bears: Bears) {
        if let Some(anchor) = self.0.get_mut(what) {
            anchor.bears = Some(bears);
        }
    }

    fn written<T>(&mut self, what: &str, value: Option<&Spanned<T>>, shown: impl Fn(&T) -> String, harmless: Harmless) {
        if let Some(value) = value {
            self.add(what.to_owned(), shown(&value.value), Some(value.loc), harmless);
        }
    }
}

/// Everything that decisions rest on. What stands on one side alone of `other` is not an anchor where its cells show it: a new server
/// has no old URL.
pub(super) fn of(trusted: Trusted<'_>, other: Side<'_>) -> BTreeMap<String, Anchor> {
    let mut anchors = Anchors(BTreeMap::new());
    let model = trusted.side.model;
    if let Some(identity) = &model.identity {
        issuers::issuers(identity, [model, other.model], &mut anchors);
        let plain = String::clone;
        anchors.written("trust domain", identity.trust_domain.as_ref(), plain, Harmless::Nothing);
        anchors.written("claim of the caller's unit", identity.business_unit_claim.as_ref(), plain, Harmless::Nothing);
    }
    evidence(trusted.side, other, &mut anchors);
    principals(trusted.side, other, &mut anchors);
    places(model, other.model, &mut anchors);
    controls(model, other.model, &mut anchors);
    obligations(model, &mut anchors);
    settings(trusted, &mut anchors);
    anchors.0
}

fn shown(evidence: &Evidence) -> String {
    evidence.in_words(&str::to_owned)
}

/// How each fact is found, of the facts that are in use on both sides; what a new fact means changes nothing that was decided.
fn evidence(side: Side<'_>, other: Side<'_>, anchors: &mut Anchors) {
    for fact in side.policy.facts.names() {
        if other.policy.facts.mask(fact.as_str()).is_none() {
            continue;
        }
        let found = side.model.evidence_for(fact.as_str());
        let loc = side.model.declared_evidence(fact.as_str()).map(|declared| declared.loc);
        // Facts that no condition of either side asks for decide nothing.
        let bit = |side: Side<'_>| side.policy.facts.mask(fact.as_str()).unwrap_or_default();
        let used = [side, other].iter().any(|side| {
            let bit = bit(*side);
            side.policy
                .rules
                .iter()
                .any(|rule| side.policy.conditions.get(rule.condition).minimal_sets().iter().any(|set| set & bit != 0))
        });
        let harmless = if used { Harmless::More } else { Harmless::Anything };
        if let Some(found) = found {
            let parts = found.pieces().iter().map(shown).collect();
            anchors.of_parts(&format!("evidence of `{fact}`"), shown(found), loc, harmless, parts);
        }
    }
}

/// The token subjects of principals that stand on both sides, and the issuers that these are bound to.
fn principals(side: Side<'_>, other: Side<'_>, anchors: &mut Anchors) {
    for principal in &side.policy.principals {
        if other.policy.principal(&principal.id.to_string()).is_none() {
            continue;
        }
        if let Some(subject) = &principal.subject {
            anchors.add(
                format!("subject of `{}`", principal.id),
                subject.clone(),
                Some(principal.loc),
                Harmless::Removal,
            );
        }
        // Bound to one issuer, fewer tokens name it. What the others may do then is compared by itself.
        if let Some(issuer) = &principal.issuer {
            let what = format!("issuer of `{}`", principal.id);
            anchors.add(what, issuer.clone(), Some(principal.loc), Harmless::Addition);
        }
    }
}

/// Where gateways and servers stand, and which folder is whose.
fn places(model: &Model, other: &Model, anchors: &mut Anchors) {
    let topology = &model.topology;
    let plain = String::clone;
    anchors.written("URL of the central gateway", topology.central_gateway.as_ref(), plain, Harmless::Nothing);
    for (name, unit) in &topology.units {
        if other.topology.units.contains_key(name) {
            anchors.written(&format!("gateway of unit `{name}`"), unit.gateway.as_ref(), plain, Harmless::Nothing);
        }
    }
    for (unit, folder) in &topology.unit_folders {
        anchors.add(format!("folder of unit `{unit}`"), folder.clone(), None, Harmless::Nothing);
    }
    for server in model.servers.values().filter(|server| other.servers.contains_key(&server.name.value)) {
        let name = &server.name.value;
        anchors.written(&format!("URL of server `{name}`"), server.url.as_ref(), plain, Harmless::Nothing);
        for (label, value) in &server.labels {
            let what = format!("label `{label}` of server `{name}`");
            anchors.written(&what, Some(value), plain, Harmless::Nothing);
        }
        let location = as_written::<crate::model::server::Location>;
        anchors.written(&format!("location of server `{name}`"), server.location.as_ref(), location, Harmless::Nothing);
        for (method, loc) in &server.denied_methods {
            // What nobody may use in any case is not a loss.
            let is_task = protocol::methods_with(Right::Task).any(|task| task == *method);
            let harmless = if is_task { Harmless::Anything } else { Harmless::Addition };
            anchors.add(format!("method `{method}` on server `{name}`"), "denied", Some(*loc), harmless);
        }
        headers(server, other, anchors);
    }
    let restating = topology.local_policy_override.as_ref();
    let (mode, rank) = match restating.map(|mode| mode.value) {
        None | Some(LocalOverride::None) => ("none", 2),
        Some(LocalOverride::SecurityOnly) => ("security_only", 1),
        Some(LocalOverride::Full) => ("full", 0),
    };
    anchors.add("what unit folders may restate".to_owned(), mode, restating.map(|mode| mode.loc), Harmless::Rise(rank));
    let word = |word: &str, loc: Loc| (word.to_owned(), loc);
    let isolation = topology.isolation.as_ref().map(|mode| (as_written(&mode.value), mode.loc));
    let rotation = topology.certificate_rotation.as_ref().map(|age| (format!("{} s", age.value.seconds()), age.loc));
    let network = [
        ("isolation of units", isolation),
        ("workload identity", topology.workload_identity.as_ref().map(|it| word(&it.value, it.loc))),
        ("attestation", topology.attestation.as_ref().map(|it| word(&it.value, it.loc))),
        ("certificate rotation", rotation),
        ("policy enforcement", topology.policy_enforcement.as_ref().map(|it| word(&it.value, it.loc))),
        ("service mesh", topology.mesh.as_ref().map(|it| word(&it.value, it.loc))),
    ];
    for (what, value) in network {
        if let Some((value, loc)) = value {
            anchors.add(what.to_owned(), value, Some(loc), Harmless::Addition);
        }
    }
    for (role, subnet) in &topology.segments {
        anchors.add(format!("network segment of `{role}`"), subnet.value.clone(), Some(subnet.loc), Harmless::Nothing);
    }
}

/// The tools whose `Mcp-Param-*` headers a gateway compares with the call: without a schema it leaves them as the caller wrote them,
/// and whatever reads them behind the gateway believes the caller. Source: MCP 2026-07-28.
fn headers(server: &Server, other: &Model, anchors: &mut Anchors) {
    let name = &server.name.value;
    for (tool, declared) in &server.tools {
        let known = other.servers.get(name).is_some_and(|server| server.tools.contains_key(tool));
        if let Some(loc) = declared.input_schema.filter(|_| known) {
            let what = format!("headers `Mcp-Param-*` of tool `{name}/{tool}`");
            anchors.add(what, "compared with the arguments", Some(loc), Harmless::Addition);
        }
    }
}

/// Who runs what the class of a server demands: a processor reads calls and answers, and a server is taken at its word.
fn controls(model: &Model, other: &Model, anchors: &mut Anchors) {
    for (class, server) in model.class_treatment() {
        let Some(before) = other.servers.get(&server.name.value) else { continue };
        demands(model.treated_as(server), other.treated_as(before), server, anchors);
        let hooks = model.hooks(server);
        for control in &class.additional_controls {
            let own = server.controls.iter().find(|own| own.value == control.value);
            let by = match (own, hooks.get(control.value.as_str())) {
                (Some(own), _) => ("run by the server", own.loc),
                (None, Some(processor)) => ("run by a processor", processor.loc),
                (None, None) => continue,
            };
            let what = format!("control `{control}` of server `{}`", server.name);
            anchors.once(what, by.0, by.1, Harmless::Addition);
        }
    }
}

/// What the classes of a server demand of it and of the gateways in front of it, where they are other classes than before; what became of
/// the same ones is said of the class.
fn demands(classes: Vec<&DataClass>, before: Vec<&DataClass>, server: &Server, anchors: &mut Anchors) {
    let names = |classes: &[&DataClass]| classes.iter().map(|class| class.name.value.clone()).collect::<BTreeSet<_>>();
    if names(&classes) == names(&before) {
        return;
    }
    let places = classes.iter().filter_map(|class| class.location.as_ref());
    if let Some(place) = places.max_by_key(|place| place_rank(place.value)).filter(|place| place_rank(place.value) > 0)
    {
        let what = format!("location that the class of server `{}` demands", server.name);
        anchors.once(what, place.value.word(), place.loc, Harmless::Demand(place_rank(place.value)));
    }
    let encrypted = classes.iter().filter_map(|class| class.encryption.as_ref());
    if let Some(word) = encrypted.into_iter().find(|word| word.value == ClassEncryption::InTransitAndAtRest) {
        let what = format!("encryption at rest that the class of server `{}` demands", server.name);
        anchors.once(what, "demanded", word.loc, Harmless::Addition);
    }
}

fn place_rank(place: RequiredLocation) -> u8 {
    match place {
        RequiredLocation::Any => 0,
        RequiredLocation::OnPremisesOnly => 1,
        RequiredLocation::SecureEnclave => 2,
    }
}

/// What classes ask of the servers themselves, which no request can show.
fn obligations(model: &Model, anchors: &mut Anchors) {
    let central = model.access.classes.iter().map(|class| (String::new(), class));
    let of_units = model.overlays.iter().flat_map(|(unit, rules)| {
        rules.classes.iter().map(move |class| (format!(" in the folder of unit `{unit}`"), class))
    });
    for (of, class) in central.chain(of_units) {
        let name = &class.name;
        if let Some(mode) = &class.encryption {
            let rank = match mode.value {
                ClassEncryption::InTransit => 1,
                ClassEncryption::InTransitAndAtRest => 2,
            };
            let what = format!("encryption of class `{name}`{of}");
            anchors.add(what, as_written(&mode.value), Some(mode.loc), Harmless::Demand(rank));
        }
        if let Some(place) = class.location.as_ref().filter(|place| place.value != RequiredLocation::Any) {
            let what = format!("location of class `{name}`{of}");
            anchors.add(what, as_written(&place.value), Some(place.loc), Harmless::Demand(place_rank(place.value)));
        }
        for control in &class.additional_controls {
            let what = format!("control `{control}` of class `{name}`{of}");
            anchors.add(what, "asked for", Some(control.loc), Harmless::Addition);
        }
    }
}

fn settings(trusted: Trusted<'_>, anchors: &mut Anchors) {
    let Trusted { side, settings, gate: _ } = trusted;
    for pattern in &settings.exclude {
        anchors.add(format!("path `{pattern}`"), "not read", Some(pattern.loc), Harmless::Removal);
    }
    for (name, folder) in &settings.environments {
        // What its files replace is compared with them read.
        anchors.add(
            format!("folder of environment `{name}`"),
            folder.value.clone(),
            Some(folder.loc),
            Harmless::Removal,
        );
    }
    for rule in crate::analysis::levels::adjustable() {
        let name = rule.name;
        let level = match settings.levels.get(name) {
            Some(level) => *level,
            None => Some(rule.severity),
        };
        let (word, rank) = match level {
            None => ("off", 0),
            Some(Severity::Note) => ("note", 1),
            Some(Severity::Warning) => ("warning", 2),
            Some(Severity::Error) => ("error", 3),
        };
        // What does not guard access can be accepted by whoever reads it.
        let harmless = if rule.guards_access { Harmless::Rise(rank) } else { Harmless::Anything };
        anchors.add(format!("level of the check `{name}`"), word, None, harmless);
    }
    let written = &side.model.handwritten;
    if written.permits_allowed {
        anchors.add("permits in hand-written Cedar".to_owned(), "allowed", None, Harmless::Removal);
    }
    for (target, loc) in &written.accepted {
        let what = format!("hand-written Cedar on target `{target}`");
        anchors.add(what, "not enforced", Some(*loc), Harmless::Removal);
    }
    for waiver in &side.model.waivers {
        let line = waiver.line.as_ref().map(|line| format!(":{line}")).unwrap_or_default();
        let matches = waiver.matches.as_ref().map(|text| format!(" with `{text}`")).unwrap_or_default();
        let what = format!("waiver `{}` of {} in {}{line}{matches}", waiver.name, waiver.check, waiver.file);
        // A name that no rule has is an error; until it is corrected it counts as guarding.
        let guards =
            !crate::analysis::levels::adjustable().iter().any(|it| it.name == waiver.check.value && !it.guards_access);
        let day: String = waiver.expires.value.chars().filter(char::is_ascii_digit).collect();
        let until = Harmless::Until(day.parse().unwrap_or(u32::MAX));
        let harmless = if guards { until } else { Harmless::Anything };
        anchors.add(what, format!("until {}", waiver.expires), Some(waiver.loc), harmless);
    }
    for revision in side.model.deployment.accepted_revisions() {
        anchors.add(format!("revision {revision} of MCP"), "accepted", None, Harmless::Removal);
    }
    deployment::add(anchors, side.model);
}
