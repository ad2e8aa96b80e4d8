//! Every name that a file declares or uses, with its place: the table of [`super::places`] applied to the file's documents.

use std::ops::Range;

use super::places::{self, Holds, Kind, Part, Place, Role, SETTINGS, Spot};
use crate::families::FamilyId;
use crate::settings;
use crate::source::yaml::{self, NodeId, Tree};
use crate::source::{FileId, Loc, SourceFile};

/// A name where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// What it names.
    pub kind: Kind,
    /// Whether it is declared or used here.
    pub role: Role,
    /// The name.
    pub name: String,
    /// What it is within: the servers of a tool, one of which has it, or the flow of a step. Empty for names that are known
    /// everywhere, and where that is not written.
    pub within: Vec<String>,
    /// The bytes of the name, without quotes.
    pub range: Range<usize>,
    /// The bytes of what it is the name of: the element of a list, or the section.
    pub item: Range<usize>,
    /// Whether the bytes are the name letter for letter.
    pub exact: bool,
}

impl Mention {
    /// Whether both may be the same thing.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let open = self.within.is_empty() || other.within.is_empty();
        self.kind == other.kind
            && self.name == other.name
            && (open || self.within.iter().any(|one| other.within.contains(one)))
    }

    /// Whether the cursor is at it.
    #[must_use]
    pub fn is_at(&self, offset: usize) -> bool {
        (self.range.start..=self.range.end).contains(&offset)
    }
}

/// Every name of a file, in order.
#[must_use]
pub fn mentions(file: &SourceFile) -> Vec<Mention> {
    let tree = yaml::parse(FileId(0), file, &mut Vec::new());
    let mut walk = Walk { text: file.text(), tree: &tree, path: Vec::new(), nodes: Vec::new(), found: Vec::new() };
    for document in tree.documents() {
        if file.name() == settings::FILE_NAME {
            walk.section(SETTINGS, *document, tree.range((*document, *document)));
            continue;
        }
        for (key, body) in tree.written(*document) {
            if let Some(family) = FamilyId::of_key(tree.text(key)) {
                walk.section(family.key(), body, tree.range((key, body)));
            }
        }
    }
    let mut found = walk.found;
    found.sort_by_key(|mention| (mention.range.start, mention.range.end, mention.kind));
    found
}

/// Where in a section the walk is.
struct Walk<'t> {
    text: &'t str,
    tree: &'t Tree<'t>,
    path: Vec<Part>,
    /// The nodes on the way: the body, and one for each step.
    nodes: Vec<NodeId>,
    found: Vec<Mention>,
}

impl Walk<'_> {
    fn section(&mut self, family: &'static str, body: NodeId, item: Range<usize>) {
        self.nodes.push(body);
        self.visit(family, body, &item);
        self.nodes.pop();
    }

    fn visit(&mut self, family: &'static str, node: NodeId, item: &Range<usize>) {
        let tree = self.tree;
        if tree.entries(node).is_some() {
            for (key, value) in tree.written(node) {
                self.take(family, key, true, item);
                self.go(family, Part::Key(tree.text(key).to_owned()), value, item);
            }
        } else if tree.elements(node).is_some() {
            for (element, _) in tree.written(node) {
                self.go(family, Part::Element, element, &tree.range((element, element)));
            }
        } else {
            self.take(family, node, false, item);
        }
    }

    fn go(&mut self, family: &'static str, part: Part, node: NodeId, item: &Range<usize>) {
        self.path.push(part);
        self.nodes.push(node);
        self.visit(family, node, item);
        self.nodes.pop();
        self.path.pop();
    }

    /// Takes the names of a scalar, if it holds any.
    fn take(&mut self, family: &'static str, node: NodeId, is_key: bool, item: &Range<usize>) {
        let rows: Vec<&Place> = places::at(Spot { family, path: &self.path, is_key }).collect();
        // An alias is only another name for a text elsewhere.
        if rows.is_empty() || self.tree.scalar(node).is_none() || self.tree.target(node) != node {
            return;
        }
        let name = self.tree.text(node).to_owned();
        let (range, exact) = self.inner(node, &name);
        for row in rows {
            let whole = Mention {
                kind: Kind::Entry,
                role: row.role,
                name: name.clone(),
                within: self.within(row),
                range: range.clone(),
                item: item.clone(),
                exact,
            };
            match row.holds {
                Holds::Name(kind) => self.found.push(Mention { kind, ..whole }),
                Holds::Call => self.found.extend(call(&whole)),
                Holds::Principal => self.found.extend(principal(&whole)),
            }
        }
    }

    /// The bytes of a scalar without its quotes, and whether they are its text.
    fn inner(&self, node: NodeId, name: &str) -> (Range<usize>, bool) {
        let Loc { start, end, .. } = self.tree.loc(node);
        let range = start as usize..end as usize;
        let written = self.text.get(range.clone()).unwrap_or_default();
        let quoted = written.len() >= 2 && written.starts_with(['"', '\'']);
        let inner = if quoted { range.start + 1..range.end.saturating_sub(1) } else { range };
        let exact = self.text.get(inner.clone()) == Some(name);
        (inner, exact)
    }

    /// The names that the names of a row are within.
    fn within(&self, row: &Place) -> Vec<String> {
        let Some(&body) = self.nodes.first().filter(|_| !row.of.is_empty()) else { return Vec::new() };
        let mut node = body;
        let mut shared = true;
        let mut own = row.path.split('.');
        for (depth, token) in row.of.split('.').enumerate() {
            shared &= own.next() == Some(token);
            // As long as both paths are the same, the way is the one that was gone.
            node = match (shared.then(|| self.nodes.get(depth + 1)).flatten(), token) {
                (Some(next), _) => *next,
                (None, "[]?") => node,
                (None, token) => match self.tree.get(node, token) {
                    Some((_, value)) => value,
                    None => return Vec::new(),
                },
            };
        }
        let text = |node: &NodeId| self.tree.text(*node).to_owned();
        let names: Vec<String> = match self.tree.elements(node) {
            Some(elements) => elements.iter().map(text).collect(),
            None => vec![text(&node)],
        };
        let names = names.into_iter().filter(|name| !name.is_empty());
        match row.holds {
            Holds::Name(Kind::Step) => names.map(|name| flow(row.family, &name)).collect(),
            Holds::Name(_) | Holds::Call | Holds::Principal => names.collect(),
        }
    }
}

/// A flow by its family and name, as principals are written.
fn flow(family: &str, name: &str) -> String {
    let kind = match family {
        "workflow_definition" => Kind::Workflow,
        "saga_definition" => Kind::Saga,
        _ => Kind::Processor,
    };
    format!("{}:{name}", kind.word())
}

/// A part of a text that is a name of its own.
fn part(whole: &Mention, kind: Kind, range: Range<usize>) -> Option<Mention> {
    let name = whole.name.get(range.clone()).filter(|name| !name.is_empty() && !name.contains('*'))?;
    let start = whole.range.start;
    let range = if whole.exact { start + range.start..start + range.end } else { whole.range.clone() };
    Some(Mention { kind, name: name.to_owned(), within: Vec::new(), range, ..whole.clone() })
}

/// The names of `server/tool`, `server/prompt:NAME`, `server/resource:URI` and `server/*`.
fn call(whole: &Mention) -> Vec<Mention> {
    let end = whole.name.len();
    let Some(slash) = whole.name.find('/') else { return part(whole, Kind::Server, 0..end).into_iter().collect() };
    let server = whole.name.get(..slash).unwrap_or_default();
    let thing = whole.name.get(slash + 1..).unwrap_or_default();
    let (kind, prefix) = [(Kind::Prompt, "prompt:"), (Kind::Resource, "resource:")]
        .into_iter()
        .find(|(_, prefix)| thing.starts_with(prefix))
        .unwrap_or((Kind::Tool, ""));
    let thing = part(whole, kind, slash + 1 + prefix.len()..end);
    let thing = thing.map(|thing| Mention { within: vec![server.to_owned()], ..thing });
    part(whole, Kind::Server, 0..slash).into_iter().chain(thing).collect()
}

/// The names of an agent, of `workflow:NAME` and its like, and of `any_agent@UNIT`.
fn principal(whole: &Mention) -> Option<Mention> {
    let end = whole.name.len();
    if let Some(unit) = whole.name.strip_prefix("any_agent@") {
        return part(whole, Kind::Unit, end - unit.len()..end);
    }
    let flow = [Kind::Workflow, Kind::Saga, Kind::Processor].into_iter().find_map(|kind| {
        let name = whole.name.strip_prefix(kind.word())?.strip_prefix(':')?;
        Some((kind, end - name.len()))
    });
    match flow {
        Some((kind, start)) => part(whole, kind, start..end),
        None if whole.name == "any_agent" => None,
        None => part(whole, Kind::Agent, 0..end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let file = SourceFile::new("a.yaml", text);
        let show = |mention: &Mention| {
            let role = if mention.role == Role::Definition { "=" } else { "" };
            let within = mention.within.join(",");
            assert!(mention.exact && text.get(mention.range.clone()) == Some(mention.name.as_str()));
            format!("{}{role} {} {within}", mention.kind.word(), mention.name).trim_end().to_owned()
        };
        mentions(&file).iter().map(show).collect()
    }

    #[test]
    fn tools_are_of_the_server_beside_them() {
        let text = "mcp_registry:\n  servers:\n    - tools: [{name: 'get'}]\n      name: \"crm\"\n  agents:\n    - name: a\n      may_call:\n        - crm/get\n        - {tools: crm/*}\n        - crm/prompt:p\n";
        let expected = [
            "tool= get crm",
            "server= crm",
            "agent= a",
            "server crm",
            "tool get crm",
            "server crm",
            "server crm",
            "prompt p crm",
        ];
        assert_eq!(shown(text), expected);
    }

    #[test]
    fn steps_are_of_their_flow_and_processors_are_steps() {
        let text = "saga_definition:\n  name: s\n  steps:\n    - {name: one, mcp_server: crm, action: get}\n---\nevent_driven_config:\n  event_processors:\n    - name: p\n      triggers_mcp: [a, b]\n      tools: [t]\n";
        let expected = [
            "saga= s",
            "step= one saga:s",
            "server crm",
            "tool get crm",
            "processor= p",
            "step= p processor:p",
            "server a",
            "server b",
            "tool t a,b",
        ];
        assert_eq!(shown(text), expected);
    }

    #[test]
    fn principals_and_keys_are_names_too() {
        let text = "policy_tests:\n  - name: t\n    principal: ['workflow:w', any_agent@u, any_agent, a, 'b*']\n    with: [[mfa], [x]]\nidentity:\n  requirements:\n    mfa: {claim: c}\n";
        assert_eq!(shown(text), ["entry= t", "workflow w", "unit u", "agent a", "fact mfa", "fact x", "fact= mfa"]);
    }
}
