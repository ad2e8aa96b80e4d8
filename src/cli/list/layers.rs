//! What stands before each server: gateways, the mesh, the network.

use serde_json::json;

use super::Listing;
use crate::analysis::Analysis;
use crate::model::layers::Layers;
use crate::policy::cell::Cell;

/// The layers that decide the calls of each server, the most sensitive class first.
pub(super) fn layers(analysis: &Analysis) -> Listing {
    let (model, policy) = (analysis.model(), analysis.policy());
    let layers @ Layers { mesh, network, .. } = &model.layers();
    let gateways: Vec<&str> = layers.gateways.iter().map(|target| target.target().name()).collect();
    let ranked = |server: &str| model.access.governing_class(server);
    let mut servers: Vec<_> = model.servers.values().collect();
    servers.sort_by_key(|server| core::cmp::Reverse(ranked(server.name.value.as_str()).map(|(rank, _)| rank)));
    let mut listing = Listing {
        head: &["server", "class", "cells", "gateways", "mesh", "network", "layers"],
        rows: Vec::new(),
        data: Vec::new(),
    };
    let or_none = |text: String| if text.is_empty() { "none".to_owned() } else { text };
    for server in servers {
        let name = server.name.value.as_str();
        let class = ranked(name).map(|(_, class)| class.name.value.as_str());
        let opens = |cell: Cell| !policy.is_never(cell.condition);
        let of_server = policy.all_cells().filter(|(_, object, _)| policy.object_at(*object).server.as_str() == name);
        let cells = of_server.filter(|(_, _, cell)| opens(*cell)).count();
        listing.rows.push(vec![
            name.to_owned(),
            class.unwrap_or("-").to_owned(),
            cells.to_string(),
            or_none(gateways.join(", ")),
            or_none(if *mesh { "istio".to_owned() } else { String::new() }),
            or_none(if *network { "kubernetes".to_owned() } else { String::new() }),
            layers.count().to_string(),
        ]);
        listing.data.push(json!({
            "server": name, "class": class, "cells": cells, "gateways": gateways, "mesh": mesh, "network": network,
            "layers": layers.count(),
        }));
    }
    listing
}
