//! The command line, mostly in this process: the outside world is handed in, so it can be any outside world.

mod answers;
mod ask;
mod bundles;
mod cached;
mod compile;
mod diff;
mod environment;
mod explain;
mod fix;
mod formats;
mod gate;
mod graph;
mod handwritten;
mod host;
mod init;
mod issuers;
mod list;
mod many;
mod places;
mod print;
mod renames;
mod report;
mod resources;
mod review;
mod several;
mod since;
mod suppressed;
mod test;
mod trust;
mod validate;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use mcpctl::bundle::write::Disk as BundleDisk;
use mcpctl::cli::{self, Host};
use mcpctl::workspace::Reader;
use mcpctl::{bundle, workspace};

/// A command line and the world it runs in.
struct Call<'a> {
    args: Vec<OsString>,
    stdin: &'a [u8],
    env: &'a [(&'a str, &'a str)],
    terminal: bool,
    built_from: Option<&'static str>,
    reader: &'a dyn Reader,
    disk: &'a dyn BundleDisk,
}

/// What came out.
#[derive(Debug)]
struct Ran {
    code: u8,
    out: String,
    err: String,
}

fn mcpctl<'a>(args: &[&str]) -> Call<'a> {
    let args = std::iter::once("mcpctl").chain(args.iter().copied()).map(OsString::from).collect();
    let (reader, disk) = (&workspace::Disk, &bundle::write::FileSystem);
    Call { args, stdin: b"", env: &[], terminal: false, built_from: None, reader, disk }
}

impl<'a> Call<'a> {
    fn arg(mut self, arg: impl AsRef<std::ffi::OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    fn args(self, args: &[&str]) -> Self {
        args.iter().fold(self, Call::arg)
    }

    fn stdin(self, stdin: &'a str) -> Self {
        Self { stdin: stdin.as_bytes(), ..self }
    }

    fn env(self, env: &'a [(&'a str, &'a str)]) -> Self {
        Self { env, ..self }
    }

    fn built_from(self, revision: &'static str) -> Self {
        Self { built_from: Some(revision), ..self }
    }

    fn terminal(self) -> Self {
        Self { terminal: true, ..self }
    }

    fn reader(self, reader: &'a dyn Reader) -> Self {
        Self { reader, ..self }
    }

    fn disk(self, disk: &'a dyn BundleDisk) -> Self {
        Self { disk, ..self }
    }

    /// Runs it. The folders that are given stand in front of no path of the output; `places.rs` is about these.
    fn run(self) -> Ran {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let given: Vec<PathBuf> = self.args.iter().map(PathBuf::from).filter(|path| path.exists()).collect();
        let code = self.run_into(&mut out, &mut err);
        let text = |bytes| String::from_utf8(bytes).expect("output is text");
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut shown = text(out);
        for path in given {
            let folder = if path.is_file() { path.parent().unwrap_or(&path) } else { &path };
            for folder in [folder, folder.strip_prefix(here).unwrap_or(folder)] {
                if !folder.as_os_str().is_empty() && folder != Path::new(".") {
                    shown = shown.replace(&format!("{}/", folder.display()), "");
                }
            }
        }
        Ran { code, out: shown, err: text(err) }
    }

    fn run_into(self, stdout: &mut dyn Write, stderr: &mut dyn Write) -> u8 {
        let Self { args, mut stdin, env, terminal, built_from, reader, disk } = self;
        let env = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
        cli::run(
            args,
            Host {
                stdin: &mut stdin,
                stdout,
                stderr,
                stdout_is_terminal: terminal,
                stderr_is_terminal: terminal,
                env: &env,
                reader,
                disk,
                built_from,
            },
        )
    }
}

impl Ran {
    /// Checks the exit code, and shows everything where it is another.
    #[track_caller]
    fn code(self, code: u8) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// A run that could not be made: nothing on standard output, and an error that says this.
    #[track_caller]
    fn refused(self, saying: &str) -> Self {
        let ran = self.code(2);
        assert_eq!(ran.out, "");
        assert!(ran.err.contains(saying), "{saying:?} is not in:\n{}", ran.err);
        ran
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).expect("standard output is JSON")
    }
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder for the test");
    for (name, text) in files {
        put(folder.path(), name, text);
    }
    folder
}

fn put(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder can be made");
    std::fs::write(path, text).expect("a file can be written");
}

/// A workspace as `mcpctl init` makes it: free of findings.
fn good() -> tempfile::TempDir {
    let folder = folder(&[]);
    mcpctl(&["init", "--quiet"]).arg(folder.path()).run().code(0);
    folder
}

/// One error, in `bad.yaml` at 2:1.
const BAD: &str = "# a comment\nno_such_family: {}\n";

/// A writer that fails.
struct Failing(io::ErrorKind);

impl Write for Failing {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Err(self.0.into())
    }
}
