//! What holds for every target; and, for the tests of each, workspaces from text.

pub(crate) mod absence;
mod added;
mod audience;
pub(crate) mod last;
pub(crate) mod lines;
mod methods;
pub(crate) mod mutations;
mod random;
mod scopes;

use super::*;
use crate::analysis::{Judged, analyse};
use crate::build::{BuildError, Built, build};
use crate::checks::CheckedModel;
use crate::families::FamilyId;
use crate::policy::visibility::{Stricter, View};
use crate::source::Loc;
use crate::targets::access::cedar;
use crate::workspace::{InputFile, Skipped, Workspace};

/// The analysis of a workspace. Files are separated by lines `# file: NAME`; text before the first is `mcpctl.yaml`.
fn analysed(text: &str) -> crate::analysis::Analysis {
    let mut files: Vec<(String, String)> = vec![("mcpctl.yaml".to_owned(), String::new())];
    for line in text.lines() {
        match line.strip_prefix("# file: ") {
            Some(name) => files.push((name.trim().to_owned(), String::new())),
            None => files.last_mut().unwrap().1.push_str(&format!("{line}\n")),
        }
    }
    let (others, files): (Vec<_>, Vec<_>) = files.into_iter().partition(|(name, _)| name.ends_with(".json"));
    let mut files = files.into_iter().map(|(name, text)| InputFile { name, bytes: Ok(text.into_bytes()) });
    let settings = files.next().filter(|file| file.bytes.as_ref().is_ok_and(|bytes| !bytes.is_empty()));
    let workspace = Workspace { root: "/".into(), files: files.collect(), settings, skipped: Skipped::default() };
    let mut analysis = analyse(workspace, None);
    crate::analysis::keys::attach(&mut analysis, &|wanted| {
        let found = others.iter().find(|(name, _)| name == wanted);
        found.map(|(_, text)| text.clone().into_bytes()).ok_or_else(|| std::io::ErrorKind::NotFound.into())
    });
    crate::analysis::schemas::attach(&mut analysis);
    analysis
}

/// The checks that find something in a workspace, once for each finding.
pub(crate) fn findings(text: &str) -> Vec<String> {
    analysed(text).report().diagnostics.iter().map(|found| found.rule.name.to_owned()).collect()
}

/// The files of a workspace, checked.
///
/// # Panics
/// Where there is a finding of level error.
pub(crate) fn checked(text: &str) -> (CheckedModel, Sources) {
    let analysis = analysed(text);
    let findings: Vec<String> =
        analysis.report().diagnostics.iter().map(|found| format!("{}: {}", found.rule.name, found.message)).collect();
    let Judged { sources, checked, .. } = analysis.judged();
    (checked.unwrap_or_else(|_| panic!("the workspace has errors: {findings:#?}")), sources)
}

/// The verified bundle of one target for a workspace from text.
///
/// # Errors
/// Those of [`build`].
pub(crate) fn built(target: &'static Target, text: &str) -> Result<Built, Vec<BuildError>> {
    let (checked, sources) = checked(text);
    build(&checked, &sources, &[target], "sha256:0")
}

#[test]
fn targets_are_sorted_and_documented() {
    assert!(TARGETS.is_sorted_by_key(|target| target.name()));
    for (target, id) in TARGETS.iter().zip(TargetId::ALL) {
        assert_eq!((target.id, id.target().id, TargetId::named(id.name())), (*id, *id, Some(*id)));
        assert!(!target.doc.is_empty() && !target.summary.is_empty(), "{id}");
    }
    assert_eq!(TargetId::named("unheard-of"), None);
}

#[test]
fn no_family_is_forgotten() {
    for target in TARGETS {
        let mut model = Model::default();
        for family in families_for_products() {
            let listed = target.covers.iter().filter(|covers| covers.family == *family).count();
            assert!(listed < 2, "{} lists {} twice", target.name(), family.name());
            model.keys.insert(family.key(), [("no_such_key".to_owned(), Loc::default())].into());
        }
        let left: Vec<FamilyId> = not_expressed(target, &model).iter().map(|found| found.family).collect();
        for family in families_for_products() {
            let all = matches!(target.covers(*family), Some(Coverage::Full));
            assert_ne!(all, left.contains(family), "{} and {}", target.name(), family.name());
            assert!(all || !target.leaves(*family).unwrap().is_empty());
        }
        assert!(target.covers(FamilyId::Waivers).is_none() && target.covers(FamilyId::PolicyTests).is_none());
    }
}

#[test]
fn the_manifest_names_families_in_use() {
    let mut sources = Sources::new();
    sources.add(crate::source::SourceFile::new("a.yaml", "x\ny\n"));
    let mut model = Model::default();
    model.keys.insert("caching_strategy", [("layers[].ttl".to_owned(), Loc { start: 2, ..Loc::default() })].into());
    model.keys.insert("progressive_auth", [("levels".to_owned(), Loc::default())].into());
    let policy = Policy::default();
    let input = Input { model: &model, policy: &policy, sources: &sources, enforced: None, beside: &[] };
    let entry = entry::entry(&cedar::TARGET, &input, &policy, &View::default(), &Stricter::default());
    let coverage: Vec<_> = entry.coverage.iter().map(|c| (c.family.as_str(), c.coverage.as_str())).collect();
    assert_eq!(coverage, [("progressive_auth", "full"), ("caching_strategy", "none")]);
    assert_eq!(entry.not_expressed.len(), 1);
    assert_eq!((entry.not_expressed[0].key.as_str(), entry.not_expressed[0].at.as_str()), ("layers", "a.yaml:2"));
}

#[test]
fn what_a_proof_rests_on_and_what_is_assumed_is_in_the_manifest() {
    let settings = "targets: {cedar: {}}\n# file: all.yaml\nmcp_registry:\n  servers: [{name: a, tools: [{name: t}]}]\n  \
                    agents: [{name: agent, subject: agent, may_call: [a/t]}]\n";
    let built = built(&cedar::TARGET, settings).unwrap();
    let target = &built.bundle.manifest.targets[0];
    assert_eq!((target.proof.rests_on.as_str(), target.assumed.len(), target.stricter.len()), ("ENGINE", 0, 0));
}

#[test]
fn facts_with_the_same_evidence_are_one() {
    let text = "
targets: {agentcore: {gateway_arn: 'arn:aws:bedrock-agentcore:us-west-2:123456789012:gateway/g'}}
# file: all.yaml
identity:
  issuer: https://idp.example
  audiences: [mcp]
  jwks: https://idp.example/keys
  trust_domain: example.org
  requirements: {strong: {claim: amr, contains: mfa}}
data_routing: {classifications: [{level: public, mcp_servers: [a]}]}
progressive_auth: {levels: [{level: 1, requirements: [service_account_token]}]}
mcp_registry:
  central_gateway: https://mcp.example.com
  servers:
    - {name: a, url: 'https://a.example/mcp', tools: [{name: t, requires: [mfa]}, {name: u, requires: [strong]}]}
  agents: [{name: x, subject: x, may_call: ['a/*']}]
";
    for target in TARGETS.iter().filter(|target| target.decides().is_some()) {
        built(target, text).unwrap_or_else(|errors| panic!("{}: {errors:#?}", target.name()));
    }
}
