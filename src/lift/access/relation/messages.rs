//! All messages that are put to a product about one server: made once, for all callers.

use super::suggested::Further;
use super::{Before, Question};
use crate::lift::access::probe::{Asked, Call, FactTests, Issued, Message, Peer, Shown, Tree};
use crate::model::name::ServerName;
use crate::policy::{Object, ObjectKind};

/// The messages about one server, and who may have issued the token that comes with them.
pub(super) struct Messages<'s, 'a> {
    /// Each object that is decided, with the messages that mean it.
    pub(super) objects: Vec<(&'s Object, u32, Vec<Asked<Message<'s>>>)>,
    /// The lists of resources.
    pub(super) readable: Vec<Asked<Message<'s>>>,
    /// The list of prompts.
    pub(super) prompts: Vec<Asked<Message<'s>>>,
    /// What nobody may send.
    pub(super) forbidden: Vec<Asked<Message<'s>>>,
    /// The issuers; none at all where the model has none.
    pub(super) issuers: Vec<Asked<Issued<'a>>>,
    /// The certificate of the gateway before this one, where there is one: nobody else's is taken then.
    pub(super) before: Option<Asked<Shown<'s>>>,
    /// Those of all principals, where certificates are decided, with their subjects.
    pub(super) principals: Vec<(&'a str, Asked<Shown<'s>>)>,
    /// Those of gateways, and of others that the rules know.
    pub(super) gateways: Vec<Asked<Shown<'s>>>,
}

impl<'s> Messages<'s, '_> {
    /// What undeclared callers are tried with: what means an object, and what nobody may send where the product tells
    /// that apart.
    pub(super) fn for_strangers(&self, tells_apart: bool) -> impl Iterator<Item = &Asked<Message<'s>>> {
        let forbidden = self.forbidden.iter().filter(move |_| tells_apart);
        self.objects.iter().flat_map(|(_, _, messages)| messages).chain(forbidden)
    }
}

/// How facts show: in requests for each object, and in any other.
pub(super) struct AllTests {
    objects: Vec<FactTests>,
    other: FactTests,
}

impl<'a> Question<'a> {
    pub(super) fn all_tests(&self, server: &ServerName, objects: &[(&Object, u32)]) -> AllTests {
        AllTests {
            objects: objects.iter().map(|(object, _)| self.tests(object)).collect(),
            other: self.tests(&Object { server: server.clone(), kind: ObjectKind::Protocol }),
        }
    }

    pub(super) fn messages<'s>(
        &'s self,
        server: &ServerName,
        objects: &[(&'s Object, u32)],
        tests: &'s AllTests,
        further: &Further,
        tree: &Tree,
    ) -> Messages<'s, 'a> {
        let parts = |calls: Vec<Call>, tests: &'s FactTests| -> Vec<_> {
            calls.into_iter().map(|call| tree.part(Message { call, tests })).collect()
        };
        let listing = |methods: &[&str], decided: bool| -> Vec<Call> {
            methods.iter().filter(|_| decided).map(|method| Call::post(method)).collect()
        };
        // What the entry of the server denies is forbidden to everybody, whatever it would mean otherwise.
        let denied = |call: &Call| self.denied(server, call);
        let readable = listing(&["resources/list", "resources/templates/list"], self.decided.resources);
        let prompts = listing(&["prompts/list"], self.decided.prompts);
        let lists = |calls: &[Call]| parts(calls.iter().filter(|call| !denied(call)).cloned().collect(), &tests.other);
        let each = objects.iter().zip(&tests.objects);
        // A certificate that names somebody in particular says nothing of the caller.
        let named = |name: &str| tree.part(Shown { peer: Peer::Named(name.to_owned()), subject: None });
        let before = match self.before {
            Before::Callers => None,
            Before::Gateway(identity) => Some(named(identity)),
        };
        let decided = self.decided.certificates && before.is_none() && self.transport.1 != 0;
        let subjects = self.policy.principals.iter().filter_map(|principal| principal.subject.as_deref());
        let patterns = objects.iter().filter_map(|(object, _)| match &object.kind {
            ObjectKind::Resource(pattern) => Some(pattern.as_str()),
            ObjectKind::Protocol | ObjectKind::Tool(_) | ObjectKind::Prompt(_) => None,
        });
        let forbidden = self.forbidden(patterns).into_iter().chain(self.crossed(objects));
        let mut forbidden: Vec<Call> = forbidden.chain(further.forbidden.iter().cloned()).collect();
        let all_calls = |object: &Object, index: u32| {
            let more = further.of_objects.iter().filter(move |(of, _)| *of == index).map(|(_, call)| call.clone());
            self.calls(&object.kind).into_iter().chain(more)
        };
        let calls = |object: &Object, index: u32| all_calls(object, index).filter(|call| !denied(call)).collect();
        forbidden.extend(objects.iter().flat_map(|(object, index)| all_calls(object, *index)).filter(denied));
        forbidden.extend(readable.iter().chain(&prompts).filter(|call| denied(call)).cloned());
        let gateways = self.gateways.iter().filter(|_| decided).chain(&further.peers);
        Messages {
            objects: each
                .map(|((object, index), tests)| (*object, *index, parts(calls(object, *index), tests)))
                .filter(|(_, _, messages)| !messages.is_empty())
                .collect(),
            readable: lists(&readable),
            prompts: lists(&prompts),
            forbidden: parts(forbidden, &tests.other),
            issuers: self.issuers().into_iter().map(|issuer| tree.part(issuer)).collect(),
            before,
            principals: subjects.filter(|_| decided).map(|name| (name, named(name))).collect(),
            gateways: gateways.map(|name| named(name)).collect(),
        }
    }
}
