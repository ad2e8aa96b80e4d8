//! What a target's product lets through or not by rules of its own, server by server.

use std::collections::{BTreeMap, BTreeSet};

use super::{Target, listed};
use crate::bundle::manifest;
use crate::diagnostic::{Diagnostic, Rule, Severity};
use crate::model::Model;
use crate::model::name::ServerName;
use crate::policy::visibility::{Stricter, View};
use crate::policy::{ObjectKind, Policy};

/// The note about what a product leaves to the server behind it.
pub static TARGET_UNDECIDED: Rule = Rule {
    name: "target-undecided",
    guards_access: false,
    severity: Severity::Note,
    what: "Finds servers of which a target being compiled leaves something undecided: its product lets it through or not by \
           rules of its own, or sees too little of requests to tell it apart. One finding for each target and reason.",
    why: "The proof of that target does not cover it. What the policy says of it is not enforced there, so the server has to \
          refuse by itself what it must not do.",
    fix: "Have the server refuse it, put a gateway in front that decides it (Envoy decides everything), or leave the target out \
          of the compile. The manifest of the bundle lists every such server under `undecided`.",
};

/// Most servers named in a note; the manifest has all of them.
const MOST_SERVERS: usize = 4;

/// What is undecided, of one server or of several.
#[derive(Default)]
struct Open {
    protocol: bool,
    tools: usize,
    resources: usize,
    prompts: usize,
    /// What the registry does not know.
    unknown: bool,
    /// URIs that are not in normal form.
    spellings: bool,
    /// Messages with keys in another case.
    keys: bool,
    /// Methods that the entry of the server denies.
    methods: BTreeSet<&'static str>,
    why: BTreeSet<String>,
}

impl Open {
    fn in_words(&self) -> String {
        let many = |count: usize, noun: &str| match count {
            0 => None,
            1 => Some(format!("one {noun}")),
            _ => Some(format!("{count} {noun}s")),
        };
        let named: Vec<String> = self.methods.iter().map(|method| format!("`{method}`")).collect();
        let denied = if named.len() == 1 { "the denied method" } else { "the denied methods" };
        let parts: Vec<String> = [
            self.protocol.then(|| "the protocol's own methods".to_owned()),
            many(self.tools, "tool"),
            many(self.resources, "resource"),
            many(self.prompts, "prompt"),
            self.unknown.then(|| "every tool and method that the registry does not know".to_owned()),
            self.spellings.then(|| "URIs of resources that are not in normal form".to_owned()),
            self.keys.then(|| "messages with keys in another case, such as `Method`".to_owned()),
            (!named.is_empty()).then(|| format!("{denied} {}", listed(&named))),
        ]
        .into_iter()
        .flatten()
        .collect();
        listed(&parts)
    }

    fn add(&mut self, other: &Open) {
        self.protocol |= other.protocol;
        self.tools += other.tools;
        self.resources += other.resources;
        self.prompts += other.prompts;
        self.unknown |= other.unknown;
        self.spellings |= other.spellings;
        self.keys |= other.keys;
        self.methods.extend(&other.methods);
    }
}

/// The servers of which somebody may use something.
fn used(policy: &Policy) -> BTreeSet<&ServerName> {
    let possible = policy.all_cells().filter(|(_, _, cell)| !policy.is_never(cell.condition));
    possible.map(|(_, object, _)| &policy.object_at(object).server).collect()
}

/// What is undecided of each server that somebody may use. `policy` is the whole relation, `seen` the part that the product
/// decides, and `view` what it sees.
fn of_servers<'a>(
    target: &Target,
    model: &Model,
    policy: &'a Policy,
    seen: &'a Policy,
    view: &View,
) -> BTreeMap<&'a ServerName, Open> {
    let Some(decides) = target.decides() else { return BTreeMap::new() };
    let unknown = (decides.unknown_pass)(model);
    let used_at_all = used(policy);
    let mut open: BTreeMap<&ServerName, Open> = BTreeMap::new();
    for (server, why) in used(seen).into_iter().zip(unknown.into_iter().cycle()) {
        let of_server = open.entry(server).or_default();
        of_server.unknown = true;
        of_server.why.insert(why.to_owned());
    }
    // Where no method is seen, every key is one that the product does not see.
    let keys = decides.keys_pass.filter(|_| unknown.is_none());
    for (server, why) in used_at_all.iter().zip(keys.into_iter().cycle()) {
        let of_server = open.entry(server).or_default();
        of_server.keys = true;
        of_server.why.insert(why.to_owned());
    }
    if let Some(why) = (decides.methods_pass)(model) {
        let denying = model.servers.values().filter(|server| !server.denied_methods.is_empty());
        for server in denying {
            // The name as the relation holds it.
            let Some(name) = used_at_all.get(&server.name.value) else { continue };
            let of_server = open.entry(name).or_default();
            of_server.methods.extend(server.denied_methods.keys());
            of_server.why.insert(why.to_owned());
        }
    }
    let is_pattern = |kind: &ObjectKind| matches!(kind, ObjectKind::Resource(pattern) if pattern.contains('*'));
    let readable = seen.all_cells().filter(|(_, _, cell)| !seen.is_never(cell.condition));
    let readable = readable.map(|(_, object, _)| seen.object_at(object)).filter(|object| is_pattern(&object.kind));
    for (object, why) in readable.zip((decides.spellings_pass)(model).into_iter().cycle()) {
        let of_server = open.entry(&object.server).or_default();
        of_server.spellings = true;
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
    open
}

/// The notes about what a target leaves undecided of servers that somebody may use: one for those that it leaves something of
/// for the same reasons. `policy` is the whole relation, `seen` the part that the product decides, and `view` what it sees.
#[must_use]
pub fn undecided(target: &Target, model: &Model, policy: &Policy, seen: &Policy, view: &View) -> Vec<Diagnostic> {
    let mut alike: BTreeMap<BTreeSet<String>, (Vec<&ServerName>, Open)> = BTreeMap::new();
    for (server, open) in of_servers(target, model, policy, seen, view) {
        let (servers, together) = alike.entry(open.why.clone()).or_default();
        servers.push(server);
        together.add(&open);
    }
    let settings = model.deployment.of(target.id).map(|settings| settings.loc);
    let at = |server: &ServerName| model.servers.get(server).map(|server| server.name.loc).or(settings);
    let notes = alike.into_iter().map(|(why, (servers, open))| {
        let loc = servers.iter().find_map(|server| at(server)).unwrap_or_default();
        let mut names: Vec<String> = servers.iter().take(MOST_SERVERS).map(|name| format!("`{name}`")).collect();
        if let more @ 1.. = servers.len().saturating_sub(MOST_SERVERS) {
            names.push(format!("{more} more"));
        }
        let noun = if servers.len() == 1 { "server" } else { "servers" };
        let what = open.in_words();
        let message = format!("target `{}` leaves to {noun} {} to refuse: {what}", target.name(), listed(&names));
        let why: Vec<String> = why.into_iter().collect();
        let help = format!("{}; what the server must not do it has to refuse by itself", why.join("; "));
        Diagnostic::new(&TARGET_UNDECIDED, loc, message).help(help)
    });
    notes.collect()
}

/// What the manifest says of it: of each reason, the cells and the servers.
#[must_use]
pub fn entries(
    target: &Target,
    model: &Model,
    policy: &Policy,
    seen: &Policy,
    view: &View,
    stricter: &Stricter,
) -> Vec<manifest::Undecided> {
    let open = of_servers(target, model, policy, seen, view);
    let entry = |why: &str, cells: usize| {
        let servers = open.iter().filter(|(_, open)| open.why.contains(why));
        let servers = servers.map(|(server, _)| server.to_string()).collect();
        manifest::Undecided { why: why.to_owned(), cells: cells as u64, servers }
    };
    let by_reason = stricter.undecided.iter().map(|(why, cells)| entry(why, *cells));
    let Some(decides) = target.decides() else { return by_reason.collect() };
    let unknown = (decides.unknown_pass)(model);
    let passes = [unknown, (decides.spellings_pass)(model), (decides.methods_pass)(model), decides.keys_pass];
    let spelled = |why: &&str| open.values().any(|open| open.why.contains(*why)) || unknown == Some(*why);
    by_reason.chain(passes.into_iter().flatten().filter(spelled).map(|why| entry(why, 0))).collect()
}

#[cfg(test)]
mod tests {
    use crate::targets::TargetId;
    use crate::targets::tests::{built, checked};

    /// The messages about the denied methods of one target, and the servers that its manifest names for them.
    fn of_methods(target: &str, settings: &str) -> (Vec<String>, Vec<String>) {
        let target = TargetId::named(target).unwrap().target();
        let deny = "      methods: {deny: [completion/complete, logging/setLevel]}\n      tools: [{name: get}";
        let text = format!("{settings}# file: all.yaml\n{}", WORLD.replace("      tools: [{name: get}", deny));
        let why = (target.decides().unwrap().methods_pass)(checked(&text).0.model()).unwrap_or_default();
        let built = built(target, &text).unwrap();
        let what = "the denied methods `completion/complete` and `logging/setLevel`";
        let notes = built.notes.iter().filter(|note| note.rule.name == "target-undecided");
        let notes = notes.map(|note| note.message.clone()).filter(|message| message.ends_with(what));
        let undecided = built.bundle.manifest.targets[0].undecided.iter().filter(|entry| entry.why == why);
        (notes.collect(), undecided.flat_map(|entry| entry.servers.clone()).collect())
    }

    #[test]
    fn a_denied_method_is_left_to_the_server_where_the_product_cannot_deny_it() {
        let agentcore =
            "targets: {agentcore: {gateway_arn: 'arn:aws:bedrock-agentcore:us-west-2:123456789012:gateway/g'}}\n";
        for (target, settings) in
            [("agentic-networking", ""), ("ai-gateway", ""), ("toolhive", ""), ("agentcore", agentcore), ("istio", "")]
        {
            let (notes, servers) = of_methods(target, settings);
            assert_eq!((notes.len(), servers.as_slice()), (1, ["crm".to_owned()].as_slice()), "{target}: {notes:?}");
            assert!(notes[0].contains("leaves to server `crm` to refuse: "), "{notes:?}");
        }
        let verified = "targets: {istio: {verified_headers: true}}\n";
        for (target, settings) in [("cedar", ""), ("envoy", ""), ("agentgateway", ""), ("istio", verified)] {
            assert_eq!(of_methods(target, settings), (Vec::new(), Vec::new()), "{target}");
        }
    }

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
  agents: [{name: one, subject: one, may_call: ['crm/*', pay/charge]}]
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}]}
identity:
  issuer: https://idp.example
  audiences: [gateway]
  jwks: https://idp.example/keys
  trust_domain: example.org
  requirements: {small: {argument: amount, at_most: 100}}
";

    #[test]
    fn many_servers_are_counted_in_the_note_and_all_named_in_the_manifest() {
        let mut text = WORLD.to_owned();
        for name in ["a", "b", "c", "d"] {
            let server = format!("    - {{name: {name}, url: 'https://{name}.example/mcp', tools: [{{name: t}}]}}\n");
            text = text.replace("  agents:", &format!("{server}  agents:"));
            text = text.replace("may_call: [", &format!("may_call: [{name}/t, "));
        }
        let target = TargetId::Toolhive.target();
        let built = built(target, &format!("# file: all.yaml\n{text}")).unwrap();
        let notes: Vec<_> = built.notes.iter().filter(|note| note.rule.name == "target-undecided").collect();
        assert_eq!(notes.len(), 1, "{notes:?}");
        let named = "servers `a`, `b`, `c`, `crm` and 2 more to refuse: the protocol's own methods and ";
        assert!(notes[0].message.contains(named), "{notes:?}");
        let undecided = &built.bundle.manifest.targets[0].undecided;
        assert_eq!(undecided.len(), 2, "{undecided:?}");
        assert_eq!(undecided[0].servers, undecided[1].servers);
        assert_eq!(undecided[0].servers, ["a", "b", "c", "crm", "d", "pay"]);
    }

    const KEYS: &str = "messages with keys in another case, such as `Method`";

    /// The messages of one target, and what its manifest says, with the number of cells.
    fn said(target: &str, settings: &str, hidden: &str) -> (Vec<String>, Vec<u64>) {
        let target = TargetId::named(target).unwrap().target();
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
    fn servers_with_the_same_reasons_have_one_note_that_says_what_is_left_to_them() {
        let (notes, cells) = said("ai-gateway", "", "\u{1}");
        assert_eq!(
            notes,
            [
                format!(
                    "target `ai-gateway` leaves to server `crm` to refuse: the protocol's own methods, 2 resources, one prompt and {KEYS}"
                ),
                format!("target `ai-gateway` leaves to server `pay` to refuse: the protocol's own methods and {KEYS}"),
            ]
        );
        assert!(!cells.is_empty());
        let (notes, _) = said("toolhive", "", "\u{1}");
        assert_eq!(
            notes,
            [format!(
                "target `toolhive` leaves to servers `crm` and `pay` to refuse: the protocol's own methods and {KEYS}"
            )]
        );
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
        let (notes, _) = said("istio", "targets: {istio: {verified_headers: true}}\n", hidden);
        assert_eq!(notes, [format!("target `istio` leaves to servers `crm` and `pay` to refuse: {KEYS}")]);
    }
}
