//! `--cache-dir`: the outcome of a run that read what an earlier one read.
//!
//! An entry is found by the options and the folder of a run. It records what the run asked of the file system, and its outcome
//! counts only on the same day, for the same program, and while every answer is still the same. An entry that is corrupt, or that
//! another program wrote, is replaced.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Validate;
use crate::cli::load::folder_name;
use crate::cli::output::Output;
use crate::cli::refusal::{self, Refusal};
use crate::cli::{ColorChoice, Exit, Outcome, Session, formats, place, today};
use crate::workspace::recorded::{Record, Recorded};

/// What every entry begins with: the form of entries, whose number changes with it.
const FORM: &str = "mcpctl validate 1\n";

/// A run and its outcome.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    /// The program and the day.
    by: String,
    record: Record,
    out: String,
    err: String,
    files: Vec<(PathBuf, String)>,
    findings: bool,
}

/// Runs it, or gives the outcome that a run would have.
///
/// # Errors
/// Where the folder of the cache cannot be one, and those of the run.
pub fn through(folder: &Path, validate: &Validate, session: &mut Session<'_>) -> Outcome {
    let folder = session.globals.at(folder);
    std::fs::create_dir_all(&folder).map_err(|error| Refusal::write(&folder, error))?;
    let (Some(key), Some(by)) = (key(validate, session), by(validate)) else { return validate.once(session) };
    let file = folder.join(key);
    if let Some(entry) = read(&file).filter(|entry| entry.by == by && entry.record.holds(session.reader)) {
        return give(&entry, session);
    }
    let recorded = Recorded::new(session.reader);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = {
        let stream = |to, like: &Output<'_>| {
            let choice = if like.color() { ColorChoice::Always } else { ColorChoice::Never };
            Output::new(to, like.is_terminal(), choice, session.env)
        };
        let mut inner = Session {
            globals: session.globals.clone(),
            out: stream(&mut out, &session.out),
            err: stream(&mut err, &session.err),
            stdin: &mut *session.stdin,
            reader: &recorded,
            disk: session.disk,
            env: session.env,
        };
        validate.once(&mut inner)
    };
    session.out.write_all(&out).and_then(|()| session.out.flush()).map_err(refusal::stdout)?;
    session.err.write_all(&err).map_err(refusal::stderr)?;
    let exit = exit?;
    if let Some(entry) = entry((by, recorded.record()), (&out, &err), exit, session) {
        write(&file, &entry, session)?;
    }
    Ok(exit)
}

/// The outcome as an entry. There is none of a run that could not read everything, or that wrote to something other than files.
fn entry(
    (by, record): (String, Record),
    (out, err): (&[u8], &[u8]),
    exit: Exit,
    session: &Session<'_>,
) -> Option<Entry> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    let mut files = Vec::new();
    for (_, file) in &session.globals.files {
        let file = session.globals.at(file);
        if !file.is_file() {
            return None;
        }
        files.push((file.clone(), text(&std::fs::read(&file).ok()?)?));
    }
    let findings = match exit {
        Exit::Clean => false,
        Exit::Findings => true,
        Exit::Failed => return None,
    };
    Some(Entry { by, record, out: text(out)?, err: text(err)?, files, findings })
}

fn give(entry: &Entry, session: &mut Session<'_>) -> Outcome {
    session.out.write_all(entry.out.as_bytes()).and_then(|()| session.out.flush()).map_err(refusal::stdout)?;
    for (file, text) in &entry.files {
        formats::write_file(file, text.as_bytes())?;
    }
    session.err.write_all(entry.err.as_bytes()).map_err(refusal::stderr)?;
    Ok(if entry.findings { Exit::Findings } else { Exit::Clean })
}

/// Which program this is, and the day that waivers are judged by. `None` where that cannot be said.
fn by(validate: &Validate) -> Option<String> {
    let program = std::env::current_exe().ok()?;
    let about = program.metadata().ok()?;
    let day = validate.today.clone().unwrap_or_else(today::today);
    Some(format!("{} {} {:?} {day}", env!("CARGO_PKG_VERSION"), about.len(), about.modified().ok()?))
}

/// A digest of what was asked: the options, and where from. `None` where that cannot be said.
fn key(validate: &Validate, session: &Session<'_>) -> Option<String> {
    let globals = &session.globals;
    let root = globals.at(&validate.source.path);
    let formats = std::iter::once(globals.format).chain(globals.files.iter().map(|(format, _)| *format));
    let shown: Vec<String> = formats.map(|format| place::shown_below(&root, format)).collect();
    let parts = [
        format!("{:?}", std::env::current_dir().ok()?),
        format!("{:?} {:?}", root.canonicalize().ok()?, folder_name(&root)),
        format!("{validate:?}"),
        format!("{:?} {:?} {:?} {:?}", globals.format, globals.files, globals.directory, globals.environment),
        format!("{} {}", globals.all, globals.quiet),
        format!("{} {} {shown:?}", session.out.color(), session.err.color()),
    ];
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    Some(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// An entry as bytes: its form, a digest of the rest, the rest.
fn packed(entry: &Entry) -> Option<Vec<u8>> {
    let text = serde_json::to_string(entry).ok()?;
    Some(format!("{FORM}{:x}\n{text}", Sha256::digest(&text)).into_bytes())
}

fn unpacked(bytes: &[u8]) -> Option<Entry> {
    let text = std::str::from_utf8(bytes).ok()?.strip_prefix(FORM)?;
    let (digest, text) = text.split_once('\n')?;
    if digest != format!("{:x}", Sha256::digest(text)) {
        return None;
    }
    serde_json::from_str(text).ok()
}

fn read(file: &Path) -> Option<Entry> {
    unpacked(&std::fs::read(file).ok()?)
}

/// A cache that cannot be written to costs time and nothing else, so the run ends as it would without one.
fn write(file: &Path, entry: &Entry, session: &mut Session<'_>) -> Result<(), Vec<miette::Report>> {
    let Some(bytes) = packed(entry) else { return Ok(()) };
    match formats::write_file(file, &bytes) {
        Ok(()) => Ok(()),
        Err(refused) => session.say(&format!("the cache was not written: {refused}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_corrupt_or_foreign_entry_is_none() {
        let files = vec![("out.sarif".into(), "{}".to_owned())];
        let entry = Entry {
            by: "me".into(),
            record: Record::default(),
            out: "a\n".into(),
            err: "b\n".into(),
            files,
            findings: true,
        };
        let bytes = packed(&entry).unwrap();
        assert_eq!(unpacked(&bytes).as_ref(), Some(&entry));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(unpacked(&changed), None, "byte {at}");
            assert_eq!(unpacked(&bytes[..at]), None, "cut at {at}");
        }
        assert_eq!(unpacked(b""), None);
    }
}
