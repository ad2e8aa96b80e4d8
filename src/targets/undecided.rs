//! What a target's product lets through or not by rules of its own, server by server.

use std::collections::{BTreeMap, BTreeSet};

use super::Target;
use crate::diagnostic::{Diagnostic, Rule, Severity};
use crate::model::Model;
use crate::model::name::ServerName;
use crate::policy::seen::View;
use crate::policy::{ObjectKind, Policy};

/// The note about what a product leaves to the server behind it.
pub static TARGET_UNDECIDED: Rule = Rule {
    name: "target-undecided",
    severity: Severity::Note,
    what: "Finds servers of which a target being compiled leaves something undecided: its product lets it through or not by \
           rules of its own, or sees too little of requests to tell it apart. One finding for each server and target.",
    why: "The proof of that target does not speak of it. What the policy says of it is not enforced there, so the server has to \
          refuse by itself what it must not do.",
    fix: "Have the server refuse it, put a gateway in front that decides it (Envoy decides everything), or leave the target out \
          of the compile. The manifest of the bundle lists the same under `undecided`.",
};

/// What is undecided of one server.
#[derive(Default)]
struct Open {
    protocol: bool,
    tools: usize,
    resources: usize,
    prompts: usize,
    /// What the registry does not know.
    unknown: bool,
    why: BTreeSet<String>,
}

impl Open {
    fn in_words(&self) -> String {
        let many = |count: usize, noun: &str| match count {
            0 => None,
            1 => Some(format!("one {noun}")),
            _ => Some(format!("{count} {noun}s")),
        };
        let parts: Vec<String> = [
            self.protocol.then(|| "the protocol's own methods".to_owned()),
            many(self.tools, "tool"),
            many(self.resources, "resource"),
            many(self.prompts, "prompt"),
            self.unknown.then(|| "every tool and method that the registry does not know".to_owned()),
        ]
        .into_iter()
        .flatten()
        .collect();
        match parts.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
            None => String::new(),
        }
    }
}

/// The servers of which somebody may use something.
fn used(policy: &Policy) -> BTreeSet<&ServerName> {
    let possible = policy.all_cells().filter(|(_, _, cell)| !policy.is_never(cell.condition));
    possible.map(|(_, object, _)| &policy.object_at(object).server).collect()
}

/// The notes about what a target leaves undecided of each server that somebody may use. `policy` is the whole relation, `seen`
/// the part that the product decides, and `view` what it sees.
#[must_use]
pub fn undecided(target: &Target, model: &Model, policy: &Policy, seen: &Policy, view: &View) -> Vec<Diagnostic> {
    let unknown = (target.unknown_pass)(model);
    let used_at_all = used(policy);
    let mut open: BTreeMap<&ServerName, Open> = BTreeMap::new();
    for (server, why) in used(seen).into_iter().zip(unknown.into_iter().cycle()) {
        let of_server = open.entry(server).or_default();
        of_server.unknown = true;
        of_server.why.insert(why.to_owned());
    }
    for (index, object) in (0_u32..).zip(&policy.objects) {
        let Some(why) = view.undecided.get(&index).filter(|_| used_at_all.contains(&object.server)) else { continue };
        let of_server = open.entry(&object.server).or_default();
        of_server.why.insert(why.clone());
        match object.kind {
            ObjectKind::Protocol => of_server.protocol = true,
            ObjectKind::Tool(_) => of_server.tools += 1,
            ObjectKind::Resource(_) => of_server.resources += 1,
            ObjectKind::Prompt(_) => of_server.prompts += 1,
        }
    }
    let settings = model.deployment.of(target.name).map(|settings| settings.loc);
    let notes = open.into_iter().map(|(server, open)| {
        let loc = model.servers.get(server).map(|server| server.name.loc).or(settings).unwrap_or_default();
        let what = open.in_words();
        let message = format!("target `{}` leaves to server `{server}` to refuse: {what}", target.name);
        let why: Vec<String> = open.why.into_iter().collect();
        let help = format!("{}; what the server must not do it has to refuse by itself", why.join("; "));
        Diagnostic::new(&TARGET_UNDECIDED, loc, message).help(help)
    });
    notes.collect()
}

#[cfg(test)]
mod tests {
    use crate::targets::tests::built;
    use crate::targets::{TARGETS, Target};

    const WORLD: &str = "\
mcp_registry:
  central_gateway: https://mcp.example.com
  servers:
    - name: crm
      url: https://crm.example/mcp
      tools: [{name: get}, {name: pay, requires: [small]}]
      resources: [{uri: 'crm://a'}, {uri: 'crm://b'}]
      prompts: [{name: sum}]
    - {name: pay, url: 'https://pay.example/mcp', tools: [{name: charge, requires: [small]}]}
    - {name: unused, url: 'https://unused.example/mcp', tools: [{name: t}]}
  agents: [{name: one, subject: one, may_call: [crm/get, pay/charge]}]
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}]}
identity:
  issuer: https://idp.example
  audiences: [gateway]
  jwks: https://idp.example/keys
  trust_domain: example.org
  requirements: {small: {argument: amount, at_most: 100}}
";

    /// The messages of one target, and what its manifest says, with the number of cells.
    fn said(target: &str, settings: &str, hidden: &str) -> (Vec<String>, Vec<u64>) {
        let target: &'static Target = TARGETS.iter().find(|known| known.name == target).unwrap();
        let built = built(target, &format!("{settings}# file: all.yaml\n{}", WORLD.replace(hidden, ""))).unwrap();
        let notes = built.notes.iter().filter(|note| note.rule.name == "target-undecided");
        let cells = built.bundle.manifest.targets[0].undecided.iter().map(|undecided| undecided.cells);
        let messages: Vec<String> = notes
            .map(|note| {
                assert!(
                    note.help.as_ref().is_some_and(|help| help.ends_with("it has to refuse by itself")),
                    "{note:?}"
                );
                note.message.clone()
            })
            .collect();
        (messages, cells.collect())
    }

    #[test]
    fn each_server_has_one_note_that_says_what_is_left_to_it() {
        let (notes, cells) = said("ai-gateway", "", "\u{1}");
        assert_eq!(
            notes,
            [
                "target `ai-gateway` leaves to server `crm` to refuse: the protocol's own methods, 2 resources and one prompt",
                "target `ai-gateway` leaves to server `pay` to refuse: the protocol's own methods",
            ]
        );
        assert!(!cells.is_empty());
        let (notes, _) = said("toolhive", "", "\u{1}");
        assert_eq!(notes.len(), 2, "{notes:?}");
        assert!(notes[0].ends_with("server `crm` to refuse: the protocol's own methods"), "{notes:?}");
        for decides in ["cedar", "envoy"] {
            assert_eq!(said(decides, "", "\u{1}"), (Vec::new(), Vec::new()));
        }
    }

    #[test]
    fn istio_leaves_what_nobody_knows_to_servers_unless_headers_are_verified() {
        // A caller gets no more of a server than it may do with everything on it.
        let hidden = ", {name: pay, requires: [small]}";
        let (notes, cells) = said("istio", "", hidden);
        // Nobody may use `pay`, because Istio sees no arguments.
        let what = "every tool and method that the registry does not know";
        assert_eq!(notes, [format!("target `istio` leaves to server `crm` to refuse: {what}")]);
        assert_eq!(cells, [0]);
        assert_eq!(said("istio", "targets: {istio: {verified_headers: true}}\n", hidden), (Vec::new(), Vec::new()));
    }
}
