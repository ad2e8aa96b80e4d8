//! `mcpctl can`, `who-can` and `what-can`: questions to the access relation.

use clap::Args;

use super::load::{Loaded, Source};
use super::refusal::Refusal;
use super::solver::Choice;
use super::{Exit, Outcome, Session};
use crate::analysis::rules::EXPIRED_WAIVER;
use crate::checks::failing_policy_test;
use crate::diagnostic::Severity;
use crate::model::name::FactName;
use crate::policy::whole::Solved;
use crate::policy::{ObjectIx, Policy, PrincipalIx};
use crate::render::counted;
use crate::review::decide::{Groups, decide, is_allowed, what_can, who_can};
use crate::review::naming::{self, Unknown};
use crate::workspace::Wanted;

mod answer;
mod groups;
pub(super) mod handwritten;

const CAN: &str = "\
Examples:
  mcpctl can workflow:onboarding crm/create_account             what the call needs
  mcpctl can agent crm/create_account --with mfa,mtls fleet     a request with these facts, and no others
  mcpctl can agent crm                                          the protocol's own methods of a server
  mcpctl can agent crm/resource:crm://customer/42               a resource; crm/prompt:NAME is a prompt

Exit codes: 0 allowed, 1 denied, 2 could not say. Without --with the request has no facts.";

const WHO: &str = "\
Examples:
  mcpctl who-can payment_server/charge_card                who is granted it, and what each needs
  mcpctl who-can payment_server/charge_card --with mfa     who lacks what, with these facts

Exit codes: 0 somebody can, 1 nobody can or an answer is UNKNOWN, 2 could not say. Without --with it counts who can with some facts.";

const WHAT: &str = "\
Examples:
  mcpctl what-can workflow:onboarding                 everything that it is granted, and what that needs
  mcpctl what-can workflow:onboarding --with mtls     what it lacks for each, with these facts

Exit codes: 0 something is allowed, 1 nothing is or an answer is UNKNOWN, 2 could not say. Without --with it counts what some facts allow.";

/// The facts of a request.
#[derive(Debug, Args)]
pub struct Request {
    /// All facts of the request, with commas between them; nothing is implied but `tls` by `mtls`
    #[arg(long, value_name = "FACT,...", value_delimiter = ',')]
    pub with: Option<Vec<String>>,
}

impl Request {
    /// The facts as a mask; none where none are given.
    fn facts(&self, loaded: &Loaded) -> Result<u64, Vec<miette::Report>> {
        let names = self.with.iter().flatten().map(String::as_str).filter(|name| !name.is_empty());
        let analysis = &loaded.analysis;
        naming::facts(analysis.model(), analysis.policy(), names).map_err(unknown)
    }
}

/// Says whether a principal may call a tool, why, and what it lacks.
#[derive(Debug, Args)]
#[command(after_help = CAN)]
pub struct Can {
    /// Who: an agent, `workflow:NAME`, `saga:NAME`, `processor:NAME`, `any_agent` or `any_agent@UNIT`
    #[arg(value_name = "PRINCIPAL")]
    pub principal: String,
    /// What: `SERVER/TOOL`, `SERVER/resource:URI`, `SERVER/prompt:NAME`, or `SERVER` for the protocol's own methods
    #[arg(value_name = "OBJECT")]
    pub object: String,
    /// With which facts.
    #[command(flatten)]
    pub request: Request,
    /// What to read.
    #[command(flatten)]
    pub source: Source,
}

/// Says who may call a tool, and what each needs.
#[derive(Debug, Args)]
#[command(after_help = WHO)]
pub struct WhoCan {
    /// What: `SERVER/TOOL`, `SERVER/resource:URI`, `SERVER/prompt:NAME`, or `SERVER` for the protocol's own methods
    #[arg(value_name = "OBJECT")]
    pub object: String,
    /// With which facts.
    #[command(flatten)]
    pub request: Request,
    /// Which solver settles what hand-written Cedar leaves open.
    #[command(flatten)]
    pub choice: Choice,
    /// What to read.
    #[command(flatten)]
    pub source: Source,
}

/// Says what a principal may call, and what each call needs.
#[derive(Debug, Args)]
#[command(after_help = WHAT)]
pub struct WhatCan {
    /// Who: an agent, `workflow:NAME`, `saga:NAME`, `processor:NAME`, `any_agent` or `any_agent@UNIT`
    #[arg(value_name = "PRINCIPAL")]
    pub principal: String,
    /// With which facts.
    #[command(flatten)]
    pub request: Request,
    /// Which solver settles what hand-written Cedar leaves open.
    #[command(flatten)]
    pub choice: Choice,
    /// What to read.
    #[command(flatten)]
    pub source: Source,
}

impl Can {
    /// Runs it.
    ///
    /// # Errors
    /// Where the workspace cannot be read or has errors, and where a name is unknown.
    pub fn run(&self, session: &mut Session<'_>) -> Outcome {
        let loaded = answerable(&self.source, session)?;
        let (model, policy) = (loaded.analysis.model(), loaded.analysis.policy());
        let principal = principal(policy, &self.principal)?;
        let objects = naming::objects(policy, &self.object).map_err(unknown)?;
        let facts = self.request.facts(&loaded)?;
        let mut answer = decide(model, policy, principal, &objects, facts);
        let written = handwritten::decide(&loaded.analysis, principal, &objects, facts)?;
        answer.missing = written.as_ref().map_or(answer.missing, |written| written.missing.clone());
        let allowed = written.as_ref().map_or(answer.allowed, |written| written.allowed);
        let exit = if allowed { Exit::Clean } else { Exit::Findings };
        let written = written.as_ref();
        let asked = answer::Asked { analysis: &loaded.analysis, principal, object: &self.object, facts, written };
        answer::show(&asked, &answer, session)?;
        Ok(exit)
    }
}

impl WhoCan {
    /// Runs it.
    ///
    /// # Errors
    /// Where the workspace cannot be read or has errors, and where a name is unknown.
    pub fn run(&self, session: &mut Session<'_>) -> Outcome {
        let loaded = answerable(&self.source, session)?;
        let policy = loaded.analysis.policy();
        let objects = naming::objects(policy, &self.object).map_err(unknown)?;
        let facts = self.request.facts(&loaded)?;
        let oracle = self.choice.oracle(&loaded.analysis, session)?;
        let solved = oracle.as_ref().map(|oracle| |who, what: &[ObjectIx], facts| oracle.missing(who, what, facts));
        let whole = loaded.analysis.whole().solved_by(solved.as_ref().map(|solved| solved as &Solved<'_>));
        let groups = who_can(whole, &objects, facts);
        let exit = exit(self.request.with.is_some(), &groups);
        let why = |principal: &PrincipalIx| {
            objects.iter().find_map(|object| groups::closed(&loaded.analysis, *principal, *object))
        };
        let named = |principal: &PrincipalIx| policy.principal_at(*principal).id.to_string();
        let about = groups::About {
            question: "who-can",
            subject: ("object", &self.object),
            items: "principals",
            with: self.request.with.is_some().then_some(facts),
        };
        groups::show(&about, policy, &groups, &named, &why, session)?;
        handwritten::part(&loaded.analysis, session)?;
        groups::unknown(&groups, session)?;
        Ok(exit)
    }
}

impl WhatCan {
    /// Runs it.
    ///
    /// # Errors
    /// Where the workspace cannot be read or has errors, and where a name is unknown.
    pub fn run(&self, session: &mut Session<'_>) -> Outcome {
        let loaded = answerable(&self.source, session)?;
        let policy = loaded.analysis.policy();
        let principal = principal(policy, &self.principal)?;
        let facts = self.request.facts(&loaded)?;
        let oracle = self.choice.oracle(&loaded.analysis, session)?;
        let solved = oracle.as_ref().map(|oracle| |who, what: &[ObjectIx], facts| oracle.missing(who, what, facts));
        let whole = loaded.analysis.whole().solved_by(solved.as_ref().map(|solved| solved as &Solved<'_>));
        let groups = what_can(whole, principal, facts);
        let exit = exit(self.request.with.is_some(), &groups);
        let why = |object: &_| groups::closed(&loaded.analysis, principal, *object);
        let named = |object: &_| naming::spelled(policy.object_at(*object));
        let about = groups::About {
            question: "what-can",
            subject: ("principal", &self.principal),
            items: "objects",
            with: self.request.with.is_some().then_some(facts),
        };
        groups::show(&about, policy, &groups, &named, &why, session)?;
        handwritten::part(&loaded.analysis, session)?;
        groups::unknown(&groups, session)?;
        Ok(exit)
    }
}

/// A workspace that can be asked: read whole, and without errors. A failing test is not a reason to keep silent: it says what
/// somebody wanted, not what is. Neither is a waiver that has expired: it changes no access.
pub(super) fn answerable(source: &Source, session: &mut Session<'_>) -> Result<Loaded, Vec<miette::Report>> {
    answerable_on(source, None, session)
}

/// The same on a day, by which waivers are judged; today where none is given.
pub(super) fn answerable_on(
    source: &Source,
    day: Option<&str>,
    session: &mut Session<'_>,
) -> Result<Loaded, Vec<miette::Report>> {
    let loaded = source.analyse(None, day, Wanted::None, session)?;
    let analysis = &loaded.analysis;
    let counts = |finding: &&crate::diagnostic::Diagnostic| {
        let silent = [failing_policy_test::CHECK.rule.name, EXPIRED_WAIVER.name];
        finding.severity == Severity::Error && !silent.contains(&finding.rule.name)
    };
    let errors = analysis.report().diagnostics.iter().filter(counts).count();
    let whole = analysis.counts.unreadable == 0 && !analysis.model().unread_files && analysis.model().unread.is_empty();
    if errors == 0 && whole {
        return Ok(loaded);
    }
    let message = if errors == 0 {
        "the workspace could not be read whole, so there is no answer".to_owned()
    } else {
        format!("the workspace has {}, so there is no answer", counted(errors, "error"))
    };
    Err(Refusal::Usage { message, help: "`mcpctl validate` shows what is wrong".into() }.into())
}

pub(super) fn principal(policy: &Policy, name: &str) -> Result<PrincipalIx, Vec<miette::Report>> {
    policy.principal(name).ok_or_else(|| {
        let names: Vec<String> = policy.principals.iter().map(|principal| principal.id.to_string()).collect();
        let otherwise = "`mcpctl list principals` lists them";
        Refusal::unknown("principal", name, names.iter().map(String::as_str), otherwise).into()
    })
}

fn unknown(unknown: Unknown) -> Vec<miette::Report> {
    let otherwise = match unknown.kind {
        "server" => "`mcpctl list servers` lists them",
        "tool" => "`mcpctl list tools` lists them",
        "fact" => "facts are what levels, classes, servers, tools and grants require, and what `identity` describes",
        _ => "the registry's entry of the server lists its resources and prompts",
    };
    let help = unknown.nearest.unwrap_or_else(|| otherwise.to_owned());
    Refusal::Unknown { kind: unknown.kind, name: unknown.name, help }.into()
}

/// Whether anything is allowed: with the facts given, else with any. An answer that is not settled is none.
fn exit<T>(given: bool, groups: &Groups<T>) -> Exit {
    let any = groups.known.keys().any(|missing| if given { is_allowed(missing) } else { !missing.is_empty() });
    if any && groups.unknown.is_empty() { Exit::Clean } else { Exit::Findings }
}

/// The facts of a mask, as written on a command line.
fn listed(policy: &Policy, facts: u64) -> String {
    let names: Vec<&str> = naming::named(policy, facts).into_iter().map(FactName::as_str).collect();
    if names.is_empty() { "no facts".to_owned() } else { names.join(", ") }
}
