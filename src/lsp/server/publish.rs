//! Says what is found, file by file, and that it is found no more.

use std::path::{Path, PathBuf};

use lsp_types::notification::{Notification as _, PublishDiagnostics};
use lsp_types::{Diagnostic, PublishDiagnosticsParams};
use serde_json::Value;

use super::Server;
use crate::lsp::findings::{Places, by_file, unread};
use crate::lsp::own::{MANY_FILES, of_file};
use crate::lsp::uri::uri_of;
use crate::lsp::view::uri_in;
use crate::settings;
use crate::workspace::is_cedar;

impl Server<'_> {
    /// Publishes the findings of a workspace.
    pub(super) fn publish_all(&mut self, root: &Path) {
        let Some(project) = self.projects.get(root) else { return };
        let open = self.roots.iter().filter(|(_, other)| *other == root).map(|(path, _)| path.clone());
        let before = self.published.keys().filter(|path| path.starts_with(root)).cloned();
        let mut files: Vec<(PathBuf, Vec<Diagnostic>)> = match (&project.analysis, &project.failed) {
            (Some(analysis), _) => {
                let uri = |name: &str| uri_in(project, &self.documents, name);
                let mut places = Places::new(analysis, self.client.encoding, &uri);
                let docs_url = analysis.settings.docs_url.as_deref().or(self.host.docs_url.as_deref());
                let found = by_file(analysis, &mut places, docs_url);
                found.into_iter().map(|(name, found)| (project.path_of(&name), found)).collect()
            }
            // What is not known to be right is not shown as right.
            (None, Some(why)) => open.clone().map(|path| (path, vec![unread(why)])).collect(),
            (None, None) => Vec::new(),
        };
        let clean: Vec<PathBuf> =
            open.chain(before).filter(|path| files.iter().all(|(known, _)| known != path)).collect();
        files.extend(clean.into_iter().map(|path| (path, Vec::new())));
        files.sort_by(|a, b| a.0.cmp(&b.0));
        files.dedup_by(|a, b| a.0 == b.0);
        for (path, found) in files {
            let version = self.documents.get(&path).map(|document| document.version);
            self.publish(&path, version, found);
        }
    }

    /// Publishes what is known of a file in a large workspace before the whole is analysed.
    pub(super) fn publish_own(&mut self, path: &Path) {
        let project = self.roots.get(path).and_then(|root| self.projects.get(root));
        let (Some(project), Some(document)) = (project, self.documents.get(path)) else { return };
        let analysis = project.analysis.as_ref().filter(|analysis| analysis.sources.len() >= MANY_FILES);
        let (Some(analysis), Some((id, file))) = (analysis, project.file(path)) else { return };
        if is_cedar(file.name()) || file.name() == settings::FILE_NAME {
            return;
        }
        let uri = |name: &str| uri_in(project, &self.documents, name);
        let docs_url = analysis.settings.docs_url.as_deref().or(self.host.docs_url.as_deref());
        let found = of_file((analysis, id), &document.text, (self.client.encoding, &uri), docs_url);
        let version = document.version;
        if let Some(found) = found {
            self.publish(path, Some(version), found);
        }
    }

    /// Publishes the findings of a file, unless the client has the same ones for the same text.
    pub(super) fn publish(&mut self, path: &Path, version: Option<i32>, diagnostics: Vec<Diagnostic>) {
        let known = self.published.get(path);
        let news = known.map_or(!diagnostics.is_empty() || version.is_some(), |(before, found)| {
            *found != diagnostics || *before != version
        });
        let uri = self.documents.get(path).map(|document| document.uri.clone()).or_else(|| uri_of(path));
        let (true, Some(uri)) = (news, uri) else { return };
        if diagnostics.is_empty() && version.is_none() {
            self.published.remove(path);
        } else {
            self.published.insert(path.to_owned(), (version, diagnostics.clone()));
        }
        let params = serde_json::to_value(PublishDiagnosticsParams { uri, diagnostics, version });
        self.notify(PublishDiagnostics::METHOD, params.unwrap_or(Value::Null));
    }
}
