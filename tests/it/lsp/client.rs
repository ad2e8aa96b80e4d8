//! A client that says what it is told to say, and waits for answers no longer than a test may.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The longest that an answer may take, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// A server and what it said.
pub(super) struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    messages: Receiver<Value>,
    next: i32,
    /// The last findings that were published, by URI.
    pub(super) published: BTreeMap<String, Vec<Value>>,
    /// All that was published, one after the other.
    pub(super) history: Vec<(String, Vec<Value>)>,
    /// Other notifications, and requests.
    pub(super) said: Vec<Value>,
}

impl Client {
    pub(super) fn start(args: &[&str], folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_mcpctl"))
            .arg("lsp")
            .args(args)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            while let Some(message) = read(&mut stdout) {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        Self { child, stdin, messages, next: 0, published: BTreeMap::new(), history: Vec::new(), said: Vec::new() }
    }

    pub(super) fn initialize(&mut self, folder: &Path, capabilities: &Value) -> Value {
        let folders = json!([{"uri": uri(folder), "name": "workspace"}]);
        let params =
            json!({"processId": null, "rootUri": null, "capabilities": capabilities, "workspaceFolders": folders});
        let welcome = self.request("initialize", params).unwrap();
        self.notify("initialized", json!({}));
        welcome
    }

    pub(super) fn send(&mut self, message: &Value) {
        let text = message.to_string();
        self.raw(&format!("Content-Length: {}\r\n\r\n{text}", text.len()));
    }

    pub(super) fn raw(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        // A server that is gone takes nothing any more; the test sees what it ended with.
        let _ = stdin.write_all(text.as_bytes()).and_then(|()| stdin.flush());
    }

    pub(super) fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Sends a request and gives back its answer, or its error.
    pub(super) fn request(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        self.next += 1;
        let id = self.next;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        let until = Instant::now() + PATIENCE;
        loop {
            let message = self.wait(until);
            if message["id"] == id && message.get("method").is_none() {
                return match message.get("error") {
                    Some(error) => Err(error.clone()),
                    None => Ok(message["result"].clone()),
                };
            }
            self.take(message);
        }
    }

    /// Takes messages until something holds.
    pub(super) fn until(&mut self, holds: impl Fn(&Self) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !holds(self) {
            let message = self.wait(until);
            self.take(message);
        }
    }

    fn wait(&mut self, until: Instant) -> Value {
        let left = until.saturating_duration_since(Instant::now());
        match self.messages.recv_timeout(left) {
            Ok(message) => message,
            Err(why) => panic!("{why}: {:?}, {}", self.child.try_wait(), self.stderr()),
        }
    }

    fn take(&mut self, message: Value) {
        if message["method"] == "textDocument/publishDiagnostics" {
            let params = &message["params"];
            let found = params["diagnostics"].as_array().unwrap().clone();
            let uri = params["uri"].as_str().unwrap().to_owned();
            self.history.push((uri.clone(), found.clone()));
            self.published.insert(uri, found);
        } else {
            self.said.push(message);
        }
    }

    fn stderr(&mut self) -> String {
        let mut text = String::new();
        if self.child.try_wait().unwrap().is_some() {
            self.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        }
        text
    }

    /// Says no more, and gives back what the server ends with, and what it writes for people.
    pub(super) fn end(&mut self) -> (Option<i32>, String) {
        self.stdin = None;
        let until = Instant::now() + PATIENCE;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < until, "the server does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
        let status = self.child.wait().unwrap();
        (status.code(), self.stderr())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(from: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if from.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}
