//! `mcpctl graph`.

mod svg;

use std::collections::BTreeSet;
use std::io::Write;

use clap::{Args, ValueEnum};

use self::svg::svg;
use super::ask::{answerable, principal};
use super::load::Source;
use super::refusal::{self, Refusal};
use super::{Exit, Outcome, Session};
use crate::render::AnswerFormat;
use crate::render::{counted, page};
use crate::review::graph::access::{Access, access};
use crate::review::graph::dependents::dependents;
use crate::review::graph::fleet::fleet;
use crate::review::graph::flow::flow;
use crate::review::graph::reach::reach;
use crate::review::graph::write::{Language, write};

const EXAMPLES: &str = "\
Examples:
  mcpctl graph fleet                                   gateways and the servers behind them
  mcpctl graph dependents fleet --as dot | dot -Tsvg   what stops where a server stops
  mcpctl graph flow --of saga:order_processing         the steps of one flow
  mcpctl graph reach --of support_agent                what one principal may use, and what each call needs
  mcpctl graph fleet --as svg > fleet.svg              a picture that needs no other program
  mcpctl graph access --as html > access.html          one page to search: who reaches what, and how

The text is for Mermaid, which GitHub and GitLab draw in Markdown, or for Graphviz.
Exit codes: 0 drawn, 2 could not say.";

/// Draws a part of a workspace.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Graph {
    /// What to draw: fleet, dependents, flow, reach, or access
    #[arg(value_enum, value_name = "PICTURE", hide_possible_values = true)]
    pub picture: Picture,
    /// The flow (`workflow:NAME`, `saga:NAME`, `processor:NAME`) or the principal that is drawn
    #[arg(long, value_name = "NAME", required_if_eq_any([("picture", "flow"), ("picture", "reach")]))]
    pub of: Option<String>,
    /// The language: mermaid, dot (Graphviz), svg, or html (a page that searches access, with the picture); with --format json, nodes
    /// and edges as data
    #[arg(long = "as", value_enum, default_value_t, value_name = "LANGUAGE", hide_possible_values = true)]
    pub language: Drawn,
    /// What to read.
    #[command(flatten)]
    pub source: Source,
}

/// What can be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Picture {
    /// Gateways, and the servers behind them
    Fleet,
    /// Pools, servers, flows and agents: what stops where a server stops
    Dependents,
    /// The steps of one flow
    Flow,
    /// What one principal may use
    Reach,
    /// Who may use which server
    Access,
}

/// The language of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Drawn {
    /// Mermaid's flowcharts
    #[default]
    Mermaid,
    /// Graphviz
    Dot,
    /// A picture for browsers and documents
    Svg,
    /// A page that searches access
    Html,
}

impl Graph {
    /// Runs it.
    ///
    /// # Errors
    /// Where the workspace cannot be read or has errors, where a name is unknown, and where `--of` is given for a picture of everything.
    pub fn run(&self, session: &mut Session<'_>) -> Outcome {
        let loaded = answerable(&self.source, session)?;
        let (model, policy) = (loaded.analysis.model(), loaded.analysis.policy());
        let of = self.of.as_deref().unwrap_or_default();
        let graph = match self.picture {
            Picture::Fleet | Picture::Dependents | Picture::Access if self.of.is_some() => {
                let message = "`--of` names a flow or a principal, and this picture shows everything".to_owned();
                return Err(Refusal::Usage { message, help: "leave it out, or draw `flow` or `reach`".into() }.into());
            }
            Picture::Fleet => fleet(model, policy),
            Picture::Access => access(model, loaded.analysis.whole()).graph(),
            Picture::Dependents => dependents(model, policy),
            Picture::Flow => {
                let found = model.flows.values().find(|flow| flow.id.value.to_string() == of);
                flow(found.ok_or_else(|| {
                    let names: Vec<String> = model.flows.keys().map(ToString::to_string).collect();
                    let otherwise = "`mcpctl list principals` lists them";
                    Refusal::unknown("flow", of, names.iter().map(String::as_str), otherwise)
                })?)
            }
            Picture::Reach => reach(loaded.analysis.whole(), principal(policy, of)?),
        };
        if graph.is_empty() {
            session.say("nothing to draw")?;
        }
        if self.language == Drawn::Html && session.globals.format.of_answers() != AnswerFormat::Json {
            let access = access(model, loaded.analysis.whole());
            let data = serde_json::to_string(&access).map_err(|cause| refusal::stdout(cause.into()))?;
            let page = page::explorer("Who may use what", &summary(&access), &data, &svg(&graph));
            write!(session.out, "{page}").map_err(refusal::stdout)?;
            return Ok(Exit::Clean);
        }
        let language = match (session.globals.format.of_answers(), self.language) {
            (AnswerFormat::Json, _) => Language::Json,
            (AnswerFormat::Human | AnswerFormat::Short, Drawn::Mermaid) => Language::Mermaid,
            (AnswerFormat::Human | AnswerFormat::Short, Drawn::Dot) => Language::Dot,
            (AnswerFormat::Human | AnswerFormat::Short, Drawn::Svg | Drawn::Html) => {
                write!(session.out, "{}", svg(&graph)).map_err(refusal::stdout)?;
                return Ok(Exit::Clean);
            }
        };
        write!(session.out, "{}", write(&graph, language)).map_err(refusal::stdout)?;
        Ok(Exit::Clean)
    }
}

/// How much there is, in words.
fn summary(access: &Access) -> String {
    let of_rule = |[_, server, names, _]: &[usize; 4]| {
        let server = *server;
        access.names.get(*names).into_iter().flatten().map(move |name| (server, name.as_str()))
    };
    let used: BTreeSet<(usize, &str)> = access.rules.iter().flat_map(of_rule).collect();
    let (principals, servers) =
        (counted(access.principals.len(), "principal"), counted(access.servers.len(), "server"));
    format!("{principals} and {servers}; {} of the tools, resources and prompts can be used.", used.len())
}
