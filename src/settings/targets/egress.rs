//! `targets.kubernetes.egress`, as written.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::model::deployment::egress::{Cidr, Destination, Egress};
use crate::model::deployment::is_label_value;
use crate::schema::rules::INVALID_VALUE;
use crate::source::Spanned;

/// One destination of gateways: a range of addresses outside of the cluster, or the pods of a namespace in it.
#[derive(Debug, Clone, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EgressEntry {
    /// Addresses outside of the cluster, such as `203.0.113.0/24`; never all of them.
    cidr: Option<Spanned<String>>,
    /// A namespace of the cluster.
    #[cfg_attr(test, schemars(extend("format" = "mcpctl-dns-label")))]
    namespace: Option<Spanned<String>>,
    /// Labels of the pods there; all pods of the namespace by default.
    #[cfg_attr(test, schemars(extend("minProperties" = 1, "propertyNames" = { "format": "mcpctl-label-key" })))]
    #[serde(default)]
    labels: BTreeMap<String, Spanned<String>>,
    /// TCP port that the destination listens on.
    #[cfg_attr(test, schemars(range(min = 1, max = 65_535)))]
    port: Spanned<u16>,
}

/// The destinations that are right; what is wrong with the others.
pub fn settled(written: Vec<Spanned<EgressEntry>>, findings: &mut Vec<Diagnostic>) -> Vec<Egress> {
    let mut found = Vec::new();
    for Spanned { value, loc } in written {
        let fault = |loc, message: String| Diagnostic::new(&INVALID_VALUE, loc, message);
        let one = |message: &str| {
            let help =
                "write `{cidr: 203.0.113.0/24, port: 443}`, or `{namespace: auth, labels: {app: idp}, port: 8443}`";
            fault(loc, message.to_owned()).help(help)
        };
        let to = match (value.cidr, value.namespace) {
            (Some(cidr), None) if value.labels.is_empty() => match Cidr::parse(&cidr.value) {
                Ok(range) => Destination::Addresses(range),
                Err(why) => {
                    let help = "write the addresses that the issuer really has";
                    findings.push(fault(cidr.loc, format!("`{cidr}` {why}")).help(help));
                    continue;
                }
            },
            (None, Some(namespace)) => {
                let bad =
                    value.labels.iter().find(|(_, label)| !label.value.is_empty() && !is_label_value(&label.value));
                if let Some((key, label)) = bad {
                    findings.push(fault(label.loc, format!("`{key}: {label}` cannot be a Kubernetes label")));
                    continue;
                }
                let labels = value.labels.into_iter().map(|(key, label)| (key, label.value)).collect();
                Destination::Pods { namespace: namespace.value, labels }
            }
            (Some(_), None) => {
                findings.push(one("addresses have no labels"));
                continue;
            }
            (Some(_), Some(_)) => {
                findings.push(one("this names addresses and a namespace, which are two destinations"));
                continue;
            }
            (None, None) => {
                findings.push(one("this names no destination: neither `cidr` nor `namespace`"));
                continue;
            }
        };
        found.push(Egress { loc, to, port: value.port.value });
    }
    found
}
