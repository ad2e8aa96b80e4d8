//! `--format FORMAT` and `--format FORMAT=FILE`: one format for standard output, and any number of files.

use std::path::{Component, Path, PathBuf};

use clap::ValueEnum;
use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::ErrorKind;

use super::Globals;
use super::refusal::Refusal;
use crate::render::Format;

/// One `--format` as given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The format.
    pub format: Format,
    /// The file to write it to; standard output without one.
    pub file: Option<PathBuf>,
}

/// Reads `FORMAT` and `FORMAT=FILE`.
#[derive(Debug, Clone, Copy)]
pub struct GivenParser;

impl TypedValueParser for GivenParser {
    type Value = Given;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<Given, clap::Error> {
        let (name, file) = match value.to_str().and_then(|text| text.split_once('=')) {
            Some((name, file)) => (std::ffi::OsStr::new(name), Some(file)),
            None => (value, None),
        };
        let format = clap::builder::EnumValueParser::<Format>::new().parse_ref(command, argument, name)?;
        if file == Some("") {
            let message = format!("`--format {}=` names no file\n", value.to_string_lossy().trim_end_matches('='));
            return Err(clap::Error::raw(ErrorKind::ValueValidation, message).with_cmd(command));
        }
        Ok(Given { format, file: file.map(PathBuf::from) })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(Format::value_variants().iter().filter_map(ValueEnum::to_possible_value)))
    }
}

/// What a command can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// Findings, also to files.
    Findings,
    /// A comparison, also to files.
    Comparison,
    /// Answers, on standard output.
    Answers,
}

/// Chooses the format of standard output and of each file.
///
/// # Errors
/// Where two formats are for one place, or the command does not write a format.
pub fn settle(globals: &mut Globals, writes: Writes) -> Result<(), Refusal> {
    let usage = |message: String, help: &str| Refusal::Usage { message, help: help.to_owned() };
    let mut on_output = None;
    for given in globals.formats.clone() {
        let word = given.format.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        if given.format.is_of_diff() && writes != Writes::Comparison {
            let message = "only `mcpctl diff` writes this format".to_owned();
            return Err(usage(message, "`mcpctl validate --help` lists those of findings"));
        }
        if given.format.is_of_findings() && writes == Writes::Answers {
            let message = format!("`{word}` is a format of findings, and this command gives answers");
            return Err(usage(message, "write human, short, json or github"));
        }
        let Some(file) = given.file else {
            if on_output.replace(given.format).is_some() {
                let message = "standard output has one format, and several are given".to_owned();
                return Err(usage(message, "write the others to files: `--format sarif=findings.sarif`"));
            }
            continue;
        };
        if writes == Writes::Answers {
            let message = "this command writes to standard output alone".to_owned();
            return Err(usage(message, "`validate`, `compile` and `diff` write formats to files"));
        }
        let parts = |path: &Path| path.components().filter(|part| *part != Component::CurDir).collect::<PathBuf>();
        if globals.files.iter().any(|(_, other)| parts(other) == parts(&file)) {
            let message = format!("two formats are for the file `{}`", file.display());
            return Err(usage(message, "give each format a file of its own"));
        }
        globals.files.push((given.format, file));
    }
    globals.format = on_output.unwrap_or_default();
    Ok(())
}

/// Writes a file as a whole or not at all.
///
/// # Errors
/// Where it cannot be written.
pub fn write_file(file: &Path, text: &[u8]) -> Result<(), Refusal> {
    let refuse = |error| Refusal::write(file, error);
    // A pipe or a device such as /dev/stderr is written to and not replaced; of a link, what it leads to is replaced.
    if std::fs::metadata(file).is_ok_and(|known| !known.is_file()) {
        return std::fs::write(file, text).map_err(refuse);
    }
    let real = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let file = real.as_path();
    let name =
        file.file_name().ok_or_else(|| refuse(std::io::Error::other("a path to a file has a name at its end")))?;
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}", std::process::id()));
    let beside = file.with_file_name(beside);
    // What was there keeps its permissions.
    let permit = || match std::fs::metadata(file) {
        Ok(known) => std::fs::set_permissions(&beside, known.permissions()),
        Err(_) => Ok(()),
    };
    std::fs::write(&beside, text).and_then(|()| permit()).and_then(|()| std::fs::rename(&beside, file)).map_err(
        |error| {
            let _removed = std::fs::remove_file(&beside);
            refuse(error)
        },
    )
}
