//! Controls that gateways run for servers: what the class of a server demands, the server does not have, and the settings name a
//! processor for.

use std::collections::BTreeMap;

use super::Model;
use super::server::Server;
use super::value::HttpUrl;
use crate::source::Spanned;

impl Model {
    /// The controls that a gateway of the target `envoy` has to run for a server, with where their processors are.
    #[must_use]
    pub fn hooks(&self, server: &Server) -> BTreeMap<&str, &Spanned<HttpUrl>> {
        let Some(known) = self.deployment.envoy.as_ref().map(|keys| &keys.controls) else { return BTreeMap::new() };
        let classes = self.class_members().filter(|(_, member, _)| member.name.value == server.name.value);
        let demanded =
            classes.flat_map(|(class, _, _)| &class.additional_controls).map(|control| control.value.as_str());
        let lacked = demanded.filter(|control| !server.controls.iter().any(|own| own.value == *control));
        lacked.filter_map(|control| known.get_key_value(control)).map(|(name, url)| (name.as_str(), url)).collect()
    }
}
