//! What the gateway denies of the protocol, whatever the server and whoever calls: read by putting every kind of message to it.

use std::collections::BTreeSet;

use super::matcher::Matcher;
use super::{unexpected, within};
use crate::lift::LiftError;
use crate::lift::access::probe::{
    Call, Http, Issued, Message, Outcome, Peer, Request, Shape, Shown, Source, Token, Tree, explore,
};
use crate::lift::access::protocol::{BOTH, NOTIFICATION, SESSION, SILENT, STATELESS, STATELESS_ALONE, has};
use crate::model::Model;
use crate::model::deployment::Listen;
use crate::model::protocol::REVISIONS;
use crate::model::url::Url;

type Read<T> = Result<T, LiftError>;

/// Where a gateway listens that has no settings.
const LISTEN: (&str, u16) = ("0.0.0.0", 8443);

/// What a gateway is known by.
pub(super) struct Known<'a> {
    pub(super) model: &'a Model,
    /// The unit; `None` for the central gateway.
    pub(super) unit: Option<&'a str>,
    /// Whether it speaks TLS.
    pub(super) encrypted: bool,
}

/// Texts that messages are made from: those of the protocol, and whatever the filter compares them with.
#[derive(Default)]
struct Texts {
    methods: BTreeSet<String>,
    revisions: BTreeSet<String>,
    origins: BTreeSet<String>,
}

impl Known<'_> {
    /// That the filter lets through exactly the messages that their revision has, of revisions that are accepted and of pages that
    /// may call, and which are one thing.
    pub(super) fn check(&self, filter: &Matcher) -> Read<()> {
        let own = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let mut texts = Texts::default();
        texts.methods.extend(own(&BOTH).into_iter().chain(own(&SESSION)).chain(own(&STATELESS_ALONE)));
        let near = ["\u{1}x", "ping\u{1}", "Ping", "notifications", "__jsonrpc_response", "sampling/createMessage"];
        texts.methods.extend(own(&near).into_iter().chain([format!("{NOTIFICATION}\u{1}x")]));
        texts.revisions.extend(own(&REVISIONS).into_iter().chain(own(&["", "1999-01-01", "2026-07-28,2025-11-25"])));
        texts.origins.extend(self.origins().into_iter().chain(own(&["", "null", "https://\u{1}stranger"])));
        let mut put = BTreeSet::new();
        loop {
            let before = put.len();
            for call in texts.calls() {
                let shown = format!("{call:?}");
                if !put.insert(shown.clone()) {
                    continue;
                }
                let (allowed, compared) =
                    allows(filter, call.clone()).map_err(|error| within("the protocol", error))?;
                if allowed != self.may_pass(&call) {
                    let what = if allowed { "let through" } else { "denied" };
                    return Err(unexpected(format!("the message {shown} is {what}, whatever the server says")));
                }
                texts.add(compared);
            }
            if put.len() == before {
                return Ok(());
            }
        }
    }

    fn may_pass(&self, call: &Call) -> bool {
        let accepted = self.model.deployment.accepted_revisions();
        let begins = call.http == Http::Post && call.shape == Shape::Request && call.method == "initialize";
        let revision = match call.revision.as_deref() {
            None => accepted.contains(&SILENT) || begins && accepted.iter().any(|revision| *revision != STATELESS),
            Some(revision) => accepted.contains(&revision),
        };
        let stateless = call.revision.as_deref() == Some(STATELESS);
        let message = match (call.http, call.shape) {
            (Http::Post, Shape::Request) => has(stateless, &call.method),
            (Http::Post, Shape::Response | Shape::ErrorResponse) | (Http::Get | Http::Delete, _) => !stateless,
            (Http::Post, _) => false,
        };
        revision && message && call.origin.as_ref().is_none_or(|origin| self.origins().contains(origin))
    }

    /// The origins that may call: the gateway's own, the central one's, and those of the settings.
    fn origins(&self) -> BTreeSet<String> {
        let Self { model, unit, encrypted } = self;
        let settings = model.deployment.envoy.as_ref();
        let own = unit.and_then(|name| model.topology.units.values().find(|unit| unit.name.value.as_str() == name));
        let url = match unit {
            None => model.topology.central_gateway.as_ref(),
            Some(_) => own.and_then(|unit| unit.gateway.as_ref()),
        };
        let listens = || {
            let gateway = settings.and_then(|settings| settings.gateways.of(unit.unwrap_or("central")));
            let at = gateway.and_then(|gateway| gateway.listen.as_ref()).map(|listen| listen.value.clone());
            let Listen { host, port } = at.unwrap_or(Listen { host: LISTEN.0.to_owned(), port: LISTEN.1 });
            Url { scheme: if *encrypted { "https" } else { "http" }, host: &host, port: Some(port) }.origin()
        };
        let central = model.topology.central_gateway.as_ref();
        let of = |url: &str| Url::parse(url).map(|url| url.origin());
        let own = url.map_or_else(|| Some(listens()), |url| of(&url.value));
        let more = settings.into_iter().flat_map(|settings| &settings.origins).map(|origin| origin.value.to_string());
        own.into_iter().chain(central.and_then(|url| of(&url.value))).chain(more).collect()
    }
}

impl Texts {
    /// Every message in every revision; and one of them of every origin.
    fn calls(&self) -> Vec<Call> {
        let mut calls: Vec<Call> = self.methods.iter().map(|method| Call::post(method)).collect();
        calls.extend([Http::Get, Http::Delete].map(Call::bodiless));
        let odd = [Shape::Response, Shape::ErrorResponse, Shape::AnotherCase].into_iter().chain(Shape::SEVERAL);
        calls.extend(odd.map(|shape| Call { shape, ..Call::post("ping") }));
        calls.push(Call { shape: Shape::Mismatched, ..Call::post("tools/call") });
        let revisions = || self.revisions.iter().map(|revision| Some(revision.clone())).chain([None]);
        let of_revisions = |call: Call| revisions().map(move |revision| Call { revision, ..call.clone() });
        let mut calls: Vec<Call> = calls.into_iter().flat_map(of_revisions).collect();
        let origins = self.origins.iter().map(|origin| Some(origin.clone()));
        let listed = || of_revisions(Call::post("tools/list"));
        calls.extend(origins.flat_map(|origin| listed().map(move |call| Call { origin: origin.clone(), ..call })));
        calls
    }

    /// Takes in what the filter compares messages with.
    fn add(&mut self, compared: Vec<(Source<'static>, String)>) {
        for (source, text) in compared {
            match source {
                Source::Method => drop(self.methods.insert(text)),
                Source::Revision => drop(self.revisions.insert(text)),
                Source::Origin => drop(self.origins.insert(text)),
                Source::Name
                | Source::Uri
                | Source::ReferredType
                | Source::ReferredName
                | Source::ReferredUri
                | Source::SubscribedUri(_)
                | Source::Issuer
                | Source::Claim(_)
                | Source::Peer => {}
            }
        }
    }
}

/// Whether the filter lets a message through, with what it compared it with.
fn allows(filter: &Matcher, call: Call) -> Read<(bool, Vec<(Source<'static>, String)>)> {
    let tests = Vec::new();
    let mut tree = Tree::default();
    let message = tree.part(Message { call, tests: &tests });
    let (token, issuer) = (tree.part(Token::default()), tree.part(Issued { by: None, always: 0, never: 0 }));
    let shown = tree.part(Shown { peer: Peer::Open, subject: None });
    let request = Request { message: &message, token: &token, issuer: &issuer, shown: &shown };
    let mut outcome = Outcome::default();
    explore(&mut tree, request, (0, 0), &|probe| Ok(filter.allows(probe)), &mut outcome)?;
    let compared = tree.compared().map(|(source, text)| (source.clone().owned(), text)).collect();
    Ok((outcome.lets_any(), compared))
}
