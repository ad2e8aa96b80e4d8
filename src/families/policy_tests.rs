//! `policy_tests`, our own family: what should be allowed and denied.

use super::text::words;
use crate::lower::{At, Lowering};
use crate::model::assurance::PolicyTest;
use crate::model::name::FactName;
use crate::source::Spanned;

/// Statements about access: this caller, with these facts, may or may not call this tool. May stand many times; the
/// names must be unique.
#[derive(Debug, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct PolicyTests(Vec<TestSection>);

/// A test.
#[derive(Debug, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct TestSection {
    /// What it states, unique.
    #[cfg_attr(test, schemars(length(min = 1)))]
    name: Spanned<String>,
    /// Who calls: an agent, `workflow:name`, `saga:name`, `processor:name`, or `any_agent@unit`.
    #[cfg_attr(test, schemars(length(min = 1)))]
    principal: Spanned<String>,
    /// The tool, as `server/tool`.
    #[cfg_attr(test, schemars(extend("pattern" = "^[A-Za-z0-9_.-]+/[^*]+$")))]
    call: Spanned<String>,
    /// All facts of the request. Nothing is implied but `tls` by `mtls`.
    #[serde(default)]
    with: Vec<Spanned<FactName>>,
    /// What should be decided.
    expect: Spanned<ExpectWord>,
    /// For a denial: every minimal set of facts that would turn it into a permission.
    missing: Option<Vec<Vec<Spanned<FactName>>>>,
}

words! {
    /// `expect`.
    enum ExpectWord { Allow = "allow", Deny = "deny", }
}

impl PolicyTests {
    pub(super) fn lower(self, _: &At, out: &mut Lowering) {
        for test in self.0 {
            if out.declare("policy test", &test.name.value, test.name.loc) {
                out.model.policy_tests.push(PolicyTest {
                    name: test.name,
                    principal: test.principal,
                    call: test.call,
                    with: test.with,
                    allow: test.expect.map(|expect| expect == ExpectWord::Allow),
                    missing: test.missing,
                });
            }
        }
    }
}
