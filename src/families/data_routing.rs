//! `data_routing`. Source: the document, "Data Classification and Routing"; `min_auth_level`, `requires` and `suspended`
//! are ours.

use super::text::words;
use crate::lower::{At, Lowering};
use crate::model::access::{ClassEncryption, DataClass, RequiredLocation};
use crate::model::name::{ClassName, FactName, ServerName};
use crate::source::Spanned;

/// Data classes and the servers that hold each. The order of the list is the order of sensitivity, the least sensitive
/// first.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DataRouting {
    /// The classes.
    #[cfg_attr(test, schemars(length(min = 1)))]
    classifications: Vec<Classification>,
}

/// A class.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Classification {
    /// Its name, such as `confidential`.
    level: Spanned<ClassName>,
    /// The servers that hold such data. A server stands in one class.
    #[serde(default)]
    mcp_servers: Vec<Spanned<ServerName>>,
    /// Where the data must be encrypted. Both words ask every call for TLS; `in_transit_and_at_rest` also needs servers with
    /// `encryption_at_rest: true`.
    encryption: Option<Spanned<EncryptionWord>>,
    /// Where its servers must stand.
    location: Option<Spanned<LocationWord>>,
    /// Controls that its servers must have in place (`controls` in the registry).
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(default)]
    additional_controls: Vec<Spanned<String>>,
    /// The authentication level of its servers' tools, instead of the one that follows from the class's rank.
    min_auth_level: Option<Spanned<u32>>,
    /// More facts for every call to its servers.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(default)]
    requires: Vec<Spanned<FactName>>,
    /// Switches every server of the class off, and says why.
    #[cfg_attr(test, schemars(length(min = 1)))]
    suspended: Option<Spanned<String>>,
}

words! {
    /// `encryption`.
    enum EncryptionWord { InTransit = "in_transit", InTransitAndAtRest = "in_transit_and_at_rest", }
}
words! {
    /// `location`.
    enum LocationWord { OnPremisesOnly = "on_premises_only", SecureEnclave = "secure_enclave", Any = "any", }
}

impl DataRouting {
    pub(super) fn lower(self, at: &At, out: &mut Lowering) {
        let mut classes = Vec::new();
        for class in self.classifications {
            for server in &class.mcp_servers {
                out.mention(server.clone(), "listed under a data class");
            }
            let key = format!("{:?}\u{0}{}", at.scope, class.level);
            if !out.declare_as("class", key, class.level.value.as_str(), class.level.loc) {
                continue;
            }
            classes.push(DataClass {
                name: class.level,
                servers: class.mcp_servers,
                encryption: class.encryption.map(|word| {
                    word.map(|word| match word {
                        EncryptionWord::InTransit => ClassEncryption::InTransit,
                        EncryptionWord::InTransitAndAtRest => ClassEncryption::InTransitAndAtRest,
                    })
                }),
                location: class.location.map(|word| {
                    word.map(|word| match word {
                        LocationWord::OnPremisesOnly => RequiredLocation::OnPremisesOnly,
                        LocationWord::SecureEnclave => RequiredLocation::SecureEnclave,
                        LocationWord::Any => RequiredLocation::Any,
                    })
                }),
                additional_controls: class.additional_controls,
                min_auth_level: class.min_auth_level,
                requires: class.requires,
                suspended: class.suspended,
            });
        }
        let rules = super::rules_of(at, out);
        rules.data_routing.get_or_insert(at.key);
        rules.classes.extend(classes);
    }
}
