//! `called`: evidence in an earlier call of the same caller.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

use crate::diagnostic::Diagnostic;
use crate::lower::{Lowering, rules};
use crate::model::access::{AnswerTest, CalledEvidence, Evidence};
use crate::model::name::{ServerName, ToolName};
use crate::model::quantity::Duration;
use crate::source::Spanned;

/// What a field of an answer must be.
#[derive(Debug, Clone)]
pub(super) struct AnswerWord(AnswerTest);

impl<'de> Deserialize<'de> for AnswerWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;
        impl Visitor<'_> for Word {
            type Value = AnswerWord;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a whole number, `true` or `false`")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<AnswerWord, E> {
                Ok(AnswerWord(AnswerTest::Text(text.to_owned())))
            }
            fn visit_bool<E: de::Error>(self, truth: bool) -> Result<AnswerWord, E> {
                Ok(AnswerWord(AnswerTest::Truth(truth)))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<AnswerWord, E> {
                Ok(AnswerWord(AnswerTest::Number(number)))
            }
        }
        deserializer.deserialize_any(Word)
    }
}

#[cfg(test)]
impl schemars::JsonSchema for AnswerWord {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AnswerWord".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": ["string", "integer", "boolean"] })
    }
}

/// The evidence. Where something is amiss it is reported, and what is left is evidence that nothing shows.
pub(super) fn evidence(
    call: Spanned<String>,
    within: Option<Spanned<Duration>>,
    answer: BTreeMap<Spanned<String>, Spanned<AnswerWord>>,
    same: BTreeMap<Spanned<String>, Spanned<String>>,
    out: &mut Lowering,
) -> Evidence {
    let within = match within {
        Some(within) if within.value.0 > 0 => within.value,
        found => {
            let loc = found.as_ref().map_or(call.loc, |found| found.loc);
            let message = match found.is_some() {
                true => "`within` must be longer than nothing".to_owned(),
                false => format!("the call `{call}` needs `within`: how long ago it was answered, at most"),
            };
            out.report.push(Diagnostic::new(&rules::CONFLICTING_VALUES, loc, message));
            Duration(0)
        }
    };
    let (server, tool) = call.value.split_once('/').unwrap_or((&call.value, ""));
    let (server, tool) = (ServerName::from(server), ToolName::from(tool));
    out.mention(Spanned::new(server.clone(), call.loc), "called before, as evidence");
    out.model.called_before.push(call);
    Evidence::Called(CalledEvidence {
        server,
        tool,
        within,
        answer: answer.into_iter().map(|(field, test)| (field.value, test.value.0)).collect(),
        same: same.into_iter().map(|(argument, field)| (argument.value, field.value)).collect(),
    })
}
