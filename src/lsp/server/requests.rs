//! What the client asks.

use std::path::PathBuf;

use lsp_server::ErrorCode;
use lsp_types::request::{
    CodeActionRequest, Completion, DocumentSymbolRequest, Formatting, GotoDefinition, HoverRequest, InlayHintRequest,
    PrepareRenameRequest, References, Rename, Request as _,
};
use lsp_types::{
    CodeActionParams, CompletionParams, DocumentFormattingParams, DocumentSymbolParams, GotoDefinitionParams,
    HoverParams, InlayHintParams, ReferenceParams, RenameParams, TextDocumentPositionParams, Uri,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Refused, Server};
use crate::lsp::completion::{Known, completion};
use crate::lsp::position::Lines;
use crate::lsp::uri::path_of;
use crate::lsp::view::View;
use crate::lsp::{actions, hints, hover, layout, navigate, rename, symbols};
use crate::workspace::is_cedar;

/// Reads the parameters of a request.
pub(super) fn parsed<P: DeserializeOwned>(params: Value) -> Result<P, Refused> {
    serde_json::from_value(params).map_err(|error| Refused::new(ErrorCode::InvalidParams, error.to_string()))
}

/// Writes an answer.
pub(super) fn written<R: Serialize>(answer: &R) -> Result<Value, Refused> {
    serde_json::to_value(answer).map_err(|error| Refused::new(ErrorCode::InternalError, error.to_string()))
}

/// Answers a request of one method.
type Handler = fn(&mut Server<'_>, Value) -> Result<Value, Refused>;

/// The methods that are answered.
const METHODS: &[(&str, Handler)] = &[
    (GotoDefinition::METHOD, |server, params| server.definition(params)),
    (References::METHOD, |server, params| server.references(params)),
    (HoverRequest::METHOD, |server, params| server.hover(params)),
    (Completion::METHOD, |server, params| server.completion(params)),
    (CodeActionRequest::METHOD, |server, params| server.actions(params)),
    (PrepareRenameRequest::METHOD, |server, params| server.prepare_rename(params)),
    (Rename::METHOD, |server, params| server.rename(params)),
    (DocumentSymbolRequest::METHOD, |server, params| server.symbols(params)),
    (Formatting::METHOD, |server, params| server.formatting(params)),
    (InlayHintRequest::METHOD, |server, params| server.hints(params)),
];

impl Server<'_> {
    /// Answers a request.
    pub(super) fn answer(&mut self, method: &str, params: Value) -> Result<Value, Refused> {
        match METHODS.iter().find(|(name, _)| *name == method) {
            Some((_, handler)) => handler(self, params),
            None => Err(Refused::new(ErrorCode::MethodNotFound, format!("`{method}` is not a method of this server"))),
        }
    }

    /// Brings the workspace of a file up to date, and answers from it. `None` where the file is not part of one.
    fn in_view<R>(&mut self, uri: &Uri, answer: impl FnOnce(&View<'_>) -> R) -> Option<R> {
        self.refresh();
        let path: PathBuf = path_of(uri.as_str())?;
        let project = self.projects.get(self.roots.get(&path)?)?;
        let analysis = project.analysis.as_ref()?;
        let (file, source) = project.file(&path)?;
        let encoding = self.client.encoding;
        let docs_url = analysis.settings.docs_url.as_deref().or(self.host.docs_url.as_deref());
        let names = project.names();
        let lines = Lines::new(source.text(), encoding);
        let documents = &self.documents;
        Some(answer(&View { analysis, names, file, lines, encoding, project, documents, docs_url }))
    }

    fn definition(&mut self, params: Value) -> Result<Value, Refused> {
        let GotoDefinitionParams { text_document_position_params: at, .. } = parsed(params)?;
        let TextDocumentPositionParams { text_document, position } = at;
        written(&self.in_view(&text_document.uri, |view| navigate::definition(view, position)))
    }

    fn references(&mut self, params: Value) -> Result<Value, Refused> {
        let ReferenceParams { text_document_position: at, context, .. } = parsed(params)?;
        let TextDocumentPositionParams { text_document, position } = at;
        let all = context.include_declaration;
        written(&self.in_view(&text_document.uri, |view| navigate::references(view, position, all)))
    }

    fn hover(&mut self, params: Value) -> Result<Value, Refused> {
        let HoverParams { text_document_position_params: at, .. } = parsed(params)?;
        let markdown = self.client.markdown;
        let found = self.in_view(&at.text_document.uri, |view| hover::hover(view, at.position, markdown));
        written(&found.flatten())
    }

    /// Answers from the text as it is and from what was known before: somebody is typing and cannot wait.
    fn completion(&mut self, params: Value) -> Result<Value, Refused> {
        let CompletionParams { text_document_position: at, .. } = parsed(params)?;
        let Some(path) = path_of(at.text_document.uri.as_str()) else { return Ok(Value::Null) };
        let project = self.roots.get(&path).and_then(|root| self.projects.get(root));
        let (Some(project), Some(document)) = (project, self.documents.get(&path)) else { return Ok(Value::Null) };
        let (names, file) = (project.names(), project.name_of(&path).unwrap_or_default());
        let known = Known { analysis: project.analysis.as_ref(), names: &names, file: &file };
        let lines = Lines::new(&document.text, self.client.encoding);
        Ok(if is_cedar(&file) { Value::Null } else { completion(&known, &lines, at.position) })
    }

    fn actions(&mut self, params: Value) -> Result<Value, Refused> {
        let params: CodeActionParams = parsed(params)?;
        let versioned = self.client.versioned_edits;
        let found = self.in_view(&params.text_document.uri, |view| actions::actions(view, &params, versioned));
        Ok(found.into())
    }

    fn prepare_rename(&mut self, params: Value) -> Result<Value, Refused> {
        let TextDocumentPositionParams { text_document, position } = parsed(params)?;
        let found = self.in_view(&text_document.uri, |view| rename::prepared(view, position));
        found.unwrap_or(Ok(Value::Null)).map_err(refused)
    }

    fn rename(&mut self, params: Value) -> Result<Value, Refused> {
        let RenameParams { text_document_position: at, new_name, .. } = parsed(params)?;
        let (versioned, host) = (self.client.versioned_edits, self.host);
        let uri = at.text_document.uri;
        let found = self.in_view(&uri, |view| rename::rename(view, at.position, &new_name, versioned, host));
        found.unwrap_or(Ok(Value::Null)).map_err(refused)
    }

    fn symbols(&mut self, params: Value) -> Result<Value, Refused> {
        let DocumentSymbolParams { text_document, .. } = parsed(params)?;
        let nested = self.client.nested_symbols;
        Ok(self.in_view(&text_document.uri, |view| symbols::symbols(view, nested)).unwrap_or_default())
    }

    fn formatting(&mut self, params: Value) -> Result<Value, Refused> {
        let DocumentFormattingParams { text_document, .. } = parsed(params)?;
        let path = path_of(text_document.uri.as_str());
        let document = path.as_ref().and_then(|path| self.documents.get(path));
        let is_yaml = path.as_ref().and_then(|path| path.to_str()).is_some_and(|path| !is_cedar(path));
        let Some(document) = document.filter(|_| is_yaml) else { return Ok(Value::Null) };
        match layout::formatted(&document.text, self.client.encoding) {
            Some(edits) => written(&edits),
            None => {
                self.tell("mcpctl does not lay this file out: it has an error of syntax, or a merge key (`<<`)");
                Ok(Value::Null)
            }
        }
    }

    fn hints(&mut self, params: Value) -> Result<Value, Refused> {
        let InlayHintParams { text_document, range, .. } = parsed(params)?;
        written(&self.in_view(&text_document.uri, |view| hints::hints(view, range)))
    }
}

/// A request that is understood, and not done for a reason that the user is told.
fn refused(why: String) -> Refused {
    Refused::new(ErrorCode::RequestFailed, why)
}
