//! What the claims of a token must show for a caller and its facts.

use std::collections::BTreeSet;

use super::{Rules, is, is_not};
use crate::diagnostic::Diagnostic;
use crate::model::access::evidence::SPIFFE;
use crate::model::access::placeholder::filled;
use crate::model::access::{ClaimTest, Evidence};
use crate::policy::{Object, Principal, PrincipalId};
use crate::targets::access::istio::api::security::When;
use crate::targets::access::istio::claims::{ACT_HEADER, delegation, exact, key};
use crate::targets::cluster::ServerPlace;

/// How the caller shows in the token.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shown {
    /// As `sub`, with nobody acting.
    Subject,
    /// As `act.sub`.
    Actor,
    /// As `act.sub`, with another one as `sub`.
    ActorFor(String),
    /// As `sub`, with nobody acting, and it is none of the declared principals; of this unit.
    OtherSubject(Option<String>),
    /// As `act.sub`, and it is none of the declared principals; of this unit.
    OtherActor(Option<String>),
}

/// A claim that a rule asks for beside the caller's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Asked {
    pub(super) key: String,
    pub(super) values: Option<Vec<String>>,
    pub(super) not_values: Option<Vec<String>>,
}

impl Asked {
    fn is(key: String, values: Vec<String>) -> Self {
        Self { key, values: Some(values), not_values: None }
    }

    pub(super) fn when(&self) -> When {
        When { key: self.key.clone(), values: self.values.clone(), not_values: self.not_values.clone() }
    }
}

/// Claims that a rule asks for beside the caller's.
pub(super) type Claims = BTreeSet<Asked>;

impl<'a> Rules<'a> {
    /// The issuers that may speak for a principal.
    pub(super) fn issuers(&self, principal: &Principal) -> Vec<String> {
        let all = self.model.identity.iter().flat_map(|identity| &identity.issuers);
        let mut those: Vec<String> = all
            .filter(|issuer| issuer.caller.is_none() && principal.is_spoken_for_by(issuer))
            .map(|issuer| issuer.issuer.value.clone())
            .collect();
        those.sort();
        those.dedup();
        those
    }

    fn unit_claim(&self) -> Option<&'a str> {
        let identity = self.model.identity.as_ref()?;
        identity.business_unit_claim.as_ref().map(|claim| claim.value.as_str())
    }

    /// The ways in which the caller can show, where a set of facts must hold.
    pub(super) fn shown(&self, principal: &Principal, subject: Option<&str>, set: u64) -> Vec<Shown> {
        match (&principal.id, subject) {
            // Nothing in a token could name its unit.
            (PrincipalId::AnyAgent(Some(_)), _) if self.unit_claim().is_none() => Vec::new(),
            (PrincipalId::AnyAgent(unit), _) => {
                let unit = unit.as_ref().map(|unit| unit.to_string());
                vec![Shown::OtherSubject(unit.clone()), Shown::OtherActor(unit)]
            }
            (PrincipalId::Agent(_) | PrincipalId::Flow(_), None) => Vec::new(),
            (PrincipalId::Agent(_) | PrincipalId::Flow(_), Some(subject)) if set & self.delegations != 0 => {
                vec![Shown::ActorFor(subject.to_owned())]
            }
            (PrincipalId::Agent(_) | PrincipalId::Flow(_), Some(_)) => vec![Shown::Subject, Shown::Actor],
        }
    }

    /// The claims that show a set of facts; `None` where no token can.
    pub(super) fn claims(
        &self,
        set: u64,
        object: &Object,
        place: &ServerPlace<'_>,
    ) -> Result<Option<Claims>, Box<Diagnostic>> {
        let mut claims = Claims::new();
        for (_, evidence) in self.evidence.iter().filter(|(bit, _)| set & bit != 0) {
            let claim = match evidence {
                // The gateway in front asks for the connection that it was called through; callers are known by the rule.
                Evidence::Transport | Evidence::KnownCaller => continue,
                Evidence::Argument(_) | Evidence::Called(_) | Evidence::All(_) => return Ok(None),
                Evidence::Issuer(issuer) => {
                    claims.insert(Asked::is(key(["iss"]), vec![exact(issuer, "the issuer", place.loc())?]));
                    continue;
                }
                Evidence::NotWorkload => {
                    let others = self.declared.iter().filter(|subject| !subject.starts_with(SPIFFE)).cloned();
                    let not_values = std::iter::once(format!("{SPIFFE}*")).chain(others).collect();
                    claims.insert(Asked {
                        key: key(["sub"]),
                        values: Some(vec!["*".to_owned()]),
                        not_values: Some(not_values),
                    });
                    continue;
                }
                Evidence::Claim(_) if delegation(evidence) => continue,
                Evidence::Claim(claim) => claim,
            };
            let key = key(claim.path.iter().map(String::as_str));
            match &claim.test {
                ClaimTest::Present => drop(claims.insert(Asked::is(key, vec!["*".to_owned()]))),
                ClaimTest::Contains(_) => {
                    let unit = place.server.unit.as_ref().map(|unit| unit.value.as_str());
                    let texts =
                        claim.test.texts().filter_map(|text| filled(text, object.server.as_str(), object.tool(), unit));
                    let texts = texts.map(|text| exact(&text, "the text of a claim", place.loc()));
                    let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
                    if texts.is_empty() {
                        return Ok(None);
                    }
                    claims.insert(Asked::is(key, texts));
                }
                ClaimTest::Is(_) | ClaimTest::DiffersFrom(_) => return Ok(None),
            }
        }
        Ok(Some(claims))
    }

    /// The conditions that name the callers.
    pub(super) fn who(&self, shown: &Shown, issuers: &[String], subjects: BTreeSet<String>) -> Vec<When> {
        let subject = key(["sub"]);
        let actor = key(["act", "sub"]);
        let unit_claim = self.unit_claim();
        let mut when = vec![is(&key(["iss"]), issuers.iter().cloned())];
        let nobody_acts = || {
            // A token that has `act` without a subject in it names nobody. The header tells, since the claim is an object.
            [is_not(&actor, ["*".to_owned()]), is_not(&format!("request.headers[{ACT_HEADER}]"), ["*".to_owned()])]
        };
        let another = |key: &str| When {
            key: key.to_owned(),
            values: Some(vec!["*".to_owned()]),
            not_values: Some(self.declared.clone()).filter(|declared| !declared.is_empty()),
        };
        let of_unit = |unit: &Option<String>| {
            unit.as_ref().zip(unit_claim).map(|(unit, claim)| is(&key([claim]), [unit.clone()]))
        };
        match shown {
            Shown::Subject => {
                when.push(is(&subject, subjects));
                when.extend(nobody_acts());
            }
            Shown::Actor => when.push(is(&actor, subjects)),
            Shown::ActorFor(name) => {
                when.push(is(&actor, [name.clone()]));
                let not_values = Some(vec![name.clone()]);
                when.push(When { key: subject, values: Some(vec!["*".to_owned()]), not_values });
            }
            Shown::OtherSubject(unit) => {
                when.push(another(&subject));
                when.extend(nobody_acts());
                when.extend(of_unit(unit));
            }
            Shown::OtherActor(unit) => {
                when.push(another(&actor));
                when.extend(of_unit(unit));
            }
        }
        when
    }
}
