//! How far a change reaches: the cells that rest on what is replaced.

use std::collections::BTreeSet;

use super::super::access::Side;
use crate::model::name::ServerName;
use crate::policy::PrincipalId;
use crate::targets::gateways::gateways;

/// What cells rest on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bears {
    /// The tokens of an issuer.
    Issuer(String),
    /// The connections of a gateway, by its name.
    Gateway(String),
}

/// The cells that rest on something, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Radius {
    /// How many pairs of a principal and an object can be allowed by it.
    pub cells: usize,
    /// The principals of these pairs, sorted.
    pub principals: Vec<PrincipalId>,
    /// The servers of these pairs, sorted.
    pub servers: Vec<ServerName>,
}

/// The cells of a side that rest on something.
pub(super) fn of(bears: &Bears, side: Side<'_>) -> Radius {
    let (model, policy) = (side.model, side.policy);
    let (mut principals, mut servers, mut cells) = (BTreeSet::new(), BTreeSet::new(), 0);
    let issuer = |name: &String| {
        let issuers = model.identity.iter().flat_map(|identity| &identity.issuers);
        issuers.into_iter().find(|issuer| issuer.issuer.value == *name)
    };
    let speaks: Vec<bool> = policy
        .principals
        .iter()
        .map(|principal| match bears {
            Bears::Issuer(name) => issuer(name).is_some_and(|issuer| principal.is_spoken_for_by(issuer)),
            Bears::Gateway(_) => true,
        })
        .collect();
    let routed: Option<BTreeSet<&ServerName>> = match bears {
        Bears::Issuer(_) => None,
        Bears::Gateway(name) => {
            let all = gateways(model, policy).into_iter().filter(|gateway| gateway.name == name);
            Some(all.flat_map(|gateway| gateway.routes).map(|route| &route.server.name.value).collect())
        }
    };
    for (principal, object, cell) in policy.all_cells() {
        let server = &policy.object_at(object).server;
        let rests = speaks.get(principal.0 as usize) == Some(&true)
            && routed.as_ref().is_none_or(|servers| servers.contains(server))
            && !policy.is_never(cell.condition);
        if rests {
            cells += 1;
            principals.insert(&policy.principal_at(principal).id);
            servers.insert(server);
        }
    }
    Radius {
        cells,
        principals: principals.into_iter().cloned().collect(),
        servers: servers.into_iter().cloned().collect(),
    }
}
