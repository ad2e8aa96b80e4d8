//! One line of `requirements`: what shows a fact.

mod claim;
mod written;

use std::collections::BTreeMap;

use super::called::{self, AnswerWord};
use super::declared_issuer;
use super::scalar::{NumberWord, ScalarWord, TrueWord};
use crate::diagnostic::Diagnostic;
use crate::families::decode::OneOrMany;
use crate::families::text::words;
use crate::lower::{Lowering, rules};
use crate::model::access::{ArgumentEvidence, ArgumentTest, Evidence, Issuer, Scalar};
use crate::model::quantity::Duration;
use crate::source::{Loc, Spanned};

words! {
    /// `caller`.
    enum CallerWord { Known = "known", }
}

/// What a piece of evidence and a whole one have in common: all keys but `all`.
macro_rules! pieces {
    ($(#[$meta:meta])* struct $name:ident { $($more:tt)* }) => {
        #[derive(Debug, Clone, serde::Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        $(#[$meta])*
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            /// `known`: the token names a declared principal, or `any_agent` applies.
            caller: Option<Spanned<CallerWord>>,
            /// A token claim: its name, or the path to it. With one of `contains`, `one_of`, `present` and `differs_from`.
            claim: Option<OneOrMany<Spanned<String>>>,
            /// The claim equals this, or is a list with this element: a text, a number, `true` or `false`, each of its own
            /// type. A text may hold `{server}`, `{tool}` and `{unit}`.
            contains: Option<Spanned<ScalarWord>>,
            /// The claim is there and not empty.
            present: Option<Spanned<TrueWord>>,
            /// The claim is present and differs from this other claim (a name, or the path to it).
            differs_from: Option<OneOrMany<Spanned<String>>>,
            /// What separates the elements of a claim that is a text. The claims `scope` and `scp` are separated by spaces.
            #[cfg_attr(test, schemars(length(min = 1, max = 1)))]
            separator: Option<Spanned<String>>,
            /// The issuer whose tokens alone show this.
            #[cfg_attr(test, schemars(extend("format" = "mcpctl-http-url")))]
            issuer: Option<Spanned<String>>,
            /// The OAuth scope that a step-up challenge asks for. Where it is absent and the claim is `scope` or `scp`, the text
            /// of `contains`, unless it has a placeholder. An approval is never asked for by a scope.
            #[cfg_attr(test, schemars(length(min = 1)))]
            scope: Option<Spanned<String>>,
            /// An argument of the tool call: its name, or the path to it. All conditions that stand beside it must hold.
            argument: Option<OneOrMany<Spanned<String>>>,
            /// The smallest number that the argument may be.
            at_least: Option<Spanned<NumberWord>>,
            /// The largest number that the argument may be.
            at_most: Option<Spanned<NumberWord>>,
            /// The values that the argument may be; or values of which the claim is one, or has one as an element.
            #[cfg_attr(test, schemars(length(min = 1)))]
            one_of: Option<Vec<Spanned<ScalarWord>>>,
            /// The text that the argument must be, as a whole; `*` is any text, and nothing else is special.
            #[cfg_attr(test, schemars(length(min = 1)))]
            matches: Option<Spanned<String>>,
            /// The claim (a name, or the path to it) that the argument must equal.
            equals_claim: Option<OneOrMany<Spanned<String>>>,
            /// A call that the same caller made before, as `server/tool`: it was let through, and answered without an error.
            #[cfg_attr(test, schemars(extend("pattern" = "^[A-Za-z0-9_.-]+/[^*]+$")))]
            called: Option<Spanned<String>>,
            /// How long ago that call was answered, at most.
            within: Option<Spanned<Duration>>,
            /// What fields of its answer must be: a text, a whole number, `true` or `false`. A field inside of another is `a.b`.
            #[serde(default)]
            answer: BTreeMap<Spanned<String>, Spanned<AnswerWord>>,
            /// Arguments of the call that is decided, each with the field of the earlier answer that it must equal.
            #[serde(default)]
            same: BTreeMap<Spanned<String>, Spanned<String>>,
            $($more)*
        }
    };
}

pieces! {
    /// A piece of evidence. One of `claim`, `argument` and `called`.
    #[cfg_attr(test, schemars(extend("oneOf" = [{"required": ["claim"]}, {"required": ["argument"]}, {"required": ["called"]}])))]
    struct PieceEntry {}
}

pieces! {
    /// How a fact is found. One of `caller`, `claim`, `argument`, `called` and `all`.
    #[cfg_attr(test, schemars(extend("oneOf" = [{"required": ["caller"]}, {"required": ["claim"]}, {"required": ["argument"]}, {"required": ["called"]}, {"required": ["all"]}])))]
    struct EvidenceEntry {
        /// Pieces of evidence that must all hold.
        #[cfg_attr(test, schemars(length(min = 1)))]
        all: Option<Vec<Spanned<PieceEntry>>>,
    }
}

impl EvidenceEntry {
    /// Where it names scopes.
    pub(super) fn scopes(&self) -> Vec<Loc> {
        let pieces = self.all.iter().flatten().filter_map(|piece| piece.value.scope.as_ref());
        self.scope.iter().chain(pieces).map(|scope| scope.loc).collect()
    }

    /// What it means. `loc` is where the fact is named.
    pub(super) fn evidence(self, out: &mut Lowering, loc: Loc, issuers: &[Issuer]) -> Evidence {
        let EvidenceEntry {
            caller,
            claim,
            contains,
            present,
            differs_from,
            separator,
            issuer,
            scope,
            argument,
            at_least,
            at_most,
            one_of,
            matches,
            equals_claim,
            called,
            within,
            answer,
            same,
            all,
        } = self;
        let alone = claim.is_none() && argument.is_none() && called.is_none();
        let mut rest = PieceEntry {
            caller,
            claim,
            contains,
            present,
            differs_from,
            separator,
            issuer,
            scope,
            argument,
            at_least,
            at_most,
            one_of,
            matches,
            equals_claim,
            called,
            within,
            answer,
            same,
        };
        let Some(all) = all else { return rest.evidence(out, loc, issuers) };
        let bound = rest.issuer.take().map(|issuer| Evidence::Issuer(declared_issuer(issuer, issuers, out)));
        if alone {
            rest.stray(out, loc, "all");
        }
        let pieces = all.into_iter().map(|piece| piece.value.evidence(out, piece.loc, issuers));
        Evidence::all(pieces.chain(bound).collect::<Vec<_>>())
    }
}

impl PieceEntry {
    fn evidence(mut self, out: &mut Lowering, loc: Loc, issuers: &[Issuer]) -> Evidence {
        out.model.written_evidence.push(self.written());
        let bound = self.issuer.take().map(|issuer| Evidence::Issuer(declared_issuer(issuer, issuers, out)));
        let found = if let Some(path) = self.claim.take() {
            self.of_claim(path, out, loc)
        } else if let Some(path) = self.argument.take() {
            self.of_argument(path, out, loc)
        } else if let Some(call) = self.called.take() {
            let (within, answer, same) =
                (self.within.take(), std::mem::take(&mut self.answer), std::mem::take(&mut self.same));
            self.stray(out, loc, "called");
            called::evidence(call, within, answer, same, out)
        } else {
            self.caller = None;
            self.stray(out, loc, "caller");
            Evidence::KnownCaller
        };
        Evidence::all(std::iter::once(found).chain(bound))
    }

    fn of_argument(mut self, path: OneOrMany<Spanned<String>>, out: &mut Lowering, loc: Loc) -> Evidence {
        let at = path.0.first().map_or(loc, |part| part.loc);
        let path = texts(path);
        let (least, most) = (self.at_least.take(), self.at_most.take());
        if let (Some(least), Some(most)) = (&least, &most)
            && least.value.0 > most.value.0
        {
            let message = format!("no number is at least {} and at most {}", least.value.0, most.value.0);
            out.report
                .push(Diagnostic::new(&rules::CONFLICTING_VALUES, least.loc, message).label(most.loc, "at most this"));
        }
        let bounds = least.as_ref().map(|least| least.loc).or(most.as_ref().map(|most| most.loc));
        let (at_least, at_most) = (least.map(|n| n.value.0), most.map(|n| n.value.0));
        let within = bounds.is_some().then_some(ArgumentTest::Within { at_least, at_most });
        let matches = self.matches.take();
        let pattern = matches.as_ref().map(|pattern| ArgumentTest::Matches(pattern.value.clone()));
        let mut tests = Vec::new();
        if let Some(listed) = self.one_of.take() {
            let first = listed.first().map_or(at, |first| first.loc);
            let others = [&within, &pattern];
            let fits = |value: &Scalar| others.iter().all(|test| test.as_ref().is_none_or(|test| test.accepts(value)));
            let mut values: Vec<Scalar> = Vec::new();
            for Spanned { value: ScalarWord(value), loc } in listed {
                if !fits(&value) {
                    let message = format!("`{value}` is listed here and excluded by another condition on the argument");
                    out.report.push(Diagnostic::new(&rules::CONFLICTING_VALUES, loc, message));
                } else if !values.contains(&value) {
                    values.push(value);
                }
            }
            if values.is_empty() {
                let message = "no value that is listed here satisfies the other conditions on the argument";
                out.report.push(Diagnostic::new(&rules::CONFLICTING_VALUES, first, message));
            } else {
                tests.push(ArgumentTest::OneOf(values));
            }
        } else {
            if let (Some(bounds), Some(matches)) = (bounds, &matches) {
                let message = "an argument that is a number has no text to match";
                out.report.push(
                    Diagnostic::new(&rules::CONFLICTING_VALUES, matches.loc, message).label(bounds, "a number by this"),
                );
            }
            tests.extend(within.into_iter().chain(pattern));
        }
        tests.extend(self.equals_claim.take().map(|claim| ArgumentTest::EqualsClaim(texts(claim))));
        self.stray(out, loc, "argument");
        if tests.is_empty() {
            let message = format!("the argument `{}` is not compared with anything", path.join("."));
            let finding = Diagnostic::new(&rules::EVIDENCE_WITHOUT_TEST, at, message);
            out.report.push(finding.help("write `one_of`, `at_least`, `at_most`, `matches` or `equals_claim`"));
            tests.push(ArgumentTest::Within { at_least: None, at_most: None });
        }
        Evidence::all(tests.into_iter().map(|test| Evidence::Argument(ArgumentEvidence { path: path.clone(), test })))
    }

    /// Reports every key that is still there: it has no meaning beside `kind`.
    fn stray(&self, out: &mut Lowering, loc: Loc, kind: &str) {
        let first = |many: &Option<OneOrMany<Spanned<String>>>| {
            many.as_ref().and_then(|many| many.0.first()).map(|one| one.loc)
        };
        let left: [(&str, Option<Loc>); 18] = [
            ("caller", self.caller.as_ref().map(|value| value.loc)),
            ("claim", first(&self.claim)),
            ("contains", self.contains.as_ref().map(|value| value.loc)),
            ("present", self.present.as_ref().map(|value| value.loc)),
            ("differs_from", first(&self.differs_from)),
            ("separator", self.separator.as_ref().map(|value| value.loc)),
            ("issuer", self.issuer.as_ref().map(|value| value.loc)),
            ("scope", self.scope.as_ref().map(|value| value.loc)),
            ("argument", first(&self.argument)),
            ("at_least", self.at_least.as_ref().map(|value| value.loc)),
            ("at_most", self.at_most.as_ref().map(|value| value.loc)),
            ("one_of", self.one_of.as_ref().map(|values| values.first().map_or(loc, |value| value.loc))),
            ("matches", self.matches.as_ref().map(|value| value.loc)),
            ("equals_claim", first(&self.equals_claim)),
            ("called", self.called.as_ref().map(|value| value.loc)),
            ("within", self.within.as_ref().map(|value| value.loc)),
            ("answer", self.answer.keys().next().map(|key| key.loc)),
            ("same", self.same.keys().next().map(|key| key.loc)),
        ];
        for (key, place) in left {
            if let Some(place) = place {
                let message = format!("`{key}` has no meaning beside `{kind}`");
                out.report.push(Diagnostic::new(&rules::CONFLICTING_VALUES, place, message));
            }
        }
    }
}

fn texts(many: OneOrMany<Spanned<String>>) -> Vec<String> {
    many.0.into_iter().map(|part| part.value).collect()
}
