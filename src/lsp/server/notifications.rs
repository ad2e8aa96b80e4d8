//! What the client says: files that open, change and close, here and on the disk.

use std::path::Path;

use lsp_server::{Notification, Request};
use lsp_types::notification::{
    DidChangeTextDocument, DidChangeWatchedFiles, DidChangeWorkspaceFolders, DidCloseTextDocument, DidOpenTextDocument,
    DidSaveTextDocument, Initialized, Notification as _,
};
use lsp_types::{
    DidChangeTextDocumentParams, DidChangeWatchedFilesParams, DidChangeWorkspaceFoldersParams,
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, DidSaveTextDocumentParams, FileChangeType, MessageType,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Phase, Server};
use crate::lsp::uri::path_of;
use crate::settings;

/// The files that the client is asked to watch.
const WATCHED: &str = "**/*.{yaml,yml,cedar,json}";

fn parsed<P: DeserializeOwned>(params: Value) -> Option<P> {
    serde_json::from_value(params).ok()
}

impl Server<'_> {
    /// Takes a notification. One that is not known, or that cannot be read, changes nothing.
    pub(super) fn hear(&mut self, note: Notification) {
        if self.phase != Phase::Running {
            return;
        }
        let heard = match note.method.as_str() {
            Initialized::METHOD => {
                self.initialized();
                Some(())
            }
            DidOpenTextDocument::METHOD => parsed(note.params).map(|params| self.opened(params)),
            DidChangeTextDocument::METHOD => parsed(note.params).map(|params| self.changed(params)),
            DidCloseTextDocument::METHOD => parsed(note.params).map(|params| self.closed(&params)),
            DidSaveTextDocument::METHOD => parsed(note.params).map(|params| self.saved(&params)),
            DidChangeWatchedFiles::METHOD => parsed(note.params).map(|params| self.watched(&params)),
            DidChangeWorkspaceFolders::METHOD => parsed(note.params).map(|params| self.folders(&params)),
            _ => Some(()),
        };
        if heard.is_none() {
            self.log(&format!("the parameters of `{}` cannot be read", note.method));
        }
    }

    /// Writes a line into the client's log.
    pub(super) fn log(&mut self, message: &str) {
        self.notify("window/logMessage", json!({ "type": MessageType::WARNING, "message": message }));
    }

    /// Shows a line to the user.
    pub(super) fn tell(&mut self, message: &str) {
        self.notify("window/showMessage", json!({ "type": MessageType::INFO, "message": message }));
    }

    fn initialized(&mut self) {
        if self.client.watches {
            let watchers = json!({ "watchers": [{ "globPattern": WATCHED }] });
            let registration =
                json!({ "id": "files", "method": DidChangeWatchedFiles::METHOD, "registerOptions": watchers });
            let params = json!({ "registrations": [registration] });
            let method = "client/registerCapability".to_owned();
            self.send(Request { id: "watch".to_owned().into(), method, params }.into());
        }
        self.open_folders();
    }

    fn opened(&mut self, params: DidOpenTextDocumentParams) {
        if let Some(path) = self.documents.open(params.text_document) {
            self.place(&path);
        }
    }

    fn changed(&mut self, params: DidChangeTextDocumentParams) {
        let document = params.text_document;
        let Some(path) = path_of(document.uri.as_str()) else { return };
        let text = self.documents.change(&path, document.version, params.content_changes, self.client.encoding);
        let project = self.roots.get(&path).and_then(|root| self.projects.get_mut(root));
        if let (Some(text), Some(project)) = (text, project) {
            project.set_text(&path, text);
            self.typed.insert(path);
        }
    }

    fn closed(&mut self, params: &DidCloseTextDocumentParams) {
        let Some(path) = path_of(params.text_document.uri.as_str()) else { return };
        self.documents.close(&path);
        if let Some(root) = self.roots.remove(&path) {
            self.leave(&path, &root);
        }
    }

    fn saved(&mut self, params: &DidSaveTextDocumentParams) {
        let path = path_of(params.text_document.uri.as_str());
        let Some(root) = path.and_then(|path| self.roots.get(&path)).filter(|_| !self.client.watches) else { return };
        // Nobody says what else has changed on the disk.
        if let Some(project) = self.projects.get_mut(root) {
            project.reader.forget_all();
            project.touch();
        }
    }

    fn watched(&mut self, params: &DidChangeWatchedFilesParams) {
        let mut settled = false;
        for event in &params.changes {
            let Some(path) = path_of(event.uri.as_str()) else { continue };
            for project in self.projects.values_mut().filter(|project| path.starts_with(&project.root)) {
                project.reader.forget(&path);
                if event.typ != FileChangeType::CHANGED || is_settings(&path) {
                    project.reader.forget_walks();
                }
                project.touch();
            }
            settled |= is_settings(&path) && event.typ != FileChangeType::CHANGED;
        }
        if settled {
            // Files may be of other workspaces now.
            self.place_all();
        }
    }

    fn folders(&mut self, params: &DidChangeWorkspaceFoldersParams) {
        let gone: Vec<_> = params.event.removed.iter().filter_map(|folder| path_of(folder.uri.as_str())).collect();
        self.client.folders.retain(|folder| !gone.contains(folder));
        self.client.folders.extend(params.event.added.iter().filter_map(|folder| path_of(folder.uri.as_str())));
        self.place_all();
    }

    fn place_all(&mut self) {
        let open: Vec<_> = self.documents.iter().map(|(path, _)| path.to_owned()).collect();
        open.iter().for_each(|path| self.place(path));
        self.open_folders();
    }
}

fn is_settings(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == settings::FILE_NAME)
}
