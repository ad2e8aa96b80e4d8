//! The loop: takes messages, keeps the open workspaces up to date, and tells the client what is found.

mod notifications;
mod publish;
mod requests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lsp_server::{Connection, ErrorCode, Message, Notification, Request, Response};
use lsp_types::Diagnostic;
use serde_json::Value;

use super::client::{Client, welcome};
use super::documents::Documents;
use super::project::{Project, root_of};
use super::{Ended, Host};
use crate::settings;

/// How long the next message may take to count as one that came together with the last. Keys that are pressed while an analysis runs
/// cost one analysis more, not one each.
const TOGETHER: Duration = Duration::from_millis(1);

/// Why a request has no answer.
pub(super) struct Refused {
    code: ErrorCode,
    message: String,
}

impl Refused {
    pub(super) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Before `initialize`.
    Starting,
    Running,
    /// After `shutdown`.
    Stopped,
}

/// What was published for a file: for which version of its text, and what.
type Published = (Option<i32>, Vec<Diagnostic>);

/// A run.
pub(super) struct Server<'h> {
    connection: &'h Connection,
    host: &'h Host<'h>,
    client: Client,
    phase: Phase,
    documents: Documents,
    /// The workspace of each open file.
    roots: BTreeMap<PathBuf, PathBuf>,
    projects: BTreeMap<PathBuf, Project<'h>>,
    published: BTreeMap<PathBuf, Published>,
    /// Open files whose texts have changed since the last analysis.
    typed: BTreeSet<PathBuf>,
    /// Whether the client is there: it takes messages.
    connected: bool,
}

impl<'h> Server<'h> {
    pub(super) fn new(connection: &'h Connection, host: &'h Host<'h>) -> Self {
        Self {
            connection,
            host,
            client: Client::default(),
            phase: Phase::Starting,
            documents: Documents::default(),
            roots: BTreeMap::new(),
            projects: BTreeMap::new(),
            published: BTreeMap::new(),
            typed: BTreeSet::new(),
            connected: true,
        }
    }

    pub(super) fn run(mut self) -> Ended {
        while let Some(message) = self.next() {
            match message {
                Message::Notification(note) if note.method == "exit" => {
                    return if self.phase == Phase::Stopped { Ended::Properly } else { Ended::Abruptly };
                }
                Message::Notification(note) => self.hear(note),
                Message::Request(request) => {
                    let response = self.respond(request);
                    self.send(response.into());
                }
                // To the one request that is sent, whose answer changes nothing.
                Message::Response(_) => {}
            }
            if !self.connected {
                break;
            }
        }
        Ended::Disconnected
    }

    /// The next message. What has changed is analysed when no message waits.
    fn next(&mut self) -> Option<Message> {
        if self.projects.values().any(Project::is_stale) {
            if let Ok(message) = self.connection.receiver.recv_timeout(TOGETHER) {
                return Some(message);
            }
            std::mem::take(&mut self.typed).iter().for_each(|path| self.publish_own(path));
            self.refresh();
        }
        self.connection.receiver.recv().ok()
    }

    fn send(&mut self, message: Message) {
        self.connected &= self.connection.sender.send(message).is_ok();
    }

    fn notify(&mut self, method: &str, params: Value) {
        self.send(Notification { method: method.to_owned(), params }.into());
    }

    fn respond(&mut self, request: Request) -> Response {
        let Request { id, method, params } = request;
        let answer = match (self.phase, method.as_str()) {
            (Phase::Starting, "initialize") => self.start(params),
            (Phase::Starting, _) => Err(Refused::new(ErrorCode::ServerNotInitialized, "`initialize` comes first")),
            (Phase::Stopped, _) => Err(Refused::new(ErrorCode::InvalidRequest, "the server is shut down")),
            (Phase::Running, "initialize") => Err(Refused::new(ErrorCode::InvalidRequest, "it is initialized already")),
            (Phase::Running, "shutdown") => {
                self.phase = Phase::Stopped;
                Ok(Value::Null)
            }
            (Phase::Running, method) => self.answer(method, params),
        };
        match answer {
            Ok(result) => Response::new_ok(id, result),
            Err(Refused { code, message }) => Response::new_err(id, code as i32, message),
        }
    }

    fn start(&mut self, params: Value) -> Result<Value, Refused> {
        let params = requests::parsed(params)?;
        self.client = Client::of(&params);
        self.phase = Phase::Running;
        requests::written(&welcome(&self.client))
    }

    /// The workspaces that are shown before any of their files is opened: the given one, and open folders with settings.
    fn open_folders(&mut self) {
        let reader = self.host.reader;
        let settled = |folder: &&PathBuf| reader.read(&folder.join(settings::FILE_NAME), 0).is_ok();
        let folders: Vec<PathBuf> =
            self.host.folder.iter().chain(self.client.folders.iter().filter(settled)).cloned().collect();
        for folder in folders {
            self.projects.entry(folder.clone()).or_insert_with(|| Project::new(folder, false, reader));
        }
    }

    /// Puts an open file into its workspace.
    fn place(&mut self, path: &Path) {
        let Some(text) = self.documents.get(path).map(|document| document.text.clone()) else { return };
        let reader = self.host.reader;
        let (root, alone) = root_of(path, self.host.folder.as_deref(), &self.client.folders, reader);
        if let Some(before) = self.roots.insert(path.to_owned(), root.clone())
            && before != root
        {
            self.leave(path, &before);
        }
        let project = self.projects.entry(root.clone()).or_insert_with(|| Project::new(root, alone, reader));
        project.set_text(path, &text);
        if !self.client.watches {
            project.reader.forget_all();
        }
    }

    /// Takes a file that is not open any more out of a workspace.
    fn leave(&mut self, path: &Path, root: &Path) {
        if let Some(project) = self.projects.get_mut(root) {
            project.reader.close(path);
            project.touch();
            if project.alone {
                self.projects.remove(root);
                self.publish(path, None, Vec::new());
            }
        }
    }

    /// Analyses what has changed, and says what is found.
    fn refresh(&mut self) {
        let host = self.host;
        self.typed.clear();
        let changed: Vec<PathBuf> = self
            .projects
            .iter_mut()
            .filter_map(|(root, project)| project.refresh(host).then(|| root.clone()))
            .collect();
        changed.iter().for_each(|root| self.publish_all(root));
    }
}
