//! Issuers, their keys, and whom they may speak for.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::super::Harmless;
use super::super::radius::Bears;
use super::Anchors;
use crate::model::Model;
use crate::model::access::{CallerKind, Identity, Issuer, Jwks};
use crate::model::name::UnitName;

/// The audience of tokens that are each for one server.
const PER_SERVER: &str = "the URL of each server";

/// The issuers. All that is said of one that the other side does not have is one value: it is believed with all of that.
pub(super) fn issuers(identity: &Identity, [model, other]: [&Model; 2], anchors: &mut Anchors) {
    let known = |name: &str| {
        let mut others = other.identity.iter().flat_map(|identity| &identity.issuers);
        others.any(|issuer| issuer.issuer.value == name)
    };
    for issuer in &identity.issuers {
        let name = &issuer.issuer.value;
        let at = Some(issuer.issuer.loc);
        let words: BTreeSet<&str> = issuer.speaks_for.iter().map(|word| word.value.as_str()).collect();
        let speaks_for = match words.into_iter().collect::<Vec<_>>() {
            words if words.is_empty() => "anybody".to_owned(),
            words => words.join(", "),
        };
        let caller = issuer.caller.as_ref().map(|path| path.value.join("."));
        let keys = issuer.keys.as_ref().map(|keys| (keys_of(&keys.value, model), keys.loc));
        let what = format!("issuer `{name}`");
        if !known(name) {
            let audiences = issuer.audiences.iter().map(|audience| audience.value.clone()).collect::<Vec<_>>();
            let list = |names: Vec<String>| if names.is_empty() { "any".to_owned() } else { names.join(", ") };
            let keys = keys.map(|((value, _), _)| format!(", keys {value}")).unwrap_or_default();
            let caller = caller.map(|path| format!(", caller `{path}`")).unwrap_or_default();
            let audiences = if issuer.per_server.is_some() { PER_SERVER.to_owned() } else { list(audiences) };
            let value = format!("believed for {speaks_for}, audience {audiences}{keys}{caller}");
            anchors.add(what.clone(), value, at, Harmless::Removal);
            anchors.bears(&what, Bears::Issuer(name.clone()));
            continue;
        }
        if issuer.per_server.is_some() {
            anchors.add(format!("audience of `{name}`"), PER_SERVER, issuer.per_server, Harmless::Removal);
        } else if issuer.audiences.is_empty() {
            anchors.add(format!("audience of `{name}`"), "any", at, Harmless::Removal);
        }
        for audience in &issuer.audiences {
            let what = format!("audience `{audience}` of `{name}`");
            anchors.add(what, "accepted", Some(audience.loc), Harmless::Removal);
        }
        if let Some(((value, parts), loc)) = keys {
            let what = format!("keys of `{name}`");
            anchors.of_parts(&what, value, Some(loc), Harmless::Fewer, parts);
            anchors.bears(&what, Bears::Issuer(name.clone()));
        }
        let at = issuer.speaks_for.first().map_or(at, |first| Some(first.loc));
        let what = format!("whom `{name}` speaks for");
        anchors.of_parts(&what, speaks_for, at, Harmless::Fewer, spoken_for(issuer, [model, other]));
        anchors.bears(&what, Bears::Issuer(name.clone()));
        let at = issuer.caller.as_ref().map_or(Some(issuer.issuer.loc), |path| Some(path.loc));
        let path = caller.unwrap_or_else(|| "sub".to_owned());
        anchors.add(format!("claim that names the caller in tokens of `{name}`"), path, at, Harmless::Nothing);
    }
}

/// Where the keys are, and each of them: one less is believed where it is in a file.
fn keys_of(keys: &Jwks, model: &Model) -> (String, BTreeSet<String>) {
    match keys {
        Jwks::Url(url) => (url.clone(), BTreeSet::from([url.clone()])),
        Jwks::File(file) => {
            let text = model.key_sets.get(file);
            let digest = text.map(|text| Sha256::digest(text.as_bytes()));
            let hex: String = digest.iter().flatten().map(|byte| format!("{byte:02x}")).collect();
            let set = text.and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
            let keys = set.as_ref().and_then(|set| set.get("keys")).and_then(serde_json::Value::as_array);
            // A set that cannot be read is as a whole what it is.
            let parts =
                keys.map_or(BTreeSet::from([hex.clone()]), |keys| keys.iter().map(ToString::to_string).collect());
            (format!("{file} (sha256:{hex})"), parts)
        }
    }
}

/// For which kinds of principals and units an issuer may speak, over the units of either side and an undeclared one.
fn spoken_for(issuer: &Issuer, models: [&Model; 2]) -> BTreeSet<String> {
    let declared = models.into_iter().flat_map(|model| model.topology.units.keys().cloned());
    let units: BTreeSet<UnitName> = declared.chain([UnitName::from(UnitName::CENTRAL)]).collect();
    let pairs = units.iter().map(Some).chain([None]).flat_map(|unit| CallerKind::ALL.map(|kind| (kind, unit)));
    let may = pairs.filter(|(kind, unit)| issuer.may_speak_for(*kind, *unit));
    may.map(|(kind, unit)| format!("{} {}", kind.as_str(), unit.map_or("", UnitName::as_str))).collect()
}
