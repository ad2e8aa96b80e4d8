//! What gateways do for a call beside deciding it: they run controls that the class of a server demands and the server does not have,
//! and they end what was allowed long ago.

use std::collections::BTreeMap;

use super::Model;
use super::quantity::Duration;
use super::server::Server;
use super::value::HttpUrl;
use super::vocabulary::Enforcement;
use crate::source::Spanned;

/// The oldest that a stream gets where each request is to be decided and nothing else is said, in milliseconds.
const USUAL: u64 = 900_000;

impl Model {
    /// The oldest that a stream and a connection may get at gateways of the target `envoy`; `None` where the token alone ends a stream.
    #[must_use]
    pub fn max_stream_age(&self) -> Option<Duration> {
        let set = self.deployment.envoy.as_ref().and_then(|keys| keys.max_stream_age.as_ref()).map(|age| age.value);
        let each = self.topology.policy_enforcement.as_ref().is_some_and(|word| word.value == Enforcement::PerRequest);
        set.or_else(|| each.then_some(Duration(USUAL)))
    }

    /// How many processes run each gateway, each of which counts calls by itself.
    #[must_use]
    pub fn gateway_replicas(&self) -> u64 {
        let set = self.deployment.envoy.as_ref().and_then(|keys| keys.replicas.as_ref());
        set.map_or(1, |replicas| u64::from(replicas.value)).max(1)
    }

    /// The controls that a gateway of the target `envoy` has to run for a server, with where their processors are.
    #[must_use]
    pub fn hooks(&self, server: &Server) -> BTreeMap<&str, &Spanned<HttpUrl>> {
        let Some(known) = self.deployment.envoy.as_ref().map(|keys| &keys.controls).filter(|known| !known.is_empty())
        else {
            return BTreeMap::new();
        };
        let classes = self.treated_as(server);
        let demanded =
            classes.into_iter().flat_map(|class| &class.additional_controls).map(|control| control.value.as_str());
        let lacked = demanded.filter(|control| !server.controls.iter().any(|own| own.value == *control));
        lacked.filter_map(|control| known.get_key_value(control)).map(|(name, url)| (name.as_str(), url)).collect()
    }

    /// The processors that run a control for at least one server, by control.
    #[must_use]
    pub fn control_processors(&self) -> BTreeMap<&str, &Spanned<HttpUrl>> {
        self.servers.values().flat_map(|server| self.hooks(server)).collect()
    }
}
