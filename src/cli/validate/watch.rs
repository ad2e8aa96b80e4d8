//! `--watch`: the same run again whenever something changes that it reads.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use notify::{RecursiveMode, Watcher};

use super::Validate;
use crate::cli::output::Output;
use crate::cli::refusal::{self, Refusal};
use crate::cli::{ColorChoice, Exit, Outcome, Session, today};
use crate::workspace::recorded::{Record, Recorded};

/// An editor writes a file in several steps, and a checkout writes many: a run begins when there was rest for so long.
const REST: Duration = Duration::from_millis(100);
/// How often the date is looked at, by which waivers are judged.
const DAY: Duration = Duration::from_secs(60);

/// Runs it, and again after each change, until the process is ended or nobody reads the output any more.
///
/// # Errors
/// Where the first run could not be made, or the system cannot watch folders.
pub fn watch(validate: &Validate, session: &mut Session<'_>) -> Outcome {
    if validate.source.is_stdin() {
        let message = "`--watch` runs again when files change, and standard input is read once".to_owned();
        return Err(Refusal::Usage { message, help: "give the path of a file or a workspace".into() }.into());
    }
    let (tell, told) = mpsc::channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading a file is an event, too, and changes nothing.
        if event.is_ok_and(|event| !event.kind.is_access()) {
            let _ended = tell.send(());
        }
    })
    .map_err(refused)?;
    let mut watched: BTreeSet<PathBuf> = BTreeSet::new();
    loop {
        let day = today::today();
        let record = run(validate, watched.is_empty(), session)?;
        if session.out.is_closed() {
            return Ok(Exit::Clean);
        }
        let first = watched.is_empty();
        for place in record.places() {
            // A folder may be gone again; what holds it is watched as well.
            if place.is_dir() && watched.insert(place.to_owned()) {
                watcher.watch(place, RecursiveMode::Recursive).map_err(refused)?;
            }
        }
        if first {
            session.say("watching for changes; Ctrl-C ends it")?;
            session.err.flush().map_err(refusal::stderr)?;
        }
        // Something may have changed before it was watched.
        while record.holds(session.reader) && day == today::today() {
            rest(&told);
        }
    }
}

/// Waits for a change, and then for rest; or until it is time to look at the date.
fn rest(told: &Receiver<()>) {
    if told.recv_timeout(DAY).is_ok() {
        while told.recv_timeout(REST) != Err(RecvTimeoutError::Timeout) {}
    }
}

/// One run. What keeps a later one from being made is said, and the next change may remove it.
fn run(validate: &Validate, first: bool, session: &mut Session<'_>) -> Result<Record, Vec<miette::Report>> {
    let recorded = Recorded::new(session.reader);
    if !first && session.out.is_terminal() {
        // Clears the screen, so that findings of the run before are gone.
        session.out.write_all(b"\x1b[2J\x1b[H").map_err(refusal::stdout)?;
    }
    let terminals = (session.out.is_terminal(), session.err.is_terminal());
    let choice = |color: bool| if color { ColorChoice::Always } else { ColorChoice::Never };
    let choices = (choice(session.out.color()), choice(session.err.color()));
    let outcome = validate.once(&mut Session {
        globals: session.globals.clone(),
        out: Output::new(&mut session.out, terminals.0, choices.0, session.env),
        err: Output::new(&mut session.err, terminals.1, choices.1, session.env),
        stdin: &mut *session.stdin,
        reader: &recorded,
        disk: session.disk,
        env: session.env,
    });
    match outcome {
        Err(reports) if first => return Err(reports),
        Err(reports) => {
            reports.iter().try_for_each(|report| session.err.complain(report.as_ref())).map_err(refusal::stderr)?;
        }
        Ok(_) => (),
    }
    session.out.flush().map_err(refusal::stdout)?;
    session.err.flush().map_err(refusal::stderr)?;
    Ok(recorded.record())
}

fn refused(error: notify::Error) -> Vec<miette::Report> {
    Refusal::Stream { what: "watch the folders", source: std::io::Error::other(error) }.into()
}
