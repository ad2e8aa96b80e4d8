//! What the settings of targets say: what they take as given, where their gateways listen, and what single targets have.

use super::{Anchors, Bears, Harmless, as_written};
use crate::model::Model;
use crate::model::deployment::keys::{
    Agentcore, Agentgateway, AgenticNetworking, AiGateway, Envoy, Istio, Kafka, Kubernetes, OtelCollector, Prometheus,
    Redis, Toolhive,
};
use crate::model::deployment::placement::Placement;
use crate::model::deployment::{Gateways, Listen, TargetId};
use crate::model::server::Location;
use crate::model::url::Url;

/// Adds all of it.
pub(super) fn add(anchors: &mut Anchors, model: &Model) {
    let deployment = &model.deployment;
    for (name, listed) in &deployment.listed {
        anchors.add(format!("target `{name}`"), "compiled", Some(listed.loc), Harmless::Addition);
        for fact in &listed.assumed.facts {
            let what = format!("`{fact}` on target `{name}`");
            anchors.add(what, "taken as given", Some(fact.loc), Harmless::Removal);
        }
    }
    for (target, gateways) in deployment.gateways() {
        of_gateways(anchors, target, gateways);
    }
    of_keys(anchors, model);
}

/// The listeners of a target.
fn of_gateways(anchors: &mut Anchors, target: TargetId, gateways: &Gateways) {
    for (gateway, settings) in &gateways.0 {
        let what = |key: &str| format!("`{key}` of gateway `{gateway}` on target `{target}`");
        let listen = |listen: &Listen| format!("{}:{}", listen.host, listen.port);
        anchors.written(&what("listen"), settings.listen.as_ref(), listen, Harmless::Nothing);
        anchors.written(&what("admin"), settings.admin.as_ref(), listen, Harmless::Removal);
        if let Some(tls) = &settings.tls {
            for (key, file) in [("cert", &tls.cert), ("key", &tls.key), ("ca", &tls.ca)] {
                anchors.written(&what(key), Some(file), String::clone, Harmless::Nothing);
                anchors.bears(&what(key), Bears::Gateway(gateway.clone()));
            }
        }
    }
}

/// Where the pods of a class may run. A class on premises takes the nodes of an enclave as well, so that a second place lets its pods
/// run in more; and none demands the cloud.
fn nodes(anchors: &mut Anchors, locations: &[Placement]) {
    let demands: [(&str, &[Location]); 2] = [
        ("secure_enclave", &[Location::SecureEnclave]),
        ("on_premises_only", &[Location::OnPremises, Location::SecureEnclave]),
    ];
    for (demand, places) in demands {
        let known: Vec<&Placement> = locations.iter().filter(|place| places.contains(&place.location)).collect();
        let Some(first) = known.first() else { continue };
        let what = format!("nodes for `{demand}` on target `{}`", TargetId::Kubernetes);
        let shown = known.iter().map(|place| format!("{} ({place})", as_written(&place.location)));
        anchors.add(what, shown.collect::<Vec<_>>().join(" or "), Some(first.loc), Harmless::Addition);
    }
    // Servers stand at any of the three.
    for place in locations.iter().filter(|place| place.location == Location::Cloud) {
        let what = format!("nodes of `cloud` on target `{}`", TargetId::Kubernetes);
        anchors.add(what, place.to_string(), Some(place.loc), Harmless::Addition);
    }
}

/// The keys of single targets. Each is named, so that a new one is not forgotten here.
fn of_keys(anchors: &mut Anchors, model: &Model) {
    let deployment = &model.deployment;
    for target in TargetId::ALL {
        let what = |key: &str| format!("`{key}` of target `{target}`");
        anchors.written(&what("namespace"), deployment.namespace(*target), String::clone, Harmless::Nothing);
        anchors.written(&what("cluster_domain"), deployment.cluster_domain(*target), String::clone, Harmless::Nothing);
    }
    let of = |key: &str, target: TargetId| format!("`{key}` of target `{target}`");
    if let Some(Agentcore { gateway_arn }) = &deployment.agentcore {
        let what = of("gateway_arn", TargetId::Agentcore);
        anchors.written(&what, gateway_arn.as_ref(), String::clone, Harmless::Nothing);
    }
    if let Some(Agentgateway { gateways: _, namespace: _, version }) = &deployment.agentgateway {
        let what = of("version", TargetId::Agentgateway);
        anchors.written(&what, version.as_ref(), |version| (*version).to_owned(), Harmless::Nothing);
    }
    if let Some(AiGateway { namespace: _, gateway }) = &deployment.ai_gateway {
        anchors.written(&of("gateway", TargetId::AiGateway), gateway.as_ref(), String::clone, Harmless::Nothing);
    }
    if let Some(Envoy { gateways: _, deny_status, origins, replicas: _, max_stream_age, controls: _ }) =
        &deployment.envoy
    {
        // Where none is written, the mesh's `policy_enforcement` says one.
        let loc = max_stream_age.as_ref().map(|age| age.loc);
        if let Some(age) = model.max_stream_age() {
            let what = of("max_stream_age", TargetId::Envoy);
            anchors.add(what, age.to_string(), loc, Harmless::Limit(age.0));
        }
        let what = of("deny_status", TargetId::Envoy);
        anchors.written(&what, deny_status.as_ref(), u32::to_string, Harmless::Anything);
        for (control, url) in model.control_processors() {
            let what = format!("processor of `{control}` on target `{}`", TargetId::Envoy);
            // It reads calls and answers, and may change them.
            let place = Url::parse(url.value.as_str()).map(|url| url.origin()).unwrap_or_default();
            anchors.add(what, place, Some(url.loc), Harmless::Nothing);
        }
        for origin in origins {
            let what = format!("pages of `{}` on target `{}`", origin.value, TargetId::Envoy);
            anchors.add(what, "may call", Some(origin.loc), Harmless::Removal);
        }
    }
    if let Some(Istio { namespace: _, cluster_domain: _, verified_headers }) = &deployment.istio {
        let what = of("verified_headers", TargetId::Istio);
        anchors.written(&what, verified_headers.as_ref(), bool::to_string, Harmless::Nothing);
    }
    if let Some(Kubernetes { namespace: _, cluster_domain: _, egress, locations }) = &deployment.kubernetes {
        for egress in egress {
            let what = format!("connections of gateways to {egress} on target `{}`", TargetId::Kubernetes);
            anchors.add(what, "let through", Some(egress.loc), Harmless::Removal);
        }
        nodes(anchors, locations);
    }
    // These have no keys but those that were named above.
    if let Some(AgenticNetworking { namespace: _ }) = &deployment.agentic_networking {}
    // What follows configures an engine, through which no call goes.
    if let Some(Kafka { cluster: _, replicas: _ }) = &deployment.kafka {}
    if let Some(OtelCollector { endpoint: _, memory: _, pseudonyms_up_to: _, slow_after: _ }) =
        &deployment.otel_collector
    {}
    if let Some(Prometheus { alertmanager: _ }) = &deployment.prometheus {}
    if let Some(Redis { masters: _ }) = &deployment.redis {}
    if let Some(Toolhive { namespace: _ }) = &deployment.toolhive {}
}
