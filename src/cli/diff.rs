//! `mcpctl diff`.

mod annotations;
mod budget;
mod cedar_changes;
mod errors;
mod html;
mod json;
mod line;
mod lines;
mod markdown;
mod outcome;
mod phrases;
mod proved;
mod results;
mod rules;
mod short;
mod side;
mod view;

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::load::{self, Shown};
use super::solver::Proofs;
use super::{Exit, Outcome, Session, formats, refusal, today};
use crate::render::{self, Format, counted};
use crate::review::diff;
use crate::review::excuse::Rules;
use crate::review::gate;
use crate::review::objects;
use crate::review::rollout::{self, Deployed, Rollout};
use side::{Read, Version};
use view::View;

const EXAMPLES: &str = "\
Examples:
  mcpctl diff main                        the working tree against a branch
  mcpctl diff main --deny widening        fail where the change opens anything
  mcpctl diff main --deny operation       fail where operation loses something
  mcpctl diff main --format markdown      a comment for the pull request
  mcpctl diff old-folder new-folder       two folders
  mcpctl diff v1.2 v1.3 -C fleet          two revisions of the folder fleet
  mcpctl diff bundle .                    what is deployed against the workspace
  mcpctl diff old new --format prune      the Kubernetes objects that new no longer has
  mcpctl diff old new --format prune --cluster retail
                                          those of one cluster, where there are several

Every pair of a principal and a tool, resource, prompt or protocol is compared,
and so is what gives the facts their meaning. The gate reads its rules (`review`
of mcpctl.yaml) from BASE: a change cannot excuse itself.

Exit codes: 0 nothing that --deny names, 1 something, 2 HEAD has errors, or could not compare.";

/// Shows how a change widens and narrows access.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DiffCommand {
    /// What to compare with: a folder, a compiled bundle, or a git revision such as main or HEAD~1
    #[arg(value_name = "BASE")]
    pub base: String,
    /// What is judged: a folder, a compiled bundle, or a git revision; the working tree by default
    #[arg(value_name = "HEAD", default_value = ".")]
    pub head: String,
    /// What makes the exit code 1, one or more: widening (an access or a trust that opens, beyond the budget and waivers of
    /// BASE), operation (capacity, protection or visibility that is taken away) or any (whatever changes)
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',', hide_possible_values = true)]
    pub deny: Vec<Deny>,
    /// A file with the keys of `review` to judge by instead, read from BASE: its path in the workspace, or a full path
    /// outside of it
    #[arg(long, value_name = "FILE")]
    pub budget: Option<PathBuf>,
    /// Do not compile both sides to say which files of which target change, nor prove the files of bundles again
    #[arg(long)]
    pub no_artifacts: bool,
    /// With `--format prune`: the cluster that objects are removed from, by its gateway (`central`, or a unit); several, where
    /// they are one cluster
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub cluster: Vec<String>,
    /// The date that waivers are judged by, YYYY-MM-DD; today in UTC by default
    #[arg(long, value_name = "DATE", value_parser = today::parse)]
    pub today: Option<String>,
    /// For hand-written Cedar.
    #[command(flatten)]
    pub proofs: Proofs,
}

/// What fails a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Deny {
    /// Something opens
    Widening,
    /// Operation loses something
    Operation,
    /// Something changes
    Any,
}

impl DiffCommand {
    /// Runs it.
    ///
    /// # Errors
    /// Where a side cannot be read, or the two cannot be compared.
    pub fn run(&self, session: &mut Session<'_>) -> Outcome {
        let places = [self.place(&self.base, session)?, self.place(&self.head, session)?];
        let places = [&places[0], &places[1]];
        session.globals.environment = self.environment(places, session)?;
        let folder = self.folder(places, session);
        let folder = folder.as_deref();
        let base = self.analyse(places[0], folder, session)?;
        let head = self.analyse(places[1], folder, session)?;
        let mut cautions: Vec<String> = self.caution(&base).into_iter().collect();
        for (what, place, read) in [(&self.base, places[0], &base), (&self.head, places[1], &head)] {
            cautions.extend(self.proved(what, place, read, session)?);
        }
        let budget = self.budget_file(places, &base, session)?;
        let today = self.today.clone().unwrap_or_else(today::today);
        let (gate, gate_sources) = match &budget {
            Some(budget) => (&budget.base, &budget.sources),
            None => (&base.side().model.gate, &base.sources),
        };
        cautions.extend(budget.as_ref().and_then(|budget| budget.caution.clone()));
        let own = budget.as_ref().map(|budget| &budget.head);
        let head_gate = own.unwrap_or(&head.side().model.gate);
        let mut refused = None;
        let mut solver = || match self.proofs.solver(session) {
            Ok(solver) => solver,
            Err(error) => {
                refused = Some(error);
                None
            }
        };
        let found = diff::diff(base.reviewed(gate), head.reviewed(head_gate), Some(&today), &mut solver);
        if let Some(error) = refused {
            return Err(error);
        }
        let mut found = match found {
            Ok(found) => found,
            // What is wrong with the head may be why.
            Err(_) if head.checked.is_err() => return self.refuse(&head, session),
            Err(error) => return Err(vec![miette::Report::new(error)]),
        };
        let mut head_errors = head.errors();
        if head_errors > 0 {
            let what = if self.head == "." { "the working tree" } else { &self.head };
            cautions.push(format!("`{what}` has errors: what it means is compared as far as it was read"));
        }
        let mut new_errors = errors::new(&base, &head);
        let others = environments(&base, &head, session);
        if !others.is_empty() && places.iter().any(|place| place.bundle().is_some()) {
            let names = others.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            cautions.push(format!("a bundle is of one environment, so what {names} would trust is not compared"));
        } else {
            let known = new_errors.clone();
            for name in others {
                session.globals.environment = Some(name.clone());
                let both = places.map(|place| self.analyse(place, folder, session));
                session.globals.environment = None;
                let [before, after] = both;
                let (before, after) = (before?, after?);
                head_errors = head_errors.max(after.errors());
                let more = errors::new(&before, &after);
                new_errors.extend(more.into_iter().filter(|fault| !known.contains(fault)));
                diff::add_environment(
                    &mut found,
                    &name,
                    before.reviewed(gate),
                    after.reviewed(head_gate),
                    Some(&today),
                );
            }
        }
        let rules = Rules { gate, today: Some(&today) };
        let verdict = gate::judge(&found, rules, base.side(), head.side());
        let rollout = self.rollout((places[0], &base), (places[1], &head))?;
        let gone = rollout.as_ref().map(|rollout| rollout.clusters.gone()).unwrap_or_default();
        let pruned = match &rollout {
            Some(rollout) if session.globals.writes(Format::Prune) => self.pruned(&rollout.clusters)?,
            None if session.globals.writes(Format::Prune) => return Err(self.nothing_to_prune().into()),
            Some(_) | None => Vec::new(),
        };
        let view = View {
            base: &self.base,
            head: if self.head == "." { "the working tree" } else { &self.head },
            sides: [&base.sources, &head.sources],
            diff: &found,
            artifacts: rollout.as_ref().map(|rollout| rollout.files.as_slice()),
            removed: &gone,
            base_errors: base.errors(),
            cautions: &cautions,
            gate: (gate, gate_sources),
            verdict: &verdict,
            deny: &self.deny,
            judged: self.deny.contains(&Deny::Widening),
            require_proof: self.proofs.require_proof,
            head_errors,
            new_errors: &new_errors,
        };
        let color = session.out.color();
        let docs_url = load::docs_url(head.settings.docs_url.as_deref());
        write(session.globals.format, &view, (&pruned, docs_url, color), &mut session.out).map_err(refusal::stdout)?;
        session.out.flush().map_err(refusal::stdout)?;
        for (format, file) in &session.globals.files {
            let (file, mut text) = (session.globals.at(file), Vec::new());
            write(*format, &view, (&pruned, docs_url, false), &mut text)
                .map_err(|error| refusal::Refusal::write(&file, error))?;
            formats::write_file(&file, &text)?;
        }
        session.say(&view.summary())?;
        for answer in view.answers().iter().filter(|answer| answer.asked) {
            session.say(&answer.text)?;
        }
        Ok(view.exit())
    }

    /// That the base has errors, where it has.
    fn caution(&self, base: &Read) -> Option<String> {
        let errors = base.errors();
        let said = || {
            let errors = counted(errors, "error");
            format!(
                "`{}` has {errors}: no bundle was compiled from it, and what it means is compared as far as it was read",
                self.base
            )
        };
        (errors > 0).then(said)
    }

    /// Too little of a head with errors could be read to compare it.
    fn refuse(&self, head: &Read, session: &mut Session<'_>) -> Outcome {
        let docs_url = head.settings.docs_url.as_deref();
        let shown = Shown { sources: &head.sources, counts: &head.counts, docs_url };
        load::report(&shown, &head.report, session)?;
        session.say(&format!("`{}` has errors, so it cannot be compared", self.head))?;
        Ok(Exit::Failed)
    }

    /// Why it is not known what disappears.
    fn nothing_to_prune(&self) -> refusal::Refusal {
        let message = format!(
            "what disappears between `{}` and `{}` is not known: a side was not compiled",
            self.base, self.head
        );
        let help = "leave `--no-artifacts` out, and compare bundles, or workspaces without errors".to_owned();
        refusal::Refusal::Usage { message, help }
    }

    /// The objects to remove from the clusters that are named, or from the only one.
    fn pruned(&self, clusters: &objects::Clusters) -> Result<Vec<objects::Object>, refusal::Refusal> {
        let known: Vec<&str> = clusters.names().collect();
        let listed = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        if let Some(unknown) = self.cluster.iter().find(|name| !known.contains(&name.as_str())) {
            let message = format!("there is no cluster `{unknown}` in `{}` or `{}`", self.base, self.head);
            return Err(refusal::Refusal::Usage { message, help: format!("the clusters are {listed}") });
        }
        if self.cluster.is_empty() && known.len() > 1 {
            let message = format!("the objects are in several clusters: {listed}");
            let help =
                "name the one of your `kubectl` with `--cluster NAME`, or several that are one cluster".to_owned();
            return Err(refusal::Refusal::Usage { message, help });
        }
        let named: Vec<&str> = self.cluster.iter().map(String::as_str).collect();
        Ok(clusters.removed(if named.is_empty() { &known } else { &named }))
    }

    fn rollout(
        &self,
        base: (&Version, &Read),
        head: (&Version, &Read),
    ) -> Result<Option<Rollout>, Vec<miette::Report>> {
        if self.no_artifacts {
            return Ok(None);
        }
        let (Some(before), Some(after)) = (deployed(base.0, base.1), deployed(head.0, head.1)) else { return Ok(None) };
        let found = rollout::rollout(before, after);
        found.map(Some).map_err(|errors| errors.into_iter().map(miette::Report::new).collect())
    }
}

/// Writes a comparison in a format.
fn write(
    format: Format,
    view: &View<'_>,
    (pruned, docs_url, color): (&[objects::Object], Option<&str>, bool),
    out: &mut dyn Write,
) -> std::io::Result<()> {
    match format {
        Format::Human => lines::human(view, color, out),
        Format::Short => short::write(view, out),
        Format::Github => annotations::write(view, out),
        Format::Json => json::write(view, out),
        Format::Markdown => markdown::write(view, out),
        Format::Html => html::write(view, out),
        Format::Prune => prune(pruned, out),
        Format::Jsonl | Format::Sarif | Format::Gitlab | Format::Junit | Format::Rdjson | Format::Azure => {
            let found = results::found(view);
            let accepted = results::suppressions(view, &found);
            let entries: Vec<_> = found.iter().zip(&accepted).map(|(one, by)| one.entry(view, by.as_ref())).collect();
            render::write_entries(format, docs_url, &entries, out)
        }
    }
}

/// The objects that disappear, as one document that `kubectl delete -f -` reads.
fn prune(removed: &[objects::Object], out: &mut dyn Write) -> std::io::Result<()> {
    let text = serde_yaml::to_string(&objects::list(removed)).map_err(std::io::Error::other)?;
    out.write_all(text.as_bytes())
}

/// What a side deploys; `None` where a bundle could not be compiled from it.
fn deployed<'a>(place: &'a Version, read: &'a Read) -> Option<Deployed<'a>> {
    match (place.bundle(), &read.checked) {
        (Some(bundle), _) => Some(Deployed::Bundle(bundle)),
        (None, Ok(checked)) => Some(Deployed::Workspace(checked, &read.sources)),
        (None, Err(_)) => None,
    }
}

/// The environments that both sides declare, where none was chosen: their addresses are trusted, too.
fn environments(base: &Read, head: &Read, session: &Session<'_>) -> Vec<String> {
    if session.globals.environment.is_some() {
        return Vec::new();
    }
    let names = base.settings.environments.keys();
    names.filter(|name| head.settings.environments.contains_key(*name)).cloned().collect()
}

/// `3 cells` or `no cell`.
fn cells(count: usize) -> String {
    if count == 0 { "no cell".to_owned() } else { counted(count, "cell") }
}
